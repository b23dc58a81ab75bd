/** Compiles graphs with Apache TVM. */
module dev.qnet.target.tvm {
    requires dev.qnet.compiler;
    requires static org.jspecify;

    exports dev.qnet.target.tvm;
}

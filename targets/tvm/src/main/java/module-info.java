/** Compiles graphs with Apache TVM. */
module dev.qnet.target.tvm {
    requires com.fasterxml.jackson.databind;
    requires dev.qnet.compiler;
    requires dev.qnet.runtime;
    requires static org.jspecify;

    exports dev.qnet.target.tvm;
}

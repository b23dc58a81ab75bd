/** Compiles graphs to JVM bytecode. */
module dev.qnet.target.jvm {
    requires dev.qnet.compiler;
    requires dev.qnet.runtime;
    requires org.objectweb.asm;
    requires java.compiler;
    requires static org.jspecify;

    exports dev.qnet.target.jvm;
}

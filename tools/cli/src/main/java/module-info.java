/** The command line. */
module dev.qnet.cli {
    requires com.fasterxml.jackson.databind;
    requires dev.qnet.compiler;
    requires dev.qnet.formats;
    requires dev.qnet.runtime;
    requires dev.qnet.target.jvm;
    requires dev.qnet.training;
    requires dev.qnet.target.tvm;
    requires info.picocli;
    requires java.desktop;
    requires static jdk.incubator.vector;
    requires static org.jspecify;

    opens dev.qnet.cli to
            info.picocli;
}

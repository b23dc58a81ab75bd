/** What a deployed model needs: the JDK and nothing else. */
module dev.qnet.runtime {
    requires static jdk.incubator.vector;
    requires static org.jspecify;

    exports dev.qnet.runtime;
    exports dev.qnet.runtime.io;
    exports dev.qnet.runtime.kernel;
}

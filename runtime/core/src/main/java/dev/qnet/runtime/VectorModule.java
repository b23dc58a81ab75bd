package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Says once a JVM, on standard error, that models run without the Vector API although they could use it. The system
 * property {@code dev.qnet.kernels=scalar} asks for plain Java, and thereby silences the line.
 */
final class VectorModule {
    private static final AtomicBoolean TOLD = new AtomicBoolean();

    private VectorModule() {}

    /** The best backend of this JVM. */
    static Backend backend() {
        boolean missing = ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty();
        boolean unasked = System.getProperty(Backend.PROPERTY) == null;
        if (missing && unasked && TOLD.compareAndSet(false, true)) {
            System.err.println("qnet: the module jdk.incubator.vector is missing, so models run slower, with the same"
                    + " results; start java with --add-modules jdk.incubator.vector (or with -D" + Backend.PROPERTY
                    + "=scalar to be silent)");
        }
        return Backend.selected();
    }
}

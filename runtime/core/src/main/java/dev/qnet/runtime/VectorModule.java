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

    /**
     * The best backend of this JVM.
     *
     * @throws ModelException if the system property asks for what the JVM does not have
     */
    static Backend backend() {
        boolean unasked = System.getProperty(Backend.PROPERTY) == null;
        if (!Backend.vectorPresent() && unasked && TOLD.compareAndSet(false, true)) {
            System.err.println("qnet: the module jdk.incubator.vector is missing, so models run slower, with the same"
                    + " results; start java with --add-modules jdk.incubator.vector (or with -D" + Backend.PROPERTY
                    + "=scalar to be silent)");
        }
        return silentBackend();
    }

    /** As {@link #backend()}, without a word. */
    static Backend silentBackend() {
        try {
            return Backend.selected();
        } catch (IllegalStateException e) {
            throw new ModelException(String.valueOf(e.getMessage()), e);
        }
    }
}

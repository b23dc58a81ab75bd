package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Which of the two twins of a loop runs. Both give the same bytes. */
public enum Backend {
    /** Plain Java. */
    SCALAR,
    /** The Vector API; needs a JVM started with {@code --add-modules jdk.incubator.vector}. */
    VECTOR;

    /** The system property that overrides {@link #selected()}. */
    public static final String PROPERTY = "dev.qnet.kernels";

    private static volatile @Nullable Backend selected;

    /**
     * The backend of this JVM: {@link #VECTOR} where the module jdk.incubator.vector and vectors of at least 128 bits are present.
     * The system property {@value #PROPERTY}, read once, overrides: {@code scalar}, {@code vector}, or {@code 128}, {@code 256},
     * {@code 512} for vectors of so many bits.
     *
     * @throws IllegalStateException if the property asks for what the JVM does not have
     */
    public static Backend selected() {
        Backend b = selected;
        if (b == null) {
            b = select(System.getProperty(PROPERTY, ""));
            selected = b;
        }
        return b;
    }

    /** Whether this JVM has the module that {@link #VECTOR} needs. */
    public static boolean vectorPresent() {
        return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    }

    /** The loops of this backend. */
    Loops loops() {
        return switch (this) {
            case SCALAR -> ScalarLoops.INSTANCE;
            case VECTOR -> Vector.LOOPS;
        };
    }

    private static Backend select(String wanted) {
        return switch (wanted) {
            case "scalar" -> SCALAR;
            case "" -> vectorPresent() && Vector.WORTHWHILE ? VECTOR : SCALAR;
            case "vector", "128", "256", "512" -> {
                if (!vectorPresent()) {
                    throw new IllegalStateException(PROPERTY + "=" + wanted
                            + " needs the module jdk.incubator.vector: start java with --add-modules jdk.incubator.vector");
                }
                yield VECTOR;
            }
            default ->
                throw new IllegalStateException(
                        PROPERTY + "=" + wanted + ": expected scalar, vector, 128, 256 or 512");
        };
    }

    /** Initialized when first asked for, so that a JVM without the vector module never links what needs it. */
    private static final class Vector {
        static final boolean WORTHWHILE = Simd.worthwhile();
        static final Loops LOOPS = new SimdLoops();

        private Vector() {}
    }
}

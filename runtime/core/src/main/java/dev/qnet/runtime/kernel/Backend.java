package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Which of the twins of a loop runs. All give the same bytes. */
public enum Backend {
    /** Plain Java. */
    SCALAR,
    /** The Vector API; needs a JVM started with {@code --add-modules jdk.incubator.vector}. */
    VECTOR,
    /**
     * Plain Java at first, while the vector twins are compiled in the background: vector code is slow until then.
     * Needs what {@link #VECTOR} needs.
     */
    ADAPTIVE;

    /** The system property that overrides {@link #selected()}. */
    public static final String PROPERTY = "dev.qnet.kernels";

    private static volatile @Nullable Backend selected;

    /**
     * The backend of this JVM: {@link #ADAPTIVE} where the module jdk.incubator.vector is present; it stays with plain
     * Java on a machine without vectors worth it. The system property {@value #PROPERTY}, read once, overrides: {@code scalar}, {@code
     * adaptive}, {@code vector}, or {@code 128}, {@code 256}, {@code 512} for {@link #VECTOR} with vectors of so many
     * bits.
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

    /**
     * Says that a model has given an answer: {@link #ADAPTIVE} has vector code compiled from then on, not before, when
     * it would take time from that answer.
     */
    public static void answered() {
        Warmup.answered();
    }

    /** The loops of this backend. */
    Loops loops() {
        return switch (this) {
            case SCALAR -> ScalarLoops.INSTANCE;
            case VECTOR -> Vector.LOOPS;
            case ADAPTIVE -> Adaptive.LOOPS;
        };
    }

    private static Backend select(String wanted) {
        return switch (wanted) {
            case "scalar" -> SCALAR;
            case "" -> vectorPresent() ? ADAPTIVE : SCALAR;
            case "adaptive", "vector", "128", "256", "512" -> {
                if (!vectorPresent()) {
                    throw new IllegalStateException(PROPERTY + "=" + wanted
                            + " needs the module jdk.incubator.vector:"
                            + " start java with --add-modules jdk.incubator.vector");
                }
                int bits = Character.isDigit(wanted.charAt(0)) ? Integer.parseInt(wanted) : 128;
                if (bits > SimdShape.MACHINE_BITS) {
                    throw new IllegalStateException(PROPERTY + "=" + wanted + " asks for vectors of at least " + bits
                            + " bits; this machine has " + SimdShape.MACHINE_BITS);
                }
                yield wanted.equals("adaptive") ? ADAPTIVE : VECTOR;
            }
            default ->
                throw new IllegalStateException(
                        PROPERTY + "=" + wanted + ": expected scalar, adaptive, vector, 128, 256 or 512");
        };
    }

    /** Initialized when first asked for, so that a JVM without the vector module never links what needs it. */
    private static final class Vector {
        static final Loops LOOPS = new SimdLoops();

        private Vector() {}
    }

    private static final class Adaptive {
        static final Loops LOOPS = new AdaptiveLoops();

        private Adaptive() {}
    }
}

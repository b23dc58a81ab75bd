package dev.qnet.runtime.kernel;

import java.util.Locale;
import jdk.incubator.vector.VectorShape;

/** How large this JVM's vectors are; apart from {@link Simd}, whose initialization takes some 50 ms. */
final class SimdShape {
    /** Bits of the largest vector that the machine has, and that the kernels use. */
    static final int MACHINE_BITS = Math.min(VectorShape.preferredShape().vectorBitSize(), 512);

    /** Bits of a vector: 128, 256 or 512. */
    static final int BITS = bits();

    private SimdShape() {}

    /** Whether 32 vector registers can be counted on, else 16. */
    static boolean manyRegisters() {
        return BITS == 512 || !x86();
    }

    /** Whether vector code is worth running: before AVX2 an x86 has no fused multiply-add either. */
    static boolean worthwhile() {
        return BITS >= 256 || !x86();
    }

    private static boolean x86() {
        String arch = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        return arch.contains("amd64") || arch.contains("x86");
    }

    /** As the property asks, {@link Backend} checks that the machine can; the machine's own otherwise. */
    private static int bits() {
        return switch (System.getProperty(Backend.PROPERTY, "")) {
            case "128" -> Math.min(128, MACHINE_BITS);
            case "256" -> Math.min(256, MACHINE_BITS);
            default -> MACHINE_BITS;
        };
    }
}

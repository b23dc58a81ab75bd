package dev.qnet.runtime.kernel;

/** What has become of the kernels of this JVM, for tests in JVMs of their own. */
public final class WarmupReport {
    private WarmupReport() {}

    /** Whether vector code is worth running on this machine; without the vector module, the JVM cannot say. */
    public static boolean worthwhile() {
        return SimdShape.worthwhile();
    }

    /** Kernels in vectors that were made. */
    public static int made() {
        return Warmup.asked();
    }

    /** Those of them that run. */
    public static int tookOver() {
        return Warmup.tookOver();
    }

    /** Kernels and micro-kernels that threw something in the background. */
    public static int failures() {
        return Warmup.failures();
    }
}

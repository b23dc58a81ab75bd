package dev.qnet.cli.speed;

import java.util.function.IntConsumer;

/**
 * What one thread of this machine can do at most, as far as a JVM can use it.
 *
 * @param macs fused multiply-adds of singles a nanosecond, from registers
 * @param bytes that are read a nanosecond, from an array that the first level of the cache does not hold
 * @param vectors whether it was measured with vectors
 */
public record MachineSpeed(double macs, double bytes, boolean vectors) {
    /** Enough once the code is compiled; a busy machine takes longer to compile it. */
    private static final long LEAST_NANOS = 100_000_000;

    private static final long MOST_NANOS = 5_000_000_000L;
    /** HotSpot compiles a method well after so many calls. */
    private static final int LEAST_CALLS = 30_000;
    /** Calls of a sample: each is short, so that methods are soon called often. */
    private static final int CALLS = 16;

    private static final double FASTER = 0.9;
    /** Together beyond the first level of the cache, and within the second. */
    private static final int CHUNK_FLOATS = 1 << 12;

    private static final int SCALAR_STEPS = 64;
    private static final int SCALAR_CHAINS = 8;

    private static volatile float sink;

    /**
     * Measures: a fifth of a second, or longer where compiling takes longer.
     *
     * @param vectors whether the JVM has the module jdk.incubator.vector, and is to use it
     */
    public static MachineSpeed measure(boolean vectors) {
        float[][] chunks = new float[CALLS][CHUNK_FLOATS];
        double macs;
        double multiply;
        double read;
        if (vectors) {
            float[] small = new float[SimdPeak.room()];
            macs = SimdPeak.macs();
            multiply = best(i -> SimdPeak.multiply(small));
            read = best(i -> sink = SimdPeak.sum(chunks[i]));
        } else {
            macs = SCALAR_STEPS * SCALAR_CHAINS;
            multiply = best(i -> sink = multiply(0.999f, 0.001f));
            read = best(i -> sink = sum(chunks[i]));
        }
        return new MachineSpeed(macs / multiply, 4.0 * CHUNK_FLOATS / read, vectors);
    }

    /**
     * The shortest time of a call, by samples of {@value #CALLS}, once it no longer becomes shorter: what disturbs a
     * sample only makes it longer.
     */
    private static double best(IntConsumer work) {
        long begin = System.nanoTime();
        long best = Long.MAX_VALUE;
        long since = begin;
        int samples = 0;
        for (long before = begin; before - begin < MOST_NANOS; ) {
            for (int i = 0; i < CALLS; i++) {
                work.accept(i);
            }
            long after = System.nanoTime();
            long nanos = after - before;
            samples++;
            if (nanos < best) {
                since = nanos < best * FASTER ? after : since;
                best = nanos;
            }
            if (samples > LEAST_CALLS / CALLS && after - since > LEAST_NANOS) {
                break;
            }
            before = after;
        }
        return Math.max(1, best) / (double) CALLS;
    }

    private static float multiply(float p, float q) {
        float a = 0;
        float b = 1;
        float c = 2;
        float d = 3;
        float e = 4;
        float f = 5;
        float g = 6;
        float h = 7;
        for (int s = 0; s < SCALAR_STEPS; s++) {
            a = Math.fma(p, q, a);
            b = Math.fma(p, q, b);
            c = Math.fma(p, q, c);
            d = Math.fma(p, q, d);
            e = Math.fma(p, q, e);
            f = Math.fma(p, q, f);
            g = Math.fma(p, q, g);
            h = Math.fma(p, q, h);
        }
        return a + b + c + d + e + f + g + h;
    }

    private static float sum(float[] x) {
        float a = 0;
        float b = 0;
        float c = 0;
        float d = 0;
        for (int i = 0; i + 4 <= x.length; i += 4) {
            a += x[i];
            b += x[i + 1];
            c += x[i + 2];
            d += x[i + 3];
        }
        return a + b + c + d;
    }
}

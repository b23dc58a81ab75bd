package dev.qnet.cli.speed;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** What this machine does at most from the Vector API. Touched only where the JVM has its module. */
final class SimdPeak {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int STEPS = 64;
    private static final int CHAINS = 12;

    private SimdPeak() {}

    /** Multiply-adds of {@link #multiply}. */
    static long macs() {
        return (long) STEPS * CHAINS * F.length();
    }

    /** How long an array {@link #multiply} takes. */
    static int room() {
        return CHAINS * F.length();
    }

    /** Twelve chains of fused multiply-adds in registers: enough for all units at their latency. */
    static void multiply(float[] x) {
        int n = F.length();
        FloatVector p = FloatVector.broadcast(F, 0.999f);
        FloatVector q = FloatVector.broadcast(F, 0.001f);
        FloatVector a = FloatVector.fromArray(F, x, 0);
        FloatVector b = FloatVector.fromArray(F, x, n);
        FloatVector c = FloatVector.fromArray(F, x, 2 * n);
        FloatVector d = FloatVector.fromArray(F, x, 3 * n);
        FloatVector e = FloatVector.fromArray(F, x, 4 * n);
        FloatVector f = FloatVector.fromArray(F, x, 5 * n);
        FloatVector g = FloatVector.fromArray(F, x, 6 * n);
        FloatVector h = FloatVector.fromArray(F, x, 7 * n);
        FloatVector i = FloatVector.fromArray(F, x, 8 * n);
        FloatVector j = FloatVector.fromArray(F, x, 9 * n);
        FloatVector k = FloatVector.fromArray(F, x, 10 * n);
        FloatVector l = FloatVector.fromArray(F, x, 11 * n);
        for (int s = 0; s < STEPS; s++) {
            a = p.fma(q, a);
            b = p.fma(q, b);
            c = p.fma(q, c);
            d = p.fma(q, d);
            e = p.fma(q, e);
            f = p.fma(q, f);
            g = p.fma(q, g);
            h = p.fma(q, h);
            i = p.fma(q, i);
            j = p.fma(q, j);
            k = p.fma(q, k);
            l = p.fma(q, l);
        }
        FloatVector low = a.add(b).add(c).add(d).add(e).add(f);
        low.add(g).add(h).add(i).add(j).add(k).add(l).intoArray(x, 0);
    }

    /** Reads an array, of a multiple of four vectors. */
    static float sum(float[] x) {
        int n = F.length();
        FloatVector a = FloatVector.zero(F);
        FloatVector b = a;
        FloatVector c = a;
        FloatVector d = a;
        for (int i = 0; i <= x.length - 4 * n; i += 4 * n) {
            a = a.add(FloatVector.fromArray(F, x, i));
            b = b.add(FloatVector.fromArray(F, x, i + n));
            c = c.add(FloatVector.fromArray(F, x, i + 2 * n));
            d = d.add(FloatVector.fromArray(F, x, i + 3 * n));
        }
        return a.add(b).add(c.add(d)).lane(0);
    }
}

package dev.qnet.benchmarks.measure;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * As many fused multiply-adds of singles as the machine can do from the Vector API: twelve chains in registers, nothing
 * loaded. What kernels reach is told as a fraction of it.
 */
public final class FmaPeak implements Contestant {
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final int STEPS = 1024;
    private static final int CHAINS = 12;

    /** Multiply-adds of a run. */
    public static final long MACS = (long) STEPS * CHAINS * F.length();

    private final float[] starts = new float[CHAINS * F.length()];
    private final float[] sums = new float[F.length()];

    @Override
    public String name() {
        return "f32 FMA peak";
    }

    @Override
    public void run() {
        FloatVector x = FloatVector.broadcast(F, 0.999f);
        FloatVector y = FloatVector.broadcast(F, 0.001f);
        FloatVector a = FloatVector.fromArray(F, starts, 0 * F.length());
        FloatVector b = FloatVector.fromArray(F, starts, 1 * F.length());
        FloatVector c = FloatVector.fromArray(F, starts, 2 * F.length());
        FloatVector d = FloatVector.fromArray(F, starts, 3 * F.length());
        FloatVector e = FloatVector.fromArray(F, starts, 4 * F.length());
        FloatVector f = FloatVector.fromArray(F, starts, 5 * F.length());
        FloatVector g = FloatVector.fromArray(F, starts, 6 * F.length());
        FloatVector h = FloatVector.fromArray(F, starts, 7 * F.length());
        FloatVector i = FloatVector.fromArray(F, starts, 8 * F.length());
        FloatVector j = FloatVector.fromArray(F, starts, 9 * F.length());
        FloatVector k = FloatVector.fromArray(F, starts, 10 * F.length());
        FloatVector l = FloatVector.fromArray(F, starts, 11 * F.length());
        for (int n = 0; n < STEPS; n++) {
            a = x.fma(y, a);
            b = x.fma(y, b);
            c = x.fma(y, c);
            d = x.fma(y, d);
            e = x.fma(y, e);
            f = x.fma(y, f);
            g = x.fma(y, g);
            h = x.fma(y, h);
            i = x.fma(y, i);
            j = x.fma(y, j);
            k = x.fma(y, k);
            l = x.fma(y, l);
        }
        FloatVector low = a.add(b).add(c).add(d).add(e).add(f);
        low.add(g).add(h).add(i).add(j).add(k).add(l).intoArray(sums, 0);
    }
}

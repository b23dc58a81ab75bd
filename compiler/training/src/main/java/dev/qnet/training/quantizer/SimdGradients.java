package dev.qnet.training.quantizer;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Gradients of what clips and rounds, many elements at once. */
public final class SimdGradients {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    /** Sums that go side by side, whatever the vectors: so every machine adds in the same order. */
    private static final int SUMS = 16;

    /** Elements that each sum takes in singles before it goes to one in double. */
    private static final int RUN = 64;

    private SimdGradients() {}

    /** {@code dx[i] = lo < x[i] && x[i] < hi ? g[i] : 0} for from..to. */
    public static void between(float[] x, float[] g, float lo, float hi, int from, int to, float[] dx) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            VectorMask<Float> inside = v.compare(GT, lo).and(v.compare(LT, hi));
            FloatVector.zero(SPECIES)
                    .blend(FloatVector.fromArray(SPECIES, g, i), inside)
                    .intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = x[i] > lo && x[i] < hi ? g[i] : 0;
        }
    }

    /** As {@link #between(float[], float[], float, float, int, int, float[])}, of x/s. */
    static void between(float[] x, float s, float[] g, float lo, float hi, int from, int to, float[] dx) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i).div(s);
            VectorMask<Float> inside = v.compare(GT, lo).and(v.compare(LT, hi));
            FloatVector.zero(SPECIES)
                    .blend(FloatVector.fromArray(SPECIES, g, i), inside)
                    .intoArray(dx, i);
        }
        for (; i < to; i++) {
            float v = x[i] / s;
            dx[i] = v > lo && v < hi ? g[i] : 0;
        }
    }

    /**
     * {@code Σ g·(round(v) − v)} where v = x/s lies between lo and hi, and {@code Σ g·bound} where it does not: what a step size has
     * for its gradient (Esser et al. 2020, equation 3).
     */
    static double byStep(float[] x, float s, float[] g, float lo, float hi, int from, int to) {
        float[] sums = new float[SUMS];
        double total = 0;
        int whole = from + (to - from) / SUMS * SUMS;
        for (int start = from; start < whole; start += RUN * SUMS) {
            int end = Math.min(whole, start + RUN * SUMS);
            Arrays.fill(sums, 0);
            for (int j = 0; j < SUMS; j += LANES) {
                FloatVector sum = FloatVector.zero(SPECIES);
                for (int i = start + j; i < end; i += SUMS) {
                    FloatVector v = FloatVector.fromArray(SPECIES, x, i).div(s);
                    FloatVector code = v.max(lo).min(hi).add(Values.ROUND).sub(Values.ROUND);
                    VectorMask<Float> inside = v.compare(GT, lo).and(v.compare(LT, hi));
                    FloatVector slope = code.sub(FloatVector.zero(SPECIES).blend(v, inside));
                    sum = sum.add(slope.mul(FloatVector.fromArray(SPECIES, g, i)));
                }
                sum.intoArray(sums, j);
            }
            for (float f : sums) {
                total += f;
            }
        }
        for (int i = whole; i < to; i++) {
            float v = x[i] / s;
            float code = (Math.min(Math.max(v, lo), hi) + Values.ROUND) - Values.ROUND;
            total += g[i] * (v > lo && v < hi ? code - v : code);
        }
        return total;
    }
}

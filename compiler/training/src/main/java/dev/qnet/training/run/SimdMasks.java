package dev.qnet.training.run;

import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LT;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Gradients that pass where an element lies between bounds, and are 0 elsewhere. */
final class SimdMasks {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int LANES = SPECIES.length();

    private SimdMasks() {}

    /** {@code dx[i] = lo < x[i] && x[i] < hi ? g[i] : 0} for from..to. */
    static void between(float[] x, float[] g, float lo, float hi, int from, int to, float[] dx) {
        int i = from;
        for (; i + LANES <= to; i += LANES) {
            FloatVector v = FloatVector.fromArray(SPECIES, x, i);
            VectorMask<Float> inside = v.compare(GT, lo).and(v.compare(LT, hi));
            FloatVector.zero(SPECIES).blend(FloatVector.fromArray(SPECIES, g, i), inside).intoArray(dx, i);
        }
        for (; i < to; i++) {
            dx[i] = x[i] > lo && x[i] < hi ? g[i] : 0;
        }
    }
}

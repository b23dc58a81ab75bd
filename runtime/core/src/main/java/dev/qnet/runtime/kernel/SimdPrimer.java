package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Calls methods of the Vector API until C2 knows of what class vectors are in them: it trusts what it has seen of a
 * method after a thousand calls, and otherwise makes objects of vectors. Kernels would have to run as often themselves,
 * with many more operations a run. Conversions, which are the slowest by far before they are compiled, are left out:
 * the calls that need to know a class are not in them.
 */
final class SimdPrimer {
    /** Calls of each method in a turn. */
    private static final int CALLS = 60;

    /** Turns when C1 has compiled the methods, with counters: somewhat more than a thousand calls. */
    private static final int TURNS = 25;

    /** Turns after which C1 is not waited for. */
    private static final int MOST_TURNS = 100;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;

    private int turns;
    private int counted;

    /** What a turn of interpreted code takes; without the first, which loads classes. */
    private long interpreted;

    /** Makes some calls; false when there were enough. */
    boolean goesOn(Step.Scratch s) {
        long begin = System.nanoTime();
        floats(s.b, s.c);
        ints(s.p, s.q);
        bytes(s.banks.bytes);
        long time = System.nanoTime() - begin;
        turns++;
        if (turns == 2) {
            interpreted = time;
        }
        if (counted > 0 || (turns > 2 && time < interpreted / 3) || turns > MOST_TURNS) {
            counted++;
        }
        return counted < TURNS;
    }

    private static void floats(float[] from, float[] to) {
        for (int i = 0; i < CALLS; i++) {
            FloatVector a = FloatVector.fromArray(F, from, 0);
            FloatVector b = FloatVector.broadcast(F, i);
            a.add(b).sub(b).mul(b).fma(b, b).intoArray(to, 0);
            a.add(1f).blend(b, a.compare(VectorOperators.LT, b)).intoArray(to, 0);
            a.reinterpretAsInts();
        }
    }

    private static void ints(int[] from, int[] to) {
        for (int i = 0; i < CALLS; i++) {
            IntVector a = IntVector.fromArray(I, from, 0);
            IntVector b = IntVector.broadcast(I, i);
            a.add(b).sub(b).mul(b).and(b).or(b).max(b).min(b).intoArray(to, 0);
            VectorMask<Integer> m = a.compare(VectorOperators.LT, 0);
            a.add(1).blend(b, m).intoArray(to, 0);
            a.reinterpretAsFloats();
            m.anyTrue();
        }
    }

    private static void bytes(byte[] to) {
        if (!Simd.HAS_BYTES) {
            return;
        }
        for (int i = 0; i < CALLS; i++) {
            ByteVector.broadcast(Simd.BYTES, i & 1).intoArray(to, 0);
        }
    }
}

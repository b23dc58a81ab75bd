package dev.qnet.training.quantizer;

import java.util.Arrays;
import java.util.stream.IntStream;

/** How a trained quantizer is deployed: which code an element has, and which real number a code is. */
public sealed interface IntegerForm {
    /** The code of an element. */
    int code(float x);

    /** The real number of a code. */
    float real(int code);

    /** What a code counts in. */
    float scale();

    /**
     * {@code clamp(round_half_even(x/scale) + zero, lo, hi)}, as {@link dev.qnet.compiler.ir.QuantOp.Quantize} has it.
     *
     * @param scale above 0
     */
    record Affine(float scale, int zero, int lo, int hi) implements IntegerForm {
        @Override
        public int code(float x) {
            return (int) Math.clamp(Math.rint(x / scale) + zero, lo, hi);
        }

        @Override
        public float real(int code) {
            return (code - zero) * scale;
        }
    }

    /**
     * A staircase: {@code levels[number of thresholds that are at most x]}, which stands for {@code scale·code}.
     *
     * @param thresholds ascending
     * @param levels one more, ascending
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by content below
    record Staircase(float[] thresholds, int[] levels, float scale) implements IntegerForm {
        /** Of neighbouring codes, from lo on. */
        Staircase(float[] thresholds, int lo, float scale) {
            this(thresholds, IntStream.rangeClosed(lo, lo + thresholds.length).toArray(), scale);
        }

        @Override
        public int code(float x) {
            int n = 0;
            for (float t : thresholds) {
                n += x >= t ? 1 : 0;
            }
            return levels[n];
        }

        @Override
        public float real(int code) {
            return code * scale;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Staircase s
                    && Arrays.equals(thresholds, s.thresholds)
                    && Arrays.equals(levels, s.levels)
                    && scale == s.scale;
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(thresholds) + Float.hashCode(scale);
        }

        @Override
        public String toString() {
            return Arrays.toString(thresholds) + " to " + scale + "·" + Arrays.toString(levels);
        }
    }

    /** −1 for what is below 0, else 1, which stand for ∓scale. */
    record Sign(float scale) implements IntegerForm {
        @Override
        public int code(float x) {
            return x < 0 ? -1 : 1;
        }

        @Override
        public float real(int code) {
            return code * scale;
        }
    }

    /**
     * The code is that of the entry whose rule picks it: entries are 8-bit codes of one scale, −127 to 127. The nearest entry of
     * {@code exact} is meant, before entries are rounded to codes.
     *
     * @param entries the codes
     * @param exact what they were learned as
     */
    @SuppressWarnings("ArrayRecordComponent") // compared by content below
    record Table(float scale, int[] entries, float[] exact) implements IntegerForm {
        @Override
        public int code(float x) {
            return entries[Codebook.nearest(x, exact, 0, exact.length)];
        }

        @Override
        public float real(int code) {
            return code * scale;
        }

        @Override
        public boolean equals(Object o) {
            return o instanceof Table t
                    && scale == t.scale
                    && Arrays.equals(entries, t.entries)
                    && Arrays.equals(exact, t.exact);
        }

        @Override
        public int hashCode() {
            return 31 * Arrays.hashCode(entries) + Float.hashCode(scale);
        }

        @Override
        public String toString() {
            return scale + "·" + Arrays.toString(entries);
        }
    }
}

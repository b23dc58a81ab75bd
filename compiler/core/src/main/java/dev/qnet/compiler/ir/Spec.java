package dev.qnet.compiler.ir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a value shall be quantized: the request of the source, before parameters are known.
 *
 * @param storage how codes are stored
 * @param symmetric whether the zero point is 0 (for unsigned storage: real 0 is code 0)
 * @param narrow whether the lowest code of a signed storage is left out
 * @param granularity what shares a scale
 * @param range how the real range is found
 * @param dynamic whether scales are computed at run time, for activations
 * @param quantizer what training learns, or null for nothing: then scales follow from the values. Only codebooks mean something
 *     without training too
 */
public record Spec(
        Storage storage,
        boolean symmetric,
        boolean narrow,
        Granularity granularity,
        RangeMethod range,
        boolean dynamic,
        @Nullable Quantizer quantizer) {

    /** A spec of which training learns nothing. */
    public Spec(
            Storage storage,
            boolean symmetric,
            boolean narrow,
            Granularity granularity,
            RangeMethod range,
            boolean dynamic) {
        this(storage, symmetric, narrow, granularity, range, dynamic, null);
    }

    /** What shares a scale. */
    public sealed interface Granularity {
        record PerTensor() implements Granularity {}

        /** One scale for each index along the axis; 0 is a weight's output channels. */
        record PerChannel(int axis) implements Granularity {}

        /** One for each run of {@code size} inputs of an output channel. */
        record PerGroup(int size) implements Granularity {}
    }

    /** How the range of real values is found. */
    public sealed interface RangeMethod {
        record MinMax() implements RangeMethod {}

        /** Exponential moving average of each batch's extremes. */
        record MovingAverage(double momentum) implements RangeMethod {}

        /** The range that holds {@code percent} of the values, 0 to 100. */
        record Percentile(double percent) implements RangeMethod {}

        /** The clipping with the least mean squared error. */
        record Mse() implements RangeMethod {}

        /** The clipping with the least Kullback-Leibler divergence. */
        record Entropy() implements RangeMethod {}

        /** Given in the source. */
        record Fixed(float lo, float hi) implements RangeMethod {}

        /**
         * Scales and zero points given in the source: one of each, or one a channel.
         *
         * @param steps where codes begin, if that is not half-way between their real numbers; null otherwise
         */
        record Given(
                List<Float> scales,
                List<Integer> zeros,
                @Nullable Steps steps) implements RangeMethod {
            public Given {
                scales = List.copyOf(scales);
                zeros = List.copyOf(zeros);
            }

            /** Codes begin half-way between their real numbers. */
            public Given(List<Float> scales, List<Integer> zeros) {
                this(scales, zeros, null);
            }

            @Override
            public String toString() {
                return "Given[scales=" + scales + ", zeros=" + zeros + (steps == null ? "]" : ", steps=" + steps + "]");
            }
        }
    }

    /**
     * A staircase: a real number that is at or above n of the thresholds has the code {@code levels[n]}.
     *
     * @param thresholds finite, ascending
     * @param levels one more, ascending
     */
    public record Steps(List<Float> thresholds, List<Integer> levels) {
        public Steps {
            thresholds = List.copyOf(thresholds);
            levels = List.copyOf(levels);
            if (thresholds.isEmpty() || levels.size() != thresholds.size() + 1) {
                throw new IllegalArgumentException("a staircase of " + thresholds.size() + " thresholds has "
                        + (thresholds.size() + 1) + " levels, and one threshold or more, found " + levels.size());
            }
            for (int i = 0; i < thresholds.size(); i++) {
                boolean rises = Float.isFinite(thresholds.get(i))
                        && (i == 0 || thresholds.get(i) >= thresholds.get(i - 1))
                        && levels.get(i + 1) > levels.get(i);
                if (!rises) {
                    throw new IllegalArgumentException(
                            "thresholds and levels rise from step to step, found " + thresholds + " and " + levels);
                }
            }
        }

        /** The code of a real number. */
        public int code(float x) {
            int n = 0;
            while (n < thresholds.size() && x >= thresholds.get(n)) {
                n++;
            }
            return levels.get(n);
        }
    }

    /** Where codes begin if that is given, else null. */
    public @Nullable Steps steps() {
        return range instanceof RangeMethod.Given g ? g.steps() : null;
    }

    /** The lowest code in use. */
    public int lo() {
        return narrow && storage.signed() && storage != Storage.BIPOLAR && storage != Storage.TERNARY
                ? storage.min() + 1
                : storage.min();
    }

    /** The highest code in use. */
    public int hi() {
        return storage.max();
    }

    /** The same with codes stored otherwise. */
    public Spec withStorage(Storage other) {
        return new Spec(other, symmetric, narrow, granularity, range, dynamic, quantizer);
    }

    /** The same with a zero point of 0, or with any. */
    public Spec withSymmetric(boolean other) {
        return new Spec(storage, other, narrow, granularity, range, dynamic, quantizer);
    }

    /** The same without the lowest code of a signed storage, or with it. */
    public Spec withNarrow(boolean other) {
        return new Spec(storage, symmetric, other, granularity, range, dynamic, quantizer);
    }

    /** The same with scales shared otherwise. */
    public Spec withGranularity(Granularity other) {
        return new Spec(storage, symmetric, narrow, other, range, dynamic, quantizer);
    }

    /** The same with scales computed at run time, or before. */
    public Spec withDynamic(boolean other) {
        return new Spec(storage, symmetric, narrow, granularity, range, other, quantizer);
    }

    /** The same with the real range found otherwise. */
    public Spec withRange(RangeMethod other) {
        return new Spec(storage, symmetric, narrow, granularity, other, dynamic, quantizer);
    }

    /** The same with something else that training learns; null for nothing. */
    public Spec withQuantizer(@Nullable Quantizer other) {
        return new Spec(storage, symmetric, narrow, granularity, range, dynamic, other);
    }

    /**
     * What a whole graph asks for.
     *
     * @param weights of weights
     * @param activations of activations
     * @param rounding the rounding contract
     */
    public record Policy(Spec weights, Spec activations, Rounding rounding) {}

    /**
     * What the source asks for one node beyond the policy.
     *
     * @param weights for its weights, or null for the policy's
     * @param activations for its result, or null for the policy's
     * @param keepFloat whether it stays in f32
     */
    public record Intent(@Nullable Spec weights, @Nullable Spec activations, boolean keepFloat) {
        /** Nothing beyond the policy. */
        public static final Intent NONE = new Intent(null, null, false);
    }
}

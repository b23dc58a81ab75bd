package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;

/**
 * Watches the values of one tensor and chooses the range that its codes shall cover. Memory is bounded whatever the
 * length of the stream. Except for {@link MovingAverageObserver}, which averages over calls, the range does not depend
 * on how the stream is cut into calls, nor on the order of its values. NaN and infinities are left out and counted; the
 * caller decides what they mean. Not thread-safe.
 */
public sealed interface Observer
        permits MinMaxObserver, MovingAverageObserver, PercentileObserver, MseObserver, EntropyObserver {
    /** Watches {@code values[from]} to {@code values[to - 1]}: one batch. */
    void accept(float[] values, int from, int to);

    /** Watches all the values: one batch. */
    default void accept(float[] values) {
        accept(values, 0, values.length);
    }

    /**
     * The range for codes as the target asks for them; its range method is not looked at.
     *
     * @throws IllegalStateException if no finite value was seen
     */
    Range range(Spec target);

    /** The extremes of all finite values that were seen, with the counts. */
    Extremes extremes();

    /** How many NaNs and infinities were seen. */
    default long nonFinite() {
        return extremes().nonFinite();
    }

    /**
     * The observer for a method.
     *
     * @throws IllegalArgumentException for {@code Fixed} and {@code Given}, which leave nothing to observe
     */
    static Observer of(Spec.RangeMethod method) {
        return switch (method) {
            case Spec.RangeMethod.MinMax m -> new MinMaxObserver();
            case Spec.RangeMethod.MovingAverage m -> new MovingAverageObserver(m.momentum());
            case Spec.RangeMethod.Percentile m -> new PercentileObserver(m.percent());
            case Spec.RangeMethod.Mse m -> new MseObserver();
            case Spec.RangeMethod.Entropy m -> new EntropyObserver();
            case Spec.RangeMethod.Fixed m -> throw new IllegalArgumentException("a fixed range needs no observer");
            case Spec.RangeMethod.Given m -> throw new IllegalArgumentException("given parameters need no observer");
        };
    }
}

package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;

/**
 * Exponential moving average of each batch's extremes; a batch is what one call of {@code accept} brings. With the
 * momentum m, the first batch sets {@code lo = min x, hi = max x}; each later one does
 * {@code lo ← m·lo + (1 − m)·min x} and {@code hi ← m·hi + (1 − m)·max x}. Source: Jacob et al., "Quantization and
 * Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018, section 3.1. Batches without a
 * finite value leave the average alone.
 */
public final class MovingAverageObserver implements Observer {
    private final double momentum;
    private final Extremes extremes = new Extremes();
    private double lo;
    private double hi;
    private boolean started;

    /**
     * An observer that has seen nothing.
     *
     * @param momentum m, the weight of the past, at least 0 and below 1
     */
    public MovingAverageObserver(double momentum) {
        if (!(momentum >= 0 && momentum < 1)) {
            throw new IllegalArgumentException("a momentum is at least 0 and below 1, not " + momentum);
        }
        this.momentum = momentum;
    }

    @Override
    public void accept(float[] values, int from, int to) {
        Extremes batch = new Extremes();
        batch.accept(values, from, to);
        extremes.accept(values, from, to);
        if (batch.count() == 0) {
            return;
        }
        double past = started ? momentum : 0;
        lo = past * lo + (1 - past) * batch.min();
        hi = past * hi + (1 - past) * batch.max();
        started = true;
    }

    @Override
    public Range range(Spec target) {
        if (!started) {
            return extremes.range();
        }
        return Range.including(lo, hi);
    }

    @Override
    public Extremes extremes() {
        return extremes;
    }
}

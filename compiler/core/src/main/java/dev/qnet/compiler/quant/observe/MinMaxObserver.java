package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;

/** Covers every value: {@code [min x, max x]}. */
public final class MinMaxObserver implements Observer {
    private final Extremes extremes = new Extremes();

    @Override
    public void accept(float[] values, int from, int to) {
        extremes.accept(values, from, to);
    }

    @Override
    public Range range(Spec target) {
        return extremes.range();
    }

    @Override
    public Extremes extremes() {
        return extremes;
    }
}

package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;

/**
 * The range that holds p percent of the values, by nearest rank: of n values, {@code ⌈n·p/100⌉} are inside. For symmetric
 * codes the magnitudes are ranked. For asymmetric ones half of the rest is cut at either end, as ONNX Runtime's
 * percentile calibrater does; where all values lie on one side of 0, all of the rest is cut at the far end, since a range
 * includes 0 anyway. An end is exact if it is an extreme, and otherwise at most 1/1024 of itself too far out.
 */
public final class PercentileObserver implements Observer {
    private final double percent;
    private final ValueHistogram histogram = new ValueHistogram();

    /**
     * An observer that has seen nothing.
     *
     * @param percent p, above 0 and at most 100
     */
    public PercentileObserver(double percent) {
        if (!(percent > 0 && percent <= 100)) {
            throw new IllegalArgumentException("a percentile is above 0 and at most 100, not " + percent);
        }
        this.percent = percent;
    }

    @Override
    public void accept(float[] values, int from, int to) {
        histogram.accept(values, from, to);
    }

    @Override
    public Range range(Spec target) {
        Extremes extremes = histogram.extremes();
        ValueHistogram.Bins bins = histogram.bins();
        long cut = extremes.count() - rank(extremes.count(), percent);
        if (extremes.min() >= 0 || (target.symmetric() && !target.storage().signed())) {
            return Range.including(0, highest(bins, cut));
        }
        if (extremes.max() <= 0) {
            return Range.including(lowest(bins, cut), 0);
        }
        if (target.symmetric()) {
            double magnitude = magnitude(bins, cut);
            return Range.including(-magnitude, magnitude);
        }
        return Range.including(lowest(bins, cut / 2), highest(bins, cut / 2));
    }

    @Override
    public Extremes extremes() {
        return histogram.extremes();
    }

    private static long rank(long n, double percent) {
        return (long) Math.ceil(n * (percent / 100));
    }

    /** The upper end of the range when the {@code cut} largest values may lie above it. */
    private static double highest(ValueHistogram.Bins bins, long cut) {
        int i = bins.size() - 1;
        for (long above = bins.count()[i]; above <= cut && i > 0; above += bins.count()[i]) {
            i--;
        }
        return bins.to()[i];
    }

    /** The lower end of the range when the {@code cut} smallest values may lie below it. */
    private static double lowest(ValueHistogram.Bins bins, long cut) {
        int i = 0;
        for (long below = bins.count()[i]; below <= cut && i < bins.size() - 1; below += bins.count()[i]) {
            i++;
        }
        return bins.from()[i];
    }

    /** As {@link #highest} for the magnitudes: the next largest comes off one end or the other. */
    private static double magnitude(ValueHistogram.Bins bins, long cut) {
        int low = 0;
        int high = bins.size() - 1;
        long outside = 0;
        while (true) {
            boolean above = bins.to()[high] >= -bins.from()[low];
            outside += bins.count()[above ? high : low];
            if (outside > cut || low == high) {
                return above ? bins.to()[high] : -bins.from()[low];
            }
            if (above) {
                high--;
            } else {
                low++;
            }
        }
    }
}

package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;
import java.util.Arrays;

/**
 * The clipping with the least Kullback-Leibler divergence {@code Σ p·ln(p/q)} between the values' distribution p, what is
 * clipped added to its end bins, and the distribution q that is left when its bins are merged into one a code and spread
 * again over the bins that were not empty. Source: Migacz, "8-bit Inference with TensorRT", GTC 2017; the details
 * (ε = 10⁻⁴ in empty bins, symmetric thresholds drawn in to the extremes) follow ONNX Runtime's entropy calibrater.
 *
 * <p>Zeros are left out: every range represents them exactly, and after a relu their spike would outweigh all else. The
 * bins are 2,048 equal ones up to the power of two above the 99.99th percentile of the magnitudes; a single outlier therefore cannot push all other values into one bin. Codes of more than 10 bits resolve more than the bins do: their
 * range is the extremes.
 */
public final class EntropyObserver implements Observer {
    static final int BINS = 2048;
    private static final int MAX_LEVELS = 1024;
    private static final double COVERED = 0.9999;
    private static final double EPSILON = 1e-4;

    private final ValueHistogram histogram = new ValueHistogram();

    @Override
    public void accept(float[] values, int from, int to) {
        histogram.accept(values, from, to);
    }

    @Override
    public Range range(Spec target) {
        Range all = histogram.extremes().range();
        double reach = Math.max(-all.lo(), all.hi());
        long levels = (long) target.hi() - target.lo() + 1;
        if (reach == 0 || levels > MAX_LEVELS) {
            return all;
        }
        ValueHistogram.Bins bins = histogram.bins();
        boolean twoSided = all.lo() < 0 && all.hi() > 0;
        int half = twoSided ? BINS / 2 : BINS;
        double width = covering(bins) / half;
        // One-sided values are counted by magnitude: code 0 then stands at the start of the bins.
        double[] counts = new double[twoSided ? 2 * half : half];
        for (int i = 0; i < bins.size(); i++) {
            if (bins.from()[i] == 0 && bins.to()[i] == 0) {
                continue;
            }
            double x = twoSided ? bins.middle(i) : Math.abs(bins.middle(i));
            int bin = (int) Math.floor(x / width) + (twoSided ? half : 0);
            counts[Math.clamp(bin, 0, counts.length - 1)] += bins.count()[i];
        }
        int kept = threshold(counts, (int) usable(levels, twoSided, target), twoSided);
        double limit = kept * width;
        if (target.symmetric() && twoSided) {
            double magnitude = Math.min(limit, reach);
            return Range.including(-magnitude, magnitude);
        }
        return Range.including(Math.max(all.lo(), -limit), Math.min(all.hi(), limit));
    }

    /** Symmetric signed codes leave one-sided values only the codes on their side of 0. */
    private static long usable(long levels, boolean twoSided, Spec target) {
        boolean halved = !twoSided && target.symmetric() && target.storage().signed();
        return Math.max(2, halved ? (levels + 1) / 2 : levels);
    }

    @Override
    public Extremes extremes() {
        return histogram.extremes();
    }

    /** The power of two above the magnitude that {@value #COVERED} of the values do not exceed. */
    private static double covering(ValueHistogram.Bins bins) {
        int n = bins.size();
        Integer[] byMagnitude = new Integer[n];
        Arrays.setAll(byMagnitude, i -> i);
        Arrays.sort(byMagnitude, (a, b) -> Double.compare(Math.abs(bins.middle(a)), Math.abs(bins.middle(b))));
        double total = Arrays.stream(bins.count()).sum();
        double seen = 0;
        int last = 0;
        while (last < n - 1 && (seen += bins.count()[byMagnitude[last]]) < COVERED * total) {
            last++;
        }
        double magnitude = Math.abs(bins.middle(byMagnitude[last]));
        return Math.scalb(1.0, Math.getExponent(magnitude) + 1);
    }

    /** The number of bins to keep on a side, with the least divergence; the larger of equals. */
    private static int threshold(double[] counts, int levels, boolean twoSided) {
        int half = twoSided ? counts.length / 2 : counts.length;
        int fewest = twoSided ? (levels + 1) / 2 : levels;
        int best = half;
        double least = Double.POSITIVE_INFINITY;
        for (int kept = half; kept >= fewest; kept--) {
            double divergence = divergence(counts, twoSided ? half - kept : 0, twoSided ? half + kept : kept, levels);
            if (divergence < least) {
                least = divergence;
                best = kept;
            }
        }
        return best;
    }

    /** The divergence when the bins {@code [from, to)} are kept. */
    static double divergence(double[] counts, int from, int to, int levels) {
        double[] p = Arrays.copyOfRange(counts, from, to);
        double[] q = new double[p.length];
        for (int i = 0; i < from; i++) {
            p[0] += counts[i];
        }
        for (int i = to; i < counts.length; i++) {
            p[p.length - 1] += counts[i];
        }
        for (int level = 0; level < levels; level++) {
            int start = level * p.length / levels;
            int end = (level + 1) * p.length / levels;
            double mass = 0;
            int filled = 0;
            for (int i = start; i < end; i++) {
                mass += counts[from + i];
                filled += p[i] != 0 ? 1 : 0;
            }
            for (int i = start; i < end && filled > 0; i++) {
                q[i] = p[i] != 0 ? mass / filled : 0;
            }
        }
        return smooth(p) && smooth(q) ? divergence(p, q) : Double.POSITIVE_INFINITY;
    }

    /** Moves a little mass to empty bins, so that no quotient is infinite; false if there is not enough of it. */
    private static boolean smooth(double[] distribution) {
        double total = Arrays.stream(distribution).sum();
        double moved = EPSILON * Arrays.stream(distribution).filter(x -> x == 0).count();
        if (moved >= total) {
            return false;
        }
        double left = 1 - moved / total;
        for (int i = 0; i < distribution.length; i++) {
            distribution[i] = distribution[i] == 0 ? EPSILON : distribution[i] * left;
        }
        return true;
    }

    private static double divergence(double[] p, double[] q) {
        double pSum = Arrays.stream(p).sum();
        double qSum = Arrays.stream(q).sum();
        double sum = 0;
        for (int i = 0; i < p.length; i++) {
            double pi = p[i] / pSum;
            sum += pi > 0 ? pi * Math.log(pi * qSum / q[i]) : 0;
        }
        return sum;
    }
}

package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;

/**
 * The clipping with the least squared error {@code E[(x − Q(x))²]}, rounding and clipping together (Banner et al.,
 * "Post training 4-bit quantization of convolutional networks", 2019, section 3, there solved for Gaussian and Laplace
 * values, here searched on the histogram of the real ones). Either end is the extreme times a factor: a geometric grid of
 * eight factors an octave, then a finer grid around the best. Asymmetric ranges move both ends together first, then each
 * in turn until neither gains.
 */
public final class MseObserver implements Observer {
    /** The smallest factor tried is 2^−16: past that nearly everything would be clipped. */
    private static final int OCTAVES = 16;

    private static final int PER_OCTAVE = 8;
    private static final int FINER = 8;
    private static final int MAX_ROUNDS = 4;

    private final ValueHistogram histogram = new ValueHistogram();

    @Override
    public void accept(float[] values, int from, int to) {
        histogram.accept(values, from, to);
    }

    @Override
    public Range range(Spec target) {
        double min = Math.min(histogram.extremes().min(), 0);
        double max = Math.max(histogram.extremes().max(), 0);
        if (target.symmetric()) {
            max = target.storage().signed() ? Math.max(-min, max) : max;
            min = target.storage().signed() ? -max : 0;
        }
        if (min == max) {
            return Range.including(min, max);
        }
        Search search = new Search(histogram.bins(), target, min, max);
        Best both = search.best((f, limit) -> search.error(f, f, limit));
        double low = both.factor;
        double high = both.factor;
        if (!target.symmetric() && min < 0 && max > 0) {
            double error = both.error;
            for (int round = 0; round < MAX_ROUNDS; round++) {
                double fixedHigh = high;
                low = search.best((f, limit) -> search.error(f, fixedHigh, limit)).factor;
                double fixedLow = low;
                Best now = search.best((f, limit) -> search.error(fixedLow, f, limit));
                high = now.factor;
                if (now.error >= error) {
                    break;
                }
                error = now.error;
            }
        }
        return Range.including(low * min, high * max);
    }

    @Override
    public Extremes extremes() {
        return histogram.extremes();
    }

    /** The error of a factor; where it is above the limit, any number above the limit. */
    private interface Objective {
        double at(double factor, double limit);
    }

    private record Best(double factor, double error) {}

    private record Search(ValueHistogram.Bins bins, Spec target, double min, double max) {
        double error(double low, double high, double limit) {
            return CodeGrid.of(low * min, high * max, target).squaredError(bins, limit);
        }

        /** The factor in [2^−16, 1] with the least error; the largest of several. */
        Best best(Objective error) {
            int coarse = argmin(0, OCTAVES * PER_OCTAVE, PER_OCTAVE, error);
            int finePerOctave = PER_OCTAVE * FINER;
            int fine = argmin(Math.max(0, (coarse - 1) * FINER), (coarse + 1) * FINER, finePerOctave, error);
            double factor = factor(fine, finePerOctave);
            return new Best(factor, error.at(factor, Double.POSITIVE_INFINITY));
        }

        private static int argmin(int from, int to, int perOctave, Objective error) {
            int best = from;
            double least = Double.POSITIVE_INFINITY;
            for (int k = from; k <= to; k++) {
                double now = error.at(factor(k, perOctave), least);
                if (now < least) {
                    least = now;
                    best = k;
                }
            }
            return best;
        }

        private static double factor(int k, int perOctave) {
            return Math.pow(2, -(double) k / perOctave);
        }
    }
}

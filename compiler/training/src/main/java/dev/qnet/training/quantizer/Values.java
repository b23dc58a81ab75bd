package dev.qnet.training.quantizer;

/** Statistics of elements that quantizers begin with. */
final class Values {
    /** The least scale: below it quotients overflow. */
    static final float LEAST = 1e-8f;
    /** Clippings tried for the least squared error, of the whole range down to a hundredth of it. */
    private static final int STEPS = 100;

    /** Added and taken away again, it rounds a single below 2^22 to the nearest integer, ties to even. */
    static final float ROUND = 0x1.8p23f;

    private Values() {}

    /** Throws IllegalArgumentException for an element that is not finite. */
    static void check(float[] x, int from, int to) {
        for (int i = from; i < to; i++) {
            if (!Float.isFinite(x[i])) {
                throw new IllegalArgumentException(
                        "element " + i + " is " + x[i] + ", and a quantizer cannot begin there");
            }
        }
    }

    static float positive(double v) {
        return Math.max((float) v, LEAST);
    }

    static double meanMagnitude(float[] x, int from, int to) {
        return meanAbove(x, from, to, -1);
    }

    /** The mean magnitude of the elements with a magnitude above a limit, 0 for none. */
    static double meanAbove(float[] x, int from, int to, double limit) {
        double sum = 0;
        int n = 0;
        for (int i = from; i < to; i++) {
            if (Math.abs(x[i]) > limit) {
                sum += Math.abs(x[i]);
                n++;
            }
        }
        return n == 0 ? 0 : sum / n;
    }

    static float maxMagnitude(float[] x, int from, int to) {
        float max = 0;
        for (int i = from; i < to; i++) {
            max = Math.max(max, Math.abs(x[i]));
        }
        return max;
    }

    /** A scale and a zero point. */
    record Grid(float scale, int zero) {}

    /**
     * Codes lo..hi for all elements and 0, with the zero point at a code.
     *
     * @param leastError whether ends are clipped where that makes the squared error less
     */
    static Grid grid(float[] x, int from, int to, int lo, int hi, boolean leastError) {
        float min = 0;
        float max = 0;
        for (int i = from; i < to; i++) {
            min = Math.min(min, x[i]);
            max = Math.max(max, x[i]);
        }
        Grid best = grid(min, max, lo, hi);
        double least = Double.POSITIVE_INFINITY;
        for (int k = STEPS; leastError && k > 0; k--) {
            float share = k / (float) STEPS;
            Grid g = grid(min * share, max * share, lo, hi);
            double error = error(x, from, to, g.scale, lo - g.zero, hi - g.zero);
            if (error < least) {
                least = error;
                best = g;
            }
        }
        return best;
    }

    private static Grid grid(float min, float max, int lo, int hi) {
        float s = positive((max - min) / ((double) hi - lo));
        return new Grid(s, Math.clamp(Math.round(lo - min / s), lo, hi));
    }

    private static double error(float[] x, int from, int to, double s, int lo, int hi) {
        double error = 0;
        for (int i = from; i < to; i++) {
            double d = s * Math.clamp(Math.rint(x[i] / s), lo, hi) - x[i];
            error += d * d;
        }
        return error;
    }

    /** The scale of some codes, zero point 0, that leaves the least squared error where elements take the nearest of them. */
    static float leastErrorScale(float[] x, int from, int to, int[] codes) {
        int last = codes.length - 1;
        if (codes[last] - codes[0] == last && codes[0] <= 0 && codes[last] > 0) {
            return leastErrorScale(x, from, to, codes[0], codes[last]);
        }
        double max = 0;
        for (int i = from; i < to; i++) {
            double end = x[i] < 0 ? codes[0] : codes[last];
            // Codes may end at 0, or have one sign only.
            max = x[i] * end > 0 ? Math.max(max, x[i] / end) : max;
        }
        double best = positive(max);
        double least = Double.POSITIVE_INFINITY;
        for (int k = STEPS; k > 0; k--) {
            double s = positive(max * k / STEPS);
            double error = 0;
            for (int i = from; i < to; i++) {
                double nearest = Double.POSITIVE_INFINITY;
                for (int code : codes) {
                    nearest = Math.min(nearest, Math.abs(s * code - x[i]));
                }
                error += nearest * nearest;
            }
            if (error < least) {
                least = error;
                best = s;
            }
        }
        return (float) best;
    }

    /** The scale of codes lo..hi with zero point 0 that leaves the least squared error. */
    static float leastErrorScale(float[] x, int from, int to, int lo, int hi) {
        float max = 0;
        for (int i = from; i < to; i++) {
            max = Math.max(max, lo < 0 ? Math.abs(x[i]) : x[i]);
        }
        double best = positive(max / (double) hi);
        double least = Double.POSITIVE_INFINITY;
        for (int k = STEPS; k > 0; k--) {
            double s = positive(max * (double) k / STEPS / hi);
            double error = error(x, from, to, s, lo, hi);
            if (error < least) {
                least = error;
                best = s;
            }
        }
        return (float) best;
    }
}

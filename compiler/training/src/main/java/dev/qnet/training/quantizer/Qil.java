package dev.qnet.training.quantizer;

/**
 * QIL: an interval that is learned, inside of which values are spread over the codes (Jung et al. 2019, equations 2 to 5), and
 * the scale of the result.
 */
final class Qil implements LearnedQuantizer {
    private static final int CENTRE = 0;
    private static final int WIDTH = 1;
    private static final int GAMMA = 2;
    private static final int SCALE = 3;

    /** The exponent stays where powers of small numbers and their derivatives are finite. */
    private static final float LEAST_GAMMA = 0.1f;

    private final int lo;
    private final int hi;

    Qil(int lo, int hi) {
        this.lo = lo < 0 ? -hi : 0;
        this.hi = hi;
    }

    @Override
    public int parameters() {
        return 4;
    }

    /** Where a magnitude lies in the interval, 0 to 1 inside. */
    private static float inside(float m, float[] p, int at) {
        return (m - p[at + CENTRE] + p[at + WIDTH]) / (2 * p[at + WIDTH]);
    }

    private float code(float x, float[] p, int at) {
        float m = lo < 0 ? Math.abs(x) : x;
        float u = Math.clamp(inside(m, p, at), 0f, 1f);
        float spread = lo < 0 && p[at + GAMMA] != 1 ? (float) Math.pow(u, p[at + GAMMA]) : u;
        return (float) Math.rint(spread * hi) * (lo < 0 ? Math.signum(x) : 1);
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float s = scale(p, at);
        for (int i = from; i < to; i++) {
            y[i] = code(x[i], p, at) * s;
        }
    }

    /** The derivative by the place in the interval, of the magnitude. */
    private double slope(float u, float[] p, int at) {
        double gamma = lo < 0 ? p[at + GAMMA] : 1;
        return p[at + SCALE] * (gamma == 1 ? 1 : gamma * Math.pow(u, gamma - 1));
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        for (int i = from; i < to; i++) {
            float u = inside(lo < 0 ? Math.abs(x[i]) : x[i], p, at);
            dx[i] = u > 0 && u < 1 ? (float) (g[i] * slope(u, p, at) / (2 * p[at + WIDTH])) : 0;
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        double d = p[at + WIDTH];
        for (int i = from; i < to; i++) {
            float m = lo < 0 ? Math.abs(x[i]) : x[i];
            float u = inside(m, p, at);
            double sign = lo < 0 ? Math.signum(x[i]) : 1;
            dp[SCALE] += g[i] * (double) code(x[i], p, at) / hi;
            if (u > 0 && u < 1) {
                double slope = g[i] * sign * slope(u, p, at);
                dp[CENTRE] -= slope / (2 * d);
                dp[WIDTH] += slope * (p[at + CENTRE] - m) / (2 * d * d);
                if (lo < 0) {
                    dp[GAMMA] += g[i] * sign * p[at + SCALE] * Math.pow(u, p[at + GAMMA]) * Math.log(u);
                }
            }
        }
    }

    /** From 0 to the clipping with the least squared error: the uniform quantizer. */
    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        float top = Values.leastErrorScale(x, from, to, lo, hi) * hi;
        p[at + CENTRE] = top / 2;
        p[at + WIDTH] = top / 2;
        p[at + GAMMA] = 1;
        p[at + SCALE] = top;
    }

    @Override
    public void repair(float[] p, int at) {
        p[at + WIDTH] = Math.max(p[at + WIDTH], Values.LEAST * hi);
        p[at + GAMMA] = Math.max(p[at + GAMMA], LEAST_GAMMA);
        p[at + SCALE] = Math.max(p[at + SCALE], Values.LEAST * hi);
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at + CENTRE] *= factor;
        p[at + WIDTH] *= factor;
        p[at + SCALE] *= factor;
    }

    @Override
    public float scale(float[] p, int at) {
        return p[at + SCALE] / hi;
    }

    /**
     * Code k begins at the least float that {@link #code} gives k, which is searched for and not computed: the inverse of the
     * transform may miss it by a last place, and such values would get another code than they were trained with.
     */
    @Override
    public IntegerForm integerForm(float[] p, int at) {
        float[] thresholds = new float[hi - lo];
        for (int k = 1; k <= hi; k++) {
            float begins = least(k, p, at);
            thresholds[k - 1 - lo] = begins;
            if (lo < 0) {
                // Code −k ends at −begins, so that the next one begins just above it; 0 − 0 is no −0.
                thresholds[hi - k] = 0 - Math.nextDown(begins);
            }
        }
        return new IntegerForm.Staircase(thresholds, lo, scale(p, at));
    }

    /** The least float with a code, or one above it; of signed codes the least above 0, which itself keeps code 0. */
    private float least(int code, float[] p, int at) {
        int below = lo < 0 ? order(0) : order(-Float.MAX_VALUE);
        int found = order(Float.MAX_VALUE);
        while (found - (long) below > 1) {
            int middle = (int) (((long) below + found) >> 1);
            if (code(ofOrder(middle), p, at) >= code) {
                found = middle;
            } else {
                below = middle;
            }
        }
        return ofOrder(found);
    }

    /** Floats in ascending order as ascending integers. */
    private static int order(float x) {
        int bits = Float.floatToRawIntBits(x);
        return bits ^ (bits >> 31 & Integer.MAX_VALUE);
    }

    private static float ofOrder(int order) {
        return Float.intBitsToFloat(order ^ (order >> 31 & Integer.MAX_VALUE));
    }
}

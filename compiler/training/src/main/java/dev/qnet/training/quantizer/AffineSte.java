package dev.qnet.training.quantizer;

/** A scale and a zero point that follow from the values, and the straight-through estimator. */
final class AffineSte implements LearnedQuantizer {
    /** More codes than these are rounded in double. */
    private static final int MANY = 1 << 22;

    private final int lo;
    private final int hi;
    private final boolean leastError;

    AffineSte(int lo, int hi, boolean leastError) {
        this.lo = lo;
        this.hi = hi;
        this.leastError = leastError;
    }

    @Override
    public int parameters() {
        return 2;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float s = p[at];
        float z = p[at + 1];
        if (hi > MANY) {
            for (int i = from; i < to; i++) {
                y[i] = (float) Math.clamp(Math.rint(x[i] / s), lo - z, hi - z) * s;
            }
            return;
        }
        float low = lo - z;
        float high = hi - z;
        for (int i = from; i < to; i++) {
            float v = Math.min(Math.max(x[i] / s, low), high);
            y[i] = ((v + Values.ROUND) - Values.ROUND) * s;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        float s = p[at];
        // Codes are clamped after rounding: half a step beyond the ends still rounds to them.
        if (hi > MANY) {
            for (int i = from; i < to; i++) {
                double v = Math.rint(x[i] / s) + p[at + 1];
                dx[i] = v >= lo && v <= hi ? g[i] : 0;
            }
            return;
        }
        float low = lo - p[at + 1];
        float high = hi - p[at + 1];
        for (int i = from; i < to; i++) {
            float v = (Math.min(Math.max(x[i] / s, low - 1), high + 1) + Values.ROUND) - Values.ROUND;
            dx[i] = v >= low && v <= high ? g[i] : 0;
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        // Nothing is learned.
    }

    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        Values.Grid grid = lo < 0
                ? new Values.Grid(
                        leastError
                                ? Values.leastErrorScale(x, from, to, lo, hi)
                                : Values.positive(Values.maxMagnitude(x, from, to) / (double) hi),
                        0)
                : Values.grid(x, from, to, lo, hi, leastError);
        p[at] = grid.scale();
        p[at + 1] = grid.zero();
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at] *= factor;
    }

    @Override
    public float scale(float[] p, int at) {
        return p[at];
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        return new IntegerForm.Affine(scale(p, at), (int) p[at + 1], lo, hi);
    }
}

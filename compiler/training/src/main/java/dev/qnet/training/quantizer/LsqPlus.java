package dev.qnet.training.quantizer;

/**
 * LSQ+: a step size and an offset that are learned (Bhalgat et al. 2020, equations 2 to 7). The offset is that of the nearest
 * integer zero point.
 */
final class LsqPlus implements LearnedQuantizer {
    private final int lo;
    private final int hi;

    LsqPlus(int lo, int hi) {
        this.lo = lo;
        this.hi = hi;
    }

    @Override
    public int parameters() {
        return 2;
    }

    private float zero(float[] p, int at) {
        return (float) Math.clamp(Math.rint(-p[at + 1] / p[at]), lo, hi);
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float s = p[at];
        float low = lo - zero(p, at);
        float high = hi - zero(p, at);
        for (int i = from; i < to; i++) {
            float v = Math.min(Math.max(x[i] / s, low), high);
            y[i] = ((v + Values.ROUND) - Values.ROUND) * s;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        float s = p[at];
        float low = lo - zero(p, at);
        float high = hi - zero(p, at);
        SimdGradients.between(x, s, g, low, high, from, to, dx);
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        float s = p[at];
        float low = lo - zero(p, at);
        float high = hi - zero(p, at);
        double byScale = 0;
        double byOffset = 0;
        for (int i = from; i < to; i++) {
            float v = x[i] / s;
            if (v > low && v < high) {
                byScale += g[i] * (((v + Values.ROUND) - Values.ROUND) - v);
            } else {
                byScale += g[i] * (v <= low ? lo : hi);
                byOffset += g[i];
            }
        }
        dp[0] += byScale;
        dp[1] += byOffset;
    }

    /** The scale and the zero point with the least squared error of those that clip alike shares of both ends. */
    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        Values.Grid grid = Values.grid(x, from, to, lo, hi, true);
        p[at] = grid.scale();
        p[at + 1] = -grid.scale() * grid.zero();
    }

    @Override
    public void repair(float[] p, int at) {
        p[at] = Math.max(p[at], Values.LEAST);
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at] *= factor;
        p[at + 1] *= factor;
    }

    @Override
    public float scale(float[] p, int at) {
        return p[at];
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        return new IntegerForm.Affine(scale(p, at), (int) zero(p, at), lo, hi);
    }
}

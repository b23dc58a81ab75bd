package dev.qnet.training.quantizer;

/** LSQ: a step size that is learned (Esser et al. 2020, equations 1 to 5). */
final class Lsq implements LearnedQuantizer {
    private final int lo;
    private final int hi;

    Lsq(int lo, int hi) {
        this.lo = lo;
        this.hi = hi;
    }

    @Override
    public int parameters() {
        return 1;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float s = p[at];
        for (int i = from; i < to; i++) {
            float v = Math.min(Math.max(x[i] / s, lo), hi);
            y[i] = ((v + Values.ROUND) - Values.ROUND) * s;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        SimdGradients.between(x, p[at], g, lo, hi, from, to, dx);
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        dp[0] += SimdGradients.byStep(x, p[at], g, lo, hi, from, to);
    }

    /** The scale with the least squared error. (The paper's 2·mean|x|/√hi is too coarse at 4 bits and more, and too fine at 2.) */
    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        p[at] = Values.leastErrorScale(x, from, to, lo, hi);
    }

    @Override
    public void repair(float[] p, int at) {
        p[at] = Math.max(p[at], Values.LEAST);
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
        return new IntegerForm.Affine(scale(p, at), 0, lo, hi);
    }
}

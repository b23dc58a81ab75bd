package dev.qnet.training.quantizer;

import dev.qnet.compiler.ir.Quantizer;

/** PACT: a clipping α that is learned, kept small by a term of the loss (Choi et al. 2018, equations 2 to 4). */
final class Pact implements LearnedQuantizer {
    private final Quantizer.Pact settings;
    private final int lo;
    private final int hi;

    Pact(Quantizer.Pact settings, int lo, int hi) {
        this.settings = settings;
        this.lo = lo < 0 ? -hi : 0;
        this.hi = hi;
    }

    @Override
    public int parameters() {
        return 1;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float s = p[at] / hi;
        for (int i = from; i < to; i++) {
            float v = Math.min(Math.max(x[i] / s, lo), hi);
            y[i] = ((v + Values.ROUND) - Values.ROUND) * s;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        float high = p[at];
        float low = lo < 0 ? -high : 0;
        SimdGradients.between(x, g, low, high, from, to, dx);
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        float high = p[at];
        double sum = 0;
        for (int i = from; i < to; i++) {
            if (x[i] >= high) {
                sum += g[i];
            } else if (lo < 0 && x[i] <= -high) {
                sum -= g[i];
            }
        }
        dp[0] += sum;
    }

    @Override
    public void regularize(float[] p, int at, float[] dp) {
        dp[at] += 2 * settings.decay() * p[at];
    }

    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        p[at] = settings.alpha() > 0 ? settings.alpha() : Values.leastErrorScale(x, from, to, lo, hi) * hi;
    }

    @Override
    public void repair(float[] p, int at) {
        p[at] = Math.max(p[at], Values.LEAST * hi);
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at] *= factor;
    }

    @Override
    public float scale(float[] p, int at) {
        return p[at] / hi;
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        return new IntegerForm.Affine(scale(p, at), 0, lo, hi);
    }
}

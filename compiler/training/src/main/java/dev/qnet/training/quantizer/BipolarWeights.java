package dev.qnet.training.quantizer;

/** Bipolar weights, whose scale follows from them (XNOR-Net, Rastegari et al. 2016, equation 6). */
final class BipolarWeights implements LearnedQuantizer {
    @Override
    public int parameters() {
        return 1;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        for (int i = from; i < to; i++) {
            y[i] = x[i] < 0 ? -p[at] : p[at];
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        for (int i = from; i < to; i++) {
            dx[i] = Math.abs(x[i]) <= 1 ? g[i] : 0;
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        // Nothing is learned.
    }

    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        p[at] = Values.positive(Values.meanMagnitude(x, from, to));
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
        return new IntegerForm.Sign(scale(p, at));
    }
}

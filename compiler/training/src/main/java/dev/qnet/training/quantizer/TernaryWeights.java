package dev.qnet.training.quantizer;

/** Ternary weights, whose threshold and scale follow from them (TWN, Li et al. 2016, equations 5 and 6). */
final class TernaryWeights implements LearnedQuantizer {
    private static final double THRESHOLD = 0.7;

    @Override
    public int parameters() {
        return 2;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        for (int i = from; i < to; i++) {
            y[i] = Math.abs(x[i]) > p[at] ? Math.copySign(p[at + 1], x[i]) : 0;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        System.arraycopy(g, from, dx, from, to - from);
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        // Nothing is learned.
    }

    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        double threshold = THRESHOLD * Values.meanMagnitude(x, from, to);
        p[at] = (float) threshold;
        p[at + 1] = Values.positive(Values.meanAbove(x, from, to, threshold));
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at] *= factor;
        p[at + 1] *= factor;
    }

    @Override
    public float scale(float[] p, int at) {
        return p[at + 1];
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        // Code 0 reaches to the threshold itself, on both sides.
        return new IntegerForm.Staircase(new float[] {-p[at], Math.nextUp(p[at])}, -1, scale(p, at));
    }
}

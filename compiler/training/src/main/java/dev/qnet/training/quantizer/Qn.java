package dev.qnet.training.quantizer;

import dev.qnet.compiler.quant.KMeans;
import java.util.Arrays;

/** QN: a sum of sigmoids that sharpen into steps (Yang et al. 2019, equations 4 to 6). */
final class Qn implements LearnedQuantizer {
    private static final int ALPHA = 0;
    private static final int BETA = 1;
    private static final int BIASES = 2;

    /** Beyond it a sigmoid is 0 or 1 to a single. */
    private static final float FLAT = 40;

    private final int lo;
    private final int hi;

    Qn(int lo, int hi) {
        this.lo = lo;
        this.hi = hi;
    }

    @Override
    public int parameters() {
        return BIASES + hi - lo;
    }

    private static float sigmoid(float t, float v) {
        float z = t * v;
        return z > FLAT ? 1 : z < -FLAT ? 0 : (float) (1 / (1 + Math.exp(-z)));
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        if (t == Float.POSITIVE_INFINITY) {
            IntegerForm steps = integerForm(p, at);
            for (int i = from; i < to; i++) {
                y[i] = steps.real(steps.code(x[i]));
            }
            return;
        }
        for (int i = from; i < to; i++) {
            float count = lo;
            float bx = p[at + BETA] * x[i];
            for (int k = at + BIASES; k < at + parameters(); k++) {
                count += sigmoid(t, bx - p[k]);
            }
            y[i] = p[at + ALPHA] * count;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        float factor = p[at + ALPHA] * p[at + BETA] * t;
        for (int i = from; i < to; i++) {
            float slope = 0;
            float bx = p[at + BETA] * x[i];
            for (int k = at + BIASES; k < at + parameters(); k++) {
                float s = sigmoid(t, bx - p[k]);
                slope += s * (1 - s);
            }
            dx[i] = g[i] * factor * slope;
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        for (int i = from; i < to; i++) {
            double count = lo;
            double slope = 0;
            float bx = p[at + BETA] * x[i];
            for (int k = BIASES; k < parameters(); k++) {
                float s = sigmoid(t, bx - p[at + k]);
                double d = t * s * (1 - s);
                count += s;
                slope += d;
                dp[k] -= g[i] * p[at + ALPHA] * d;
            }
            dp[ALPHA] += g[i] * count;
            dp[BETA] += g[i] * p[at + ALPHA] * slope * x[i];
        }
    }

    /**
     * α is the step of the uniform quantizer with the least squared error and β its reciprocal, so that βx is in steps; the biases
     * lie in the middle between neighbouring centres of k-means (section 3.3 of the paper).
     */
    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        float s = Values.leastErrorScale(x, from, to, lo, hi);
        p[at + ALPHA] = s;
        p[at + BETA] = 1 / s;
        float[] centres = KMeans.centres(x, from, to, hi - lo + 1);
        for (int k = 0; k < hi - lo; k++) {
            float middle = (centres[k] + centres[k + 1]) / 2 / s;
            // Within half a step of the uniform threshold: what the levels, which stay uniform, can follow.
            float uniform = lo + k + 0.5f;
            p[at + BIASES + k] = Math.clamp(middle, uniform - 0.5f, uniform + 0.5f);
        }
    }

    @Override
    public void repair(float[] p, int at) {
        p[at + ALPHA] = Math.max(p[at + ALPHA], Values.LEAST);
        p[at + BETA] = Math.max(p[at + BETA], Values.LEAST);
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        p[at + ALPHA] *= factor;
        p[at + BETA] /= factor;
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        float[] thresholds = new float[hi - lo];
        for (int k = 0; k < thresholds.length; k++) {
            thresholds[k] = p[at + BIASES + k] / p[at + BETA];
        }
        Arrays.sort(thresholds);
        return new IntegerForm.Staircase(thresholds, p[at + ALPHA], 0, lo);
    }
}

package dev.qnet.training.quantizer;

import dev.qnet.compiler.quant.KMeans;
import java.util.Arrays;

/** QN: a sum of sigmoids that sharpen into steps (Yang et al. 2019, equations 4 to 6). */
final class Qn implements LearnedQuantizer {
    private static final int ALPHA = 0;
    private static final int BETA = 1;
    private static final int BIASES = 2;

    /** Beyond it a sigmoid is 0 or 1, but for less than a single's last place. */
    private static final float FLAT = 18;

    private final int[] levels;

    /** @param levels ascending codes */
    Qn(int[] levels) {
        this.levels = levels.clone();
    }

    @Override
    public int parameters() {
        return BIASES + levels.length - 1;
    }

    private static float sigmoid(float t, float v) {
        float z = t * v;
        return z > FLAT ? 1 : z < -FLAT ? 0 : (float) (1 / (1 + Math.exp(-z)));
    }

    /** What the k-th sigmoid adds when it is 1. */
    private int step(int k) {
        return levels[k + 1] - levels[k];
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
            float level = levels[0];
            float bx = p[at + BETA] * x[i];
            for (int k = 0; k + 1 < levels.length; k++) {
                level += step(k) * sigmoid(t, bx - p[at + BIASES + k]);
            }
            y[i] = p[at + ALPHA] * level;
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        float factor = p[at + ALPHA] * p[at + BETA] * t;
        for (int i = from; i < to; i++) {
            float slope = 0;
            float bx = p[at + BETA] * x[i];
            for (int k = 0; k + 1 < levels.length; k++) {
                float s = sigmoid(t, bx - p[at + BIASES + k]);
                slope += step(k) * s * (1 - s);
            }
            dx[i] = g[i] * factor * slope;
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        for (int i = from; i < to; i++) {
            double level = levels[0];
            double slope = 0;
            float bx = p[at + BETA] * x[i];
            for (int k = 0; k + 1 < levels.length; k++) {
                float s = sigmoid(t, bx - p[at + BIASES + k]);
                double d = step(k) * t * s * (1 - s);
                level += step(k) * s;
                slope += d;
                dp[BIASES + k] -= g[i] * p[at + ALPHA] * d;
            }
            dp[ALPHA] += g[i] * level;
            dp[BETA] += g[i] * p[at + ALPHA] * slope * x[i];
        }
    }

    /**
     * α is the scale with the least squared error, where elements take the level nearest to them, and β its reciprocal, so that βx is
     * in codes; the biases lie in the middle between neighbouring centres of k-means (section 3.3 of the paper), but not beyond the
     * levels that they part.
     */
    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        float s = Values.leastErrorScale(x, from, to, levels);
        p[at + ALPHA] = s;
        p[at + BETA] = 1 / s;
        float[] centres = KMeans.centres(x, from, to, levels.length);
        for (int k = 0; k + 1 < levels.length; k++) {
            float middle = (centres[k] + centres[k + 1]) / 2 / s;
            p[at + BIASES + k] = Math.clamp(middle, levels[k], levels[k + 1]);
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
    public float scale(float[] p, int at) {
        return p[at + ALPHA];
    }

    @Override
    public IntegerForm integerForm(float[] p, int at) {
        float[] thresholds = new float[levels.length - 1];
        for (int k = 0; k < thresholds.length; k++) {
            thresholds[k] = p[at + BIASES + k] / p[at + BETA];
        }
        Arrays.sort(thresholds);
        return new IntegerForm.Staircase(thresholds, levels.clone(), scale(p, at));
    }
}

package dev.qnet.training.quantizer;

import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.quant.KMeans;

/** A codebook begun by k-means: each weight is the entry nearest to it, and entries are learned. */
final class Codebook implements LearnedQuantizer {
    private static final int HIGHEST = 127;

    private final Quantizer.Codebook settings;

    Codebook(Quantizer.Codebook settings) {
        this.settings = settings;
    }

    @Override
    public int parameters() {
        return settings.entries();
    }

    /** The number of the entry nearest to x, the first of equals. */
    static int nearest(float x, float[] p, int at, int entries) {
        int best = 0;
        for (int k = 1; k < entries; k++) {
            best = Math.abs(x - p[at + k]) < Math.abs(x - p[at + best]) ? k : best;
        }
        return best;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        for (int i = from; i < to; i++) {
            y[i] = p[at + nearest(x[i], p, at, settings.entries())];
        }
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        for (int i = from; i < to; i++) {
            float y = settings.commitment() == 0 ? 0 : p[at + nearest(x[i], p, at, settings.entries())];
            dx[i] = g[i] + settings.commitment() * (x[i] - y);
        }
    }

    @Override
    public void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp) {
        for (int i = from; i < to; i++) {
            dp[nearest(x[i], p, at, settings.entries())] += g[i];
        }
    }

    @Override
    public void initialize(float[] x, int from, int to, float[] p, int at) {
        Values.check(x, from, to);
        float[] centres = KMeans.centres(x, from, to, settings.entries());
        System.arraycopy(centres, 0, p, at, centres.length);
    }

    @Override
    public void rescale(float[] p, int at, float factor) {
        for (int k = at; k < at + settings.entries(); k++) {
            p[k] *= factor;
        }
    }

    /** Entries as 8-bit codes: off by at most half of the largest entry's 127th part. */
    @Override
    public IntegerForm integerForm(float[] p, int at) {
        float s = Values.positive(Values.maxMagnitude(p, at, at + settings.entries()) / (double) HIGHEST);
        int[] codes = new int[settings.entries()];
        float[] exact = new float[codes.length];
        for (int k = 0; k < codes.length; k++) {
            exact[k] = p[at + k];
            codes[k] = (int) Math.clamp(Math.rint(p[at + k] / s), -HIGHEST, HIGHEST);
        }
        return new IntegerForm.Table(s, codes, exact);
    }
}

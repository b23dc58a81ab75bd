package dev.qnet.training.quantizer;

import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.quant.KMeans;

/** A codebook begun by k-means: each weight is the entry nearest to it, and entries are learned. */
final class Codebook implements LearnedQuantizer {
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

    /** The entries as they are deployed; gradients pass through that rounding as if it were not there. */
    private float[] deployed(float[] p, int at) {
        float s = scale(p, at);
        float[] entries = new float[settings.entries()];
        for (int k = 0; k < entries.length; k++) {
            entries[k] = code(p[at + k], s) * s;
        }
        return entries;
    }

    @Override
    public void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y) {
        float[] deployed = deployed(p, at);
        for (int i = from; i < to; i++) {
            y[i] = deployed[nearest(x[i], p, at, deployed.length)];
        }
    }

    @Override
    public float scale(float[] p, int at) {
        return Values.positive(
                Values.maxMagnitude(p, at, at + settings.entries()) / (double) Quantizer.Codebook.HIGHEST);
    }

    private static int code(float entry, float s) {
        return (int) Math.clamp(Math.rint(entry / s), -Quantizer.Codebook.HIGHEST, Quantizer.Codebook.HIGHEST);
    }

    @Override
    public void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx) {
        if (settings.commitment() == 0) {
            System.arraycopy(g, from, dx, from, to - from);
            return;
        }
        float[] deployed = deployed(p, at);
        for (int i = from; i < to; i++) {
            float y = deployed[nearest(x[i], p, at, deployed.length)];
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
        float s = scale(p, at);
        int[] codes = new int[settings.entries()];
        float[] exact = new float[codes.length];
        for (int k = 0; k < codes.length; k++) {
            exact[k] = p[at + k];
            codes[k] = code(p[at + k], s);
        }
        return new IntegerForm.Table(s, codes, exact);
    }
}

package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Weights of a codebook without training: each is the nearest of a few entries, which k-means finds for a tensor or a channel. Entries are
 * 8-bit codes under one scale, so that weights are plain codes to every target.
 */
public final class Codebooks {
    /** Entries are from −127 to 127 scales. */
    private static final int HIGHEST = 127;

    private Codebooks() {}

    /** Weights as codes, and what the codes are. */
    public record Coded(Tensor.OfInt codes, Quant quant) {}

    /** The codes of weights, with a codebook for each channel along axis 0 or for all. */
    public static Coded choose(Tensor.OfFloat weights, Spec spec, Quantizer.Codebook book) {
        float[] v = weights.values();
        boolean each = spec.granularity() instanceof Granularity.PerChannel
                && weights.shape().rank() > 0;
        int channels = each ? weights.shape().dim(0) : 1;
        int size = channels == 0 ? 0 : v.length / channels;
        int[] codes = new int[v.length];
        List<Float> scales = new ArrayList<>();
        for (int c = 0; c < channels; c++) {
            float[] entries = KMeans.centres(v, c * size, (c + 1) * size, book.entries());
            float most = 0;
            for (float e : entries) {
                most = Math.max(most, Math.abs(e));
            }
            float s = Math.max(most / HIGHEST, Float.MIN_NORMAL);
            scales.add(s);
            for (int i = c * size; i < (c + 1) * size; i++) {
                codes[i] = (int) Math.clamp(Math.rint(nearest(v[i], entries) / s), -HIGHEST, HIGHEST);
            }
        }
        Scheme scheme = each && channels > 0
                ? new Scheme.PerAxis(0, scales, scales.stream().map(s -> 0).toList())
                : new Scheme.PerTensor(scales.isEmpty() ? 1 : scales.getFirst(), 0);
        return new Coded(new Tensor.OfInt(weights.shape(), codes), new Quant(Storage.I8, -HIGHEST, HIGHEST, scheme));
    }

    private static float nearest(float x, float[] entries) {
        float best = entries[0];
        for (float e : entries) {
            best = Math.abs(x - e) < Math.abs(x - best) ? e : best;
        }
        return best;
    }
}

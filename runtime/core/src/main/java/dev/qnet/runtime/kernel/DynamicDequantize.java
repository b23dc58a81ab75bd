package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * An accumulator a [rows,C], with parameters p from {@link DynamicParams} → singles
 * {@code (float) a · (p.scale · scales[c]) + bias[c]}, each operation rounded to f32.
 */
public final class DynamicDequantize implements BinaryKernel {
    private final Loops loops;
    private final Kind kind;
    private final int rows;
    private final int channels;
    private final float[] scales;
    private final float @Nullable [] bias;

    private DynamicDequantize(Loops loops, Kind kind, int rows, int channels, float[] scales, float @Nullable [] bias) {
        this.loops = loops;
        this.kind = kind;
        this.rows = rows;
        this.channels = channels;
        this.scales = scales;
        this.bias = bias;
    }

    /**
     * Plans.
     *
     * @param kind of the accumulator, {@link Kind#S32} or {@link Kind#S64}
     * @param rows product of the leading axes
     * @param channels C
     * @param scales one, or one a channel
     * @param bias one a channel, or null
     */
    public static DynamicDequantize of(
            Backend backend, Kind kind, int rows, int channels, float[] scales, float @Nullable [] bias) {
        if ((kind != Kind.S32 && kind != Kind.S64)
                || (scales.length != 1 && scales.length != channels)
                || (bias != null && bias.length != channels)) {
            throw new IllegalArgumentException("a dynamic dequantization of " + kind + " with " + scales.length
                    + " scales for " + channels + " channels");
        }
        return new DynamicDequantize(
                backend.loops(), kind, rows, channels, scales.clone(), bias == null ? null : bias.clone());
    }

    @Override
    public void run(Banks banks, int a, int p, int y) {
        float[] to = banks.floats;
        float s = to[p];
        // As many rows at a time as a chunk has, so that few channels make long loops.
        int many = Math.clamp(Rows.CHUNK / Math.max(channels, 1), 1, Math.max(rows, 1));
        float[] factor = banks.floats(0, many * channels);
        float[] offset = banks.floats(1, many * channels);
        for (int c = 0; c < channels; c++) {
            factor[c] = s * scales[scales.length == 1 ? 0 : c];
            // −0 changes no number, not even −0.
            offset[c] = bias == null ? -0f : bias[c];
        }
        Rows.repeat(factor, 0, channels, many * channels);
        Rows.repeat(offset, 0, channels, many * channels);
        for (int r = 0; r < rows; r += many) {
            int at = r * channels;
            int n = Math.min(many, rows - r) * channels;
            if (kind == Kind.S32) {
                loops.affine(banks.ints, a + at, factor, offset, to, y + at, n);
            } else {
                for (int i = 0; i < n; i++) {
                    to[y + at + i] = banks.longs[a + at + i] * factor[i] + offset[i];
                }
            }
        }
    }
}

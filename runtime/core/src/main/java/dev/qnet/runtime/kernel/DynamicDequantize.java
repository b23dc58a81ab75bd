package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * An accumulator a [rows,C], with parameters p from {@link DynamicParams} → singles
 * {@code (float) a · (p.scale · scales[c]) + bias[c]}, each operation rounded to f32.
 */
public final class DynamicDequantize implements BinaryKernel {
    private final Kind kind;
    private final int rows;
    private final int channels;
    private final float[] scales;
    private final float @Nullable [] bias;

    private DynamicDequantize(Kind kind, int rows, int channels, float[] scales, float @Nullable [] bias) {
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
        return new DynamicDequantize(kind, rows, channels, scales.clone(), bias == null ? null : bias.clone());
    }

    @Override
    public void run(Banks banks, int a, int p, int y) {
        float[] to = banks.floats;
        float s = to[p];
        float[] factor = banks.floats(0, channels);
        for (int c = 0; c < channels; c++) {
            factor[c] = s * scales[scales.length == 1 ? 0 : c];
        }
        for (int r = 0; r < rows; r++) {
            int at = r * channels;
            for (int c = 0; c < channels; c++) {
                float v = kind == Kind.S32 ? banks.ints[a + at + c] : banks.longs[a + at + c];
                float scaled = v * factor[c];
                to[y + at + c] = bias == null ? scaled : scaled + bias[c];
            }
        }
    }
}

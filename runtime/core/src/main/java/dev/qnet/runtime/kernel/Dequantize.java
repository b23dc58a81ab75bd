package dev.qnet.runtime.kernel;

/** Codes to singles: {@code (float) (q − z) · s}, one f32 multiplication. */
public final class Dequantize implements UnaryKernel {
    private final Kind kind;
    private final Axis axis;
    private final float[] scales;
    private final int[] zeros;

    private Dequantize(Kind kind, Axis axis, float[] scales, int[] zeros) {
        if (!kind.fitsInt()) {
            throw new IllegalArgumentException("a dequantization of " + kind);
        }
        this.kind = kind;
        this.axis = axis;
        this.scales = scales;
        this.zeros = zeros;
    }

    /**
     * Plans for one scale and zero point.
     *
     * @param kind of the codes, at most 32 bits
     * @param n elements
     * @param scale s
     * @param zero z
     */
    public static Dequantize perTensor(Backend backend, Kind kind, int n, float scale, int zero) {
        return perAxis(backend, kind, new int[] {1, n}, 0, new float[] {scale}, new int[] {zero});
    }

    /**
     * Plans for a scale and zero point for each index along an axis. Codes per group are a special case: the shape
     * [channels·groups, size] with the products s·m, rounded to f32, as scales.
     *
     * @param shape the operand's shape
     * @param axis the axis
     * @param scales s
     * @param zeros z
     */
    public static Dequantize perAxis(Backend backend, Kind kind, int[] shape, int axis, float[] scales, int[] zeros) {
        return new Dequantize(kind, Axis.of(shape, axis, scales.length, zeros.length), scales.clone(), zeros.clone());
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int n = axis.inner();
        for (int o = 0; o < axis.outer(); o++) {
            for (int c = 0; c < axis.extent(); c++) {
                int at = (o * axis.extent() + c) * n;
                row(banks, x + at, y + at, n, scales[c], zeros[c]);
            }
        }
    }

    private void row(Banks b, int x, int y, int n, float s, int z) {
        float[] to = b.floats;
        switch (kind) {
            case S8 -> {
                byte[] a = b.bytes;
                for (int i = 0; i < n; i++) {
                    to[y + i] = (a[x + i] - z) * s;
                }
            }
            case U8 -> {
                byte[] a = b.bytes;
                for (int i = 0; i < n; i++) {
                    to[y + i] = ((a[x + i] & 0xFF) - z) * s;
                }
            }
            case S16, U16 -> {
                for (int i = 0; i < n; i++) {
                    to[y + i] = (Rows.one(b, kind, x + i) - z) * s;
                }
            }
            case S32 -> {
                int[] a = b.ints;
                for (int i = 0; i < n; i++) {
                    to[y + i] = ((long) a[x + i] - z) * s;
                }
            }
            case S64, F32 -> throw new AssertionError(kind);
        }
    }
}

package dev.qnet.runtime.kernel;

/**
 * Singles to codes: {@code clamp(round(x / s) + z, lo, hi)}, the division in f32, ties to even, except that
 * {@link Rounding#TFLITE} rounds ties away from zero. NaN becomes z.
 */
public final class Quantize implements UnaryKernel {
    private final Loops loops;
    private final QuantizeSpec spec;
    private final Axis axis;

    private Quantize(Loops loops, QuantizeSpec spec, Axis axis) {
        this.loops = loops;
        this.spec = spec;
        this.axis = axis;
    }

    /**
     * Plans for one scale and zero point.
     *
     * @param n elements
     * @param rounding the contract
     * @param scale s
     * @param zero z
     * @param lo the lowest code
     * @param hi the highest
     * @param kind of the codes, at most 32 bits
     */
    public static Quantize perTensor(
            Backend backend, int n, Rounding rounding, float scale, int zero, int lo, int hi, Kind kind) {
        return perAxis(backend, new int[] {1, n}, 0, rounding, new float[] {scale}, new int[] {zero}, lo, hi, kind);
    }

    /**
     * Plans for a scale and zero point for each index along an axis.
     *
     * @param shape the operand's shape
     * @param axis the axis
     * @param scales s
     * @param zeros z
     */
    public static Quantize perAxis(
            Backend backend,
            int[] shape,
            int axis,
            Rounding rounding,
            float[] scales,
            int[] zeros,
            int lo,
            int hi,
            Kind kind) {
        QuantizeSpec spec = new QuantizeSpec(rounding == Rounding.TFLITE, scales.clone(), zeros.clone(), lo, hi, kind);
        return new Quantize(backend.loops(), spec, Axis.of(shape, axis, scales.length, zeros.length));
    }

    /**
     * Plans for bipolar codes, −1 below zero and +1 elsewhere, {@link Kind#S8}.
     *
     * @param n elements
     */
    public static UnaryKernel bipolar(Backend backend, int n) {
        return new Bipolar(n);
    }

    private record Bipolar(int n) implements UnaryKernel {
        @Override
        public void run(Banks banks, int x, int y) {
            for (int i = 0; i < n; i++) {
                banks.bytes[y + i] = (byte) (banks.floats[x + i] < 0 ? -1 : 1);
            }
        }
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int n = axis.inner();
        for (int o = 0; o < axis.outer(); o++) {
            for (int c = 0; c < axis.extent(); c++) {
                int at = (o * axis.extent() + c) * n;
                for (int i = 0; i < n; i += Rows.CHUNK) {
                    int length = Math.min(Rows.CHUNK, n - i);
                    int[] codes = banks.ints(0, Rows.CHUNK);
                    loops.quantize(spec, c, banks.floats, x + at + i, codes, length);
                    loops.store(banks, spec.kind(), y + at + i, codes, 0, length);
                }
            }
        }
    }
}

package dev.qnet.runtime.kernel;

/** Sum or difference of two quantized operands under a common scale, broadcast. */
public final class Add extends Broadcast.Kernel {
    private final Loops loops;
    private final AddSpec spec;

    private Add(Loops loops, AddSpec spec, Broadcast shape) {
        super(shape);
        this.loops = loops;
        this.spec = spec;
    }

    /**
     * Plans the fixed-point form: {@code a = scale_x((x − zx) << leftShift)}, b likewise, {@code clamp(scale_z(a ± b)
     * + zero)}, each scale as {@link Rescale} defines it for the rounding.
     *
     * @param rounding {@link Rounding#TFLITE} or {@link Rounding#TOSA}
     * @param subtract difference instead of sum
     * @param leftShift 20 for codes of 8 bits and fewer, 15 for 16
     * @param x the first operand's element, of at most 16 bits
     * @param xShape its shape
     * @param y the second operand's element, of at most 16 bits
     * @param yShape its shape
     * @param multipliers Q31 multipliers of x, of y, of the sum
     * @param shifts their shifts
     * @param zero the result's zero point
     * @param lo its lowest code
     * @param hi its highest code
     * @param z the result's kind
     */
    public static Add fixed(
            Backend backend,
            Rounding rounding,
            boolean subtract,
            int leftShift,
            Operand x,
            int[] xShape,
            Operand y,
            int[] yShape,
            int[] multipliers,
            int[] shifts,
            int zero,
            int lo,
            int hi,
            Kind z) {
        if (multipliers.length != 3 || shifts.length != 3 || leftShift < 0 || leftShift > 30) {
            throw new IllegalArgumentException("an add has three scales, and a left shift of 0 to 30");
        }
        Rescale[] scale = new Rescale[3];
        for (int i = 0; i < scale.length; i++) {
            scale[i] = Rescale.fixed(
                    rounding,
                    new int[] {multipliers[i]},
                    new int[] {shifts[i]},
                    0,
                    Integer.MIN_VALUE,
                    Integer.MAX_VALUE);
        }
        AddSpec spec = new AddSpec(
                subtract,
                leftShift,
                x,
                y,
                scale[0],
                scale[1],
                Rescale.fixed(rounding, new int[] {multipliers[2]}, new int[] {shifts[2]}, zero, lo, hi),
                z);
        return new Add(backend.loops(), spec, Broadcast.repeating(xShape, yShape));
    }

    /**
     * Plans the form in singles:
     * {@code clamp(round_half_even((x − zx)·xFactor ± (y − zy)·yFactor) + zero)}, each operation rounded to f32.
     *
     * @param xFactor scale of x over scale of the sum
     * @param yFactor scale of y over scale of the sum
     */
    public static Add real(
            Backend backend,
            boolean subtract,
            Operand x,
            int[] xShape,
            Operand y,
            int[] yShape,
            float xFactor,
            float yFactor,
            int zero,
            int lo,
            int hi,
            Kind z) {
        AddSpec spec = new AddSpec(
                subtract,
                0,
                x,
                y,
                Rescale.real(new float[] {xFactor}, 0, 0, 0),
                Rescale.real(new float[] {yFactor}, 0, 0, 0),
                Rescale.real(new float[] {1}, zero, lo, hi),
                z);
        return new Add(backend.loops(), spec, Broadcast.repeating(xShape, yShape));
    }

    @Override
    void row(Banks b, int xAt, int xStep, int yAt, int yStep, int zAt, int n, int channel) {
        if (spec.ofBytes()) {
            byte[] repeated = xStep == 1 && yStep == 1 ? b.bytes : b.byteScratch(2 * Rows.CHUNK);
            loops.add(
                    spec,
                    b,
                    Rows.bytes(b, xAt, xStep, repeated, 0, n),
                    xStep == 1 ? xAt : 0,
                    Rows.bytes(b, yAt, yStep, repeated, Rows.CHUNK, n),
                    yStep == 1 ? yAt : Rows.CHUNK,
                    zAt,
                    n);
            return;
        }
        int[] p = b.ints(0, Rows.CHUNK);
        int[] q = b.ints(1, Rows.CHUNK);
        loops.load(b, spec.x(), xAt, xStep, p, n);
        loops.load(b, spec.y(), yAt, yStep, q, n);
        loops.add(spec, p, q, n);
        loops.store(b, spec.kind(), zAt, p, 0, n);
    }
}

package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** The loops that exist twice, and the kernels built around them. */
interface Loops {
    /**
     * Scales accumulators to codes in place, as {@link Rescale#apply(int, int)} does one by one.
     *
     * @param r the rescale
     * @param a accumulators, overwritten by codes
     * @param at the first
     * @param n how many
     * @param channel the channel of the first; the others follow it
     */
    void rescale(Rescale r, int[] a, int at, int n, int channel);

    /**
     * Writes codes of 8 bits of n accumulators, as {@link Rescale#apply(int, int)} does one by one. Uses int scratch {@link
     * Rows#CODES}, where the accumulators may lie, in which case they are overwritten.
     *
     * @param channel the channel of the first; the others follow it
     */
    default void codes(Rescale r, Kind kind, Banks b, int y, int[] a, int at, int n, int channel) {
        int[] codes = b.ints(Rows.CODES, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            System.arraycopy(a, at + i, codes, 0, length);
            rescale(r, codes, 0, length, channel + i);
            store(b, kind, y + i, codes, 0, length);
        }
    }

    /** Multiplies n codes of 8 bits by n of 8 bits, giving codes of 8 bits in the bank, which overlap neither. */
    default void multiply(MulSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n) {
        int[] p = b.ints(0, Rows.CHUNK);
        int[] q = b.ints(1, Rows.CHUNK);
        for (int i = 0; i < n; i += Rows.CHUNK) {
            int length = Math.min(Rows.CHUNK, n - i);
            load(x, spec.x(), xAt + i, p, length);
            load(y, spec.y(), yAt + i, q, length);
            combine(IntBinary.Fn.MUL, p, 0, q, 0, length);
            rescale(spec.rescale(), p, 0, length, 0);
            store(b, spec.kind(), zAt + i, p, 0, length);
        }
    }

    /** Limits n codes of 8 bits of the bank to lo..hi, codes of the kind. May run in place. */
    default void limit(Kind kind, Banks b, int x, int y, int n, int lo, int hi) {
        byte[] a = b.bytes;
        int mask = kind == Kind.S8 ? -1 : 0xFF;
        for (int i = 0; i < n; i++) {
            a[y + i] = (byte) Math.max(lo, Math.min(hi, a[x + i] & mask));
        }
    }

    /** Writes for each of n bytes of the bank, read as unsigned, its entry of a table of 256. May run in place. */
    default void look(byte[] table, Banks b, int xAt, int yAt, int n) {
        Table.look(b.bytes, xAt, b.bytes, yAt, table, n);
    }

    /** Loads {@code q − zero} of n codes of 8 bits. */
    default void load(byte[] a, Operand x, int from, int[] to, int n) {
        Rows.load(a, x, from, to, 0, n);
    }

    /** Loads {@code q − zero} of a row, as {@link Rows#load(Banks, Operand, int, int[], int, int)} does. */
    void load(Banks b, Operand x, int from, int[] to, int at, int n);

    /**
     * Loads {@code q − zero} of a broadcast operand from index 0 on.
     *
     * @param step 1, or 0 where one element is repeated, or −k where k are
     */
    default void load(Banks b, Operand x, int from, int step, int[] to, int n) {
        if (step == 0) {
            Arrays.fill(to, 0, n, Rows.one(b, x.kind(), from) - x.zero());
        } else if (step < 0) {
            load(b, x, from, to, 0, -step);
            Rows.repeat(to, 0, -step, n);
        } else {
            load(b, x, from, to, 0, n);
        }
    }

    /** Stores ints, narrowed to the kind, as {@link Rows#store} does. */
    void store(Banks b, Kind kind, int to, int[] from, int at, int n);

    /** Adds centred codes q to p, in place, as {@link AddSpec#apply} does one by one. */
    void add(AddSpec spec, int[] p, int[] q, int n);

    /**
     * Adds n codes of 8 bits to n of 8 bits, giving codes of 8 bits in the bank, which overlap neither. Uses int scratch 0
     * and 1.
     */
    void add(AddSpec spec, Banks b, byte[] x, int xAt, byte[] y, int yAt, int zAt, int n);

    /**
     * Makes {@code p fn q} of each of n ints p, wrapping around.
     *
     * @param fn none that divides, and no power
     * @param at the first of p
     * @param from the first of q, another array
     */
    void combine(IntBinary.Fn fn, int[] p, int at, int[] q, int from, int n);

    /** Adds {@code q − zero} of a row of codes to sums. */
    void accumulate(Banks b, Operand x, int from, int[] sums, int n);

    /** Keeps the larger of each of n bytes and that of x, read as signed or not. */
    void largest(boolean signed, byte[] max, byte[] x, int at, int n);

    /**
     * Writes the largest of some taps, for each of n channels of some pixels.
     *
     * @param x bytes with {@link RescaleLanes#PAD} more at their end
     * @param at the first tap of the first pixel
     * @param tapStep from tap to tap
     * @param step from pixel to pixel
     * @param y where the pixels go, one behind the other
     */
    void largest(
            boolean signed, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt);

    /** The largest of n bytes, at least one; unsigned ones count from −128. */
    int largest(boolean signed, byte[] a, int at, int n);

    /**
     * Writes the sum, or the largest, of some taps, for each of n channels of some pixels.
     *
     * @param largest rather than the sum
     * @param row with {@link RescaleLanes#PAD} more at its end, as {@code to}
     * @param at the first tap of the first pixel
     * @param tapStep from tap to tap
     * @param step from pixel to pixel
     * @param to where the pixels go, one behind the other
     */
    void across(boolean largest, int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to);

    /** Makes means of n sums of {@code count} codes of at most 16 bits each, in place, as {@link AvgPool} does. */
    default void means(Rounding rounding, int[] a, int n, int count) {
        AvgPool.means(rounding, a, 0, n, count);
    }

    /** Keeps the larger of each of n singles and that of x, as {@link Math#max(float, float)} does. */
    void largest(float[] max, float[] x, int at, int n);

    /** The largest of n singles as {@link Math#max(float, float)} finds it; of none negative infinity. */
    float largest(float[] a, int at, int n);

    /**
     * Replaces n doubles by {@link StrictMath#exp(double)} of them. Up to {@link RescaleLanes#PAD} behind may be read and
     * overwritten.
     */
    void exp(double[] a, int n);

    /** As {@link #exp}, of {@link StrictMath#tanh(double)}. */
    void tanh(double[] a, int n);

    /** Quantizes n singles from {@code at} by the scale of index c, as {@link QuantizeSpec#apply} does one by one. */
    void quantize(QuantizeSpec spec, int c, float[] x, int at, int[] codes, int n);

    /**
     * A product of matrices of singles with sums in double, which begin with a first number and go on in ascending order.
     * Up to {@link RescaleLanes#PAD} numbers behind w, first and c are read or written too.
     *
     * @param a [rows][k], singles as doubles
     * @param w [k][n]
     * @param at its first
     * @param first [n]
     * @param c [rows][step]
     * @param step at least n
     */
    void product(double[] a, int rows, int k, float[] w, int at, int n, double[] first, double[] c, int step);

    /** Limits n singles as {@link Math#max(float, float)} and then {@link Math#min(float, float)} do; may run in place. */
    void limit(float[] a, int x, int y, int n, float lo, float hi);

    /** {@code to[z + i] = p[x + i] fn q[y + i]} of n singles; the result overlaps no operand. */
    void combine(FloatBinary.Fn fn, float[] p, int x, float[] q, int y, float[] to, int z, int n);

    /** {@code to[y + i] = (float) a[x + i] · factor[i] + offset[i]}, each operation rounded. */
    void affine(int[] a, int x, float[] factor, float[] offset, float[] to, int y, int n);

    /** Writes the least and the largest of n singles and 0 to {@code to}; NaN does not count. */
    void extremes(float[] a, int x, int n, float[] to);

    /** Quantizes n singles: x/s, rounded half to even, NaN as 0, limited to lo..hi, which hold 0. */
    void quantize(float s, int lo, int hi, float[] x, int at, int[] codes, int n);

    /**
     * The cell state of {@link LstmCell} for n units, all of 16 bits in one array; the result may be in the place of one.
     *
     * @param limit 1 to 2^15
     */
    default void cell(short[] a, int f, int c, int i, int g, int result, int n, int inputShift, int limit) {
        LstmCell.cells(a, f, c, i, g, result, n, inputShift, limit);
    }

    /** Makes doubles of n singles. Up to {@link RescaleLanes#PAD} doubles behind may be overwritten. */
    void widen(float[] from, int at, double[] to, int y, int n);

    /** A convolution of one item. */
    UnaryKernel conv(ConvSpec spec);

    /** A product of two matrices. */
    BinaryKernel matmul(MatMulSpec spec);
}

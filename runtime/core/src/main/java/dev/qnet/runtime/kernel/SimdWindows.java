package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The vector loops of {@link SimdDepthwise}. */
final class SimdWindows {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S = Simd.SHORTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    private SimdWindows() {}

    /** The loops that there are. */
    enum Form {
        /** 3x3, outputs and taps neighbours. */
        NEIGHBOURS,
        /** 3x3, taps neighbours, outputs two apart. */
        PAIRS,
        /** 3x3. */
        NINE,
        /** Five columns, outputs and taps neighbours. */
        FIVE,
        /** Any other. */
        ANY
    }

    /**
     * The loop for a window.
     *
     * @param dx from tap to tap in a row
     * @param step from one output to the next
     * @param n outputs in a row
     */
    static Form form(Window w, int dx, int step, int n) {
        boolean near = dx == LANES && step == LANES && n >= 4;
        if (w.kernelW() == 3 && w.kernelH() == 3) {
            return near ? Form.NEIGHBOURS : dx == LANES && step == 2 * LANES && n >= 2 ? Form.PAIRS : Form.NINE;
        }
        return near && w.kernelW() == 5 ? Form.FIVE : Form.ANY;
    }

    /**
     * Sums of products under windows, for rows of outputs, one vector wide.
     *
     * @param form the loop
     * @param height rows of the window
     * @param in the input
     * @param offsets where each tap is for the first output
     * @param x added to these
     * @param rowStep from one row of outputs to the next
     * @param step from one output to the next
     * @param taps the window's
     * @param weights the weights, a vector a tap
     * @param wAt the first
     * @param init what sums begin with
     * @param c the first
     * @param rows rows of outputs
     * @param n outputs in a row
     * @param y the sums, rows*n vectors
     */
    static void sums(
            Form form,
            int height,
            float[] in,
            int[] offsets,
            int x,
            int rowStep,
            int step,
            int taps,
            float[] weights,
            int wAt,
            float[] init,
            int c,
            int rows,
            int n,
            float[] y) {
        switch (form) {
            case NEIGHBOURS, PAIRS, NINE -> {
                int r0 = x + offsets[0];
                int r1 = x + offsets[3];
                int r2 = x + offsets[6];
                if (form == Form.NEIGHBOURS) {
                    neighbours(in, r0, r1, r2, rowStep, weights, wAt, init, c, rows, n * LANES, y);
                } else if (form == Form.PAIRS) {
                    pairs(in, r0, r1, r2, rowStep, weights, wAt, init, c, rows, n, y);
                } else {
                    int dx = offsets[1] - offsets[0];
                    nine(in, r0, r1, r2, rowStep, dx, step, weights, wAt, init, c, rows, n, y);
                }
            }
            case FIVE -> {
                for (int r = 0, to = 0; r < rows; r++, to += n * LANES) {
                    five(in, x + r * rowStep, offsets, height, weights, wAt, init, c, n * LANES, y, to);
                }
            }
            case ANY -> {
                for (int r = 0, to = 0; r < rows; r++, to += n * LANES) {
                    row(in, x + r * rowStep, step, offsets, taps, weights, wAt, init, c, n, y, to);
                }
            }
        }
    }

    private static void row(
            float[] in,
            int x,
            int step,
            int[] offsets,
            int taps,
            float[] w,
            int wAt,
            float[] init,
            int c,
            int n,
            float[] y,
            int to) {
        if (n < 4) {
            for (int i = 0; i < n; i++) {
                one(in, x + i * step, offsets, taps, w, wAt, init, c, y, to + i * LANES);
            }
            return;
        }
        for (int i = 0; i < n; i += 4) {
            int j = Math.min(i, n - 4); // the last four overlap those before
            four(in, x + j * step, step, offsets, taps, w, wAt, init, c, y, to + j * LANES);
        }
    }

    static void one(
            float[] in, int x, int[] offsets, int taps, float[] w, int wAt, float[] init, int c, float[] y, int to) {
        if (taps == 0) {
            return;
        }
        FloatVector s = FloatVector.fromArray(F, init, c);
        for (int t = 0; t < taps; t++) {
            s = FloatVector.fromArray(F, in, x + offsets[t])
                    .lanewise(FMA, FloatVector.fromArray(F, w, wAt + t * LANES), s);
        }
        s.intoArray(y, to);
    }

    /** Four outputs, which share the loads of the weights. */
    static void four(
            float[] in,
            int x,
            int step,
            int[] offsets,
            int taps,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] y,
            int to) {
        if (taps == 0) {
            return;
        }
        FloatVector s0 = FloatVector.fromArray(F, init, c);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        for (int t = 0; t < taps; t++) {
            FloatVector v = FloatVector.fromArray(F, w, wAt + t * LANES);
            int at = x + offsets[t];
            s0 = FloatVector.fromArray(F, in, at).lanewise(FMA, v, s0);
            s1 = FloatVector.fromArray(F, in, at + step).lanewise(FMA, v, s1);
            s2 = FloatVector.fromArray(F, in, at + 2 * step).lanewise(FMA, v, s2);
            s3 = FloatVector.fromArray(F, in, at + 3 * step).lanewise(FMA, v, s3);
        }
        s0.intoArray(y, to);
        s1.intoArray(y, to + LANES);
        s2.intoArray(y, to + 2 * LANES);
        s3.intoArray(y, to + 3 * LANES);
    }

    /**
     * 3x3, four outputs at a time, which are neighbours as taps are, so that they share the loads of the input. All
     * distances are constants, so that C2 checks ranges before the inner loop, not in it.
     *
     * @param x0 the first row of input of the first output
     * @param x1 the second
     * @param x2 the third
     * @param rows rows of outputs
     * @param n outputs in a row, four at least, times the lanes
     * @param y the sums
     */
    private static void neighbours(
            float[] in,
            int x0,
            int x1,
            int x2,
            int rowStep,
            float[] w,
            int wAt,
            float[] init,
            int c,
            int rows,
            int n,
            float[] y) {
        if (rows == 0) {
            return;
        }
        FloatVector b = FloatVector.fromArray(F, init, c);
        FloatVector w00 = FloatVector.fromArray(F, w, wAt);
        FloatVector w01 = FloatVector.fromArray(F, w, wAt + LANES);
        FloatVector w02 = FloatVector.fromArray(F, w, wAt + 2 * LANES);
        FloatVector w10 = FloatVector.fromArray(F, w, wAt + 3 * LANES);
        FloatVector w11 = FloatVector.fromArray(F, w, wAt + 4 * LANES);
        FloatVector w12 = FloatVector.fromArray(F, w, wAt + 5 * LANES);
        FloatVector w20 = FloatVector.fromArray(F, w, wAt + 6 * LANES);
        FloatVector w21 = FloatVector.fromArray(F, w, wAt + 7 * LANES);
        FloatVector w22 = FloatVector.fromArray(F, w, wAt + 8 * LANES);
        for (int r = 0; r < rows; r++) {
            for (int j = 0; j < n; j += 4 * LANES) {
                int i = Math.min(j, n - 4 * LANES); // the last four overlap those before
                int p = x0 + r * rowStep;
                int q = x1 + r * rowStep;
                int s = x2 + r * rowStep;
                int t = r * n;
                FloatVector v0 = FloatVector.fromArray(F, in, p + i);
                FloatVector v1 = FloatVector.fromArray(F, in, p + i + LANES);
                FloatVector v2 = FloatVector.fromArray(F, in, p + i + 2 * LANES);
                FloatVector v3 = FloatVector.fromArray(F, in, p + i + 3 * LANES);
                FloatVector v4 = FloatVector.fromArray(F, in, p + i + 4 * LANES);
                FloatVector v5 = FloatVector.fromArray(F, in, p + i + 5 * LANES);
                FloatVector s0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
                FloatVector s1 = v3.lanewise(FMA, w02, v2.lanewise(FMA, w01, v1.lanewise(FMA, w00, b)));
                FloatVector s2 = v4.lanewise(FMA, w02, v3.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
                FloatVector s3 = v5.lanewise(FMA, w02, v4.lanewise(FMA, w01, v3.lanewise(FMA, w00, b)));
                v0 = FloatVector.fromArray(F, in, q + i);
                v1 = FloatVector.fromArray(F, in, q + i + LANES);
                v2 = FloatVector.fromArray(F, in, q + i + 2 * LANES);
                v3 = FloatVector.fromArray(F, in, q + i + 3 * LANES);
                v4 = FloatVector.fromArray(F, in, q + i + 4 * LANES);
                v5 = FloatVector.fromArray(F, in, q + i + 5 * LANES);
                s0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, s0)));
                s1 = v3.lanewise(FMA, w12, v2.lanewise(FMA, w11, v1.lanewise(FMA, w10, s1)));
                s2 = v4.lanewise(FMA, w12, v3.lanewise(FMA, w11, v2.lanewise(FMA, w10, s2)));
                s3 = v5.lanewise(FMA, w12, v4.lanewise(FMA, w11, v3.lanewise(FMA, w10, s3)));
                v0 = FloatVector.fromArray(F, in, s + i);
                v1 = FloatVector.fromArray(F, in, s + i + LANES);
                v2 = FloatVector.fromArray(F, in, s + i + 2 * LANES);
                v3 = FloatVector.fromArray(F, in, s + i + 3 * LANES);
                v4 = FloatVector.fromArray(F, in, s + i + 4 * LANES);
                v5 = FloatVector.fromArray(F, in, s + i + 5 * LANES);
                v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s0)))
                        .intoArray(y, t + i);
                v3.lanewise(FMA, w22, v2.lanewise(FMA, w21, v1.lanewise(FMA, w20, s1)))
                        .intoArray(y, t + i + LANES);
                v4.lanewise(FMA, w22, v3.lanewise(FMA, w21, v2.lanewise(FMA, w20, s2)))
                        .intoArray(y, t + i + 2 * LANES);
                v5.lanewise(FMA, w22, v4.lanewise(FMA, w21, v3.lanewise(FMA, w20, s3)))
                        .intoArray(y, t + i + 3 * LANES);
            }
        }
    }

    /** 3x3 with windows two pixels apart, two at a time, which share a column. */
    private static void pairs(
            float[] in,
            int x0,
            int x1,
            int x2,
            int rowStep,
            float[] w,
            int wAt,
            float[] init,
            int c,
            int rows,
            int n,
            float[] y) {
        if (rows == 0) {
            return;
        }
        FloatVector b = FloatVector.fromArray(F, init, c);
        FloatVector w00 = FloatVector.fromArray(F, w, wAt);
        FloatVector w01 = FloatVector.fromArray(F, w, wAt + LANES);
        FloatVector w02 = FloatVector.fromArray(F, w, wAt + 2 * LANES);
        FloatVector w10 = FloatVector.fromArray(F, w, wAt + 3 * LANES);
        FloatVector w11 = FloatVector.fromArray(F, w, wAt + 4 * LANES);
        FloatVector w12 = FloatVector.fromArray(F, w, wAt + 5 * LANES);
        FloatVector w20 = FloatVector.fromArray(F, w, wAt + 6 * LANES);
        FloatVector w21 = FloatVector.fromArray(F, w, wAt + 7 * LANES);
        FloatVector w22 = FloatVector.fromArray(F, w, wAt + 8 * LANES);
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < n; i += 2) {
                int j = Math.min(i, n - 2); // the last two may overlap those before
                int at = r * rowStep + j * 2 * LANES;
                int to = (r * n + j) * LANES;
                int p = x0 + at;
                FloatVector v0 = FloatVector.fromArray(F, in, p);
                FloatVector v1 = FloatVector.fromArray(F, in, p + LANES);
                FloatVector v2 = FloatVector.fromArray(F, in, p + 2 * LANES);
                FloatVector v3 = FloatVector.fromArray(F, in, p + 3 * LANES);
                FloatVector v4 = FloatVector.fromArray(F, in, p + 4 * LANES);
                FloatVector s0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
                FloatVector s1 = v4.lanewise(FMA, w02, v3.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
                int q = x1 + at;
                v0 = FloatVector.fromArray(F, in, q);
                v1 = FloatVector.fromArray(F, in, q + LANES);
                v2 = FloatVector.fromArray(F, in, q + 2 * LANES);
                v3 = FloatVector.fromArray(F, in, q + 3 * LANES);
                v4 = FloatVector.fromArray(F, in, q + 4 * LANES);
                s0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, s0)));
                s1 = v4.lanewise(FMA, w12, v3.lanewise(FMA, w11, v2.lanewise(FMA, w10, s1)));
                int s = x2 + at;
                v0 = FloatVector.fromArray(F, in, s);
                v1 = FloatVector.fromArray(F, in, s + LANES);
                v2 = FloatVector.fromArray(F, in, s + 2 * LANES);
                v3 = FloatVector.fromArray(F, in, s + 3 * LANES);
                v4 = FloatVector.fromArray(F, in, s + 4 * LANES);
                v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s0)))
                        .intoArray(y, to);
                v4.lanewise(FMA, w22, v3.lanewise(FMA, w21, v2.lanewise(FMA, w20, s1)))
                        .intoArray(y, to + LANES);
            }
        }
    }

    /** Five columns, four outputs at a time, as {@link #neighbours}, of one row. */
    static void five(
            float[] in,
            int x,
            int[] offsets,
            int height,
            float[] w,
            int wAt,
            float[] init,
            int c,
            int n,
            float[] y,
            int to) {
        if (n == 0) {
            return;
        }
        FloatVector b = FloatVector.fromArray(F, init, c);
        for (int j = 0; j < n; j += 4 * LANES) {
            int i = Math.min(j, n - 4 * LANES); // the last four overlap those before
            FloatVector s0 = b;
            FloatVector s1 = b;
            FloatVector s2 = b;
            FloatVector s3 = b;
            for (int ky = 0; ky < height; ky++) {
                int t = wAt + ky * 5 * LANES;
                FloatVector w0 = FloatVector.fromArray(F, w, t);
                FloatVector w1 = FloatVector.fromArray(F, w, t + LANES);
                FloatVector w2 = FloatVector.fromArray(F, w, t + 2 * LANES);
                FloatVector w3 = FloatVector.fromArray(F, w, t + 3 * LANES);
                FloatVector w4 = FloatVector.fromArray(F, w, t + 4 * LANES);
                int p = x + offsets[ky * 5] + i;
                FloatVector v0 = FloatVector.fromArray(F, in, p);
                FloatVector v1 = FloatVector.fromArray(F, in, p + LANES);
                FloatVector v2 = FloatVector.fromArray(F, in, p + 2 * LANES);
                FloatVector v3 = FloatVector.fromArray(F, in, p + 3 * LANES);
                FloatVector v4 = FloatVector.fromArray(F, in, p + 4 * LANES);
                FloatVector v5 = FloatVector.fromArray(F, in, p + 5 * LANES);
                FloatVector v6 = FloatVector.fromArray(F, in, p + 6 * LANES);
                FloatVector v7 = FloatVector.fromArray(F, in, p + 7 * LANES);
                s0 = v4.lanewise(
                        FMA,
                        w4,
                        v3.lanewise(FMA, w3, v2.lanewise(FMA, w2, v1.lanewise(FMA, w1, v0.lanewise(FMA, w0, s0)))));
                s1 = v5.lanewise(
                        FMA,
                        w4,
                        v4.lanewise(FMA, w3, v3.lanewise(FMA, w2, v2.lanewise(FMA, w1, v1.lanewise(FMA, w0, s1)))));
                s2 = v6.lanewise(
                        FMA,
                        w4,
                        v5.lanewise(FMA, w3, v4.lanewise(FMA, w2, v3.lanewise(FMA, w1, v2.lanewise(FMA, w0, s2)))));
                s3 = v7.lanewise(
                        FMA,
                        w4,
                        v6.lanewise(FMA, w3, v5.lanewise(FMA, w2, v4.lanewise(FMA, w1, v3.lanewise(FMA, w0, s3)))));
            }
            s0.intoArray(y, to + i);
            s1.intoArray(y, to + i + LANES);
            s2.intoArray(y, to + i + 2 * LANES);
            s3.intoArray(y, to + i + 3 * LANES);
        }
    }

    /** 3x3, an output at a time. */
    private static void nine(
            float[] in,
            int x0,
            int x1,
            int x2,
            int rowStep,
            int dx,
            int step,
            float[] w,
            int wAt,
            float[] init,
            int c,
            int rows,
            int n,
            float[] y) {
        if (rows == 0) {
            return;
        }
        FloatVector b = FloatVector.fromArray(F, init, c);
        FloatVector w00 = FloatVector.fromArray(F, w, wAt);
        FloatVector w01 = FloatVector.fromArray(F, w, wAt + LANES);
        FloatVector w02 = FloatVector.fromArray(F, w, wAt + 2 * LANES);
        FloatVector w10 = FloatVector.fromArray(F, w, wAt + 3 * LANES);
        FloatVector w11 = FloatVector.fromArray(F, w, wAt + 4 * LANES);
        FloatVector w12 = FloatVector.fromArray(F, w, wAt + 5 * LANES);
        FloatVector w20 = FloatVector.fromArray(F, w, wAt + 6 * LANES);
        FloatVector w21 = FloatVector.fromArray(F, w, wAt + 7 * LANES);
        FloatVector w22 = FloatVector.fromArray(F, w, wAt + 8 * LANES);
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < n; i++) {
                int at = r * rowStep + i * step;
                int p = x0 + at;
                FloatVector s = FloatVector.fromArray(F, in, p).lanewise(FMA, w00, b);
                s = FloatVector.fromArray(F, in, p + dx).lanewise(FMA, w01, s);
                s = FloatVector.fromArray(F, in, p + 2 * dx).lanewise(FMA, w02, s);
                int q = x1 + at;
                s = FloatVector.fromArray(F, in, q).lanewise(FMA, w10, s);
                s = FloatVector.fromArray(F, in, q + dx).lanewise(FMA, w11, s);
                s = FloatVector.fromArray(F, in, q + 2 * dx).lanewise(FMA, w12, s);
                q = x2 + at;
                s = FloatVector.fromArray(F, in, q).lanewise(FMA, w20, s);
                s = FloatVector.fromArray(F, in, q + dx).lanewise(FMA, w21, s);
                s = FloatVector.fromArray(F, in, q + 2 * dx).lanewise(FMA, w22, s);
                s.intoArray(y, (r * n + i) * LANES);
            }
        }
    }

    /** Sums with the bias as integers. */
    static void integers(float[] sums, int at, int vectors, int[] bias, int channel, int[] acc) {
        IntVector v = IntVector.fromArray(I, bias, channel);
        for (int i = 0; i < vectors * LANES; i += LANES) {
            ((IntVector) FloatVector.fromArray(F, sums, at + i).convert(VectorOperators.F2I, 0))
                    .lanewise(VectorOperators.ADD, v)
                    .intoArray(acc, i);
        }
    }

    /**
     * Loads {@code q − zero} of a column of an image, a vector of channels wide. Lanes beyond n get any number.
     *
     * @param from the first pixel's first channel
     * @param step from pixel to pixel
     * @param pixels pixels in a row
     * @param rows rows
     * @param n channels, at most a vector's
     * @param to where they go, a vector a pixel
     * @param at the first
     * @param toStep from row to row
     */
    static void load(
            Banks b, Operand x, int from, int step, int pixels, int rows, int n, float[] to, int at, int toStep) {
        int rowStep = pixels * step;
        int length = x.kind().bytes() == 1 ? b.bytes.length : b.shorts.length;
        // Rows of which all pixels may be read as a whole vector.
        int last = from + rowStep - step + LANES;
        int safe = last > length ? 0 : Math.min(rows, (length - last) / rowStep + 1);
        if (x.kind().bytes() == 1 && !Simd.HAS_BYTES) {
            safe = 0;
        }
        switch (x.kind()) {
            case S8 -> signedBytes(b.bytes, from, step, rowStep, pixels, safe, x.zero(), to, at, toStep);
            case U8 -> unsignedBytes(b.bytes, from, step, rowStep, pixels, safe, x.zero(), to, at, toStep);
            case S16 -> signedShorts(b.shorts, from, step, rowStep, pixels, safe, x.zero(), to, at, toStep);
            case U16 -> unsignedShorts(b.shorts, from, step, rowStep, pixels, safe, x.zero(), to, at, toStep);
            case S32, S64, F32 -> throw new AssertionError(x);
        }
        for (int r = safe; r < rows; r++) {
            for (int i = 0; i < pixels; i++) {
                SimdRows.load(b, x, from + r * rowStep + i * step, to, at + r * toStep + i * LANES, n);
            }
        }
    }

    /** Clears the pixels beside an image. */
    static void clear(int left, int right, int rows, float[] to, int at, int middle, int toStep) {
        FloatVector zero = FloatVector.zero(F);
        for (int r = 0; r < rows; r++) {
            int t = at + r * toStep;
            for (int i = 0; i < left; i++) {
                zero.intoArray(to, t + i * LANES);
            }
            for (int i = 0; i < right; i++) {
                zero.intoArray(to, t + middle + i * LANES);
            }
        }
    }

    private static void signedBytes(
            byte[] a, int from, int step, int rowStep, int pixels, int rows, int z, float[] to, int at, int toStep) {
        for (int r = 0; r < rows; r++) {
            int p = from + r * rowStep;
            int t = at + r * toStep;
            for (int i = 0; i < pixels; i++) {
                IntVector v =
                        (IntVector) ByteVector.fromArray(B, a, p + i * step).convertShape(VectorOperators.B2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i * LANES);
            }
        }
    }

    private static void unsignedBytes(
            byte[] a, int from, int step, int rowStep, int pixels, int rows, int z, float[] to, int at, int toStep) {
        for (int r = 0; r < rows; r++) {
            int p = from + r * rowStep;
            int t = at + r * toStep;
            for (int i = 0; i < pixels; i++) {
                IntVector v = (IntVector)
                        ByteVector.fromArray(B, a, p + i * step).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i * LANES);
            }
        }
    }

    private static void signedShorts(
            short[] a, int from, int step, int rowStep, int pixels, int rows, int z, float[] to, int at, int toStep) {
        for (int r = 0; r < rows; r++) {
            int p = from + r * rowStep;
            int t = at + r * toStep;
            for (int i = 0; i < pixels; i++) {
                IntVector v =
                        (IntVector) ShortVector.fromArray(S, a, p + i * step).convertShape(VectorOperators.S2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i * LANES);
            }
        }
    }

    private static void unsignedShorts(
            short[] a, int from, int step, int rowStep, int pixels, int rows, int z, float[] to, int at, int toStep) {
        for (int r = 0; r < rows; r++) {
            int p = from + r * rowStep;
            int t = at + r * toStep;
            for (int i = 0; i < pixels; i++) {
                IntVector v = (IntVector)
                        ShortVector.fromArray(S, a, p + i * step).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i * LANES);
            }
        }
    }
}

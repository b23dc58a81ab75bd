package dev.qnet.runtime.kernel;

import static jdk.incubator.vector.VectorOperators.FMA;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * Sums of products under 3x3 windows, straight from the bytes of an image: strips of {@value #WIDTH} outputs, one vector
 * of channels wide, from top to bottom. A row of input is converted once a strip, and adds to all rows of output that it
 * is under: their sums stay in registers until they are whole, so that no single is stored but the sums.
 *
 * <p>Codes are not made smaller by their zero point, for that would be an operation more for each: sums begin with the bias
 * less the zero point times all weights instead. Pixels beside the image are the zero point.
 *
 * <p>Methods for signed and for unsigned bytes differ in the conversion alone, which C2 has to know.
 */
final class SimdStrips {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** Outputs beside each other. */
    static final int WIDTH = 4;

    /** Singles from one row of sums of a strip to the next. */
    static final int ROW = WIDTH * LANES;

    /** Singles that are kept of a strip from call to call: sums of two rows that lack rows of the window. */
    static final int STATE = 2 * ROW;

    private SimdStrips() {}

    /**
     * Goes down rows of input of a strip of windows one pixel apart. The first row of the state lacks the window's last
     * row, the second its last two. A row of input completes the first, the second becomes the first, and a new one
     * begins.
     *
     * @param signed whether bytes are
     * @param x the image
     * @param at the second column of the first row
     * @param pixel from pixel to pixel
     * @param row from row to row
     * @param rows rows of input
     * @param left whether the first column is beside the image
     * @param right whether the last one is
     * @param zero what is there
     * @param w weights, nine vectors
     * @param wAt the first
     * @param init what sums begin with
     * @param c the first
     * @param state what is kept, before and after
     * @param sAt the first
     * @param y the sums that were completed, {@link #ROW} a row
     */
    static void ones(
            boolean signed,
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
            float[] y) {
        if (signed) {
            signedOnes(x, at, pixel, row, rows, left, right, zero, w, wAt, init, c, state, sAt, y);
        } else {
            unsignedOnes(x, at, pixel, row, rows, left, right, zero, w, wAt, init, c, state, sAt, y);
        }
    }

    /**
     * As {@link #ones}, for windows two pixels apart: two rows of input complete a row of outputs. Only the first row of
     * the state is used; it has the window's first row.
     *
     * @param at the second column of the row under the window's second row
     * @param rows rows of outputs
     */
    static void twos(
            boolean signed,
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
            float[] y) {
        if (signed) {
            signedTwos(x, at, pixel, row, rows, left, right, zero, w, wAt, init, c, state, sAt, y);
        } else {
            unsignedTwos(x, at, pixel, row, rows, left, right, zero, w, wAt, init, c, state, sAt, y);
        }
    }

    /**
     * Adds a row of input under a row of the windows to sums of a strip.
     *
     * @param at the second column of the row
     * @param step from window to window
     * @param n windows
     * @param wAt the first weight of the row
     * @param from the sums before
     * @param fAt the first
     * @param next from one to the next, or 0 where all are the same
     * @param to the sums after
     * @param tAt the first
     */
    static void line(
            boolean signed,
            byte[] x,
            int at,
            int pixel,
            int step,
            int n,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] from,
            int fAt,
            int next,
            float[] to,
            int tAt) {
        if (signed) {
            signedLine(x, at, pixel, step, n, left, right, zero, w, wAt, from, fAt, next, to, tAt);
        } else {
            unsignedLine(x, at, pixel, step, n, left, right, zero, w, wAt, from, fAt, next, to, tAt);
        }
    }

    /** Copies a vector n times. */
    static void fill(float[] from, int fAt, float[] to, int tAt, int n) {
        for (int i = 0; i < n; i++) {
            FloatVector.fromArray(F, from, fAt).intoArray(to, tAt + i * LANES);
        }
    }

    /** Adds the same vector to n vectors of sums. */
    static void add(float[] from, int fAt, float[] more, int c, float[] to, int tAt, int n) {
        for (int i = 0; i < n; i++) {
            FloatVector.fromArray(F, from, fAt + i * LANES)
                    .lanewise(VectorOperators.ADD, FloatVector.fromArray(F, more, c))
                    .intoArray(to, tAt + i * LANES);
        }
    }

    private static void signedOnes(
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
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
        FloatVector p0 = FloatVector.fromArray(F, state, sAt);
        FloatVector p1 = FloatVector.fromArray(F, state, sAt + LANES);
        FloatVector p2 = FloatVector.fromArray(F, state, sAt + 2 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, state, sAt + 3 * LANES);
        FloatVector q0 = FloatVector.fromArray(F, state, sAt + 4 * LANES);
        FloatVector q1 = FloatVector.fromArray(F, state, sAt + 5 * LANES);
        FloatVector q2 = FloatVector.fromArray(F, state, sAt + 6 * LANES);
        FloatVector q3 = FloatVector.fromArray(F, state, sAt + 7 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        VectorMask<Float> l = F.maskAll(left);
        VectorMask<Float> r = F.maskAll(right);
        int first = left ? at : at - pixel;
        int last = right ? at : at + 4 * pixel;
        for (int i = 0; i < rows; i++) {
            int d = i * row;
            int t = i * ROW;
            FloatVector v0 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, first + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            FloatVector v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v2 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v3 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v4 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v5 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, last + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, p0)))
                    .intoArray(y, t);
            v3.lanewise(FMA, w22, v2.lanewise(FMA, w21, v1.lanewise(FMA, w20, p1)))
                    .intoArray(y, t + LANES);
            v4.lanewise(FMA, w22, v3.lanewise(FMA, w21, v2.lanewise(FMA, w20, p2)))
                    .intoArray(y, t + 2 * LANES);
            v5.lanewise(FMA, w22, v4.lanewise(FMA, w21, v3.lanewise(FMA, w20, p3)))
                    .intoArray(y, t + 3 * LANES);
            p0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, q0)));
            p1 = v3.lanewise(FMA, w12, v2.lanewise(FMA, w11, v1.lanewise(FMA, w10, q1)));
            p2 = v4.lanewise(FMA, w12, v3.lanewise(FMA, w11, v2.lanewise(FMA, w10, q2)));
            p3 = v5.lanewise(FMA, w12, v4.lanewise(FMA, w11, v3.lanewise(FMA, w10, q3)));
            q0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
            q1 = v3.lanewise(FMA, w02, v2.lanewise(FMA, w01, v1.lanewise(FMA, w00, b)));
            q2 = v4.lanewise(FMA, w02, v3.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
            q3 = v5.lanewise(FMA, w02, v4.lanewise(FMA, w01, v3.lanewise(FMA, w00, b)));
        }
        p0.intoArray(state, sAt);
        p1.intoArray(state, sAt + LANES);
        p2.intoArray(state, sAt + 2 * LANES);
        p3.intoArray(state, sAt + 3 * LANES);
        q0.intoArray(state, sAt + 4 * LANES);
        q1.intoArray(state, sAt + 5 * LANES);
        q2.intoArray(state, sAt + 6 * LANES);
        q3.intoArray(state, sAt + 7 * LANES);
    }

    private static void unsignedOnes(
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
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
        FloatVector p0 = FloatVector.fromArray(F, state, sAt);
        FloatVector p1 = FloatVector.fromArray(F, state, sAt + LANES);
        FloatVector p2 = FloatVector.fromArray(F, state, sAt + 2 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, state, sAt + 3 * LANES);
        FloatVector q0 = FloatVector.fromArray(F, state, sAt + 4 * LANES);
        FloatVector q1 = FloatVector.fromArray(F, state, sAt + 5 * LANES);
        FloatVector q2 = FloatVector.fromArray(F, state, sAt + 6 * LANES);
        FloatVector q3 = FloatVector.fromArray(F, state, sAt + 7 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        VectorMask<Float> l = F.maskAll(left);
        VectorMask<Float> r = F.maskAll(right);
        int first = left ? at : at - pixel;
        int last = right ? at : at + 4 * pixel;
        for (int i = 0; i < rows; i++) {
            int d = i * row;
            int t = i * ROW;
            FloatVector v0 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, first + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            FloatVector v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v2 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector v3 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector v4 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector v5 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, last + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, p0)))
                    .intoArray(y, t);
            v3.lanewise(FMA, w22, v2.lanewise(FMA, w21, v1.lanewise(FMA, w20, p1)))
                    .intoArray(y, t + LANES);
            v4.lanewise(FMA, w22, v3.lanewise(FMA, w21, v2.lanewise(FMA, w20, p2)))
                    .intoArray(y, t + 2 * LANES);
            v5.lanewise(FMA, w22, v4.lanewise(FMA, w21, v3.lanewise(FMA, w20, p3)))
                    .intoArray(y, t + 3 * LANES);
            p0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, q0)));
            p1 = v3.lanewise(FMA, w12, v2.lanewise(FMA, w11, v1.lanewise(FMA, w10, q1)));
            p2 = v4.lanewise(FMA, w12, v3.lanewise(FMA, w11, v2.lanewise(FMA, w10, q2)));
            p3 = v5.lanewise(FMA, w12, v4.lanewise(FMA, w11, v3.lanewise(FMA, w10, q3)));
            q0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
            q1 = v3.lanewise(FMA, w02, v2.lanewise(FMA, w01, v1.lanewise(FMA, w00, b)));
            q2 = v4.lanewise(FMA, w02, v3.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
            q3 = v5.lanewise(FMA, w02, v4.lanewise(FMA, w01, v3.lanewise(FMA, w00, b)));
        }
        p0.intoArray(state, sAt);
        p1.intoArray(state, sAt + LANES);
        p2.intoArray(state, sAt + 2 * LANES);
        p3.intoArray(state, sAt + 3 * LANES);
        q0.intoArray(state, sAt + 4 * LANES);
        q1.intoArray(state, sAt + 5 * LANES);
        q2.intoArray(state, sAt + 6 * LANES);
        q3.intoArray(state, sAt + 7 * LANES);
    }

    private static void signedTwos(
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
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
        FloatVector p0 = FloatVector.fromArray(F, state, sAt);
        FloatVector p1 = FloatVector.fromArray(F, state, sAt + LANES);
        FloatVector p2 = FloatVector.fromArray(F, state, sAt + 2 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, state, sAt + 3 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        VectorMask<Float> l = F.maskAll(left);
        VectorMask<Float> r = F.maskAll(right);
        int first = left ? at : at - pixel;
        int last = right ? at : at + 7 * pixel;
        for (int i = 0; i < rows; i++) {
            int d = 2 * i * row;
            int t = i * ROW;
            FloatVector v0 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, first + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            FloatVector v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v2 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector s0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, p0)));
            v0 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector s1 = v1.lanewise(FMA, w12, v0.lanewise(FMA, w11, v2.lanewise(FMA, w10, p1)));
            v2 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 4 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v0 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 5 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector s2 = v0.lanewise(FMA, w12, v2.lanewise(FMA, w11, v1.lanewise(FMA, w10, p2)));
            v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 6 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v2 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, last + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            FloatVector s3 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, p3)));
            d += row;
            v0 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, first + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            v1 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v2 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s0)))
                    .intoArray(y, t);
            p0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
            v0 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v1.lanewise(FMA, w22, v0.lanewise(FMA, w21, v2.lanewise(FMA, w20, s1)))
                    .intoArray(y, t + LANES);
            p1 = v1.lanewise(FMA, w02, v0.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
            v2 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 4 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v0 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 5 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v0.lanewise(FMA, w22, v2.lanewise(FMA, w21, v1.lanewise(FMA, w20, s2)))
                    .intoArray(y, t + 2 * LANES);
            p2 = v0.lanewise(FMA, w02, v2.lanewise(FMA, w01, v1.lanewise(FMA, w00, b)));
            v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + 6 * pixel + d).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v2 = ((FloatVector)
                            ((IntVector) ByteVector.fromArray(B, x, last + d).convertShape(VectorOperators.B2I, I, 0))
                                    .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s3)))
                    .intoArray(y, t + 3 * LANES);
            p3 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
        }
        p0.intoArray(state, sAt);
        p1.intoArray(state, sAt + LANES);
        p2.intoArray(state, sAt + 2 * LANES);
        p3.intoArray(state, sAt + 3 * LANES);
    }

    private static void unsignedTwos(
            byte[] x,
            int at,
            int pixel,
            int row,
            int rows,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] init,
            int c,
            float[] state,
            int sAt,
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
        FloatVector p0 = FloatVector.fromArray(F, state, sAt);
        FloatVector p1 = FloatVector.fromArray(F, state, sAt + LANES);
        FloatVector p2 = FloatVector.fromArray(F, state, sAt + 2 * LANES);
        FloatVector p3 = FloatVector.fromArray(F, state, sAt + 3 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        VectorMask<Float> l = F.maskAll(left);
        VectorMask<Float> r = F.maskAll(right);
        int first = left ? at : at - pixel;
        int last = right ? at : at + 7 * pixel;
        for (int i = 0; i < rows; i++) {
            int d = 2 * i * row;
            int t = i * ROW;
            FloatVector v0 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, first + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            FloatVector v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            FloatVector v2 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector s0 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, p0)));
            v0 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v1 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector s1 = v1.lanewise(FMA, w12, v0.lanewise(FMA, w11, v2.lanewise(FMA, w10, p1)));
            v2 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 4 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v0 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 5 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            FloatVector s2 = v0.lanewise(FMA, w12, v2.lanewise(FMA, w11, v1.lanewise(FMA, w10, p2)));
            v1 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 6 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v2 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, last + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            FloatVector s3 = v2.lanewise(FMA, w12, v1.lanewise(FMA, w11, v0.lanewise(FMA, w10, p3)));
            d += row;
            v0 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, first + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, l);
            v1 = (FloatVector)
                    ((IntVector) ByteVector.fromArray(B, x, at + d).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0);
            v2 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s0)))
                    .intoArray(y, t);
            p0 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
            v0 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 2 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v1 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 3 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v1.lanewise(FMA, w22, v0.lanewise(FMA, w21, v2.lanewise(FMA, w20, s1)))
                    .intoArray(y, t + LANES);
            p1 = v1.lanewise(FMA, w02, v0.lanewise(FMA, w01, v2.lanewise(FMA, w00, b)));
            v2 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 4 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v0 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 5 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v0.lanewise(FMA, w22, v2.lanewise(FMA, w21, v1.lanewise(FMA, w20, s2)))
                    .intoArray(y, t + 2 * LANES);
            p2 = v0.lanewise(FMA, w02, v2.lanewise(FMA, w01, v1.lanewise(FMA, w00, b)));
            v1 = (FloatVector) ((IntVector) ByteVector.fromArray(B, x, at + 6 * pixel + d)
                            .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                    .convert(VectorOperators.I2F, 0);
            v2 = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, last + d)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, r);
            v2.lanewise(FMA, w22, v1.lanewise(FMA, w21, v0.lanewise(FMA, w20, s3)))
                    .intoArray(y, t + 3 * LANES);
            p3 = v2.lanewise(FMA, w02, v1.lanewise(FMA, w01, v0.lanewise(FMA, w00, b)));
        }
        p0.intoArray(state, sAt);
        p1.intoArray(state, sAt + LANES);
        p2.intoArray(state, sAt + 2 * LANES);
        p3.intoArray(state, sAt + 3 * LANES);
    }

    private static void signedLine(
            byte[] x,
            int at,
            int pixel,
            int step,
            int n,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] from,
            int fAt,
            int next,
            float[] to,
            int tAt) {
        if (n == 0) {
            return;
        }
        FloatVector w0 = FloatVector.fromArray(F, w, wAt);
        FloatVector w1 = FloatVector.fromArray(F, w, wAt + LANES);
        FloatVector w2 = FloatVector.fromArray(F, w, wAt + 2 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        for (int i = 0; i < n; i++) {
            int p = at + i * step;
            boolean l = left && i == 0;
            boolean r = right && i == n - 1;
            int first = l ? p : p - pixel;
            int last = r ? p : p + pixel;
            FloatVector s = FloatVector.fromArray(F, from, fAt + i * next);
            s = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, first).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, F.maskAll(l))
                    .lanewise(FMA, w0, s);
            s = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, p).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .lanewise(FMA, w1, s);
            s = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, last).convertShape(VectorOperators.B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, F.maskAll(r))
                    .lanewise(FMA, w2, s);
            s.intoArray(to, tAt + i * LANES);
        }
    }

    private static void unsignedLine(
            byte[] x,
            int at,
            int pixel,
            int step,
            int n,
            boolean left,
            boolean right,
            float zero,
            float[] w,
            int wAt,
            float[] from,
            int fAt,
            int next,
            float[] to,
            int tAt) {
        if (n == 0) {
            return;
        }
        FloatVector w0 = FloatVector.fromArray(F, w, wAt);
        FloatVector w1 = FloatVector.fromArray(F, w, wAt + LANES);
        FloatVector w2 = FloatVector.fromArray(F, w, wAt + 2 * LANES);
        FloatVector z = FloatVector.broadcast(F, zero);
        for (int i = 0; i < n; i++) {
            int p = at + i * step;
            boolean l = left && i == 0;
            boolean r = right && i == n - 1;
            int first = l ? p : p - pixel;
            int last = r ? p : p + pixel;
            FloatVector s = FloatVector.fromArray(F, from, fAt + i * next);
            s = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, first)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, F.maskAll(l))
                    .lanewise(FMA, w0, s);
            s = ((FloatVector) ((IntVector)
                                    ByteVector.fromArray(B, x, p).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .lanewise(FMA, w1, s);
            s = ((FloatVector) ((IntVector) ByteVector.fromArray(B, x, last)
                                    .convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0))
                            .convert(VectorOperators.I2F, 0))
                    .blend(z, F.maskAll(r))
                    .lanewise(FMA, w2, s);
            s.intoArray(to, tAt + i * LANES);
        }
    }
}

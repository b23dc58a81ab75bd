package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** What pools do to rows of channels, in vectors. */
final class SimdPools {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S = Simd.SHORTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** Rows of channels are short. */
    private static final VectorSpecies<Byte> FEW = ByteVector.SPECIES_64;

    private static final VectorSpecies<Byte> MANY =
            ByteVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Math.min(Simd.BITS, 256)));

    private SimdPools() {}

    /** As {@link Loops#accumulate}. */
    static void accumulate(Banks b, Operand x, int from, int[] sums, int n) {
        int z = x.zero();
        int done = switch (x.kind()) {
            case S8 -> Simd.HAS_BYTES ? signedBytes(b.bytes, from, z, sums, n) : 0;
            case U8 -> Simd.HAS_BYTES ? unsignedBytes(b.bytes, from, z, sums, n) : 0;
            case S16 -> signedShorts(b.shorts, from, z, sums, n);
            case U16 -> unsignedShorts(b.shorts, from, z, sums, n);
            case S32, S64, F32 -> 0;
        };
        for (int i = done; i < n; i++) {
            sums[i] += Rows.one(b, x.kind(), from + i) - z;
        }
    }

    private static int signedBytes(byte[] a, int from, int z, int[] sums, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            IntVector.fromArray(I, sums, i)
                    .lanewise(VectorOperators.ADD, v.sub(z))
                    .intoArray(sums, i);
        }
        return i;
    }

    private static int unsignedBytes(byte[] a, int from, int z, int[] sums, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            IntVector.fromArray(I, sums, i)
                    .lanewise(VectorOperators.ADD, v.sub(z))
                    .intoArray(sums, i);
        }
        return i;
    }

    private static int signedShorts(short[] a, int from, int z, int[] sums, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            IntVector.fromArray(I, sums, i)
                    .lanewise(VectorOperators.ADD, v.sub(z))
                    .intoArray(sums, i);
        }
        return i;
    }

    private static int unsignedShorts(short[] a, int from, int z, int[] sums, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            IntVector.fromArray(I, sums, i)
                    .lanewise(VectorOperators.ADD, v.sub(z))
                    .intoArray(sums, i);
        }
        return i;
    }

    /**
     * As {@link Loops#largest}; the last vector may overlap the one before, which makes no difference.
     *
     * @param flip what makes signed bytes of the codes
     */
    static void largest(byte flip, byte[] max, byte[] x, int at, int n) {
        if (n >= MANY.length()) {
            many(flip, max, x, at, n);
        } else if (n >= FEW.length()) {
            few(flip, max, x, at, n);
        } else {
            for (int i = 0; i < n; i++) {
                max[i] = (byte) (Math.max((byte) (max[i] ^ flip), (byte) (x[at + i] ^ flip)) ^ flip);
            }
        }
    }

    /** As {@link Loops#across}; vectors of fewer channels run into the next pixel, which is written later. */
    static void sums(int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to) {
        for (int p = 0; p < pixels; p++) {
            for (int j = 0; j < n; j += LANES) {
                int i = Math.max(0, Math.min(j, n - LANES));
                int from = at + p * step + i;
                IntVector sum = IntVector.fromArray(I, row, from);
                for (int t = 1; t < taps; t++) {
                    sum = IntVector.fromArray(I, row, from + t * tapStep).lanewise(VectorOperators.ADD, sum);
                }
                sum.intoArray(to, p * n + i);
            }
        }
    }

    static void maxima(int[] row, int at, int taps, int tapStep, int pixels, int step, int n, int[] to) {
        for (int p = 0; p < pixels; p++) {
            for (int j = 0; j < n; j += LANES) {
                int i = Math.max(0, Math.min(j, n - LANES));
                int from = at + p * step + i;
                IntVector max = IntVector.fromArray(I, row, from);
                for (int t = 1; t < taps; t++) {
                    max = IntVector.fromArray(I, row, from + t * tapStep).lanewise(VectorOperators.MAX, max);
                }
                max.intoArray(to, p * n + i);
            }
        }
    }

    /** As {@link Loops#largest(boolean, byte[], int, int)}. */
    static int largest(boolean signed, byte[] a, int at, int n) {
        return n < MANY.length()
                ? ScalarLoops.INSTANCE.largest(signed, a, at, n)
                : many(signed ? 0 : (byte) 0x80, a, at, n);
    }

    static int many(byte flip, byte[] a, int at, int n) {
        if (n == 0) {
            return 0;
        }
        ByteVector f = ByteVector.broadcast(MANY, flip);
        ByteVector max = ByteVector.fromArray(MANY, a, at + n - MANY.length()).lanewise(VectorOperators.XOR, f);
        for (int i = 0; i < n - MANY.length(); i += MANY.length()) {
            max = ByteVector.fromArray(MANY, a, at + i)
                    .lanewise(VectorOperators.XOR, f)
                    .lanewise(VectorOperators.MAX, max);
        }
        return max.reduceLanes(VectorOperators.MAX);
    }

    /** Limits codes that {@code flip} makes signed; returns how many, a multiple of the lanes. */
    static int limit(byte flip, byte[] a, int x, int y, int n, byte lo, byte hi) {
        int i = 0;
        for (; i + MANY.length() <= n; i += MANY.length()) {
            ByteVector.fromArray(MANY, a, x + i)
                    .lanewise(VectorOperators.XOR, flip)
                    .lanewise(VectorOperators.MAX, lo)
                    .lanewise(VectorOperators.MIN, hi)
                    .lanewise(VectorOperators.XOR, flip)
                    .intoArray(a, y + i);
        }
        return i;
    }

    static void many(byte flip, byte[] max, byte[] x, int at, int n) {
        if (n == 0) {
            return;
        }
        ByteVector f = ByteVector.broadcast(MANY, flip);
        for (int j = 0; j < n; j += MANY.length()) {
            int i = Math.min(j, n - MANY.length());
            ByteVector a = ByteVector.fromArray(MANY, max, i).lanewise(VectorOperators.XOR, f);
            ByteVector b = ByteVector.fromArray(MANY, x, at + i).lanewise(VectorOperators.XOR, f);
            a.max(b).lanewise(VectorOperators.XOR, f).intoArray(max, i);
        }
    }

    static void few(byte flip, byte[] max, byte[] x, int at, int n) {
        if (n == 0) {
            return;
        }
        ByteVector f = ByteVector.broadcast(FEW, flip);
        for (int j = 0; j < n; j += FEW.length()) {
            int i = Math.min(j, n - FEW.length());
            ByteVector a = ByteVector.fromArray(FEW, max, i).lanewise(VectorOperators.XOR, f);
            ByteVector b = ByteVector.fromArray(FEW, x, at + i).lanewise(VectorOperators.XOR, f);
            a.max(b).lanewise(VectorOperators.XOR, f).intoArray(max, i);
        }
    }

    /** As {@link Loops#largest(boolean, byte[], int, int, int, int, int, int, byte[], int)}. */
    static void largest(
            byte flip, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        if (n >= MANY.length()) {
            many(flip, x, at, taps, tapStep, pixels, step, n, y, yAt);
            return;
        }
        // Vectors of fewer channels run into the next pixel, which is written later; the last ones must not.
        int vectors = n >= FEW.length() ? pixels : Math.max(0, pixels - (FEW.length() - 1) / Math.max(n, 1));
        few(flip, x, at, taps, tapStep, vectors, step, n, y, yAt);
        if (vectors < pixels) {
            boolean signed = flip == 0;
            int from = at + vectors * step;
            ScalarLoops.INSTANCE.largest(
                    signed, x, from, taps, tapStep, pixels - vectors, step, n, y, yAt + vectors * n);
        }
    }

    static void many(
            byte flip, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        if (pixels == 0) {
            return;
        }
        ByteVector f = ByteVector.broadcast(MANY, flip);
        for (int p = 0; p < pixels; p++) {
            for (int j = 0; j < n; j += MANY.length()) {
                int i = Math.min(j, n - MANY.length());
                int from = at + p * step + i;
                ByteVector max = ByteVector.fromArray(MANY, x, from).lanewise(VectorOperators.XOR, f);
                for (int t = 1; t < taps; t++) {
                    max = ByteVector.fromArray(MANY, x, from + t * tapStep)
                            .lanewise(VectorOperators.XOR, f)
                            .max(max);
                }
                max.lanewise(VectorOperators.XOR, f).intoArray(y, yAt + p * n + i);
            }
        }
    }

    static void few(
            byte flip, byte[] x, int at, int taps, int tapStep, int pixels, int step, int n, byte[] y, int yAt) {
        if (pixels == 0) {
            return;
        }
        ByteVector f = ByteVector.broadcast(FEW, flip);
        for (int p = 0; p < pixels; p++) {
            for (int j = 0; j < n; j += FEW.length()) {
                int i = Math.max(0, Math.min(j, n - FEW.length()));
                int from = at + p * step + i;
                ByteVector max = ByteVector.fromArray(FEW, x, from).lanewise(VectorOperators.XOR, f);
                for (int t = 1; t < taps; t++) {
                    max = ByteVector.fromArray(FEW, x, from + t * tapStep)
                            .lanewise(VectorOperators.XOR, f)
                            .max(max);
                }
                max.lanewise(VectorOperators.XOR, f).intoArray(y, yAt + p * n + i);
            }
        }
    }

    /** As {@link Loops#largest(float[], float[], int, int)}. */
    static void largest(float[] max, float[] x, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            FloatVector.fromArray(F, max, i)
                    .lanewise(VectorOperators.MAX, FloatVector.fromArray(F, x, at + i))
                    .intoArray(max, i);
        }
        for (; i < n; i++) {
            max[i] = Math.max(max[i], x[at + i]);
        }
    }
}

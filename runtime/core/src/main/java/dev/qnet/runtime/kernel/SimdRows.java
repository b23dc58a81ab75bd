package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Moves rows between banks and scratch arrays in vectors: codes to singles and accumulators to codes. */
final class SimdRows {
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S = Simd.SHORTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** So many singles behind a row may be overwritten. */
    static final int OVERRUN = LANES - 1;

    private SimdRows() {}

    /** Loads {@code q − zero} of codes of at most 16 bits, which a single holds exactly. */
    static void load(Banks b, Operand x, int from, float[] to, int at, int n) {
        int z = x.zero();
        int done = switch (x.kind()) {
            case S8 -> Simd.HAS_BYTES ? signedBytes(b.bytes, from, z, to, at, n) : 0;
            case U8 -> Simd.HAS_BYTES ? unsignedBytes(b.bytes, from, z, to, at, n) : 0;
            case S16 -> signedShorts(b.shorts, from, z, to, at, n);
            case U16 -> unsignedShorts(b.shorts, from, z, to, at, n);
            case S32, S64, F32 -> throw new AssertionError(x);
        };
        for (int i = done; i < n; i++) {
            to[at + i] = Rows.one(b, x.kind(), from + i) - z;
        }
    }

    private static int signedBytes(byte[] a, int from, int z, float[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedBytes(byte[] a, int from, int z, float[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int signedShorts(short[] a, int from, int z, float[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedShorts(short[] a, int from, int z, float[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    /**
     * Loads rows of {@code q − zero}. Vectors run over a row's end in {@code to}, where up to {@link #OVERRUN} singles
     * are overwritten by numbers of no meaning; so rows are written from the first to the last.
     *
     * @param from the first row's first code
     * @param step from row to row of codes
     * @param rows rows
     * @param n codes in a row
     * @param to where they go
     * @param at the first
     * @param toStep from row to row
     */
    static void load(Banks b, Operand x, int from, int step, int rows, int n, float[] to, int at, int toStep) {
        int z = x.zero();
        // Rows at whose end a vector may be read as a whole.
        int vectors = (n + LANES - 1) / LANES * LANES;
        int length = x.kind().bytes() == 1 ? b.bytes.length : b.shorts.length;
        int safe = Math.clamp((length - vectors - from) / step + 1, 0, rows);
        if (length - vectors < from || (x.kind().bytes() == 1 && !Simd.HAS_BYTES)) {
            safe = 0;
        }
        switch (x.kind()) {
            case S8 -> signedBytes(b.bytes, from, step, safe, vectors, z, to, at, toStep);
            case U8 -> unsignedBytes(b.bytes, from, step, safe, vectors, z, to, at, toStep);
            case S16 -> signedShorts(b.shorts, from, step, safe, vectors, z, to, at, toStep);
            case U16 -> unsignedShorts(b.shorts, from, step, safe, vectors, z, to, at, toStep);
            case S32, S64, F32 -> throw new AssertionError(x);
        }
        for (int r = safe; r < rows; r++) {
            load(b, x, from + r * step, to, at + r * toStep, n);
        }
    }

    /**
     * Copies four runs of singles, and up to {@link #OVERRUN} behind each.
     *
     * @param s where the first is
     * @param s1 where the second is, from there
     * @param t where the first goes
     * @param t1 where the second goes, from there
     * @param n their length
     */
    static void copy(float[] from, int s, int s1, int s2, int s3, float[] to, int t, int t1, int t2, int t3, int n) {
        for (int i = 0; i < n; i += LANES) {
            FloatVector.fromArray(F, from, s + i).intoArray(to, t + i);
            FloatVector.fromArray(F, from, s + s1 + i).intoArray(to, t + t1 + i);
            FloatVector.fromArray(F, from, s + s2 + i).intoArray(to, t + t2 + i);
            FloatVector.fromArray(F, from, s + s3 + i).intoArray(to, t + t3 + i);
        }
    }

    /** As {@link #copy}, of unsigned bytes, less a zero point. */
    static void unsignedBytes(
            byte[] from, int s, int s1, int s2, int s3, int z, float[] to, int t, int t1, int t2, int t3, int n) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector)
                    ByteVector.fromArray(B, from, s + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i);
            IntVector v1 = (IntVector)
                    ByteVector.fromArray(B, from, s + s1 + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t1 + i);
            IntVector v2 = (IntVector)
                    ByteVector.fromArray(B, from, s + s2 + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t2 + i);
            IntVector v3 = (IntVector)
                    ByteVector.fromArray(B, from, s + s3 + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t3 + i);
        }
    }

    /** The same of signed bytes. */
    static void signedBytes(
            byte[] from, int s, int s1, int s2, int s3, int z, float[] to, int t, int t1, int t2, int t3, int n) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector) ByteVector.fromArray(B, from, s + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + i);
            IntVector v1 =
                    (IntVector) ByteVector.fromArray(B, from, s + s1 + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t1 + i);
            IntVector v2 =
                    (IntVector) ByteVector.fromArray(B, from, s + s2 + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t2 + i);
            IntVector v3 =
                    (IntVector) ByteVector.fromArray(B, from, s + s3 + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, t + t3 + i);
        }
    }

    /**
     * As {@link #copy}, several times, n at most a vector's length.
     *
     * @param down from run to row of what is copied; copies follow each other
     * @param times how often
     */
    static void copyShort(
            float[] from,
            int s,
            int s1,
            int s2,
            int s3,
            int down,
            float[] to,
            int t,
            int t1,
            int t2,
            int t3,
            int n,
            int times) {
        for (int i = 0; i < times; i++) {
            int p = s + i * down;
            int q = t + i * n;
            FloatVector.fromArray(F, from, p).intoArray(to, q);
            FloatVector.fromArray(F, from, p + s1).intoArray(to, q + t1);
            FloatVector.fromArray(F, from, p + s2).intoArray(to, q + t2);
            FloatVector.fromArray(F, from, p + s3).intoArray(to, q + t3);
        }
    }

    /** Makes singles of n bytes, a multiple of the lanes, from index 0. */
    static void singles(byte[] a, int from, int n, float[] to) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v.convert(VectorOperators.I2F, 0)).intoArray(to, i);
        }
    }

    // Each of the following takes four rows at a time, for short loops cost more than what they do. Rows of one vector
    // are a loop of their own.

    private static void signedBytes(
            byte[] a, int from, int step, int rows, int n, int z, float[] to, int at, int toStep) {
        if (n == LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v =
                        (IntVector) ByteVector.fromArray(B, a, from + r * step).convertShape(VectorOperators.B2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + r * toStep);
            }
            return;
        }
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            signedBytesFour(a, from + r * step, step, n, z, to, at + r * toStep, toStep);
        }
        for (; r < rows; r++) {
            signedBytes(a, from + r * step, z, to, at + r * toStep, n);
        }
    }

    private static void signedBytesFour(byte[] a, int from, int step, int n, int z, float[] to, int at, int toStep) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
            IntVector v1 =
                    (IntVector) ByteVector.fromArray(B, a, from + i + step).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + toStep);
            IntVector v2 =
                    (IntVector) ByteVector.fromArray(B, a, from + i + 2 * step).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 2 * toStep);
            IntVector v3 =
                    (IntVector) ByteVector.fromArray(B, a, from + i + 3 * step).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 3 * toStep);
        }
    }

    private static void unsignedBytes(
            byte[] a, int from, int step, int rows, int n, int z, float[] to, int at, int toStep) {
        if (n == LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v = (IntVector)
                        ByteVector.fromArray(B, a, from + r * step).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + r * toStep);
            }
            return;
        }
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            unsignedBytesFour(a, from + r * step, step, n, z, to, at + r * toStep, toStep);
        }
        for (; r < rows; r++) {
            unsignedBytes(a, from + r * step, z, to, at + r * toStep, n);
        }
    }

    private static void unsignedBytesFour(byte[] a, int from, int step, int n, int z, float[] to, int at, int toStep) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
            IntVector v1 = (IntVector)
                    ByteVector.fromArray(B, a, from + i + step).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + toStep);
            IntVector v2 = (IntVector)
                    ByteVector.fromArray(B, a, from + i + 2 * step).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 2 * toStep);
            IntVector v3 = (IntVector)
                    ByteVector.fromArray(B, a, from + i + 3 * step).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 3 * toStep);
        }
    }

    private static void signedShorts(
            short[] a, int from, int step, int rows, int n, int z, float[] to, int at, int toStep) {
        if (n == LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v = (IntVector)
                        ShortVector.fromArray(S, a, from + r * step).convertShape(VectorOperators.S2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + r * toStep);
            }
            return;
        }
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            signedShortsFour(a, from + r * step, step, n, z, to, at + r * toStep, toStep);
        }
        for (; r < rows; r++) {
            signedShorts(a, from + r * step, z, to, at + r * toStep, n);
        }
    }

    private static void signedShortsFour(short[] a, int from, int step, int n, int z, float[] to, int at, int toStep) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
            IntVector v1 =
                    (IntVector) ShortVector.fromArray(S, a, from + i + step).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + toStep);
            IntVector v2 = (IntVector)
                    ShortVector.fromArray(S, a, from + i + 2 * step).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 2 * toStep);
            IntVector v3 = (IntVector)
                    ShortVector.fromArray(S, a, from + i + 3 * step).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 3 * toStep);
        }
    }

    private static void unsignedShorts(
            short[] a, int from, int step, int rows, int n, int z, float[] to, int at, int toStep) {
        if (n == LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v = (IntVector) ShortVector.fromArray(S, a, from + r * step)
                        .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
                ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + r * toStep);
            }
            return;
        }
        int r = 0;
        for (; r + 4 <= rows; r += 4) {
            unsignedShortsFour(a, from + r * step, step, n, z, to, at + r * toStep, toStep);
        }
        for (; r < rows; r++) {
            unsignedShorts(a, from + r * step, z, to, at + r * toStep, n);
        }
    }

    private static void unsignedShortsFour(
            short[] a, int from, int step, int n, int z, float[] to, int at, int toStep) {
        for (int i = 0; i < n; i += LANES) {
            IntVector v0 = (IntVector)
                    ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v0.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
            IntVector v1 = (IntVector)
                    ShortVector.fromArray(S, a, from + i + step).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v1.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + toStep);
            IntVector v2 = (IntVector) ShortVector.fromArray(S, a, from + i + 2 * step)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v2.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 2 * toStep);
            IntVector v3 = (IntVector) ShortVector.fromArray(S, a, from + i + 3 * step)
                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v3.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i + 3 * toStep);
        }
    }

    /** As {@link Rows#load(Banks, Operand, int, int[], int, int)}. */
    static void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        int z = x.zero();
        int done = switch (x.kind()) {
            case S8 -> Simd.HAS_BYTES ? signedBytes(b.bytes, from, z, to, at, n) : 0;
            case U8 -> Simd.HAS_BYTES ? unsignedBytes(b.bytes, from, z, to, at, n) : 0;
            case S16 -> signedShorts(b.shorts, from, z, to, at, n);
            case U16 -> unsignedShorts(b.shorts, from, z, to, at, n);
            case S32, S64, F32 -> 0;
        };
        if (done < n) {
            Rows.load(b, x, from + done, to, at + done, n - done);
        }
    }

    /** As {@link #load(Banks, Operand, int, int[], int, int)}, of n bytes that lie anywhere, a multiple of the lanes. */
    static void load(byte[] a, Operand x, int from, int[] to, int n) {
        if (x.kind() == Kind.S8) {
            signedBytes(a, from, x.zero(), to, 0, n);
        } else {
            unsignedBytes(a, from, x.zero(), to, 0, n);
        }
    }

    private static int signedBytes(byte[] a, int from, int z, int[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedBytes(byte[] a, int from, int z, int[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int signedShorts(short[] a, int from, int z, int[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedShorts(short[] a, int from, int z, int[] to, int at, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    /** As {@link Rows#store}. */
    static void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        int done = switch (kind) {
            case S8, U8 -> Simd.HAS_BYTES ? bytes(from, at, b.bytes, to, n) : 0;
            case S16, U16 -> shorts(from, at, b.shorts, to, n);
            case S32, S64, F32 -> 0;
        };
        if (done < n) {
            Rows.store(b, kind, to + done, from, at + done, n - done);
        }
    }

    private static int bytes(int[] from, int at, byte[] to, int y, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            ((ByteVector) IntVector.fromArray(I, from, at + i).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(to, y + i);
        }
        return i;
    }

    private static int shorts(int[] from, int at, short[] to, int y, int n) {
        if (n == 0) {
            return 0;
        }
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            ((ShortVector) IntVector.fromArray(I, from, at + i).convertShape(VectorOperators.I2S, S, 0))
                    .intoArray(to, y + i);
        }
        return i;
    }
}

package dev.qnet.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Moves rows between banks and scratch arrays in vectors: codes to singles and accumulators to codes. */
final class SimdRows {
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final VectorSpecies<Short> S = Simd.SHORTS;
    private static final VectorSpecies<Byte> B = Simd.BYTES;
    private static final int LANES = Simd.LANES;

    /** Loads into singles, for {@link Patch}. */
    static final Patch.Loader<float[]> FLOATS = new Patch.Loader<>() {
        @Override
        public void zeros(float[] to, int at, int n) {
            Arrays.fill(to, at, at + n, 0f);
        }

        @Override
        public void load(Banks b, Operand x, int from, float[] to, int at, int n) {
            SimdRows.load(b, x, from, to, at, n);
        }
    };

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
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedBytes(byte[] a, int from, int z, float[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int signedShorts(short[] a, int from, int z, float[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedShorts(short[] a, int from, int z, float[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_S2I, I, 0);
            ((FloatVector) v.sub(z).convert(VectorOperators.I2F, 0)).intoArray(to, at + i);
        }
        return i;
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

    private static int signedBytes(byte[] a, int from, int z, int[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.B2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedBytes(byte[] a, int from, int z, int[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int signedShorts(short[] a, int from, int z, int[] to, int at, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            IntVector v = (IntVector) ShortVector.fromArray(S, a, from + i).convertShape(VectorOperators.S2I, I, 0);
            v.sub(z).intoArray(to, at + i);
        }
        return i;
    }

    private static int unsignedShorts(short[] a, int from, int z, int[] to, int at, int n) {
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
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            ((ByteVector) IntVector.fromArray(I, from, at + i).convertShape(VectorOperators.I2B, B, 0))
                    .intoArray(to, y + i);
        }
        return i;
    }

    private static int shorts(int[] from, int at, short[] to, int y, int n) {
        int i = 0;
        for (; i + LANES <= n; i += LANES) {
            ((ShortVector) IntVector.fromArray(I, from, at + i).convertShape(VectorOperators.I2S, S, 0))
                    .intoArray(to, y + i);
        }
        return i;
    }
}

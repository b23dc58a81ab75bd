package dev.qnet.runtime.kernel;

import java.util.Random;

/** Random data and choices for kernel tests. */
final class Data {
    /** Where tests put results: behind all operands. */
    static final int RESULT = 1 << 16;

    private static final int SIZE = 1 << 17;

    /** Made once: making it takes longer than most checks. */
    private static final Banks NOISE = noise();

    private Data() {}

    @SafeVarargs
    static <T> T pick(Random r, T... of) {
        return of[r.nextInt(of.length)];
    }

    /** Between lo and hi, both included, and often one of them. */
    static int code(Random r, int lo, int hi) {
        return switch (r.nextInt(8)) {
            case 0 -> lo;
            case 1 -> hi;
            default -> (int) r.nextLong(lo, hi + 1L);
        };
    }

    /** Banks full of anything. */
    static Banks banks(Random r) {
        Banks b = new Banks(SIZE, SIZE, SIZE, SIZE, SIZE);
        int shift = r.nextInt(SIZE);
        rotate(NOISE.bytes, b.bytes, shift);
        rotate(NOISE.shorts, b.shorts, shift);
        rotate(NOISE.ints, b.ints, shift);
        rotate(NOISE.longs, b.longs, shift);
        rotate(NOISE.floats, b.floats, shift);
        return b;
    }

    @SuppressWarnings("SuspiciousSystemArraycopy") // both are arrays of one type
    private static void rotate(Object from, Object to, int shift) {
        System.arraycopy(from, shift, to, 0, SIZE - shift);
        System.arraycopy(from, 0, to, SIZE - shift, shift);
    }

    private static Banks noise() {
        Random r = new Random(1);
        Banks b = new Banks(SIZE, SIZE, SIZE, SIZE, SIZE);
        r.nextBytes(b.bytes);
        for (int i = 0; i < SIZE; i++) {
            b.shorts[i] = (short) r.nextInt();
            b.ints[i] = r.nextInt() >> r.nextInt(32);
            b.longs[i] = r.nextLong() >> r.nextInt(64);
            b.floats[i] = r.nextInt(4) == 0 ? Float.intBitsToFloat(r.nextInt()) : (float) r.nextGaussian() * 10;
        }
        return b;
    }

    static long get(Banks b, Kind kind, int at) {
        return kind == Kind.S64 ? b.longs[at] : Rows.one(b, kind, at);
    }

    static void put(Banks b, Kind kind, int at, int value) {
        Rows.store(b, kind, at, new int[] {value}, 0, 1);
    }

    /** Writes n codes within the operand's limits. */
    static void fill(Random r, Banks b, Operand x, int at, int n) {
        int mode = r.nextInt(4);
        for (int i = 0; i < n; i++) {
            int v = switch (mode) {
                case 0 -> x.lo();
                case 1 -> x.hi();
                default -> code(r, x.lo(), x.hi());
            };
            put(b, x.kind(), at + i, v);
        }
    }

    /** Codes of 8 or 16 bits with any zero point. */
    static Operand operand(Random r) {
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.U8, Kind.S16, Kind.U16);
        int zero = code(r, (int) kind.min(), (int) kind.max());
        if (r.nextInt(4) == 0) {
            // A narrow storage, unpacked.
            return Operand.codes(kind, 3, 0, 15);
        }
        return Operand.codes(kind, kind.bytes() == 2 && r.nextBoolean() ? 0 : zero);
    }

    /** A rescale for codes of the kind, of one channel or of so many. */
    static Rescale rescale(Random r, int channels, Kind kind) {
        int lo = code(r, (int) kind.min(), (int) kind.max());
        int hi = code(r, lo, (int) kind.max());
        int zero = code(r, (int) kind.min(), (int) kind.max());
        int n = channels == 0 || r.nextBoolean() ? 1 : channels;
        if (r.nextInt(3) == 0) {
            float[] f = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = Math.scalb(1 + r.nextFloat(), -r.nextInt(24));
            }
            return Rescale.real(f, zero, lo, hi);
        }
        int[] m = new int[n];
        int[] s = new int[n];
        int least = pick(r, -31, -12, -3);
        int most = pick(r, -2, 0, 3);
        for (int i = 0; i < n; i++) {
            m[i] = r.nextInt(20) == 0 ? 0 : (int) r.nextLong(1L << 30, 1L << 31);
            s[i] = code(r, least, most);
        }
        return Rescale.fixed(pick(r, Rounding.TOSA, Rounding.TFLITE), m, s, zero, lo, hi);
    }

    /** A rescale as most layers have, of sums up to 2^24: one that vectors do in singles ({@link SimdCodes}). */
    static Rescale usualRescale(Random r, int channels, Kind kind) {
        int lo = r.nextInt(4) == 0 ? code(r, (int) kind.min(), (int) kind.max()) : (int) kind.min();
        int zero = code(r, (int) kind.min(), (int) kind.max());
        int n = r.nextBoolean() ? 1 : channels;
        if (r.nextInt(3) == 0) {
            float[] f = new float[n];
            for (int i = 0; i < n; i++) {
                f[i] = Math.scalb(1 + r.nextFloat(), -5 - r.nextInt(16));
            }
            return Rescale.real(f, zero, lo, (int) kind.max());
        }
        int[] m = new int[n];
        int[] s = new int[n];
        for (int i = 0; i < n; i++) {
            m[i] = r.nextInt(20) == 0 ? 0 : (int) r.nextLong(1L << 30, 1L << 31);
            s[i] = -4 - r.nextInt(9);
        }
        return Rescale.fixed(pick(r, Rounding.TOSA, Rounding.TFLITE), m, s, zero, lo, (int) kind.max());
    }

    /** Any output for accumulators that fit 32 bits or not. */
    static Output output(Random r, boolean wide, int channels) {
        Kind acc = wide || r.nextInt(6) == 0 ? Kind.S64 : Kind.S32;
        if (r.nextInt(5) == 0) {
            return Output.accumulator(acc);
        }
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.U8, Kind.S16, Kind.U16, Kind.S32);
        return Output.codes(acc, rescale(r, channels, kind), kind);
    }

    /** What an output makes of an accumulator. */
    static long expected(Output out, long acc, int channel) {
        Rescale s = out.rescale();
        if (s == null) {
            return out.wide() ? acc : (int) acc;
        }
        return out.wide() ? s.apply(acc, channel) : s.apply((int) acc, channel);
    }
}

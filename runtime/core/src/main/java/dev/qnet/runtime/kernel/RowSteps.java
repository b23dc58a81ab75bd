package dev.qnet.runtime.kernel;

import java.util.Arrays;

/** Loops over rows, as steps. Making them initializes no vector class; only calling them does. */
@SuppressWarnings("EnumOrdinal") // arrays by enum, made and read here alone; rows are too short for maps
final class RowSteps {
    static final RowSteps ALL = new RowSteps();

    private static final int CHANNELS = 1;

    private final Step[] loads;
    private final Step[] stores;
    private final Step[] rescales;
    private final Step[] codes;
    private final Step[] products;
    private final Step[] adds;
    private final Step[] addsOfBytes;
    private final Step[] combinations;
    private final Step[] sums;
    private final Step look = new Looking();
    private final Step largest = new Largest();
    private final Step largestSingles = new LargestSingles();
    private final Step product = new Product();
    private final Step sumAcross = new Across(false);
    private final Step largestAcross = new Across(true);
    private final Step realMeans = new Means(true);
    private final Step fixedMeans = new Means(false);
    private final Step cell = new Cell();
    private final Step exp = new Exponential();
    private final Step tanh = new Tanh();
    private final Step limit = new Limiting();
    private final Step affine = new Affine();
    private final Step extremes = new Extremes();
    private final Step[] combinationsOfSingles;
    private final Step quantizeEven = new Quantizing(false);
    private final Step quantizeAway = new Quantizing(true);

    private RowSteps() {
        Kind[] kinds = Kind.values();
        loads = new Step[kinds.length];
        stores = new Step[kinds.length];
        sums = new Step[kinds.length];
        for (Kind k : kinds) {
            if (!k.fitsInt()) {
                continue; // no rows of ints
            }
            loads[k.ordinal()] = new Loading(k);
            stores[k.ordinal()] = new Storing(k);
            sums[k.ordinal()] = new Summing(k);
        }
        IntBinary.Fn[] fns = IntBinary.Fn.values();
        combinations = new Step[fns.length];
        for (IntBinary.Fn fn : fns) {
            combinations[fn.ordinal()] = new Combining(fn);
        }
        FloatBinary.Fn[] ofSingles = FloatBinary.Fn.values();
        combinationsOfSingles = new Step[ofSingles.length];
        for (FloatBinary.Fn fn : ofSingles) {
            combinationsOfSingles[fn.ordinal()] = new CombiningSingles(fn);
        }
        Rounding[] roundings = Rounding.values();
        rescales = new Step[roundings.length];
        codes = new Step[roundings.length];
        products = new Step[roundings.length];
        adds = new Step[roundings.length];
        addsOfBytes = new Step[roundings.length];
        for (Rounding r : roundings) {
            rescales[r.ordinal()] = new Rescaling(r);
            codes[r.ordinal()] = new Coding(r);
            products[r.ordinal()] = new Multiplying(r);
            adds[r.ordinal()] = new Adding(r);
            addsOfBytes[r.ordinal()] = new AddingBytes(r);
        }
    }

    Step load(Kind kind) {
        return loads[kind.ordinal()];
    }

    Step store(Kind kind) {
        return stores[kind.ordinal()];
    }

    Step accumulate(Kind kind) {
        return sums[kind.ordinal()];
    }

    Step combine(IntBinary.Fn fn) {
        return combinations[fn.ordinal()];
    }

    /** Entries of a table of bytes. */
    Step look() {
        return look;
    }

    Step largest() {
        return largest;
    }

    Step largestSingles() {
        return largestSingles;
    }

    Step across(boolean largest) {
        return largest ? largestAcross : sumAcross;
    }

    Step means(Rounding rounding) {
        return rounding.fixedPoint() ? fixedMeans : realMeans;
    }

    Step cell() {
        return cell;
    }

    /** Exponentials, and the largest of a row, for softmax needs both. */
    Step exp() {
        return exp;
    }

    Step tanh() {
        return tanh;
    }

    Step limit() {
        return limit;
    }

    Step affine() {
        return affine;
    }

    Step extremes() {
        return extremes;
    }

    Step combine(FloatBinary.Fn fn) {
        return combinationsOfSingles[fn.ordinal()];
    }

    Step product() {
        return product;
    }

    Step rescale(Rescale r) {
        return rescales[r.rounding.ordinal()];
    }

    /** To codes of 8 bits, in one go. */
    Step codes(Rescale r) {
        return codes[r.rounding.ordinal()];
    }

    /** Of bytes to bytes. */
    Step multiply(Rescale r) {
        return products[r.rounding.ordinal()];
    }

    Step add(AddSpec spec) {
        return adds[spec.zScale().rounding.ordinal()];
    }

    /** From bytes to bytes; where singles do not do for that, it takes what {@link #add} does. */
    Step addBytes(AddSpec spec) {
        return spec.bytes() != null ? ofBytes(spec.zScale().rounding) : add(spec);
    }

    Step ofBytes(Rounding rounding) {
        return addsOfBytes[rounding.ordinal()];
    }

    Step quantize(QuantizeSpec spec) {
        return quantize(spec.tiesAway());
    }

    Step quantize(boolean tiesAway) {
        return tiesAway ? quantizeAway : quantizeEven;
    }

    /** A rescale by about 2^-7. */
    static Rescale sample(Rounding rounding, int channels) {
        if (!rounding.fixedPoint()) {
            float[] factors = new float[channels];
            Arrays.fill(factors, 0.01f);
            return Rescale.real(factors, 0, 0, 255);
        }
        int[] multipliers = new int[channels];
        int[] shifts = new int[channels];
        Arrays.fill(multipliers, 1 << 30);
        Arrays.fill(shifts, -6);
        return Rescale.fixed(rounding, multipliers, shifts, 0, 0, 255);
    }

    private static final class Loading extends Step {
        private final Operand x;

        Loading(Kind kind) {
            super(4 * ROUNDS);
            x = Operand.plain(kind);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdRows.load(s.banks, x, 0, s.p, 0, n * Simd.LANES);
            }
        }
    }

    private static final class Storing extends Step {
        private final Kind kind;

        Storing(Kind kind) {
            super(3 * ROUNDS);
            this.kind = kind;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdRows.store(s.banks, kind, 0, s.p, 0, n * Simd.LANES);
            }
        }
    }

    private static final class Summing extends Step {
        private final Operand x;

        Summing(Kind kind) {
            super(4 * ROUNDS);
            x = Operand.plain(kind);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdPools.accumulate(s.banks, x, 0, s.p, n * Simd.LANES);
            }
        }
    }

    private static final class Combining extends Step {
        private final IntBinary.Fn fn;

        Combining(IntBinary.Fn fn) {
            super(4 * ROUNDS);
            this.fn = fn;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdInts.combine(fn, s.p, 0, s.q, 0, n * Simd.LANES);
            }
        }
    }

    /** Not compiled to anything fast on some machines, where it never gets hot. */
    private static final class Looking extends Step {
        Looking() {
            super(8 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            if (Simd.BITS < 512) {
                return;
            }
            byte[] x = s.banks.bytes;
            for (int i = 0; i < times; i++) {
                SimdTables.vectors(x, x, 256, x, 256, rounds(i, rounds) * 64);
            }
        }
    }

    /** Rows of channels that fill vectors, and shorter ones. */
    private static final class Largest extends Step {
        private final byte[] max = new byte[32 * ROUNDS];

        Largest() {
            super(38 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdPools.many((byte) 0, max, s.banks.bytes, 0, 32 * n);
                SimdPools.many((byte) 0, s.banks.bytes, 0, 32 * n);
                SimdPools.limit((byte) 0, s.banks.bytes, 0, 0, 32 * n, (byte) 0, (byte) 1);
                SimdPools.few((byte) 0, max, s.banks.bytes, 0, n > 0 ? 15 : 0);
                SimdPools.many((byte) 0, s.banks.bytes, 0, 2, 32, n / 2, 64, 32, max, 0);
                SimdPools.few((byte) 0, s.banks.bytes, 0, 2, 8, n / 2, 16, 8, max, 0);
            }
        }
    }

    private static final class LargestSingles extends Step {
        LargestSingles() {
            super(8 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdPools.largest(s.c, s.b, 0, n * Simd.LANES);
            }
        }
    }

    private static final class Across extends Step {
        private final boolean largest;

        Across(boolean largest) {
            super(8 * ROUNDS);
            this.largest = largest;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                if (largest) {
                    SimdPools.maxima(s.p, 0, 2, Simd.LANES, n, 2 * Simd.LANES, Simd.LANES, s.q);
                } else {
                    SimdPools.sums(s.p, 0, 2, Simd.LANES, n, 2 * Simd.LANES, Simd.LANES, s.q);
                }
            }
        }
    }

    private static final class Means extends Step {
        private final boolean real;

        Means(boolean real) {
            super(16 * ROUNDS);
            this.real = real;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                if (real) {
                    SimdInts.realMeans(s.p, n, 4);
                } else {
                    SimdInts.means(s.p, n, 4, -1);
                }
            }
        }
    }

    private static final class Cell extends Step {
        Cell() {
            super(30 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                SimdInts.cells(s.banks.shorts, 0, 0, 0, 0, 0, n, 10, 1 << 15);
            }
        }
    }

    /** Both ways that a vector may go. */
    private static final class Exponential extends Step {
        private final double[] a = new double[ROUNDS * SimdShape.BITS / 64];

        Exponential() {
            super(60 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            a[a.length - 1] = 1000;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdMath.vectors(a, 0, n * a.length / ROUNDS);
                SimdMath.vectors(s.b, 0, n * Simd.LANES);
            }
        }
    }

    /** Both ways that a vector may go. */
    private static final class Tanh extends Step {
        private final double[] a = new double[ROUNDS * SimdShape.BITS / 64];

        Tanh() {
            super(90 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            a[a.length - 1] = Double.NaN;
            for (int i = 0; i < times; i++) {
                SimdMath.hyperbolic(a, 0, rounds(i, rounds) * a.length / ROUNDS);
            }
        }
    }

    private static final class Limiting extends Step {
        Limiting() {
            super(14 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdSingles.limit(s.c, 0, 0, n * Simd.LANES, 0, 1);
            }
        }
    }

    private static final class Affine extends Step {
        Affine() {
            super(6 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdSingles.affine(s.p, 0, s.b, s.b, s.c, 0, n * Simd.LANES);
            }
        }
    }

    private static final class Extremes extends Step {
        private final float[] to = new float[2];

        Extremes() {
            super(12 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdSingles.extremes(s.b, 0, n * Simd.LANES, to);
            }
        }
    }

    private static final class CombiningSingles extends Step {
        private final FloatBinary.Fn fn;

        CombiningSingles(FloatBinary.Fn fn) {
            super(4 * ROUNDS);
            this.fn = fn;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdSingles.combine(fn, s.a, 0, s.b, 0, s.c, 0, n * Simd.LANES);
            }
        }
    }

    /** Four rows together, and one. */
    private static final class Product extends Step {
        private final double[] a = new double[4 * ROUNDS];
        private final double[] c = new double[5 * RescaleLanes.PAD];

        Product() {
            super(40 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int k = rounds(i, rounds);
                SimdFloats.widen(s.b, 0, c, 0, k * Simd.LANES);
                SimdFloats.four(a, 0, k, s.b, 0, 1, c, 0, c, 0, RescaleLanes.PAD);
                SimdFloats.one(a, 0, k, s.b, 0, 1, c, 0, c, 0);
            }
        }
    }

    private static final class Rescaling extends Step {
        private final Rescale r;

        Rescaling(Rounding rounding) {
            super(24 * ROUNDS);
            r = sample(rounding, CHANNELS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdRescale.tile(r, s.p, 0, n, Simd.LANES, Simd.LANES, 0);
            }
        }
    }

    /** Both ways that a block may go. */
    private static final class Coding extends Step {
        private final boolean fixed;
        private final float[] factor = new float[ROUNDS * SimdShape.BITS / 32];
        private int turn;

        Coding(Rounding rounding) {
            super(20 * ROUNDS);
            fixed = rounding.fixedPoint();
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            byte[] y = s.banks.bytes;
            turn++;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                int step = turn >> 1 & 1;
                if (fixed) {
                    // A large error has some near to a half.
                    float e = (turn & 1) == 0 ? 0.01f : 0.6f;
                    SimdBytes.near(s.p, 0, n, factor, factor, 0, step, -e, e, 0, 0, 255, y, 0);
                } else {
                    SimdBytes.real(s.p, 0, n, factor, 0, step, 0, 0, 255, y, 0);
                }
            }
        }
    }

    /** Both ways that a block may go. */
    private static final class Multiplying extends Step {
        private final boolean fixed;
        private final byte[] z = new byte[ROUNDS * SimdShape.BITS / 32];
        private int turn;

        Multiplying(Rounding rounding) {
            super(26 * ROUNDS);
            fixed = rounding.fixedPoint();
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            byte[] x = s.banks.bytes;
            turn++;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                if (fixed) {
                    float e = (turn & 1) == 0 ? 0.01f : 0.6f;
                    SimdBytes.near(x, 0, 255, 0, x, 0, 255, 0, n, 0.1f, 0, -e, e, 0, 0, 255, z, 0);
                } else {
                    SimdBytes.real(x, 0, 255, 0, x, 0, 255, 0, n, 0.1f, 0, 0, 255, z, 0);
                }
            }
        }
    }

    /** Operands of 8 bits, and of 16, which take another way. */
    private static final class Adding extends Step {
        private final AddSpec narrow;
        private final AddSpec wide;

        Adding(Rounding rounding) {
            super(180 * ROUNDS);
            Rescale r = sample(rounding, CHANNELS);
            boolean fixed = rounding.fixedPoint();
            Rescale z = fixed ? Rescale.fixed(rounding, new int[] {1 << 30}, new int[] {-18}, 0, 0, 255) : r;
            Operand x = Operand.plain(Kind.U8);
            narrow = new AddSpec(false, fixed ? 20 : 0, x, x, r, r, z, Kind.U8);
            Operand u = Operand.plain(Kind.U16);
            wide = new AddSpec(false, fixed ? 15 : 0, u, u, r, r, z, Kind.U8);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                Backend.VECTOR.loops().add(narrow, s.p, s.q, n);
                Backend.VECTOR.loops().add(wide, s.p, s.q, n);
            }
        }
    }

    /** Both ways that a block may go. */
    private static final class AddingBytes extends Step {
        private final boolean fixed;
        private final byte[] z = new byte[ROUNDS * SimdShape.BITS / 32];
        private int turn;

        AddingBytes(Rounding rounding) {
            super(100 * ROUNDS);
            fixed = rounding.fixedPoint();
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            byte[] x = s.banks.bytes;
            turn++;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                if (fixed) {
                    // A large error has some near to a half.
                    float e = (turn & 1) == 0 ? 0.01f : 0.6f;
                    SimdAdd.near(x, 0, 255, 0.1f, x, 0, 255, 0.1f, n, 0, e, 0, 0, 255, z, 0);
                } else {
                    SimdAdd.real(x, 0, 255, 0, 0.1f, x, 0, 255, 0, 0.1f, n, 0, 0, 255, z, 0);
                }
            }
        }
    }

    private static final class Quantizing extends Step {
        private final QuantizeSpec spec;

        Quantizing(boolean tiesAway) {
            super(20 * ROUNDS);
            spec = new QuantizeSpec(tiesAway, new float[] {1}, new int[] {0}, 0, 255, Kind.U8);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                Backend.VECTOR.loops().quantize(spec, 0, s.b, 0, s.p, n * Simd.LANES);
            }
        }
    }
}

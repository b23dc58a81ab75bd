package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.RESULT;
import static dev.qnet.runtime.kernel.Data.pick;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Random kernels that work element by element, each against its definition. */
final class ElementwiseCases {
    private static final int Y = 1 << 15;

    private ElementwiseCases() {}

    /** Shapes that broadcast to a common one. */
    private static int[][] shapes(Random r) {
        int rank = r.nextInt(4) + 1;
        int[] z = new int[rank];
        Arrays.setAll(z, d -> d < rank - 1 ? pick(r, 1, 2, 3, 7) : pick(r, 1, 2, 3, 7, 16, 17, 33));
        if (rank == 1 && r.nextBoolean()) {
            z[0] = pick(r, 1023, 1024, 1025, 3000);
        }
        int[] x = z.clone();
        int[] y = z.clone();
        for (int d = 0; d < rank; d++) {
            switch (r.nextInt(6)) {
                case 0 -> x[d] = 1;
                case 1 -> y[d] = 1;
                default -> {}
            }
        }
        // Leading axes may be missing.
        return new int[][] {x, Arrays.copyOfRange(y, y[0] == 1 ? 1 : 0, rank)};
    }

    /** Offset of the element that a broadcast operand gives to element i of the result. */
    private static int source(int[] z, int[] shape, int i) {
        int at = 0;
        int step = 1;
        for (int d = z.length - 1; d >= 0; d--) {
            int index = i % z[d];
            i /= z[d];
            int own = d - (z.length - shape.length);
            if (own >= 0) {
                at += shape[own] == 1 ? 0 : index * step;
                step *= shape[own];
            }
        }
        return at;
    }

    private static int size(int... shape) {
        return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    }

    static void mul(Random r, Backend... backends) {
        int[][] s = shapes(r);
        int[] z = Broadcast.shape(s[0], s[1]);
        Operand x = Data.operand(r);
        Operand y = Data.operand(r);
        Output out = Data.output(r, x.magnitude() * y.magnitude() > Integer.MAX_VALUE, z[z.length - 1]);
        Banks b = Data.banks(r);
        Data.fill(r, b, x, 5, size(s[0]));
        Data.fill(r, b, y, Y, size(s[1]));
        long[] expected = new long[size(z)];
        for (int i = 0; i < expected.length; i++) {
            long p = Data.get(b, x.kind(), 5 + source(z, s[0], i)) - x.zero();
            long q = Data.get(b, y.kind(), Y + source(z, s[1], i)) - y.zero();
            expected[i] = Data.expected(out, p * q, i % z[z.length - 1]);
        }
        String name = "mul " + Arrays.deepToString(s) + " " + x + " " + y + " " + out;
        for (Backend backend : backends) {
            Mul mul = Mul.of(backend, x, s[0], y, s[1], out);
            Results.check(name, backend, (k, from, to) -> mul.run(k, from, Y, to), b, 5, RESULT, out.kind(), expected);
        }
    }

    static void intBinary(Random r, Backend... backends) {
        int[][] s = shapes(r);
        int[] z = Broadcast.shape(s[0], s[1]);
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.S32, Kind.S32, Kind.S64);
        IntBinary.Fn fn = pick(r, IntBinary.Fn.values());
        if (fn == IntBinary.Fn.DIV || fn == IntBinary.Fn.MOD || fn == IntBinary.Fn.POW) {
            fn = IntBinary.Fn.ADD;
        }
        Banks b = Data.banks(r);
        long[] expected = new long[size(z)];
        for (int i = 0; i < expected.length; i++) {
            long p = Data.get(b, kind, 5 + source(z, s[0], i));
            long q = Data.get(b, kind, Y + source(z, s[1], i));
            long v = switch (fn) {
                case ADD -> p + q;
                case SUB -> p - q;
                case MUL -> p * q;
                case MIN -> Math.min(p, q);
                case MAX -> Math.max(p, q);
                case AND -> p & q;
                case OR -> p | q;
                case XOR -> p ^ q;
                case DIV, POW, MOD -> throw new AssertionError(fn);
            };
            expected[i] = switch (kind) {
                case S8 -> (byte) v;
                case U8 -> v & 0xFF;
                case S16 -> (short) v;
                case S32 -> (int) v;
                case U16, S64, F32 -> v;
            };
        }
        String name = fn + " " + Arrays.deepToString(s) + " " + kind;
        for (Backend backend : backends) {
            IntBinary op = IntBinary.of(backend, fn, kind, false, s[0], s[1], "x");
            Results.check(name, backend, (k, from, to) -> op.run(k, from, Y, to), b, 5, RESULT, kind, expected);
        }
    }

    static void add(Random r, Backend... backends) {
        int[][] s = shapes(r);
        int[] z = Broadcast.shape(s[0], s[1]);
        Operand x = Data.operand(r);
        Operand y = Data.operand(r);
        boolean subtract = r.nextBoolean();
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16);
        int lo = Data.code(r, (int) kind.min(), 0);
        int hi = (int) kind.max();
        int zero = Data.code(r, lo, hi);
        int left = x.kind().bytes() == 2 || y.kind().bytes() == 2 ? 15 : 20;
        Rounding rounding = pick(r, Rounding.TOSA, Rounding.TFLITE, Rounding.ONNX);
        int[] m = {(int) r.nextLong(1L << 30, 1L << 31), 1 << 30, (int) r.nextLong(1L << 30, 1L << 31)};
        int[] shift = {-r.nextInt(8), -r.nextInt(2) * r.nextInt(12), -r.nextInt(24)};
        float fx = r.nextFloat() * 3;
        float fy = r.nextFloat() / 3;
        Banks b = Data.banks(r);
        Data.fill(r, b, x, 5, size(s[0]));
        Data.fill(r, b, y, Y, size(s[1]));
        long[] expected = new long[size(z)];
        for (int i = 0; i < expected.length; i++) {
            int p = (int) Data.get(b, x.kind(), 5 + source(z, s[0], i)) - x.zero();
            int q = (int) Data.get(b, y.kind(), Y + source(z, s[1], i)) - y.zero();
            double v;
            if (rounding.fixedPoint()) {
                int a = plain(rounding, m[0], shift[0]).apply(p << left, 0);
                int c = plain(rounding, m[1], shift[1]).apply(q << left, 0);
                v = plain(rounding, m[2], shift[2]).apply(subtract ? a - c : a + c, 0);
            } else {
                v = Math.rint(subtract ? p * fx - q * fy : p * fx + q * fy);
            }
            expected[i] = (long) Math.max(lo, Math.min(hi, v + zero));
        }
        String name = "add " + Arrays.deepToString(s) + " " + x + " " + y + " " + rounding;
        for (Backend backend : backends) {
            Add add = rounding.fixedPoint()
                    ? Add.fixed(backend, rounding, subtract, left, x, s[0], y, s[1], m, shift, zero, lo, hi, kind)
                    : Add.real(backend, subtract, x, s[0], y, s[1], fx, fy, zero, lo, hi, kind);
            Results.check(name, backend, (k, from, to) -> add.run(k, from, Y, to), b, 5, RESULT, kind, expected);
        }
    }

    private static Rescale plain(Rounding rounding, int m, int shift) {
        return Rescale.fixed(rounding, new int[] {m}, new int[] {shift}, 0, Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    static void sum(Random r, Backend... backends) {
        int rank = r.nextInt(4) + 1;
        int[] shape = new int[rank];
        Arrays.setAll(shape, d -> pick(r, 1, 2, 5, 8, 15));
        boolean[] reduced = new boolean[rank];
        int[] axes = new int[rank];
        int count = 0;
        for (int d = 0; d < rank; d++) {
            if (r.nextBoolean()) {
                reduced[d] = true;
                axes[count++] = d;
            }
        }
        axes = Arrays.copyOf(axes, count);
        int last = 1;
        for (int d = 0; d < rank; d++) {
            last = reduced[d] ? last : shape[d];
        }
        Operand x = Data.operand(r);
        Output out = Data.output(r, false, last);
        Banks b = Data.banks(r);
        int n = size(shape);
        Data.fill(r, b, x, 5, n);
        long[] sums = new long[n];
        int results = 1;
        for (int d = 0; d < rank; d++) {
            results *= reduced[d] ? 1 : shape[d];
        }
        for (int i = 0; i < n; i++) {
            int rest = i;
            int to = 0;
            int step = 1;
            for (int d = rank - 1; d >= 0; d--) {
                if (!reduced[d]) {
                    to += rest % shape[d] * step;
                    step *= shape[d];
                }
                rest /= shape[d];
            }
            sums[to] += Data.get(b, x.kind(), 5 + i) - x.zero();
        }
        long[] expected = new long[results];
        for (int i = 0; i < results; i++) {
            expected[i] = Data.expected(out, sums[i], i % last);
        }
        String name = "sum " + Arrays.toString(shape) + " over " + Arrays.toString(axes) + " " + x + " " + out;
        for (Backend backend : backends) {
            Results.check(name, backend, Sum.of(backend, x, shape, axes, out), b, 5, RESULT, out.kind(), expected);
        }
    }

    static void requantize(Random r, Backend... backends) {
        int last = pick(r, 1, 2, 15, 16, 17, 33, 1025);
        int n = last * pick(r, 1, 2, 3, 20);
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.S32);
        Operand x = switch (r.nextInt(4)) {
            case 0 -> Operand.plain(Kind.S64);
            case 1 -> Operand.plain(Kind.S32);
            default -> Data.operand(r);
        };
        Rescale rescale = Data.rescale(r, last, kind);
        Banks b = Data.banks(r);
        long[] expected = new long[n];
        for (int i = 0; i < n; i++) {
            long a = Data.get(b, x.kind(), 5 + i) - x.zero();
            expected[i] = x.kind() == Kind.S64 ? rescale.apply(a, i % last) : rescale.apply((int) a, i % last);
        }
        for (Backend backend : backends) {
            Requantize kernel = Requantize.of(backend, x, n, last, rescale, kind);
            Results.check("requantize " + x, backend, kernel, b, 5, RESULT, kind, expected);
        }
    }

    static void clamp(Random r, Backend... backends) {
        int n = pick(r, 1, 15, 16, 17, 1024, 1030);
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.U16, Kind.S32);
        int lo = Data.code(r, (int) kind.min(), (int) kind.max());
        int hi = Data.code(r, lo, (int) kind.max());
        Banks b = Data.banks(r);
        long[] expected = new long[n];
        Arrays.setAll(expected, i -> Math.max(lo, Math.min(hi, Data.get(b, kind, 5 + i))));
        for (Backend backend : backends) {
            Results.check("clamp", backend, Clamp.of(backend, kind, n, lo, hi), b, 5, RESULT, kind, expected);
        }
    }

    static void table(Random r, Backend... backends) {
        int n = pick(r, 1, 17, 63, 64, 65, 127, 128, 1000);
        int[][] storages = {{-128, 127}, {0, 255}, {-8, 7}, {0, 15}, {-1, 1}};
        int[] range = storages[r.nextInt(storages.length)];
        Kind x = range[0] < 0 ? Kind.S8 : Kind.U8;
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.U16, Kind.S32);
        int[] entries = new int[range[1] - range[0] + 1];
        Arrays.setAll(entries, i -> Data.code(r, (int) kind.min(), (int) kind.max()));
        Banks b = Data.banks(r);
        Data.fill(r, b, Operand.codes(x, 0, range[0], range[1]), 5, n);
        long[] expected = new long[n];
        Arrays.setAll(expected, i -> entries[(int) Data.get(b, x, 5 + i) - range[0]]);
        for (Backend backend : backends) {
            Results.check(
                    "table", backend, Table.of(backend, n, range[0], entries, kind), b, 5, RESULT, kind, expected);
        }
        if (kind.bytes() == 1 && n >= 64 && List.of(backends).contains(Backend.VECTOR) && Simd.BITS >= 512) {
            byte[] bytes = new byte[256];
            for (int i = 0; i < entries.length; i++) {
                bytes[range[0] + i & 0xFF] = (byte) entries[i];
            }
            byte[] place = Arrays.copyOfRange(b.bytes, 5, 5 + n);
            SimdTables.vectors(bytes, place, 0, place, 0, n);
            for (int i = 0; i < n; i++) {
                assertThat(place[i]).as("in place, %d of %d", i, n).isEqualTo((byte) expected[i]);
            }
        }
    }

    static void interpolatedTable(Random r, Backend... backends) {
        int[] entries = new int[513];
        Arrays.setAll(entries, i -> Data.code(r, -32768, 32767));
        int lo = Data.code(r, -32768, 0);
        int hi = Data.code(r, 0, 32767);
        Banks b = Data.banks(r);
        b.shorts[5] = Short.MIN_VALUE;
        b.shorts[6] = Short.MAX_VALUE;
        long[] expected = new long[300];
        for (int i = 0; i < 300; i++) {
            int u = b.shorts[5 + i] + 32768;
            double between = (entries[u / 128 + 1] - entries[u / 128]) * (u % 128 / 128.0);
            expected[i] = (long) Math.clamp(entries[u / 128] + Math.floor(between + 0.5), lo, hi);
        }
        for (Backend backend : backends) {
            UnaryKernel kernel = InterpolatedTable.of(backend, 300, entries, lo, hi);
            Results.check("interpolated table", backend, kernel, b, 5, RESULT, Kind.S16, expected);
        }
    }

    static void lstmCell(Random r, Backend... backends) {
        int n = pick(r, 1, 8, 17, 128, 300);
        int shift = 1 + r.nextInt(31);
        int clip = pick(r, 0, 1, 100, 32767);
        int[] at = {5, 1005, 2005, 3005};
        Banks b = Data.banks(r);
        for (int i = 0; i < 4 * n; i++) {
            // Extremes, and products near halves.
            int v = r.nextInt(3) == 0 ? (1 << r.nextInt(16)) + r.nextInt(3) - 1 : r.nextInt();
            b.shorts[at[i / n] + i % n] = (short) (r.nextInt(20) == 0 ? Short.MIN_VALUE : r.nextBoolean() ? v : -v);
        }
        long[] expected = new long[n];
        for (int i = 0; i < n; i++) {
            double kept = away((double) b.shorts[at[0] + i] * b.shorts[at[1] + i] / (1 << 15));
            double added = away((double) b.shorts[at[2] + i] * b.shorts[at[3] + i] / (1L << shift));
            double sum = Math.clamp(kept, -32768, 32767) + Math.clamp(added, -32768, 32767);
            int limit = clip == 0 ? 32768 : clip;
            expected[i] = (long) Math.clamp(Math.clamp(sum, -32768, 32767), -limit, limit);
        }
        for (Backend backend : backends) {
            LstmCell cell = LstmCell.of(backend, n, shift, clip);
            Results.check(
                    "cell, shift " + shift,
                    backend,
                    (k, from, to) -> cell.run(k, from, at[1], at[2], at[3], to),
                    b,
                    at[0],
                    RESULT,
                    Kind.S16,
                    expected);
        }
    }

    /** Ties away from zero. */
    private static double away(double v) {
        return Math.copySign(Math.floor(Math.abs(v) + 0.5), v);
    }

    static void quantize(Random r, Backend... backends) {
        int extent = pick(r, 1, 3, 16);
        int inner = pick(r, 1, 15, 16, 33, 1040);
        int[] shape = {2, extent, inner};
        boolean away = r.nextBoolean();
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.U16, Kind.S32);
        int lo = Data.code(r, (int) kind.min(), 0);
        int hi = (int) kind.max();
        float[] scales = new float[extent];
        int[] zeros = new int[extent];
        for (int c = 0; c < extent; c++) {
            scales[c] = r.nextBoolean() ? 0.25f : r.nextFloat() + 1e-3f;
            zeros[c] = Data.code(r, lo, hi);
        }
        Banks b = Data.banks(r);
        int n = 2 * extent * inner;
        for (int i = 0; i < n; i++) {
            b.floats[5 + i] = switch (r.nextInt(8)) {
                case 0 -> Float.NaN;
                case 1 -> r.nextBoolean() ? Float.POSITIVE_INFINITY : Float.NEGATIVE_INFINITY;
                case 2 -> Float.intBitsToFloat(r.nextInt());
                case 3 -> (float) r.nextGaussian() * 100;
                default -> (r.nextInt(2001) - 1000) / 8f; // ties, with the scale 1/4
            };
        }
        long[] expected = new long[n];
        for (int i = 0; i < n; i++) {
            int c = i / inner % extent;
            expected[i] = Definitions.quantize(b.floats[5 + i], scales[c], zeros[c], lo, hi, away);
        }
        Rounding rounding = away ? Rounding.TFLITE : pick(r, Rounding.TOSA, Rounding.ONNX, Rounding.XNNPACK);
        for (Backend backend : backends) {
            Quantize kernel = Quantize.perAxis(backend, shape, 1, rounding, scales, zeros, lo, hi, kind);
            Results.check("quantize " + rounding + " to " + kind, backend, kernel, b, 5, RESULT, kind, expected);
        }
    }

    static void dequantize(Random r, Backend... backends) {
        int extent = pick(r, 1, 3, 16);
        int inner = pick(r, 1, 15, 33);
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.U16, Kind.S32);
        float[] scales = new float[extent];
        int[] zeros = new int[extent];
        for (int c = 0; c < extent; c++) {
            scales[c] = r.nextFloat() + 1e-3f;
            zeros[c] = Data.code(r, (int) kind.min(), (int) kind.max());
        }
        Banks b = Data.banks(r);
        long[] expected = new long[2 * extent * inner];
        for (int i = 0; i < expected.length; i++) {
            int c = i / inner % extent;
            expected[i] = Float.floatToIntBits((float) (Data.get(b, kind, 5 + i) - zeros[c]) * scales[c]);
        }
        for (Backend backend : backends) {
            Dequantize kernel = Dequantize.perAxis(backend, kind, new int[] {2, extent, inner}, 1, scales, zeros);
            Results.check("dequantize " + kind, backend, kernel, b, 5, RESULT, Kind.F32, expected);
        }
    }
}

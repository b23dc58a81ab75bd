package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.RESULT;
import static dev.qnet.runtime.kernel.Data.pick;

import java.util.Random;

/** Random layers with packed weights, each against a sum written from the definition. */
final class GemvCases {
    /** How weights are made. */
    private enum Form {
        BYTES,
        ASYMMETRIC,
        NIBBLES,
        TWO_BITS,
        TERNARY,
        BIPOLAR,
        TWO_VALUES,
        MULTIPLES,
        GROUPED,
        GROUPED_BYTES,
        GROUPED_TERNARY,
        CONSTANT
    }

    private GemvCases() {}

    /** Checks a random layer in plain Java, and in vectors if the backend is of vectors. */
    static void check(Random r, Backend backend) {
        Form form = pick(r, Form.values());
        int groups = pick(r, 1, 1, 1, 2, 3);
        int n = pick(r, 1, 2, 7, 15, 16, 17, 31, 32, 33, 48, 64, 65, 96, 100, 127, 128, 129, 161, 200, 257);
        int k = pick(r, 1, 2, 3, 15, 16, 17, 31, 33, 63, 64, 100, 127, 129, 255, 257, 500, 513, 1024, 1100);
        int rows = pick(r, 1, 1, 2, 3, 5);
        if ((long) groups * n * k * rows > 300_000) {
            check(r, backend);
            return;
        }
        check(r, form, groups, n, k, rows, backend);
    }

    private static void check(Random r, Form form, int groups, int n, int k, int rows, Backend backend) {
        Operand x = operand(r);
        int[] w = new int[groups * n * k];
        for (int i = 0; i < groups * n; i++) {
            row(r, form, w, i * k, k);
        }
        int o = groups * n;
        Output out = Data.output(r, r.nextInt(5) == 0, o);
        boolean wide = out.wide();
        int[] bias = new int[o];
        long[] wideBias = new long[o];
        for (int i = 0; i < o; i++) {
            bias[i] = r.nextInt() >> 5;
            wideBias[i] = wide ? r.nextLong() >> 20 : bias[i];
        }
        ConvSpec spec = wide
                ? ConvSpec.withLongBias(x, 1, rows, groups * k, o, Window.POINT, groups, w, wideBias, out)
                : ConvSpec.of(x, 1, rows, groups * k, o, Window.POINT, groups, w, bias, out);
        Banks b = Data.banks(r);
        int at = r.nextInt(20);
        int to = RESULT + r.nextInt(20);
        Data.fill(r, b, x, at, rows * groups * k);
        long[] expected = new long[rows * o];
        for (int i = 0; i < expected.length; i++) {
            int f = i % o;
            long sum = wide ? wideBias[f] : bias[f];
            for (int j = 0; j < k; j++) {
                long q = Data.get(b, x.kind(), at + (i / o * groups + f / n) * k + j);
                sum += (q - x.zero()) * w[f * k + j];
            }
            expected[i] = Data.expected(out, sum, f);
        }
        String name = "gemv %s, %d x %d groups of %d x %d, %s, %s".formatted(form, rows, groups, n, k, x, out);
        Gemv gemv = Gemv.any(spec, ScalarLoops.INSTANCE);
        if (gemv == null && wide && form == Form.GROUPED_BYTES) {
            return; // such sums may need more than 32 bits
        }
        if (gemv == null) {
            throw new AssertionError(name + ": not packed");
        }
        Results.check(name, Backend.SCALAR, gemv, b, at, to, out.kind(), expected);
        if (backend == Backend.VECTOR) {
            Results.check(name, backend, gemv.inVectors(backend.loops()), b, at, to, out.kind(), expected);
        }
    }

    /** 8 bits with any zero point, and narrower codes; signs. */
    private static Operand operand(Random r) {
        return switch (r.nextInt(6)) {
            case 0 -> Operand.codes(Kind.S8, 0, -1, 1);
            case 1 -> Operand.codes(Kind.S8, 0, -8, 7);
            case 2 -> Operand.codes(Kind.S16, 300, 200, 455);
            case 3 -> Operand.codes(Kind.U8, 0, 0, 255);
            default -> {
                Kind kind = pick(r, Kind.S8, Kind.U8);
                yield Operand.codes(kind, Data.code(r, (int) kind.min(), (int) kind.max()));
            }
        };
    }

    private static void row(Random r, Form form, int[] w, int at, int k) {
        int extreme = r.nextInt(4);
        for (int j = 0; j < k; j++) {
            w[at + j] = switch (form) {
                case BYTES -> code(r, extreme, -128, 127);
                case ASYMMETRIC -> code(r, extreme, 0, 255) - 200;
                case NIBBLES -> code(r, extreme, -8, 7);
                case TWO_BITS -> code(r, extreme, -2, 1);
                case TERNARY -> code(r, extreme, -1, 1);
                case BIPOLAR -> 2 * code(r, extreme, 0, 1) - 1;
                case TWO_VALUES -> 40 * code(r, extreme, 0, 1) - 7;
                case MULTIPLES -> 3 * code(r, extreme, -8, 7);
                case GROUPED -> code(r, extreme, -8, 7);
                case GROUPED_BYTES -> code(r, extreme, -128, 127);
                case GROUPED_TERNARY -> code(r, extreme, -1, 1);
                case CONSTANT -> 77;
            };
        }
        if (form == Form.GROUPED || form == Form.GROUPED_BYTES || form == Form.GROUPED_TERNARY) {
            int size = pick(r, 16, 32, 64);
            for (int j = 0; j < k; j += size) {
                int m = 1 + r.nextInt(255);
                for (int t = j; t < Math.min(k, j + size); t++) {
                    w[at + t] *= m;
                }
            }
        }
    }

    private static int code(Random r, int extreme, int lo, int hi) {
        return switch (extreme) {
            case 0 -> lo;
            case 1 -> hi;
            default -> Data.code(r, lo, hi);
        };
    }
}

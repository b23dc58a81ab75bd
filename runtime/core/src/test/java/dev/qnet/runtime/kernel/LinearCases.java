package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.RESULT;
import static dev.qnet.runtime.kernel.Data.pick;

import java.util.Random;

/** Random convolutions, dense layers and matrix products, each against a sum written from the definition. */
final class LinearCases {
    private LinearCases() {}

    static void conv(Random r, Backend... backends) {
        int groups = pick(r, 1, 1, 1, 2, 3, 16);
        boolean many = groups > 3;
        int perGroup = many ? pick(r, 1, 2) : pick(r, 1, 2, 3, 5, 16, 33, 64);
        int filters = groups * (many ? pick(r, 1, 3) : pick(r, 1, 2, 15, 16, 17, 32, 35, 70));
        conv(r, groups, perGroup, filters, backends);
    }

    static void depthwise(Random r, Backend... backends) {
        int c = pick(r, 1, 2, 3, 8, 15, 16, 17, 33, 64, 100);
        int filters = c * pick(r, 1, 1, 1, 2, 3);
        if (r.nextInt(3) > 0) {
            conv(r, c, 1, filters, backends);
            return;
        }
        // The windows with loops of their own, on images too large to be kept as a whole.
        int k = pick(r, 3, 3, 5);
        int step = pick(r, 1, 1, 2);
        Window w = new Window(k, k, step, step, 1, 1, r.nextInt(k), r.nextInt(k), r.nextInt(k), r.nextInt(k));
        int height = k + r.nextInt(20);
        int width = Math.min(400, k + r.nextInt(1 + 40_000 / (height * filters)));
        if (height * width * c > 60_000 || w.outHeight(height) * w.outWidth(width) * filters > 60_000) {
            depthwise(r, backends); // the banks do not hold it
            return;
        }
        check(r, height, width, c, filters, w, c, backends);
    }

    /** Windows that are summed straight from bytes, with sums up to what singles hold, and just beyond. */
    static void strips(Random r, Backend... backends) {
        int c = pick(r, 8, 16, 17, 33, 64, 100, 150);
        int step = pick(r, 1, 2);
        Window w = new Window(3, 3, step, step, 1, 1, r.nextInt(2), r.nextInt(2), r.nextInt(2), r.nextInt(2));
        int height = 3 - w.top() - w.bottom() + r.nextInt(c > 64 ? 9 : 40);
        int width = 3 - w.left() - w.right() + r.nextInt(20);
        Kind kind = pick(r, Kind.S8, Kind.U8);
        int zero = Data.code(r, (int) kind.min(), (int) kind.max());
        Operand x = r.nextInt(4) == 0 ? Operand.codes(kind, 3, 0, 15) : Operand.codes(kind, zero);
        int magnitude = pick(r, 1, 127, 255, 3000);
        int[] weights = new int[c * 9];
        boolean extreme = r.nextInt(3) == 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = extreme ? magnitude : Data.code(r, -magnitude, magnitude);
        }
        long most = Math.max(Math.abs(kind.min()), kind.max()) + Math.abs(x.zero());
        int[] bias = new int[c];
        boolean large = r.nextInt(3) == 0;
        for (int i = 0; i < c; i++) {
            long sum = 0;
            for (int t = 0; t < 9; t++) {
                sum += Math.abs(weights[i * 9 + t]) * most;
            }
            long rest = Math.max(0, (1 << 24) - 1 - sum);
            bias[i] = large ? (int) (r.nextBoolean() ? -rest : rest) : r.nextInt() >> 15;
        }
        if (large && r.nextBoolean()) {
            bias[r.nextInt(c)] += 1;
        }
        Kind y = pick(r, Kind.S8, Kind.U8);
        Rescale scale = r.nextInt(4) == 0 ? Data.rescale(r, c, y) : Data.usualRescale(r, c, y);
        Output out = Output.codes(Kind.S32, scale, y);
        check(r, x, Math.max(1, height), Math.max(1, width), c, c, w, c, weights, bias, out, backends);
    }

    private static void conv(Random r, int groups, int perGroup, int o, Backend... backends) {
        int c = groups * perGroup;
        Window w = window(r);
        int h = (w.kernelH() - 1) * w.dilationH() + 1 + r.nextInt(7);
        int width = (w.kernelW() - 1) * w.dilationW() + 1 + r.nextInt(9);
        long outputs = (long) w.outHeight(h) * w.outWidth(width) * o;
        long products = outputs * w.kernelH() * w.kernelW() * perGroup;
        if (h * width * c > 60_000 || outputs > 60_000 || products > 400_000) {
            conv(r, groups, perGroup, o, backends); // with another window: this one takes too long to check
            return;
        }
        check(r, h, width, c, o, w, groups, backends);
    }

    /** Few filters and channels, which are where pixels are taken together, of images that are long or not. */
    static void convOfFewFilters(Random r, Backend... backends) {
        int groups = pick(r, 1, 1, 1, 2);
        int c = groups * pick(r, 1, 1, 2, 3, 4, 7, 8);
        int filters = groups * pick(r, 1, 2, 4, 5, 8, 10, 12, 16, 24);
        int kh = pick(r, 1, 3, 5, 10);
        int kw = pick(r, 1, 2, 3, 4, 5, 8);
        int down = pick(r, 1, 1, 2, 3);
        int step = pick(r, 1, 1, 2, 3);
        int dilation = pick(r, 1, 1, 1, 2);
        Window w = new Window(
                kh,
                kw,
                down,
                step,
                pick(r, 1, 1, 2),
                dilation,
                r.nextInt(kh),
                r.nextInt(kw),
                r.nextInt(kh),
                r.nextInt(kw));
        boolean tall = r.nextInt(6) == 0;
        int height = (kh - 1) * w.dilationH() + (tall ? 4000 : 1 + r.nextInt(24));
        int width = (kw - 1) * dilation + (tall ? 1 : pick(r, 1, 4, 12, 24, 7 + r.nextInt(30)));
        long outputs = (long) w.outHeight(height) * w.outWidth(width) * filters;
        if ((long) height * width * c > 60_000 || outputs > 60_000 || outputs * kh * kw * c / groups > 1_500_000) {
            convOfFewFilters(r, backends);
            return;
        }
        check(r, height, width, c, filters, w, groups, backends);
    }

    /** So many weights that they are kept as bytes, or panels longer than what is multiplied at a time. */
    static void convOfManyWeights(Random r, Backend... backends) {
        int k = pick(r, 1, 1, 3);
        int side = pick(r, 3, 4, 5);
        Window w = new Window(k, k, 1, 1, 1, 1, k / 2, k / 2, k / 2, k / 2);
        int c = k == 1 ? pick(r, 225, 300, 449, side < 5 ? 2500 : 1500) : pick(r, 30, 64, 130);
        check(r, side, pick(r, side, side + 1), c, pick(r, 16, 33, 70, 290), w, 1, backends);
    }

    /** Windows whose taps share columns: whole vectors of channels, of images that chunks do not end with. */
    static void convOfColumns(Random r, Backend... backends) {
        int groups = pick(r, 1, 1, 1, 2);
        int perGroup = 16 * pick(r, 2, 3, 4, 8);
        int kh = pick(r, 1, 2, 3, 3, 5);
        int kw = pick(r, 2, 3, 3, 4, 5);
        int across = pick(r, 1, 1, 1, 2, 3);
        Window w = new Window(
                kh,
                kw,
                pick(r, 1, 1, 2),
                pick(r, 1, 1, 2, 3),
                pick(r, 1, 1, 2),
                across,
                r.nextInt(kh + 1),
                r.nextInt(kw * across),
                r.nextInt(kh + 1),
                r.nextInt(kw * across));
        int height = (kh - 1) * w.dilationH() + 1 + r.nextInt(6);
        int width = (kw - 1) * across + 1 + r.nextInt(pick(r, 3, 16, 40));
        int filters = groups * pick(r, 1, 16, 17, 33, 70, 200);
        long outputs = (long) w.outHeight(height) * w.outWidth(width) * filters;
        int taps = kh * kw * perGroup;
        if (kh * perGroup < 128 || outputs * taps > 4_000_000 || height * width * groups * perGroup > 60_000) {
            convOfColumns(r, backends);
            return;
        }
        int magnitude = pick(r, 1, 20, 127, 127, 3000);
        int[] weights = r.ints((long) filters * taps, -magnitude, magnitude + 1).toArray();
        int[] bias = r.ints(filters, -1 << 12, 1 << 12).toArray();
        Kind kind = pick(r, Kind.S8, Kind.U8);
        int zero = Data.code(r, (int) kind.min(), (int) kind.max());
        Operand x = r.nextInt(3) == 0 ? Operand.codes(kind, 3, 0, 15) : Operand.codes(kind, zero);
        Kind y = pick(r, Kind.S8, Kind.U8, Kind.S16);
        Rescale scale = r.nextInt(3) == 0 ? Data.rescale(r, filters, y) : Data.usualRescale(r, filters, y);
        Output out = r.nextInt(5) == 0 ? Output.accumulator(Kind.S32) : Output.codes(Kind.S32, scale, y);
        check(r, x, height, width, groups * perGroup, filters, w, groups, weights, bias, out, backends);
    }

    /** Layers and products without terms, which give biases or zeros, or without outputs. */
    static void empty(Random r, Backend... backends) {
        int a = r.nextInt(3);
        int c = a == 0 ? 0 : pick(r, 1, 16, 300);
        int o = a == 1 || r.nextInt(4) == 0 ? 0 : pick(r, 1, 3, 33, 100);
        int k = pick(r, 1, 1, 3);
        Window w = new Window(k, k, 1, 1, 1, 1, k / 2, k / 2, k / 2, k / 2);
        boolean depthwise = c > 0 && o == 0 && r.nextBoolean();
        check(r, pick(r, 1, 4), pick(r, 1, 4, 9), c, o, w, depthwise ? c : 1, backends);
        int[] sizes = {pick(r, 1, 5, 13), pick(r, 1, 16, 64), pick(r, 1, 16, 33)};
        sizes[a] = 0;
        matmul(r, sizes[0], sizes[1], sizes[2], backends);
    }

    /** Sums longer than a segment, and long enough that singles are not exact over the whole. */
    static void dense(Random r, Backend... backends) {
        int rows = pick(r, 1, 1, 2, 5, 6, 7, 11, 12, 13, 25);
        int k = pick(r, 1, 3, 64, 255, 258, 1000, 2303, 2304, 2305, 4700);
        int n = pick(r, 1, 7, 10, 16, 31, 32, 33, 65);
        check(r, 1, k > 1000 ? Math.min(rows, 7) : rows, k, k > 1000 ? Math.min(n, 17) : n, Window.POINT, 1, backends);
    }

    /** A gate of an LSTM, with weights that are packed at times. */
    static void gate(Random r, Backend... backends) {
        boolean large = r.nextInt(4) == 0;
        int rows = pick(r, 1, 1, 2, 5, 13);
        int inputs = large ? pick(r, 128, 257, 300) : pick(r, 1, 3, 20, 65);
        int units = large ? pick(r, 128, 130) : pick(r, 1, 4, 17, 33);
        Operand x = Data.operand(r);
        Operand h = Data.operand(r);
        int[] w = r.ints((long) units * inputs, -128, 128).toArray();
        int[] v = r.ints((long) units * units, -128, 128).toArray();
        int[] bias = r.nextBoolean() ? null : r.ints(units, -1 << 20, 1 << 20).toArray();
        int[] m = {(int) r.nextLong(1L << 30, 1L << 31), (int) r.nextLong(1L << 30, 1L << 31)};
        int[] shifts = {pick(r, 2, 0, -3, -10), pick(r, 2, 0, -3, -10)};
        Banks b = Data.banks(r);
        int state = 1 << 14;
        Data.fill(r, b, x, 5, rows * inputs);
        Data.fill(r, b, h, state, rows * units);
        long[] expected = new long[rows * units];
        for (int i = 0; i < expected.length; i++) {
            int sum = bias == null ? 0 : bias[i % units];
            for (int k = 0; k < inputs; k++) {
                sum += w[i % units * inputs + k] * centred(b, x, 5 + i / units * inputs + k);
            }
            int again = 0;
            for (int k = 0; k < units; k++) {
                again += v[i % units * units + k] * centred(b, h, state + i / units * units + k);
            }
            long input = Softmax16.saturate(Rescale.scaleTwice(sum, m[0], shifts[0]));
            expected[i] = Softmax16.saturate(input + Rescale.scaleTwice(again, m[1], shifts[1]));
        }
        String name = "gate of %d rows of %d inputs, %d units, %s %s".formatted(rows, inputs, units, x, h);
        for (Backend backend : backends) {
            LstmGate gate = LstmGate.of(backend, x, h, rows, inputs, units, units, w, v, bias, m, shifts);
            Results.check(
                    name, backend, (k, from, to) -> gate.run(k, from, state, to), b, 5, RESULT, Kind.S16, expected);
        }
    }

    private static int centred(Banks b, Operand x, int at) {
        return (int) Data.get(b, x.kind(), at) - x.zero();
    }

    private static Window window(Random r) {
        return new Window(
                pick(r, 1, 2, 3, 3, 4),
                pick(r, 1, 2, 3, 3, 5),
                pick(r, 1, 1, 2, 3),
                pick(r, 1, 1, 2, 3),
                pick(r, 1, 1, 2, 3),
                pick(r, 1, 1, 2, 3),
                r.nextInt(4),
                r.nextInt(4),
                r.nextInt(4),
                r.nextInt(4));
    }

    private static void check(Random r, int h, int width, int c, int o, Window w, int groups, Backend... backends) {
        Operand x = Data.operand(r);
        int taps = w.kernelH() * w.kernelW() * (c / groups);
        int magnitude = pick(r, 1, 7, 127, 255, 32640);
        int[] weights = new int[o * taps];
        boolean extreme = r.nextInt(3) == 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = extreme ? magnitude : Data.code(r, -magnitude, magnitude);
        }
        int[] bias = new int[o];
        for (int i = 0; i < o; i++) {
            bias[i] = r.nextInt() >> 5;
        }
        boolean wide = x.magnitude() * magnitude * taps + (1L << 26) > Integer.MAX_VALUE;
        Output out = Data.output(r, wide, o);
        check(r, x, h, width, c, o, w, groups, weights, bias, out, backends);
    }

    private static void check(
            Random r,
            Operand x,
            int h,
            int width,
            int c,
            int o,
            Window w,
            int groups,
            int[] weights,
            int[] bias,
            Output out,
            Backend... backends) {
        Banks b = Data.banks(r);
        int at = r.nextInt(20);
        int to = RESULT + r.nextInt(20);
        Data.fill(r, b, x, at, h * width * c);
        long[] expected = naive(b, at, x, h, width, c, o, w, groups, weights, bias, out);
        String name = "conv %dx%dx%d -> %d, %s, groups %d, %s, %s".formatted(h, width, c, o, w, groups, x, out);
        for (Backend backend : backends) {
            Conv2d conv = Conv2d.of(backend, x, h, width, c, o, w, groups, weights, bias, out);
            Results.check(name, backend, conv, b, at, to, out.kind(), expected);
        }
    }

    private static long[] naive(
            Banks b,
            int at,
            Operand x,
            int h,
            int width,
            int c,
            int o,
            Window w,
            int groups,
            int[] weights,
            int[] bias,
            Output out) {
        int oh = w.outHeight(h);
        int ow = w.outWidth(width);
        int cg = c / groups;
        long[] y = new long[oh * ow * o];
        for (int i = 0; i < y.length; i++) {
            int f = i % o;
            int ox = i / o % ow;
            int oy = i / o / ow;
            long sum = bias[f];
            for (int ky = 0; ky < w.kernelH(); ky++) {
                for (int kx = 0; kx < w.kernelW(); kx++) {
                    int iy = oy * w.strideH() - w.top() + ky * w.dilationH();
                    int ix = ox * w.strideW() - w.left() + kx * w.dilationW();
                    if (iy < 0 || iy >= h || ix < 0 || ix >= width) {
                        continue;
                    }
                    for (int j = 0; j < cg; j++) {
                        long q = Data.get(b, x.kind(), at + (iy * width + ix) * c + f / (o / groups) * cg + j);
                        sum += (q - x.zero()) * weights[((f * w.kernelH() + ky) * w.kernelW() + kx) * cg + j];
                    }
                }
            }
            y[i] = Data.expected(out, sum, f);
        }
        return y;
    }

    static void matmul(Random r, Backend... backends) {
        int m = pick(r, 1, 3, 5, 12, 13, 25);
        int k = pick(r, 1, 2, 63, 64, 257, 300);
        matmul(r, m, k, pick(r, 1, 3, 16, 17, 33, 64), backends);
    }

    private static void matmul(Random r, int m, int k, int n, Backend... backends) {
        Operand x = Data.operand(r);
        Operand y = Data.operand(r);
        int batch = pick(r, 1, 1, 2, 3);
        boolean sharedY = r.nextBoolean();
        int[] xs = batch == 1 ? new int[] {m, k} : new int[] {batch, m, k};
        int[] ys = batch == 1 || sharedY ? new int[] {k, n} : new int[] {batch, k, n};
        boolean wide = x.magnitude() * y.magnitude() * k > Integer.MAX_VALUE;
        Output out = Data.output(r, wide, n);
        Banks b = Data.banks(r);
        int at = 3;
        int yAt = 1 << 16;
        Data.fill(r, b, x, at, batch * m * k);
        Data.fill(r, b, y, yAt, batch * k * n);
        long[] expected = new long[batch * m * n];
        for (int i = 0; i < expected.length; i++) {
            int g = i / (m * n);
            long sum = 0;
            for (int j = 0; j < k; j++) {
                long p = Data.get(b, x.kind(), at + (g * m + i / n % m) * k + j) - x.zero();
                int yg = ys.length == 2 ? 0 : g;
                sum += p * (Data.get(b, y.kind(), yAt + (yg * k + j) * n + i % n) - y.zero());
            }
            expected[i] = Data.expected(out, sum, i % n);
        }
        String name = "matmul %d x %dx%dx%d, %s, %s, %s".formatted(batch, m, k, n, x, y, out);
        for (Backend backend : backends) {
            MatMul kernel = MatMul.of(backend, x, xs, y, ys, out);
            Results.check(
                    name,
                    backend,
                    (banks, from, to) -> kernel.run(banks, from, yAt, to),
                    b,
                    at,
                    (1 << 17) - 4900,
                    out.kind(),
                    expected);
        }
    }
}

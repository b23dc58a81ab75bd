package dev.qnet.runtime.kernel;

import static dev.qnet.runtime.kernel.Data.RESULT;
import static dev.qnet.runtime.kernel.Data.pick;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Random pools and moves of elements, each against its definition. */
final class SpatialCases {
    private SpatialCases() {}

    private record Pool(int h, int w, int c, Window window) {
        static Pool any(Random r) {
            int kh = pick(r, 1, 2, 3, 5);
            int kw = pick(r, 1, 2, 3);
            Window window = new Window(
                    kh,
                    kw,
                    pick(r, 1, 2, 3),
                    pick(r, 1, 2),
                    1,
                    1,
                    r.nextInt(kh),
                    r.nextInt(kw),
                    r.nextInt(kh),
                    r.nextInt(kw));
            return new Pool(kh + r.nextInt(5), kw + r.nextInt(6), pick(r, 1, 3, 16, 17, 40), window);
        }

        /** Offsets of the elements under the window of an element of the result. */
        List<Integer> taps(int i) {
            int ow = window.outWidth(w);
            int x0 = i / c % ow * window.strideW() - window.left();
            int y0 = i / c / ow * window.strideH() - window.top();
            List<Integer> taps = new ArrayList<>();
            for (int y = Math.max(y0, 0); y < Math.min(h, y0 + window.kernelH()); y++) {
                for (int x = Math.max(x0, 0); x < Math.min(w, x0 + window.kernelW()); x++) {
                    taps.add((y * w + x) * c + i % c);
                }
            }
            return taps;
        }

        int results() {
            return window.outHeight(h) * window.outWidth(w) * c;
        }
    }

    static void maxPool(Random r, Backend... backends) {
        Pool p = Pool.any(r);
        Kind kind = pick(r, Kind.values());
        Banks b = Data.banks(r);
        long[] expected = new long[p.results()];
        for (int i = 0; i < expected.length; i++) {
            List<Integer> taps = p.taps(i);
            if (kind == Kind.F32) {
                double max =
                        taps.stream().mapToDouble(t -> b.floats[5 + t]).reduce(Double.NEGATIVE_INFINITY, Math::max);
                expected[i] = Float.floatToIntBits((float) max);
            } else {
                expected[i] = taps.stream()
                        .mapToLong(t -> Data.get(b, kind, 5 + t))
                        .max()
                        .getAsLong();
            }
        }
        for (Backend backend : backends) {
            MaxPool kernel = MaxPool.of(backend, kind, p.h, p.w, p.c, p.window);
            Results.check("max pool " + kind + " " + p, backend, kernel, b, 5, RESULT, kind, expected);
        }
    }

    /** Of a count, sums of bytes around each mean and each half, and any sums of 16 bits. */
    static void means(Random r, Backend backend) {
        int count = r.nextBoolean() ? 1 + r.nextInt(100) : 1 + r.nextInt(Short.MAX_VALUE);
        int[] sums = new int[(128 + 255) * 6 + 500];
        int n = 0;
        for (int mean = -128; mean < 255; mean++) {
            for (int d = -1; d <= 1; d++) {
                sums[n++] = mean * count + d;
                sums[n++] = mean * count + count / 2 + d;
            }
        }
        while (n < sums.length) {
            long most = 65535L * count;
            sums[n++] = (int) (r.nextBoolean() ? r.nextLong(most + 1) : r.nextLong(-32768L * count, 32767L * count));
        }
        int half = count / 2;
        for (Rounding rounding : Rounding.values()) {
            int[] expected = new int[n];
            for (int i = 0; i < n; i++) {
                double exact = (double) sums[i] / count;
                expected[i] = (int)
                        switch (rounding) {
                            case TFLITE ->
                                Math.copySign(Math.floor((Math.abs((double) sums[i]) + half) / count), exact);
                            case TOSA -> Math.floor((2.0 * sums[i] + count) / (2.0 * count));
                            case ONNX, XNNPACK -> Math.rint((float) sums[i] / (float) count);
                        };
            }
            int[] found = sums.clone();
            backend.loops().means(rounding, found, n, count);
            assertThat(found).as("%s, count %d", rounding, count).isEqualTo(expected);
        }
    }

    static void avgPool(Random r, Backend... backends) {
        Pool p = Pool.any(r);
        Kind kind = pick(r, Kind.S8, Kind.U8, Kind.S16, Kind.U16);
        Rounding rounding = pick(r, Rounding.values());
        Banks b = Data.banks(r);
        long[] expected = new long[p.results()];
        for (int i = 0; i < expected.length; i++) {
            List<Integer> taps = p.taps(i);
            long s = taps.stream().mapToLong(t -> Data.get(b, kind, 5 + t)).sum();
            int n = taps.size();
            expected[i] = switch (rounding) {
                case TFLITE -> (s > 0 ? s + n / 2 : s - n / 2) / n;
                case TOSA -> (long) Math.floor((2.0 * s + n) / (2.0 * n));
                case ONNX, XNNPACK -> (long) Math.rint((float) s / (float) n);
            };
        }
        for (Backend backend : backends) {
            AvgPool kernel = AvgPool.of(backend, kind, p.h, p.w, p.c, p.window, rounding);
            Results.check("average " + rounding + " " + kind + " " + p, backend, kernel, b, 5, RESULT, kind, expected);
        }
    }

    /** Transpose, slice, pad, concat and resize: where each element of the result comes from, −1 for padding. */
    static void moves(Random r, Backend... backends) {
        int rank = r.nextInt(4) + 1;
        int[] shape = new int[rank];
        Arrays.setAll(shape, d -> pick(r, 1, 2, 3, 5, 11));
        Kind kind = pick(r, Kind.values());
        Banks b = Data.banks(r);
        int[] in = index(shape);
        int[] permutation = permutation(r, rank);
        int[] out = new int[rank];
        Arrays.setAll(out, d -> shape[permutation[d]]);
        int[] from = new int[in.length];
        for (int i = 0; i < from.length; i++) {
            int[] at = unravel(i, out);
            int[] source = new int[rank];
            for (int d = 0; d < rank; d++) {
                source[permutation[d]] = at[d];
            }
            from[i] = ravel(source, shape);
        }
        check("transpose", Copy.transpose(kind, shape, permutation), kind, b, from, 0, backends);

        int[] begin = new int[rank];
        int[] end = new int[rank];
        int[] step = new int[rank];
        for (int d = 0; d < rank; d++) {
            begin[d] = r.nextInt(shape[d]);
            end[d] = begin[d] + 1 + r.nextInt(shape[d] - begin[d]);
            step[d] = pick(r, 1, 1, 2, 3);
            out[d] = (end[d] - begin[d] + step[d] - 1) / step[d];
        }
        from = new int[Arrays.stream(out).reduce(1, (p, q) -> p * q)];
        for (int i = 0; i < from.length; i++) {
            int[] at = unravel(i, out);
            for (int d = 0; d < rank; d++) {
                at[d] = begin[d] + at[d] * step[d];
            }
            from[i] = ravel(at, shape);
        }
        check("slice", Copy.slice(kind, shape, begin, end, step), kind, b, from, 0, backends);

        int[] before = new int[rank];
        int[] after = new int[rank];
        for (int d = 0; d < rank; d++) {
            before[d] = r.nextInt(3);
            after[d] = r.nextInt(3);
            out[d] = before[d] + shape[d] + after[d];
        }
        from = new int[Arrays.stream(out).reduce(1, (p, q) -> p * q)];
        for (int i = 0; i < from.length; i++) {
            int[] at = unravel(i, out);
            boolean inside = true;
            for (int d = 0; d < rank; d++) {
                at[d] -= before[d];
                inside &= at[d] >= 0 && at[d] < shape[d];
            }
            from[i] = inside ? ravel(at, shape) : -1;
        }
        check("pad", Copy.pad(kind, shape, before, after, 7), kind, b, from, 7, backends);
        check("copy", Copy.all(kind, in.length), kind, b, in, 0, backends);
    }

    static void concat(Random r, Backend... backends) {
        int rank = r.nextInt(3) + 1;
        int axis = r.nextInt(rank);
        int[] shape = new int[rank];
        Arrays.setAll(shape, d -> pick(r, 1, 2, 5, 17));
        int other = pick(r, 1, 3, 16);
        int[] second = shape.clone();
        second[axis] = other;
        int[] out = shape.clone();
        out[axis] += other;
        Kind kind = pick(r, Kind.values());
        Banks b = Data.banks(r);
        int y = 1 << 15;
        int[] from = new int[Arrays.stream(out).reduce(1, (p, q) -> p * q)];
        for (int i = 0; i < from.length; i++) {
            int[] at = unravel(i, out);
            boolean first = at[axis] < shape[axis];
            at[axis] -= first ? 0 : shape[axis];
            from[i] = first ? ravel(at, shape) : y - 5 + ravel(at, second);
        }
        Copy left = Copy.concatPart(kind, shape, axis, out[axis], 0);
        Copy right = Copy.concatPart(kind, second, axis, out[axis], shape[axis]);
        UnaryKernel both = (banks, x, to) -> {
            left.run(banks, x, to);
            right.run(banks, y, to);
        };
        check("concat", both, kind, b, from, 0, backends);
    }

    static void resize(Random r, Backend... backends) {
        int h = pick(r, 1, 2, 5);
        int w = pick(r, 1, 3, 4);
        int c = pick(r, 1, 3, 17);
        int oh = pick(r, 1, 4, 7, 10);
        int ow = pick(r, 2, 3, 9);
        Kind kind = pick(r, Kind.values());
        int[] from = new int[oh * ow * c];
        for (int i = 0; i < from.length; i++) {
            from[i] = (i / c / ow * h / oh * w + i / c % ow * w / ow) * c + i % c;
        }
        check("resize", ResizeNearest.of(kind, h, w, c, oh, ow), kind, Data.banks(r), from, 0, backends);
    }

    private static void check(
            String name, UnaryKernel kernel, Kind kind, Banks b, int[] from, int fill, Backend... backends) {
        long[] expected = new long[from.length];
        for (int i = 0; i < from.length; i++) {
            if (kind == Kind.F32) {
                expected[i] = Float.floatToIntBits(from[i] < 0 ? fill : b.floats[5 + from[i]]);
            } else {
                expected[i] = from[i] < 0 ? fill : Data.get(b, kind, 5 + from[i]);
            }
        }
        Results.check(name + " " + kind, backends[0], kernel, b, 5, RESULT, kind, expected);
    }

    private static int[] index(int[] shape) {
        int[] i = new int[Arrays.stream(shape).reduce(1, (p, q) -> p * q)];
        Arrays.setAll(i, j -> j);
        return i;
    }

    private static int[] permutation(Random r, int rank) {
        List<Integer> p = new ArrayList<>();
        for (int d = 0; d < rank; d++) {
            p.add(r.nextInt(d + 1), d);
        }
        return p.stream().mapToInt(d -> d).toArray();
    }

    private static int[] unravel(int i, int[] shape) {
        int[] at = new int[shape.length];
        for (int d = shape.length - 1; d >= 0; d--) {
            at[d] = i % shape[d];
            i /= shape[d];
        }
        return at;
    }

    private static int ravel(int[] at, int[] shape) {
        int i = 0;
        for (int d = 0; d < shape.length; d++) {
            i = i * shape[d] + at[d];
        }
        return i;
    }
}

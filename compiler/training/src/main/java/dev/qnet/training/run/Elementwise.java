package dev.qnet.training.run;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.training.quantizer.SimdGradients;
import java.util.Arrays;
import java.util.List;

/** Arithmetic element by element, and sums that undo broadcasting. */
final class Elementwise {
    /** Fewer elements are not worth a second thread. */
    private static final int SHARED = 1 << 15;

    /** Elements that are summed in singles before they go to a sum in double. */
    private static final int RUN = 64;

    private Elementwise() {}

    /** Does something for ranges of 0..n, shared where that is worth it. */
    static void share(Crew crew, int n, Crew.Part part) {
        if (n < SHARED) {
            part.run(0, 0, n);
        } else {
            crew.share(n, part);
        }
    }

    private static float apply(FloatOp.Binary.Fn fn, float a, float b) {
        return switch (fn) {
            case ADD -> a + b;
            case SUB -> a - b;
            case MUL -> a * b;
            case DIV -> a / b;
            case POW -> (float) Math.pow(a, b);
            case MIN -> Math.min(a, b);
            case MAX -> Math.max(a, b);
            case MOD -> a % b;
        };
    }

    static Runnable binary(
            FloatOp.Binary.Fn fn, List<Shape> shapes, List<float[]> in, Shape out, float[] y, Crew crew) {
        float[] a = in.get(0);
        float[] b = in.get(1);
        if (shapes.get(0).equals(out) && shapes.get(1).equals(out)) {
            return () -> share(crew, y.length, (who, from, to) -> same(fn, a, b, y, from, to));
        }
        int row = out.rank() == 0 ? 1 : out.dim(-1);
        boolean channels = shapes.get(0).equals(out)
                && shapes.get(1).rank() > 0
                && shapes.get(1).dim(-1) == row
                && b.length == row
                && row > 0;
        if (channels) {
            return () -> {
                for (int i = 0; i < y.length; i += row) {
                    for (int c = 0; c < row; c++) {
                        y[i + c] = apply(fn, a[i + c], b[c]);
                    }
                }
            };
        }
        int[] left = Strides.of(shapes.get(0), out).indices();
        int[] right = Strides.of(shapes.get(1), out).indices();
        return () -> {
            for (int i = 0; i < y.length; i++) {
                y[i] = apply(fn, a[left[i]], b[right[i]]);
            }
        };
    }

    /** Truth values as 1 and 0. */
    static Runnable compare(NumOp.Compare.Fn fn, List<Shape> shapes, List<float[]> in, Shape out, float[] y) {
        int[] left = Strides.of(shapes.get(0), out).indices();
        int[] right = Strides.of(shapes.get(1), out).indices();
        return () -> {
            for (int i = 0; i < y.length; i++) {
                float a = in.get(0)[left[i]];
                float b = in.get(1)[right[i]];
                boolean holds = switch (fn) {
                    case EQ -> a == b;
                    case NE -> a != b;
                    case LT -> a < b;
                    case LE -> a <= b;
                    case GT -> a > b;
                    case GE -> a >= b;
                };
                y[i] = holds ? 1 : 0;
            }
        };
    }

    static Runnable select(List<Shape> shapes, List<float[]> in, Shape out, float[] y) {
        List<int[]> places =
                shapes.stream().map(s -> Strides.of(s, out).indices()).toList();
        return () -> {
            for (int i = 0; i < y.length; i++) {
                int from = in.get(0)[places.get(0)[i]] != 0 ? 1 : 2;
                y[i] = in.get(from)[places.get(from)[i]];
            }
        };
    }

    private static void same(FloatOp.Binary.Fn fn, float[] a, float[] b, float[] y, int from, int to) {
        switch (fn) {
            case ADD -> {
                for (int i = from; i < to; i++) {
                    y[i] = a[i] + b[i];
                }
            }
            case MUL -> {
                for (int i = from; i < to; i++) {
                    y[i] = a[i] * b[i];
                }
            }
            case SUB, DIV, POW, MIN, MAX, MOD -> {
                for (int i = from; i < to; i++) {
                    y[i] = apply(fn, a[i], b[i]);
                }
            }
        }
    }

    static Runnable unary(ScalarFn fn, float[] x, float[] y, Crew crew) {
        return switch (fn) {
            case ScalarFn.Relu _ ->
                () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = Math.max(x[i], 0);
                    }
                });
            case ScalarFn.Clip c ->
                () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = Math.min(Math.max(x[i], c.lo()), c.hi());
                    }
                });
            case ScalarFn.Affine a ->
                () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = x[i] * a.alpha() + a.beta();
                    }
                });
            case ScalarFn.Neg _ ->
                () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = -x[i];
                    }
                });
            case ScalarFn _ -> {
                Curve curve = Curve.of(fn);
                yield () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = (float) curve.value(x[i]);
                    }
                });
            }
        };
    }

    static Runnable unaryGrad(ScalarFn fn, float[] x, float[] g, float[] y, Crew crew) {
        return switch (fn) {
            case ScalarFn.Relu _ ->
                () -> share(
                        crew,
                        y.length,
                        (who, from, to) -> SimdGradients.between(x, g, 0, Float.POSITIVE_INFINITY, from, to, y));
            case ScalarFn.Clip c ->
                () -> share(
                        crew, y.length, (who, from, to) -> SimdGradients.between(x, g, c.lo(), c.hi(), from, to, y));
            case ScalarFn _ -> {
                Curve curve = Curve.of(fn);
                yield () -> share(crew, y.length, (who, from, to) -> {
                    for (int i = from; i < to; i++) {
                        y[i] = (float) (g[i] * curve.slope(x[i]));
                    }
                });
            }
        };
    }

    static Runnable broadcast(float[] x, Shape from, Shape to, float[] y) {
        if (x.length == 1) {
            return () -> Arrays.fill(y, x[0]);
        }
        int[] places = Strides.of(from, to).indices();
        return () -> {
            for (int i = 0; i < y.length; i++) {
                y[i] = x[places[i]];
            }
        };
    }

    /** Sums over the axes along which a shape broadcasts. */
    static Runnable sumTo(float[] x, Shape from, Shape to, float[] y) {
        if (y.length == x.length) {
            return Kernels.copy(x, y);
        }
        if (y.length == 1 || (to.rank() > 0 && y.length == from.dim(-1) && to.dim(-1) == y.length)) {
            return () -> byChannel(x, y);
        }
        int[] places = Strides.of(to, from).indices();
        double[] sums = new double[y.length];
        return () -> {
            Arrays.fill(sums, 0);
            for (int i = 0; i < x.length; i++) {
                sums[places[i]] += x[i];
            }
            for (int i = 0; i < y.length; i++) {
                y[i] = (float) sums[i];
            }
        };
    }

    private static void byChannel(float[] x, float[] y) {
        int channels = y.length;
        double[] sums = new double[channels];
        float[] run = new float[channels];
        int block = RUN * channels;
        for (int start = 0; start < x.length; start += block) {
            Arrays.fill(run, 0);
            int end = Math.min(x.length, start + block);
            for (int i = start; i < end; i += channels) {
                for (int c = 0; c < channels; c++) {
                    run[c] += x[i + c];
                }
            }
            for (int c = 0; c < channels; c++) {
                sums[c] += run[c];
            }
        }
        for (int c = 0; c < channels; c++) {
            y[c] = (float) sums[c];
        }
    }
}

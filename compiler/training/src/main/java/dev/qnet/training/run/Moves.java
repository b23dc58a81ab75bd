package dev.qnet.training.run;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import java.util.Arrays;
import java.util.List;

/** Operations that move elements, by maps of indices that are made once. */
final class Moves {
    private Moves() {}

    private static Runnable gather(int[] from, float[] x, float[] y) {
        return () -> {
            for (int i = 0; i < y.length; i++) {
                y[i] = x[from[i]];
            }
        };
    }

    private static Runnable scatter(int[] to, float fill, float[] x, float[] y) {
        return () -> {
            Arrays.fill(y, fill);
            for (int i = 0; i < x.length; i++) {
                y[to[i]] = x[i];
            }
        };
    }

    static Runnable transpose(List<Integer> permutation, Shape from, Shape to, float[] x, float[] y) {
        if (from.rank() == 2) {
            return permutation.getFirst() == 0
                    ? Kernels.copy(x, y)
                    : () -> SimdGemm.transpose(x, from.dim(0), from.dim(1), y);
        }
        int[] own = Strides.rowMajor(from);
        int[] steps = permutation.stream().mapToInt(a -> own[a]).toArray();
        return gather(new Strides(to.toArray(), steps, 0).indices(), x, y);
    }

    static Runnable slice(DataOp.Slice s, Shape from, Shape to, float[] x, float[] y) {
        int[] steps = Strides.rowMajor(from);
        int start = 0;
        for (int a = 0; a < steps.length; a++) {
            start += s.begin().get(a) * steps[a];
            steps[a] *= s.step().get(a);
        }
        return gather(new Strides(to.toArray(), steps, start).indices(), x, y);
    }

    static Runnable pad(DataOp.Pad p, Shape from, Shape to, float[] x, float[] y) {
        int[] steps = Strides.rowMajor(to);
        int start = 0;
        for (int a = 0; a < steps.length; a++) {
            start += p.before().get(a) * steps[a];
        }
        return scatter(new Strides(from.toArray(), steps, start).indices(), p.value(), x, y);
    }

    static Runnable dilate(DataOp.Dilate d, Shape from, Shape to, float[] x, float[] y) {
        int[] steps = Strides.rowMajor(to);
        for (int a = 0; a < steps.length; a++) {
            steps[a] *= d.factors().get(a);
        }
        return scatter(new Strides(from.toArray(), steps, 0).indices(), d.value(), x, y);
    }

    static Runnable concat(int axis, List<Shape> shapes, List<float[]> in, Shape out, float[] y) {
        int inner = 1;
        for (int a = axis; a < out.rank(); a++) {
            inner *= out.dim(a);
        }
        int row = inner;
        return () -> {
            int at = 0;
            for (int k = 0; k < in.size(); k++) {
                int part = row / out.dim(axis) * shapes.get(k).dim(axis);
                for (int i = 0; part > 0 && i < in.get(k).length / part; i++) {
                    System.arraycopy(in.get(k), i * part, y, i * row + at, part);
                }
                at += part;
            }
        };
    }

    private static int[] nearest(Shape small, Shape large) {
        int[] from = new int[large.elements()];
        int channels = large.dim(3);
        for (int i = 0; i < from.length; i++) {
            int column = i / channels % large.dim(2) * small.dim(2) / large.dim(2);
            int row = i / channels / large.dim(2) % large.dim(1) * small.dim(1) / large.dim(1);
            int image = i / channels / large.dim(2) / large.dim(1);
            from[i] = ((image * small.dim(1) + row) * small.dim(2) + column) * channels + i % channels;
        }
        return from;
    }

    static Runnable resize(Shape from, Shape to, float[] x, float[] y) {
        return gather(nearest(from, to), x, y);
    }

    static Runnable resizeGrad(Shape g, Shape to, float[] x, float[] y) {
        int[] places = nearest(to, g);
        return () -> {
            Arrays.fill(y, 0);
            for (int i = 0; i < x.length; i++) {
                y[places[i]] += x[i];
            }
        };
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** Resizing of images. */
final class Resizes {
    /** No side of an image is longer. */
    private static final int MAX_SIDE = 1 << 16;

    private Resizes() {}

    private record Size(Val x, int height, int width, boolean align, boolean half) {
        static Size of(Call c, int alignField) {
            c.arity(2, 2, 1);
            Val x = c.x(0);
            List<Integer> size = c.ints(1);
            if (x.shape().rank() != 4 || size.size() != 2) {
                throw new Unsupported("resizes " + x.shape() + " to " + size);
            }
            for (int side : List.of(
                    size.get(0), size.get(1), x.shape().dim(1), x.shape().dim(2))) {
                if (side < 1 || side > MAX_SIDE) {
                    throw new Unsupported("resizes " + x.shape() + " to " + size);
                }
            }
            return new Size(x, size.get(0), size.get(1), c.flag(alignField), c.flag(alignField + 1));
        }
    }

    /** GetNearestNeighbor, in singles. */
    static void nearest(Call c) {
        Size s = Size.of(c, 0);
        List<Integer> rows = nearest(s.x().shape().dim(1), s.height(), s.align(), s.half());
        List<Integer> columns = nearest(s.x().shape().dim(2), s.width(), s.align(), s.half());
        boolean simple = rows.equals(truncated(s.x().shape().dim(1), s.height()))
                && columns.equals(truncated(s.x().shape().dim(2), s.width()));
        if (simple) {
            c.result(c.emit(new DataOp.ResizeNearest(s.height(), s.width()), s.x().element(), s.x()));
        } else {
            c.result(c.gathered(c.gathered(s.x(), 1, rows), 2, columns));
        }
    }

    private static List<Integer> nearest(int in, int out, boolean align, boolean half) {
        float scale = align && out > 1 ? (in - 1) / (float) (out - 1) : in / (float) out;
        float offset = half ? 0.5f : 0f;
        List<Integer> indices = new ArrayList<>();
        for (int i = 0; i < out; i++) {
            float at = (i + offset) * scale;
            int nearest = (int) (align ? FixedPoint.round(at) : (float) Math.floor(at));
            indices.add(Math.max(0, Math.min(nearest, in - 1)));
        }
        return indices;
    }

    private static List<Integer> truncated(int in, int out) {
        List<Integer> indices = new ArrayList<>();
        for (int i = 0; i < out; i++) {
            indices.add((int) ((long) i * in / out));
        }
        return indices;
    }

    /** Codes in TFLite's fixed point; singles as a weighted sum of neighbouring rows, then columns. */
    static void bilinear(Call c) {
        Size s = Size.of(c, 2);
        if (s.align() && s.half()) {
            throw new Unsupported("aligns both corners and the centers of pixels");
        }
        if (!s.x().isFloat()) {
            IntOp op = new IntOp.ResizeBilinear(s.height(), s.width(), s.align(), s.half());
            c.result(c.emit(op, s.x().quant(), s.x()));
            return;
        }
        Val rows = blended(c, s.x(), 1, s.height(), s.align(), s.half());
        c.result(blended(c, rows, 2, s.width(), s.align(), s.half()));
    }

    private static Val blended(Call c, Val x, int axis, int out, boolean align, boolean half) {
        int in = x.shape().dim(axis);
        float scale = align && out > 1 ? (float) (in - 1) / (out - 1) : (float) in / out;
        List<Integer> lower = new ArrayList<>();
        List<Integer> upper = new ArrayList<>();
        float[] low = new float[out];
        float[] high = new float[out];
        boolean whole = true;
        for (int i = 0; i < out; i++) {
            float at = half ? (i + 0.5f) * scale - 0.5f : i * scale;
            int from = Math.max((int) Math.floor(at), 0);
            // Beyond the border TFLite's two neighbours are one, and any weights give the same.
            int to = Math.min((int) Math.ceil(at), in - 1);
            lower.add(Math.min(from, in - 1));
            upper.add(Math.max(to, 0));
            high[i] = at - from;
            low[i] = 1 - (at - from);
            whole &= high[i] == 0;
        }
        Val first = c.gathered(x, axis, lower);
        if (whole) {
            return first;
        }
        int[] shape = {1, 1, 1, 1};
        shape[axis] = out;
        Val a = c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), first, c.floats("weights", Shape.of(shape), low));
        Val b = c.real(
                new FloatOp.Binary(FloatOp.Binary.Fn.MUL),
                c.gathered(x, axis, upper),
                c.floats("weights", Shape.of(shape), high));
        return c.real(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), a, b);
    }
}

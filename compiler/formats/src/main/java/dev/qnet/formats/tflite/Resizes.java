package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
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

    /** Codes in TFLite's fixed point, those of u8 and singles as a weighted sum of neighbouring rows, then columns. */
    static void bilinear(Call c) {
        Size s = Size.of(c, 2);
        if (s.align() && s.half()) {
            throw new Unsupported("aligns both corners and the centers of pixels");
        }
        if (s.x().isQuant() && s.x().quant().storage() == Storage.U8) {
            unsigned(c, s);
            return;
        }
        if (!s.x().isFloat()) {
            IntOp op = new IntOp.ResizeBilinear(s.height(), s.width(), s.align(), s.half());
            c.result(c.emit(op, s.x().quant(), s.x()));
            return;
        }
        Val rows = blended(c, s.x(), 1, s.height(), s.align(), s.half());
        c.result(blended(c, rows, 2, s.width(), s.align(), s.half()));
    }

    /**
     * Where each row (or column) of a result lies between two of the operand's, in singles.
     *
     * @param low the share of the first
     * @param high the share of the second
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Between(List<Integer> lower, List<Integer> upper, float[] low, float[] high) {
        static Between of(int in, int out, boolean align, boolean half) {
            float scale = align && out > 1 ? (float) (in - 1) / (out - 1) : (float) in / out;
            List<Integer> lower = new ArrayList<>();
            List<Integer> upper = new ArrayList<>();
            float[] low = new float[out];
            float[] high = new float[out];
            for (int i = 0; i < out; i++) {
                float at = half ? (i + 0.5f) * scale - 0.5f : i * scale;
                int from = Math.max((int) Math.floor(at), 0);
                // Beyond the border TFLite's two neighbours are one, and any weights give the same.
                int to = Math.min((int) Math.ceil(at), in - 1);
                lower.add(Math.min(from, in - 1));
                upper.add(Math.max(to, 0));
                high[i] = at - from;
                low[i] = 1 - (at - from);
            }
            return new Between(lower, upper, low, high);
        }

        private Val share(Call c, float[] each, int axis) {
            int[] shape = {1, 1, 1, 1};
            shape[axis] = each.length;
            return c.floats("weights", Shape.of(shape), each);
        }

        /** One of the two neighbours along an axis, times its share. */
        Val part(Call c, Val x, int axis, boolean second) {
            return times(c, c.gathered(x, axis, second ? upper : lower), share(c, second ? high : low, axis));
        }

        boolean whole() {
            for (float h : high) {
                if (h != 0) {
                    return false;
                }
            }
            return true;
        }
    }

    private static Val times(Call c, Val x, Val y) {
        return c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), x, y);
    }

    private static Val plus(Call c, Val x, Val y) {
        return c.real(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), x, y);
    }

    private static Val blended(Call c, Val x, int axis, int out, boolean align, boolean half) {
        Between b = Between.of(x.shape().dim(axis), out, align, half);
        return b.whole()
                ? c.gathered(x, axis, b.lower())
                : plus(c, b.part(c, x, axis, false), b.part(c, x, axis, true));
    }

    /** TFLite has no integer arithmetic for codes of u8: sums of four products in singles, in its order, and a half. */
    private static void unsigned(Call c, Size s) {
        Quant q = s.x().quant();
        Val x = c.emit(new NumOp.Cast(), Element.FLOAT, c.graph().reinterpret(s.x(), Element.UINT8));
        Between rows = Between.of(x.shape().dim(1), s.height(), s.align(), s.half());
        Between columns = Between.of(x.shape().dim(2), s.width(), s.align(), s.half());
        Val upper = rows.part(c, x, 1, false);
        Val lower = rows.part(c, x, 1, true);
        Val left = plus(c, columns.part(c, upper, 2, false), columns.part(c, lower, 2, false));
        Val sum = plus(c, plus(c, left, columns.part(c, upper, 2, true)), columns.part(c, lower, 2, true));
        Val codes = c.emit(new NumOp.Cast(), Element.UINT8, plus(c, sum, c.floats("half", Shape.SCALAR, 0.5f)));
        c.result(c.graph().reinterpret(codes, q));
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** Operators that move elements to other places, or repeat them. */
final class Rearrangements {
    /** No axis has more elements where each of them is named. */
    private static final int MAX_INDICES = 1 << 20;

    private Rearrangements() {}

    static void reverse(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        Val y = x;
        for (long a : c.integers(1)) {
            int axis = Call.axis(a, x.shape().rank());
            int n = extent(x, axis);
            List<Integer> indices = new ArrayList<>();
            for (int i = n - 1; i >= 0; i--) {
                indices.add(i);
            }
            y = c.gathered(y, axis, indices);
        }
        c.result(y);
    }

    private static int extent(Val x, int axis) {
        int n = x.shape().dim(axis);
        if (n < 0 || n > MAX_INDICES) {
            throw new Unsupported("moves elements along axis " + axis + " of " + x.shape());
        }
        return n;
    }

    /** Paddings that mirror, with (1) or without (0) the border itself. */
    static void mirrorPad(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        List<Integer> sizes = c.ints(1);
        int border = c.byteOption(0, 0);
        if (sizes.size() != 2 * x.shape().rank() || border < 0 || border > 1) {
            throw new Unsupported("pads " + x.shape() + " by " + sizes + " in mode " + border);
        }
        Val y = x;
        for (int axis = 0; axis < x.shape().rank(); axis++) {
            int before = sizes.get(2 * axis);
            int after = sizes.get(2 * axis + 1);
            if (before == 0 && after == 0) {
                continue;
            }
            int n = extent(x, axis);
            int most = n - 1 + border;
            if (before < 0 || after < 0 || before > most || after > most) {
                throw new Unsupported("pads axis " + axis + " of " + x.shape() + " by " + before + " and " + after);
            }
            List<Integer> indices = new ArrayList<>();
            for (int i = -before; i < n + after; i++) {
                indices.add(i < 0 ? -i - border : i < n ? i : 2 * n - 2 - i + border);
            }
            y = c.gathered(y, axis, indices);
        }
        c.result(y);
    }

    static void broadcastTo(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        c.result(c.emit(new DataOp.Broadcast(new Shape(c.ints(1))), x.element(), x));
    }

    static void depthToSpace(Call c) {
        Val x = image(c);
        int b = block(c);
        Shape s = x.shape();
        int channels = s.dim(3) / (b * b);
        if (channels * b * b != s.dim(3)) {
            throw new Unsupported("spreads " + s.dim(3) + " channels over blocks of " + b);
        }
        Val parts = c.reshaped(x, Shape.of(s.dim(0), s.dim(1), s.dim(2), b, b, channels));
        Val moved = c.emit(new DataOp.Transpose(List.of(0, 1, 3, 2, 4, 5)), x.element(), parts);
        c.result(c.reshaped(moved, Shape.of(s.dim(0), s.dim(1) * b, s.dim(2) * b, channels)));
    }

    static void spaceToDepth(Call c) {
        Val x = image(c);
        int b = block(c);
        Shape s = x.shape();
        int height = s.dim(1) / b;
        int width = s.dim(2) / b;
        if (height * b != s.dim(1) || width * b != s.dim(2)) {
            throw new Unsupported("gathers blocks of " + b + " of " + s);
        }
        Val parts = c.reshaped(x, Shape.of(s.dim(0), height, b, width, b, s.dim(3)));
        Val moved = c.emit(new DataOp.Transpose(List.of(0, 1, 3, 2, 4, 5)), x.element(), parts);
        c.result(c.reshaped(moved, Shape.of(s.dim(0), height, width, b * b * s.dim(3))));
    }

    private static Val image(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.shape().rank() != 4) {
            throw new Unsupported("takes an image [batch, height, width, channels], found " + x.shape());
        }
        return x;
    }

    private static int block(Call c) {
        int b = c.option(0, 0);
        if (b < 1 || b > 1 << 12) {
            throw new Unsupported("has blocks of " + b);
        }
        return b;
    }
}

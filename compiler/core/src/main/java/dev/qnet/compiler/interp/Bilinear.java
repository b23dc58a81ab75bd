package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;

/** Bilinear resizing of codes in fixed point, as TFLite's reference_ops::ResizeBilinearInteger computes it. */
final class Bilinear {
    /** 1 in positions and weights, which have 10 bits after the point. */
    private static final int ONE = 1 << 10;

    private Bilinear() {}

    /**
     * Where a result's row or column lies in the operand.
     *
     * @param lower the nearest one in front
     * @param upper the nearest one behind
     * @param weight of the upper one, of {@link #ONE}
     */
    private record Position(int lower, int upper, long weight) {}

    static Kernel kernel(IntOp.ResizeBilinear op, Storage storage) {
        return v -> {
            long[] x = Kernel.ints(v.getFirst());
            Shape from = v.getFirst().shape();
            Shape to = from.with(1, op.height()).with(2, op.width());
            int channels = from.dim(3);
            long[] y = new long[to.elements()];
            int at = 0;
            for (int image = 0; image < from.dim(0); image++) {
                for (int oy = 0; oy < op.height(); oy++) {
                    Position row = position(op, oy, from.dim(1), op.height());
                    for (int ox = 0; ox < op.width(); ox++) {
                        Position column = position(op, ox, from.dim(2), op.width());
                        for (int c = 0; c < channels; c++) {
                            long upperLeft = x[index(from, image, row.lower(), column.lower(), c)];
                            long lowerLeft = x[index(from, image, row.upper(), column.lower(), c)];
                            long upperRight = x[index(from, image, row.lower(), column.upper(), c)];
                            long lowerRight = x[index(from, image, row.upper(), column.upper(), c)];
                            long left = upperLeft * (ONE - row.weight()) + lowerLeft * row.weight();
                            long right = upperRight * (ONE - row.weight()) + lowerRight * row.weight();
                            long sum = left * (ONE - column.weight()) + right * column.weight();
                            long rounded = (sum + (sum > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20);
                            y[at++] = Scaling.clamp(rounded, storage.min(), storage.max());
                        }
                    }
                }
            }
            return new Value.Ints(to, y);
        };
    }

    private static int index(Shape shape, int image, int row, int column, int channel) {
        return ((image * shape.dim(1) + row) * shape.dim(2) + column) * shape.dim(3) + channel;
    }

    private static Position position(IntOp.ResizeBilinear op, int o, int in, int out) {
        boolean corners = op.alignCorners() && out > 1;
        long steps = corners ? out - 1 : out;
        long scale = (ONE * (corners ? in - 1L : in) + steps / 2) / steps;
        long position = o * scale + (op.halfPixelCenters() ? scale / 2 - ONE / 2 : 0);
        // Divisions truncate: a position in front of the first row has lower = upper = 0 and a weight below 0.
        int lower = (int) Scaling.clamp(position / ONE, 0, in - 1L);
        int upper = (int) Math.min((position + ONE - 1) / ONE, in - 1L);
        return new Position(lower, upper, position - (long) ONE * lower);
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;

/** The one-dimensional lines of a tensor along an axis. */
final class Lines {
    private Lines() {}

    /**
     * One line.
     *
     * @param start its first element
     * @param step between its elements
     */
    record Line(int start, int step) {
        int at(int i) {
            return start + i * step;
        }
    }

    static List<Line> along(Shape shape, int axis) {
        int inner = 1;
        for (int i = axis + 1; i < shape.rank(); i++) {
            inner *= shape.dim(i);
        }
        int outer = 1;
        for (int i = 0; i < axis; i++) {
            outer *= shape.dim(i);
        }
        List<Line> lines = new ArrayList<>();
        for (int o = 0; o < outer; o++) {
            for (int i = 0; i < inner; i++) {
                lines.add(new Line(o * shape.dim(axis) * inner + i, inner));
            }
        }
        return lines;
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import java.util.ArrayList;
import java.util.List;

/**
 * The geometry of a batched matrix product [..,M,K] × [..,K,N]: which pairs of matrices are multiplied.
 *
 * @param shape the result's
 * @param pairs the number of pairs
 * @param leftStart the left matrix of each pair
 * @param rightStart the right matrix of each pair
 */
record MatMulLoop(Shape shape, int m, int k, int n, int pairs, Broadcast leftStart, Broadcast rightStart) {
    static MatMulLoop of(Shape a, Shape b) {
        Shape leadA = lead(a);
        Shape leadB = lead(b);
        Shape lead = Shapes.broadcast(leadA, leadB);
        List<Integer> dims = new ArrayList<>(lead.dims());
        dims.add(a.dim(-2));
        dims.add(b.dim(-1));
        return new MatMulLoop(
                new Shape(dims),
                a.dim(-2),
                a.dim(-1),
                b.dim(-1),
                lead.elements(),
                new Broadcast(leadA, lead),
                new Broadcast(leadB, lead));
    }

    private static Shape lead(Shape s) {
        return new Shape(s.dims().subList(0, s.rank() - 2));
    }

    /** Where element (row, col) of the left matrix of a pair is. */
    int left(int pair, int row, int col) {
        return (leftStart.index(pair) * m + row) * k + col;
    }

    /** Where a row of the right matrix of a pair begins. */
    int right(int pair, int row) {
        return (rightStart.index(pair) * k + row) * n;
    }

    /** Where a row of a pair's result begins. */
    int out(int pair, int row) {
        return (pair * m + row) * n;
    }
}

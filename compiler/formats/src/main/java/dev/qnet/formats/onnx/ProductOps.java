package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Products of matrices. */
final class ProductOps {
    private ProductOps() {}

    static void register(Operators ops) {
        ops.add("MatMul", ProductOps::matmul);
        ops.add("Gemm", ProductOps::gemm);
    }

    private static void matmul(Call c) {
        c.out(product(c.build(), c.real(0), c.real(1)));
    }

    /** NumPy's matmul: vectors are a row on the left and a column on the right. */
    static Val product(Build b, Val x, Val y) {
        if (x.rank() == 0 || y.rank() == 0) {
            throw new Refusal("multiplies " + x.shape() + " by " + y.shape());
        }
        Val left = x.rank() == 1 ? b.reshape(x, List.of(1, x.dim(0))) : x;
        Val right = y.rank() == 1 ? b.reshape(y, List.of(y.dim(0), 1)) : y;
        Val z;
        if (right.rank() == 2 && right.isConstant() && left.dim(-1) != Shape.BATCH) {
            Val weights = b.plain(b.transpose(right, List.of(1, 0)));
            z = b.emit(new FloatOp.Dense(), Element.FLOAT, b.plain(left), weights);
        } else if (left.rank() == 2 && left.dim(0) == Shape.BATCH && right.rank() == 2) {
            // A row an item.
            Val rows = b.reshape(left, List.of(Shape.BATCH, 1, left.dim(1)));
            Val p = b.matmul(rows, right);
            z = b.reshape(p, List.of(Shape.BATCH, p.dim(2)));
        } else {
            z = b.matmul(left, right);
        }
        List<Integer> dims = new ArrayList<>(z.shape().dims());
        if (y.rank() == 1) {
            dims.removeLast();
        }
        if (x.rank() == 1) {
            int row = dims.size() - (y.rank() == 1 ? 1 : 2);
            dims.subList(row, row + 1).clear();
        }
        return b.reshape(z, dims);
    }

    private static void gemm(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        Val y = c.real(1);
        if (x.rank() != 2 || y.rank() != 2) {
            throw c.refuse("multiplies matrices, found " + x.shape() + " and " + y.shape());
        }
        float alpha = c.real("alpha", 1);
        float beta = c.real("beta", 1);
        Val left = c.flag("transA", false) ? b.transpose(x, List.of(1, 0)) : x;
        Val right = c.flag("transB", false) ? b.transpose(y, List.of(1, 0)) : y;
        Val added = c.in(2);
        if (added != null && beta != 1) {
            added = b.mul(added, b.scalar(beta));
        }
        if (!right.isConstant()) {
            Val z = product(b, left, right);
            z = alpha == 1 ? z : b.mul(z, b.scalar(alpha));
            c.out(added == null ? z : b.add(z, added));
            return;
        }
        Val weights = b.plain(b.transpose(right, List.of(1, 0)));
        weights = alpha == 1 ? weights : b.mul(weights, b.scalar(alpha));
        Val bias = bias(b, added, weights.dim(0));
        Val z = bias == null
                ? b.emit(new FloatOp.Dense(), Element.FLOAT, b.plain(left), weights)
                : b.emit(new FloatOp.Dense(), Element.FLOAT, b.plain(left), weights, bias);
        c.out(added == null || bias != null ? z : b.add(z, added));
    }

    /** What is added as a bias of one number a column, or null where it is something else. */
    private static @Nullable Val bias(Build b, @Nullable Val added, int columns) {
        if (added == null || !added.isConstant()) {
            return null;
        }
        Shape s = added.shape();
        boolean row = s.rank() <= 1 || (s.rank() == 2 && s.dim(0) == 1);
        return row
                ? b.reshape(
                        b.broadcast(added, s.rank() == 2 ? Shape.of(1, columns) : Shape.of(columns)), List.of(columns))
                : null;
    }
}

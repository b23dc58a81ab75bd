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
        ops.add("Einsum", EinsumOp::lower);
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
            z = dense(b, left, right, null);
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

    /**
     * x [.., K] · y [K, M] for constant y. Where x is a flattened image, the rows of y follow the order in which the image
     * is held, so that nothing need be transposed.
     */
    private static Val dense(Build b, Val x, Val y, @Nullable Val bias) {
        Val left = b.plain(x);
        Val right = y;
        Val image = x.flattened();
        if (image != null
                && image.type().shape().dims().subList(1, image.rank()).stream().allMatch(d -> d > 0)) {
            List<Integer> dims = new ArrayList<>(image.shape().dims().subList(1, image.rank()));
            dims.add(y.dim(1));
            List<Integer> order = new ArrayList<>();
            for (int held = 1; held < image.rank(); held++) {
                order.add(image.layout().indexOf(held) - 1);
            }
            order.add(image.rank() - 1);
            Val moved = b.plain(b.transpose(b.reshape(y, dims), order));
            right = b.reshape(moved, y.shape().dims());
            left = b.reshape(image.held(), x.shape().dims());
        }
        Val weights = b.plain(b.transpose(right, List.of(1, 0)));
        return bias == null
                ? b.emit(new FloatOp.Dense(), Element.FLOAT, left, weights)
                : b.emit(new FloatOp.Dense(), Element.FLOAT, left, weights, bias);
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
        Val weights = alpha == 1 ? right : b.mul(right, b.scalar(alpha));
        Val bias = bias(b, added, right.dim(1));
        Val z = dense(b, left, weights, bias);
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

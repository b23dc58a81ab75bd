package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Where the parameters of quantized elements go when the elements move. */
final class Moves {
    private Moves() {}

    /**
     * The quantized element of an operation's result such that moving codes and then dequantizing them is the same as
     * moving the dequantized numbers, or null where there is none.
     *
     * @param op what moves elements of one operand (of one with parameters and plain indices); not Pad and Dilate, which
     *     add elements
     * @param from the operand's shape
     * @param to the result's
     */
    static @Nullable Quant moved(DataOp op, Quant q, Shape from, Shape to) {
        boolean known = switch (op) {
            case DataOp.Reshape r -> true;
            case DataOp.Transpose t -> true;
            case DataOp.Slice s -> true;
            case DataOp.MaxPool p -> true;
            case DataOp.ResizeNearest r -> true;
            case DataOp.Gather g -> true;
            case DataOp.Broadcast b -> true;
            case DataOp.Constant c -> false;
            case DataOp.Concat c -> false;
            case DataOp.Pad p -> false;
            case DataOp.Dilate d -> false;
            case DataOp.Select s -> false;
        };
        if (!known) {
            return null;
        }
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> q;
            case Scheme.PerGroup g -> null;
            case Scheme.PerAxis a ->
                switch (op) {
                    case DataOp.Transpose t ->
                        q.withScheme(along(a, t.permutation().indexOf(a.axis())));
                    case DataOp.Reshape r -> {
                        int axis = axisAfter(from, a.axis(), to);
                        yield axis < 0 ? null : q.withScheme(along(a, axis));
                    }
                    case DataOp.Broadcast b -> {
                        int axis = a.axis() + to.rank() - from.rank();
                        yield to.dim(axis) == from.dim(a.axis()) ? q.withScheme(along(a, axis)) : null;
                    }
                    case DataOp.Slice s -> {
                        List<Float> scales = new ArrayList<>();
                        List<Integer> zeros = new ArrayList<>();
                        int at = a.axis();
                        if (from.dim(at) == Shape.BATCH) {
                            yield null;
                        }
                        for (int i = s.begin().get(at);
                                i < s.end().get(at);
                                i += s.step().get(at)) {
                            scales.add(a.scales().get(i));
                            zeros.add(a.zeros().get(i));
                        }
                        yield scales.isEmpty() ? null : q.withScheme(new Scheme.PerAxis(at, scales, zeros));
                    }
                    case DataOp.MaxPool p -> q;
                    default -> null;
                };
        };
    }

    private static Scheme.PerAxis along(Scheme.PerAxis a, int axis) {
        return new Scheme.PerAxis(axis, a.scales(), a.zeros());
    }

    /** The axis that an axis becomes in a reshape which keeps it whole, or -1. */
    private static int axisAfter(Shape from, int axis, Shape to) {
        int[] f = from.toArray();
        int[] t = to.toArray();
        long before = 1;
        for (int i = 0; i < axis; i++) {
            before *= f[i];
        }
        long passed = 1;
        int found = -1;
        for (int i = 0; i < t.length; i++) {
            if (passed == before && t[i] == f[axis]) {
                found = i;
                break;
            }
            passed *= t[i];
        }
        return found;
    }
}

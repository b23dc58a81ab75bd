package dev.qnet.formats.onnx;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Computes operations on constants at once, by the oracle. */
final class Folding {
    /** Constants are computed up to this size, or that of what they are made of; larger results are left to the graph. */
    private static final int MAX_FOLDED = 1 << 22;

    private Folding() {}

    /** The result, a constant; null where an operand is none, or the result would be much larger than they are. */
    static @Nullable Val of(Op op, Type type, List<Val> operands) {
        boolean known = !type.shape().hasBatch() && operands.stream().allMatch(Val::isConstant);
        if (!known || operands.isEmpty() || !small(type.shape(), operands)) {
            return null;
        }
        Val folded = fold(op, type, operands);
        Val codes = codes(op, type, operands);
        return codes == null ? folded : folded.coded(codes);
    }

    private static boolean small(Shape result, List<Val> operands) {
        return result.elements() <= MAX_FOLDED
                || operands.stream().anyMatch(v -> v.elements() >= result.elements() / 2);
    }

    /** The codes of a constant whose elements were moved, or null. */
    private static @Nullable Val codes(Op op, Type type, List<Val> operands) {
        Val codes = operands.getFirst().codes();
        if (codes == null || !(op instanceof DataOp d)) {
            return null;
        }
        Quant q = Moves.moved(d, codes.type().quant(), codes.type().shape(), type.shape());
        if (q == null) {
            return null;
        }
        List<Val> moved = new ArrayList<>(operands);
        moved.set(0, codes);
        return fold(op, type.withElement(q), moved);
    }

    /** A constant without elements. */
    static Val empty(Type type) {
        Tensor none = type.element() instanceof Element.F32
                ? new Tensor.OfFloat(type.shape(), new float[0])
                : new Tensor.OfInt(type.shape(), new int[0]);
        return Val.of(none, type.element(), false);
    }

    private static Val fold(Op op, Type type, List<Val> operands) {
        boolean symbolic = operands.stream().anyMatch(Val::symbolic);
        if (symbolic && !movesElements(op, operands)) {
            throw new Refusal("computes with the batch size, which the model leaves open");
        }
        if (type.shape().elements() == 0) {
            return empty(type);
        }
        if (op instanceof DataOp.Reshape) {
            return Val.of(Build.tensor(operands.getFirst()).reshaped(type.shape()), type.element(), symbolic);
        }
        List<Node> steps = new ArrayList<>();
        List<ValueId> ids = new ArrayList<>();
        for (int i = 0; i < operands.size(); i++) {
            ValueId id = new ValueId("c" + i);
            ids.add(id);
            steps.add(new Node(
                    id,
                    new DataOp.Constant(Build.tensor(operands.get(i))),
                    List.of(),
                    operands.get(i).type(),
                    Span.NONE));
        }
        ValueId result = new ValueId("r");
        steps.add(new Node(result, op, ids, type, Span.NONE));
        Value value;
        try {
            value = Interpreter.run(
                            new Graph("fold", List.of(), steps, List.of(new Graph.Result("r", result))), Map.of())
                    .get("r");
        } catch (ArithmeticException | IllegalArgumentException e) {
            throw new Refusal("cannot be computed from its constants: " + e.getMessage());
        }
        return switch (value) {
            case Value.Floats f -> Val.of(new Tensor.OfFloat(type.shape(), f.data()), type.element(), false);
            case Value.Ints i ->
                Val.of(
                        Tensor.OfLong.of(type.shape(), i.data()),
                        type.element(),
                        symbolic && Arrays.stream(i.data()).anyMatch(v -> v == Build.BATCH));
            case null -> throw new IllegalStateException("the oracle gave no result");
        };
    }

    /** Whether an operation only moves N, or compares it with what it cannot be. */
    private static boolean movesElements(Op op, List<Val> operands) {
        if (op instanceof NumOp.Compare c) {
            boolean equality = c.fn() == NumOp.Compare.Fn.EQ || c.fn() == NumOp.Compare.Fn.NE;
            return equality
                    && operands.stream()
                            .filter(v -> !v.symbolic())
                            .anyMatch(v -> Arrays.stream(Build.longs(v)).allMatch(x -> x < 1));
        }
        return op instanceof DataOp;
    }
}

package dev.qnet.compiler.pass;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/** Computes operations on constants while compiling, as the oracle does, so that no pass has arithmetic of its own. */
final class Evaluator {
    private Evaluator() {}

    /**
     * The value of a node, given those of its operands.
     *
     * @param operands constants
     */
    static Tensor evaluate(Node node, List<Node> operands) {
        List<Node> nodes = new ArrayList<>();
        for (int i = 0; i < operands.size(); i++) {
            nodes.add(operands.get(i).withId(new ValueId("operand" + i)));
        }
        List<ValueId> ids = nodes.stream().map(Node::id).toList();
        Node n = node.withOperands(ids).withId(new ValueId("result"));
        nodes.add(n);
        Graph g = new Graph("constant", List.of(), nodes, List.of(new Graph.Result("y", n.id())), null, null);
        return switch (Objects.requireNonNull(Interpreter.run(g, Map.of()).get("y"))) {
            case Value.Floats f -> new Tensor.OfFloat(f.shape(), f.data());
            case Value.Ints i -> Tensor.OfLong.of(i.shape(), i.data());
        };
    }

    /**
     * What an operation of one operand gives for each code of a storage of 8 bits or fewer, lowest first; for a code that
     * the element does not use, what it gives for the nearest that it uses.
     */
    static List<Integer> table(Op op, Quant from, Quant to) {
        int[] codes = IntStream.rangeClosed(from.storage().min(), from.storage().max())
                .map(c -> Math.clamp(c, from.lo(), from.hi()))
                .map(c -> from.storage().holds(c) ? c : from.hi())
                .toArray();
        Shape shape = Shape.of(codes.length);
        Node x = new Node(
                new ValueId("x"),
                new DataOp.Constant(new Tensor.OfInt(shape, codes)),
                List.of(),
                new Type(from, shape),
                Span.NONE);
        Node y = new Node(new ValueId("y"), op, List.of(x.id()), new Type(to, shape), Span.NONE);
        return IntStream.of(((Tensor.OfInt) evaluate(y, List.of(x))).values())
                .boxed()
                .toList();
    }
}

package dev.qnet.compiler.ir;

import dev.qnet.compiler.source.Span;
import java.util.List;
import java.util.Objects;

/**
 * One value of a graph and how it is computed. Two nodes are equal whatever their spans.
 *
 * @param id the value's name
 * @param op what computes it
 * @param operands from what; defined earlier in the graph
 * @param type its type
 * @param intent what the source asks for beyond the graph's policy
 * @param span where it comes from
 */
public record Node(ValueId id, Op op, List<ValueId> operands, Type type, Spec.Intent intent, Span span) {
    public Node {
        operands = List.copyOf(operands);
    }

    public Node(ValueId id, Op op, List<ValueId> operands, Type type, Span span) {
        this(id, op, operands, type, Spec.Intent.NONE, span);
    }

    public ValueId operand(int i) {
        return operands.get(i);
    }

    public Node withOp(Op other) {
        return new Node(id, other, operands, type, intent, span);
    }

    public Node withOperands(List<ValueId> others) {
        return new Node(id, op, others, type, intent, span);
    }

    public Node withType(Type other) {
        return new Node(id, op, operands, other, intent, span);
    }

    public Node withId(ValueId other) {
        return new Node(other, op, operands, type, intent, span);
    }

    public Node withIntent(Spec.Intent other) {
        return new Node(id, op, operands, type, other, span);
    }

    @Override
    public boolean equals(Object o) {
        return o instanceof Node n
                && id.equals(n.id)
                && op.equals(n.op)
                && operands.equals(n.operands)
                && type.equals(n.type)
                && intent.equals(n.intent);
    }

    @Override
    public int hashCode() {
        return Objects.hash(id, op, operands, type, intent);
    }
}

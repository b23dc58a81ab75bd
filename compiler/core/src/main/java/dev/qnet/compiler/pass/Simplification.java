package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import org.jspecify.annotations.Nullable;

/** One local rule of {@link Canonicalize}: what a node may be replaced by, with the same value to the last bit. */
@FunctionalInterface
interface Simplification {
    /** What stands for a node. */
    sealed interface Step {
        /** A value that is there already. */
        record Same(ValueId value) implements Step {}

        /** Another node of the same name, to be simplified further. */
        record Instead(Node node) implements Step {}
    }

    /** The next step for a node whose operands are simplified, or null if the rule does not apply. */
    @Nullable Step apply(Node n, Rewriter to);

    /** Whether the source asks for nothing special about a node, so that it may merge or vanish. */
    static boolean free(Node n) {
        return n.intent().equals(Spec.Intent.NONE);
    }

    /** The node of an operand that may merge into its user, or null. */
    static @Nullable Node inner(Node n, Rewriter to) {
        Node x = to.definition(n.operand(0));
        return x != null && free(x) && !n.intent().keepFloat() ? x : null;
    }

    /** Takes the node of the first operand out where only n reads it; n will read that node's operands. */
    static void merge(Node n, Rewriter to) {
        if (to.soleUse(n.operand(0))) {
            to.take(n.operand(0));
        }
    }
}

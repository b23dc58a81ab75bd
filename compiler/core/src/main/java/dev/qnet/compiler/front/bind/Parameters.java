package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import org.jspecify.annotations.Nullable;

/** Recognizes {@code param("NAME")} where the tensor of the file is wanted as it is. */
final class Parameters {
    private Parameters() {}

    /** The name, if the expression is that call and a file has it; else null. */
    static @Nullable String name(Expr e, Evaluator evaluator, Session session, Frame frame) {
        Expr inner = e;
        while (inner instanceof Expr.Group g) {
            inner = g.inner();
        }
        if (!(inner instanceof Expr.Call c)
                || !c.callee().text().equals("param")
                || c.arguments().size() != 1) {
            return null;
        }
        Argument a = c.arguments().getFirst();
        boolean shadowed = session.declarations().blocks().containsKey("param");
        if (shadowed || (a.name() != null && !a.name().text().equals("name"))) {
            return null;
        }
        return evaluator.eval(a.value(), frame) instanceof Value.Text t
                        && session.weights().has(t.value())
                ? t.value()
                : null;
    }
}

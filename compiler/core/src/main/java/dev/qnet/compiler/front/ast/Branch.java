package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;

/** One condition of an {@code if} or {@code else if} and what it guards. */
public sealed interface Branch extends Ast {
    /** A compile-time boolean. */
    Expr condition();

    /** Of a statement. */
    record OfStmts(Expr condition, List<Stmt> body, Span span) implements Branch {
        public OfStmts {
            body = List.copyOf(body);
        }
    }

    /** Of an expression. */
    record OfExpr(Expr condition, Expr value, Span span) implements Branch {}
}

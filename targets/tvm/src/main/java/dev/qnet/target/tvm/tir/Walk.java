package dev.qnet.target.tvm.tir;

import java.util.function.Consumer;

/** Goes through programs, each node in front of what is inside it. */
public final class Walk {
    private Walk() {}

    /** Shows every statement and every value of a statement, itself first. */
    public static void of(Stmt stmt, Consumer<Stmt> statements, Consumer<Expr> values) {
        statements.accept(stmt);
        stmt.operands().forEach(e -> of(e, values));
        stmt.bodies().forEach(s -> of(s, statements, values));
    }

    /** Shows every value that a value is computed of, itself first. */
    public static void of(Expr value, Consumer<Expr> values) {
        values.accept(value);
        value.operands().forEach(e -> of(e, values));
    }
}

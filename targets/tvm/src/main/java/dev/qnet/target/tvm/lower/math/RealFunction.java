package dev.qnet.target.tvm.lower.math;

import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.function.Function;

/** A function of a double. */
@FunctionalInterface
public interface RealFunction {
    /** The statement that computes its value for x and uses it. */
    Stmt of(Expr x, Function<Expr, Stmt> body);
}

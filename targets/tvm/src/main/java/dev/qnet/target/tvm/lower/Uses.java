package dev.qnet.target.tvm.lower;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.List;
import java.util.Set;

/** The variables that programs name, those of memory among them. */
final class Uses {
    private Uses() {}

    static void of(Stmt stmt, Set<Var> found) {
        switch (stmt) {
            case Stmt.Store(Buffer b, Expr value, Expr index) -> {
                found.add(b.data());
                of(value, found);
                of(index, found);
            }
            case Stmt.For f -> {
                of(f.min(), found);
                of(f.extent(), found);
                of(f.body(), found);
            }
            case Stmt.If i -> {
                of(i.condition(), found);
                of(i.then(), found);
                if (i.otherwise() != null) {
                    of(i.otherwise(), found);
                }
            }
            case Stmt.Seq(List<Stmt> steps) -> steps.forEach(s -> of(s, found));
            case Stmt.Let l -> {
                of(l.value(), found);
                of(l.body(), found);
            }
            case Stmt.Allocate a -> of(a.body(), found);
            case Stmt.Workspace w -> {
                of(w.elements(), found);
                of(w.body(), found);
            }
            case Stmt.Constant c -> of(c.body(), found);
            case Stmt.Declare d -> of(d.body(), found);
            case Stmt.Assert a -> {
                of(a.condition(), found);
                of(a.body(), found);
            }
            case Stmt.Evaluate e -> of(e.value(), found);
        }
    }

    static void of(Expr e, Set<Var> found) {
        switch (e) {
            case Var v -> found.add(v);
            case Expr.Load(Buffer b, Expr index) -> {
                found.add(b.data());
                of(index, found);
            }
            case Expr.Address(Buffer b, Expr index) -> {
                found.add(b.data());
                of(index, found);
            }
            case Expr.Binary(Expr.Op op, Expr a, Expr b) -> {
                of(a, found);
                of(b, found);
            }
            case Expr.Select(Expr c, Expr a, Expr b) -> {
                of(c, found);
                of(a, found);
                of(b, found);
            }
            case Expr.Cast(DataType t, Expr value) -> of(value, found);
            case Expr.Ramp(Expr base, int stride, int lanes) -> of(base, found);
            case Expr.Broadcast(Expr value, int lanes) -> of(value, found);
            case Expr.Call c -> c.arguments().forEach(a -> of(a, found));
            case Expr.Intrinsic i -> i.arguments().forEach(a -> of(a, found));
            case Expr.Invoke i -> i.arguments().forEach(a -> of(a, found));
            case Expr.Imm _, Expr.FloatImm _, Expr.Text _ -> {}
        }
    }
}

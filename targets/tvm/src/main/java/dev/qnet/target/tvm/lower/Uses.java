package dev.qnet.target.tvm.lower;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Walk;
import java.util.HashSet;
import java.util.Set;

/** The variables that programs name, those of memory among them. */
final class Uses {
    private final Set<Var> found = new HashSet<>();

    private Uses() {}

    static Set<Var> of(Stmt stmt) {
        Uses uses = new Uses();
        Walk.of(stmt, uses::add, uses::add);
        return uses.found;
    }

    static Set<Var> of(Expr value) {
        Uses uses = new Uses();
        Walk.of(value, uses::add);
        return uses.found;
    }

    private void add(Stmt s) {
        if (s instanceof Stmt.Store(Buffer b, Expr value, Expr index)) {
            found.add(b.data());
        }
    }

    private void add(Expr e) {
        switch (e) {
            case Var v -> found.add(v);
            case Expr.Load(Buffer b, Expr index) -> found.add(b.data());
            case Expr.Address(Buffer b, Expr index) -> found.add(b.data());
            case Expr.Imm _, Expr.FloatImm _, Expr.Text _, Expr.Binary _, Expr.Select _, Expr.Cast _ -> {}
            case Expr.Ramp _, Expr.Broadcast _, Expr.Call _, Expr.Intrinsic _, Expr.Invoke _ -> {}
        }
    }
}

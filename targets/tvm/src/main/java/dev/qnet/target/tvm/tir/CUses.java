package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Which variables of a function are read, which buffers are arrays, and where it writes to. */
final class CUses {
    /** What a pointer that is a parameter points to, and whether the function writes there. */
    record Parameter(DataType type, boolean readOnly) {}

    private final Map<String, List<Parameter>> functions;
    private final Set<Var> used = new HashSet<>();
    private final Set<Var> scalars = new HashSet<>();
    private final Set<Var> written = new HashSet<>();
    private final Set<Var> addressed = new HashSet<>();
    private final Map<Var, Var> origin = new HashMap<>();

    /**
     * Of a function's body.
     *
     * @param functions the parameters of those that it calls
     */
    CUses(Stmt body, Map<String, List<Parameter>> functions) {
        this.functions = functions;
        stmt(body);
    }

    /** Whether anything is done with a variable; what is done for one that nothing is done with does not count. */
    boolean has(Var v) {
        return used.contains(v);
    }

    /** Whether memory of its own is one element that nothing points to. */
    boolean isScalar(Var v) {
        return scalars.contains(v);
    }

    /** Whether it writes where a parameter points to. */
    boolean isWritten(Var v) {
        return written.contains(v);
    }

    private void write(Var v) {
        written.add(origin.getOrDefault(v, v));
    }

    private void stmt(Stmt s) {
        switch (s) {
            case Stmt.Store(Buffer b, Expr value, Expr index) -> {
                used.add(b.data());
                write(b.data());
                inside(s);
            }
            case Stmt.Let(Var v, Expr value, Stmt body) -> {
                if (value instanceof Expr.Address(Buffer b, Expr index)) {
                    origin.put(v, origin.getOrDefault(b.data(), b.data()));
                }
                stmt(body);
                if (used.contains(v)) {
                    expr(value);
                }
            }
            case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                stmt(body);
                if (elements == 1 && !addressed.contains(b.data())) {
                    scalars.add(b.data());
                }
            }
            case Stmt.For _, Stmt.If _, Stmt.Seq _, Stmt.Constant _, Stmt.Declare _ -> inside(s);
            case Stmt.Workspace _, Stmt.Assert _, Stmt.Evaluate _ -> inside(s);
        }
    }

    private void inside(Stmt s) {
        s.operands().forEach(this::expr);
        s.bodies().forEach(this::stmt);
    }

    private void expr(Expr e) {
        switch (e) {
            case Var v -> used.add(v);
            case Expr.Load(Buffer b, Expr index) -> used.add(b.data());
            case Expr.Address(Buffer b, Expr index) -> {
                used.add(b.data());
                addressed.add(b.data());
            }
            case Expr.Invoke(String callee, List<Expr> arguments) -> {
                List<Parameter> params = Objects.requireNonNull(functions.get(callee), callee);
                for (int i = 0; i < arguments.size(); i++) {
                    if (!params.get(i).readOnly() && arguments.get(i) instanceof Expr.Address(Buffer b, Expr index)) {
                        write(b.data());
                    }
                }
            }
            case Expr.Imm _, Expr.FloatImm _, Expr.Text _, Expr.Binary _, Expr.Select _, Expr.Cast _ -> {}
            case Expr.Ramp _, Expr.Broadcast _, Expr.Call _, Expr.Intrinsic _ -> {}
        }
        e.operands().forEach(this::expr);
    }
}

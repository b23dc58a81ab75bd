package dev.qnet.target.tvm.lower;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Walk;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Whether the passes of a loop can run in any order, or at once: proven of its memory accesses, or said by whoever wrote the
 * loop ({@link Stmt.LoopKind#PARALLEL}).
 *
 * <p>The proof: every index of memory that the body writes is a sum of multiples of loop variables. Let the loop's variable v
 * have extent e and step c. If every other step is either a multiple of c·e, or belongs to a rest that spans less than c over all
 * accesses, then v is a digit of the index: passes of different v never meet.
 */
final class Parallel {
    /** A sum of multiples of variables, and a constant. */
    private record Linear(Map<Var, Long> steps, long constant) {
        static Linear of(long constant) {
            return new Linear(Map.of(), constant);
        }

        Linear plus(Linear other, long times) {
            Map<Var, Long> sum = new HashMap<>(steps);
            other.steps.forEach((v, step) -> sum.merge(v, step * times, Long::sum));
            sum.values().removeIf(step -> step == 0);
            return new Linear(sum, constant + other.constant * times);
        }
    }

    /** An index of memory that is written; no form if it is no such sum. */
    private record Access(
            boolean store, @Nullable Linear index, @Nullable Expr value) {}

    private final Map<Var, Long> extents = new HashMap<>();
    private final Map<Var, Expr> lets = new HashMap<>();
    private final Set<Var> locals = new HashSet<>();
    private final Set<Var> written = new HashSet<>();
    private final Map<Var, List<Access>> accesses = new HashMap<>();

    private Parallel(Stmt body) {
        Walk.of(body, this::find, e -> {});
        written.removeAll(locals);
        Walk.of(body, this::visit, this::visit);
    }

    /** Whether the loop's passes can run at once. */
    static boolean holds(Stmt.For loop) {
        if (loop.kind() == Stmt.LoopKind.PARALLEL) {
            return true;
        }
        if (loop.kind() != Stmt.LoopKind.SERIAL || !isZero(loop.min()) || !(loop.extent() instanceof Expr.Imm)) {
            return false;
        }
        return new Parallel(loop.body()).apart(loop.var(), ((Expr.Imm) loop.extent()).value());
    }

    private static boolean isZero(Expr e) {
        return e instanceof Expr.Imm(DataType t, long value) && value == 0;
    }

    /** The memory that a statement writes, less what it allocates itself. */
    static Set<Var> written(Stmt body) {
        Parallel p = new Parallel(body);
        return p.written;
    }

    private boolean apart(Var v, long extent) {
        for (List<Access> all : accesses.values()) {
            if (!harmless(all) && !apart(all, v, extent)) {
                return false;
            }
        }
        return true;
    }

    /** Whether all write the same to the same place, and none reads. */
    private static boolean harmless(List<Access> all) {
        Access first = all.getFirst();
        return all.stream()
                .allMatch(a -> a.store()
                        && a.value() instanceof Expr.Imm
                        && a.value().equals(first.value())
                        && a.index() != null
                        && a.index().steps().isEmpty()
                        && a.index().equals(first.index()));
    }

    private boolean apart(List<Access> all, Var v, long extent) {
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;
        @Nullable Long step = null;
        @Nullable Map<Var, Long> outside = null;
        for (Access a : all) {
            Linear index = a.index();
            if (index == null) {
                return false;
            }
            Long own = index.steps().get(v);
            if (own == null || (step != null && !step.equals(own))) {
                return false;
            }
            step = own;
            long unit = Math.abs(own);
            long from = index.constant();
            long to = index.constant();
            Map<Var, Long> others = new HashMap<>();
            for (Map.Entry<Var, Long> term : index.steps().entrySet()) {
                Long n = extents.get(term.getKey());
                if (term.getKey().equals(v)) {
                    continue;
                }
                if (n != null && n == 0) {
                    return false;
                }
                if (n == null) {
                    // A variable of a loop around this one: the same in all passes.
                    others.put(term.getKey(), term.getValue());
                } else if (term.getValue() % (unit * extent) != 0) {
                    long reach = term.getValue() * (n - 1);
                    from += Math.min(reach, 0);
                    to += Math.max(reach, 0);
                }
            }
            if (outside != null && !outside.equals(others)) {
                return false;
            }
            outside = others;
            low = Math.min(low, from);
            high = Math.max(high, to);
        }
        return step != null && high - low < Math.abs(step);
    }

    /** What is written, and what variables stand for. */
    private void find(Stmt stmt) {
        switch (stmt) {
            case Stmt.Store s -> written.add(s.buffer().data());
            case Stmt.For f -> extents.put(f.var(), isZero(f.min()) ? most(f.extent()) : 0);
            case Stmt.Let l -> lets.put(l.var(), l.value());
            case Stmt.Allocate a -> locals.add(a.buffer().data());
            case Stmt.If _, Stmt.Seq _, Stmt.Workspace _, Stmt.Constant _, Stmt.Declare _ -> {}
            case Stmt.Assert _, Stmt.Evaluate _ -> {}
        }
    }

    /** What an extent does not exceed; 0 if that is not known. */
    private static long most(Expr extent) {
        return switch (extent) {
            case Expr.Imm(DataType t, long value) -> value;
            case Expr.Binary(Expr.Op op, Expr a, Expr b)
            when op == Expr.Op.MIN -> {
                long x = most(a);
                long y = most(b);
                yield x == 0 || y == 0 ? Math.max(x, y) : Math.min(x, y);
            }
            default -> 0;
        };
    }

    private void visit(Stmt stmt) {
        if (stmt instanceof Stmt.Store(Buffer b, Expr value, Expr index)) {
            note(b, new Access(true, linear(index), value));
        }
    }

    private void visit(Expr e) {
        switch (e) {
            case Expr.Load(Buffer b, Expr index) -> note(b, new Access(false, linear(index), null));
            // Where a pointer to memory that is written leads to is not followed.
            case Expr.Address(Buffer b, Expr index) -> note(b, new Access(false, null, null));
            case Expr.Imm _, Expr.FloatImm _, Expr.Text _, Var _ -> {}
            case Expr.Binary _, Expr.Select _, Expr.Cast _, Expr.Call _, Expr.Intrinsic _ -> {}
            case Expr.Ramp _, Expr.Broadcast _, Expr.Invoke _ ->
                throw new IllegalArgumentException("is no expression of a kernel: " + e);
        }
    }

    private void note(Buffer b, Access access) {
        if (written.contains(b.data())) {
            accesses.computeIfAbsent(b.data(), x -> new ArrayList<>()).add(access);
        }
    }

    private @Nullable Linear linear(Expr e) {
        return switch (e) {
            case Expr.Imm(DataType t, long value) -> Linear.of(value);
            case Var v -> {
                Expr named = lets.get(v);
                yield named == null ? new Linear(Map.of(v, 1L), 0) : linear(named);
            }
            case Expr.Cast(DataType type, Expr value)
            when !type.isFloat() && type.bits() >= 32 -> value.type().isFloat() ? null : linear(value);
            case Expr.Binary(Expr.Op op, Expr a, Expr b) -> {
                Linear x = linear(a);
                Linear y = linear(b);
                if (x == null || y == null) {
                    yield null;
                }
                yield switch (op) {
                    case ADD -> x.plus(y, 1);
                    case SUB -> x.plus(y, -1);
                    case MUL ->
                        y.steps().isEmpty()
                                ? Linear.of(0).plus(x, y.constant())
                                : x.steps().isEmpty() ? Linear.of(0).plus(y, x.constant()) : null;
                    default -> null;
                };
            }
            default -> null;
        };
    }
}

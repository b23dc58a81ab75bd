package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/** Prints programs as TVMScript, TVM's own language for them. Constants are cut short. */
public final class Printer {
    private static final int SHOWN = 8;

    private final Lines out = new Lines();
    private final Map<Var, String> names = new HashMap<>();
    private final Map<String, Integer> used = new HashMap<>();

    private Printer() {}

    /** A module as text. */
    public static String print(TirModule module) {
        return module.functions().stream().map(Printer::print).collect(Collectors.joining("\n"));
    }

    /** A function as text. */
    public static String print(PrimFunc f) {
        Printer p = new Printer();
        p.function(f);
        return p.out.toString();
    }

    private void function(PrimFunc f) {
        out.line(f.entry() ? "@T.prim_func" : "@T.prim_func(private=True)");
        List<String> params = new ArrayList<>();
        for (Var v : f.params()) {
            Buffer b = f.tensors().get(v);
            params.add(
                    b == null
                            ? name(v) + ": " + (v.type().equals(DataType.POINTER) ? pointer(v) : "T." + v.type())
                            : name(b.data()) + ": T.Buffer((" + list(b.shape()) + "), \"" + b.type() + "\")");
        }
        out.line("def " + f.name() + "(" + String.join(", ", params) + "):");
        out.nested(() -> print(f.body()));
    }

    private static String pointer(Var v) {
        return v.pointee().equals(DataType.POINTER) ? "T.handle" : "T.handle(\"" + v.pointee() + "\")";
    }

    private void print(Stmt stmt) {
        switch (stmt) {
            case Stmt.Store(Buffer b, Expr value, Expr index) ->
                out.line(name(b.data()) + "[" + text(index) + "] = " + text(value));
            case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) -> {
                String range = Tir.add(min, extent) instanceof Expr.Imm end
                        ? Long.toString(end.value())
                        : text(min) + " + " + text(extent);
                boolean fromZero = min instanceof Expr.Imm(DataType t, long value) && value == 0;
                String bounds = fromZero ? text(extent) : text(min) + ", " + range;
                String how = kind == Stmt.LoopKind.SERIAL
                        ? "range"
                        : kind.thread().isEmpty() ? "T." + kind.name().toLowerCase(Locale.ROOT) : "T.thread_binding";
                String thread = kind.thread().isEmpty() ? "" : ", thread=\"" + kind.thread() + "\"";
                out.line("for " + name(v) + " in " + how + "(" + bounds + thread + "):");
                out.nested(() -> print(body));
            }
            case Stmt.If(Expr condition, Stmt then, var otherwise) -> {
                out.line("if " + text(condition) + ":");
                out.nested(() -> print(then));
                if (otherwise != null) {
                    out.line("else:");
                    out.nested(() -> print(otherwise));
                }
            }
            case Stmt.Seq(List<Stmt> steps) -> steps.forEach(this::print);
            case Stmt.Let(Var v, Expr value, Stmt body) -> {
                out.line(name(v) + ": T." + v.type() + " = " + text(value));
                print(body);
            }
            case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                out.line(name(b.data()) + " = T.allocate([" + elements + "], \"" + b.type() + "\", \"global\")");
                print(body);
            }
            case Stmt.Workspace(Buffer b, Expr elements, Stmt body) -> {
                out.line(name(b.data()) + " = T.allocate([" + text(elements) + "], \"" + b.type() + "\", \"global\")");
                print(body);
            }
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                out.line(name(b.data()) + " = T.allocate_const(" + constants(b, elements) + ", \"" + b.type() + "\", ["
                        + list(b.shape()) + "])");
                print(body);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> print(body);
            case Stmt.Evaluate(Expr value) ->
                out.line(value instanceof Expr.Invoke ? text(value) : "T.evaluate(" + text(value) + ")");
            case Stmt.Assert(Expr condition, String message, Stmt body) -> {
                out.line("assert " + text(condition) + ", \"" + message + "\"");
                print(body);
            }
        }
    }

    private static String constants(Buffer b, byte[] elements) {
        DataType type = b.type();
        int most = SHOWN * type.bytes();
        List<String> shown = new ArrayList<>();
        for (long v : Words.of(type, Arrays.copyOf(elements, Math.min(elements.length, most)))) {
            shown.add(type.isFloat() ? Double.toString(Words.real(type, v)) : Long.toString(v));
        }
        return "[" + String.join(", ", shown) + (elements.length > most ? ", …]" : "]");
    }

    private String list(List<Expr> values) {
        return values.stream().map(this::text).collect(Collectors.joining(", ")) + (values.size() == 1 ? "," : "");
    }

    private String text(Expr e) {
        return text(e, 0);
    }

    /** @param around how tightly what stands around it binds */
    private String text(Expr e, int around) {
        return switch (e) {
            case Expr.Imm(DataType type, long value) -> immediate(type, value);
            case Expr.FloatImm(DataType type, double value) -> "T." + type + "(" + value + ")";
            case Expr.Text(String value) -> "\"" + value + "\"";
            case Var v -> name(v);
            case Expr.Binary(Expr.Op op, Expr a, Expr b) -> {
                if (op.precedence() == 0) {
                    yield "T." + op.sign() + "(" + text(a) + ", " + text(b) + ")";
                }
                String inner = text(a, op.precedence()) + " " + op.sign() + " " + text(b, op.precedence() + 1);
                yield op.precedence() < around ? "(" + inner + ")" : inner;
            }
            case Expr.Select(Expr c, Expr a, Expr b) -> "T.Select(" + text(c) + ", " + text(a) + ", " + text(b) + ")";
            case Expr.Cast(DataType type, Expr value) -> "T.Cast(\"" + type + "\", " + text(value) + ")";
            case Expr.Ramp(Expr base, int stride, int lanes) ->
                "T.Ramp(" + text(base) + ", " + stride + ", " + lanes + ")";
            case Expr.Broadcast(Expr value, int lanes) -> "T.Broadcast(" + text(value) + ", " + lanes + ")";
            case Expr.Load(Buffer b, Expr index) -> name(b.data()) + "[" + text(index) + "]";
            case Expr.Address(Buffer b, Expr index) -> "T.address_of(" + name(b.data()) + "[" + text(index) + "])";
            case Expr.Call(DataType type, String op, List<Expr> arguments) ->
                op.equals("reinterpret")
                        ? "T.reinterpret(\"" + type + "\", " + arguments(arguments) + ")"
                        : "T." + op + "(" + arguments(arguments) + ")";
            case Expr.Intrinsic(DataType type, String name, int overloads, boolean pure, List<Expr> arguments) ->
                "T.call_llvm_" + (pure ? "pure_" : "") + "intrin(\"" + type + "\", \"" + name + "\", "
                        + arguments(arguments) + ")";
            case Expr.Invoke(String function, List<Expr> arguments) -> function + "(" + arguments(arguments) + ")";
        };
    }

    private String arguments(List<Expr> arguments) {
        return arguments.stream().map(this::text).collect(Collectors.joining(", "));
    }

    private static String immediate(DataType type, long value) {
        if (type.isBool()) {
            return value == 0 ? "T.bool(False)" : "T.bool(True)";
        }
        return type.equals(DataType.INT32) ? Long.toString(value) : "T." + type + "(" + value + ")";
    }

    /** Its name, with a number where another of its function has the same. */
    private String name(Var v) {
        if (!names.containsKey(v)) {
            int before = used.merge(v.name(), 1, Integer::sum) - 1;
            names.put(v, before == 0 ? v.name() : v.name() + "_" + before);
        }
        return Objects.requireNonNull(names.get(v));
    }
}

package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Prints what a function does as C99. */
final class CFunction {
    // How tightly operators bind.
    private static final int LOOSEST = 0;
    private static final int OR = 1;
    private static final int AND = 2;
    private static final int COMPARISON = 5;
    private static final int SUM = 6;
    private static final int PRODUCT = 7;
    private static final int UNARY = 8;

    private final CUses uses;
    private final CTables tables;
    private final CNames names;
    private final Map<String, List<CUses.Parameter>> functions;
    private final Set<String> helpers;
    private final Lines out;
    /** Variables that are never negative. */
    private final Set<Var> natural = new HashSet<>();

    /**
     * @param functions the parameters of those that it may call
     * @param helpers to which those are added that it calls
     */
    CFunction(
            CUses uses,
            CTables tables,
            CNames names,
            Map<String, List<CUses.Parameter>> functions,
            Set<String> helpers,
            Lines out) {
        this.uses = uses;
        this.tables = tables;
        this.names = names;
        this.functions = functions;
        this.helpers = helpers;
        this.out = out;
    }

    // ---- Statements

    void stmt(Stmt s) {
        switch (s) {
            case Stmt.Store(Buffer b, Expr value, Expr index) -> out.line(store(b, value, index));
            case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) -> {
                if (kind != Stmt.LoopKind.SERIAL && kind != Stmt.LoopKind.UNROLLED) {
                    throw new IllegalArgumentException("C has no loops that are " + kind);
                }
                if (isNatural(min)) {
                    natural.add(v);
                }
                String i = names.of(v);
                String head = "for (" + CTypes.of(v.type()) + " " + i + " = " + text(min) + "; " + i + " < "
                        + text(Tir.add(min, extent), SUM) + "; " + i + "++)";
                out.block(head, () -> stmt(body));
            }
            case Stmt.If(Expr condition, Stmt then, var otherwise) -> {
                out.line("if (" + text(condition) + ") {");
                out.nested(() -> stmt(then));
                if (otherwise != null) {
                    out.line("} else {");
                    out.nested(() -> stmt(otherwise));
                }
                out.line("}");
            }
            case Stmt.Seq(List<Stmt> steps) -> steps.forEach(this::stmt);
            case Stmt.Let(Var v, Expr value, Stmt body) -> {
                if (uses.has(v)) {
                    let(v, value);
                }
                stmt(body);
            }
            case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                if (uses.has(b.data())) {
                    String size = uses.isScalar(b.data()) ? "" : "[" + elements + "]";
                    out.line(CTypes.of(b.type()) + " " + names.of(b.data()) + size + ";");
                }
                stmt(body);
            }
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                if (uses.has(b.data()) && tables.get(b.data()) == null) {
                    throw new IllegalArgumentException("constants stand in front of a function's statements");
                }
                stmt(body);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> stmt(body);
            case Stmt.Evaluate(Expr value) -> {
                if (value instanceof Expr.Invoke invoke) {
                    out.line(text(invoke) + ";");
                }
            }
            case Stmt.Assert(Expr condition, String message, Stmt body) ->
                throw new IllegalArgumentException("C has no assertions: " + message);
            case Stmt.Workspace w -> throw new IllegalArgumentException("C has no memory of a device: " + w.buffer());
        }
    }

    private void let(Var v, Expr value) {
        if (v.type().equals(DataType.POINTER)) {
            String cast =
                    value instanceof Expr.Address(Buffer b, Expr at) && b.type().equals(v.pointee()) ? "" : "(void *)";
            out.line(CTypes.shared(v.pointee()) + " *" + names.of(v) + " = " + cast
                    + text(value, cast.isEmpty() ? LOOSEST : UNARY) + ";");
            return;
        }
        if (isNatural(value)) {
            natural.add(v);
        }
        out.line("const " + CTypes.of(v.type()) + " " + names.of(v) + " = " + text(value) + ";");
    }

    private String store(Buffer b, Expr value, Expr index) {
        String place = element(b, index);
        if (value instanceof Expr.Binary(Expr.Op op, Expr old, Expr more)
                && op == Expr.Op.ADD
                && old instanceof Expr.Load(Buffer from, Expr at)
                && from == b
                && element(b, at).equals(place)
                && value.type().bits() >= 32) {
            return place + " += " + text(more) + ";";
        }
        return place + " = " + text(value) + ";";
    }

    private String element(Buffer b, Expr index) {
        return uses.isScalar(b.data()) ? names.of(b.data()) : names.of(b.data()) + "[" + text(index) + "]";
    }

    // ---- Values

    private String text(Expr e) {
        return text(e, LOOSEST);
    }

    /** @param around how tightly what stands around it binds */
    private String text(Expr e, int around) {
        if (e.type().lanes() != 1) {
            throw new IllegalArgumentException("C has no vectors: " + e);
        }
        return switch (e) {
            case Expr.Imm(DataType type, long value) -> CLiterals.integer(type, value);
            case Expr.FloatImm(DataType type, double value) -> real(type, value);
            case Expr.Text(String value) -> throw new IllegalArgumentException("a text is no value: " + value);
            case Var v -> names.of(v);
            case Expr.Binary b -> binary(b, around);
            case Expr.Select(Expr c, Expr a, Expr b) ->
                "(" + text(c, AND + 1) + " ? " + text(a, OR) + " : " + text(b, OR) + ")";
            case Expr.Cast(DataType type, Expr value) -> cast(type, value, around);
            case Expr.Load(Buffer b, Expr index) -> load(b, index);
            case Expr.Address(Buffer b, Expr index) ->
                Tir.isZero(index)
                        ? names.of(b.data())
                        : parenthesized(names.of(b.data()) + " + " + text(index, SUM + 1), SUM, around);
            case Expr.Call(DataType type, String op, List<Expr> arguments) -> call(type, op, arguments, around);
            case Expr.Intrinsic(DataType type, String name, int overloads, boolean pure, List<Expr> arguments) ->
                intrinsic(type, name, arguments);
            case Expr.Invoke(String callee, List<Expr> arguments) -> invoke(callee, arguments);
            case Expr.Ramp _, Expr.Broadcast _ -> throw new IllegalArgumentException("C has no vectors: " + e);
        };
    }

    private static String parenthesized(String text, int precedence, int around) {
        return precedence < around ? "(" + text + ")" : text;
    }

    private String real(DataType type, double value) {
        return Double.isFinite(value)
                ? CLiterals.real(type, value)
                : help(type.bits() == 32 ? "f32_of_bits" : "f64_of_bits") + "("
                        + CLiterals.bits(
                                type,
                                type.bits() == 32
                                        ? Float.floatToIntBits((float) value)
                                        : Double.doubleToLongBits(value))
                        + ")";
    }

    private String binary(Expr.Binary e, int around) {
        Expr a = e.a();
        Expr b = e.b();
        DataType type = a.type();
        return switch (e.op()) {
            case ADD, SUB -> {
                boolean plus = e.op() == Expr.Op.ADD;
                // A negative number on the right changes the sign in front of it.
                if (b instanceof Expr.Imm(DataType t, long value) && value < 0 && value > Integer.MIN_VALUE) {
                    plus = !plus;
                    b = new Expr.Imm(t, -value);
                }
                yield arithmetic(type, text(a, SUM) + (plus ? " + " : " - ") + text(b, SUM + 1), SUM, around);
            }
            case MUL -> arithmetic(type, text(a, PRODUCT) + " * " + text(b, PRODUCT + 1), PRODUCT, around);
            case DIV -> arithmetic(type, text(a, PRODUCT) + " / " + text(b, PRODUCT + 1), PRODUCT, around);
            case FLOOR_DIV, FLOOR_MOD -> {
                boolean quotient = e.op() == Expr.Op.FLOOR_DIV;
                if (type.isFloat() || (isNatural(a) && isNatural(b))) {
                    String sign = quotient ? " / " : " % ";
                    yield arithmetic(type, text(a, PRODUCT) + sign + text(b, PRODUCT + 1), PRODUCT, around);
                }
                yield help((quotient ? "floor_div_" : "floor_mod_") + CTypes.suffix(type)) + "(" + text(a) + ", "
                        + text(b) + ")";
            }
            case MIN -> help("min_" + CTypes.suffix(type)) + "(" + text(a) + ", " + text(b) + ")";
            case MAX -> help("max_" + CTypes.suffix(type)) + "(" + text(a) + ", " + text(b) + ")";
            case EQ -> comparison(a, "==", b, around);
            case NE -> comparison(a, "!=", b, around);
            case LT -> comparison(a, "<", b, around);
            case LE -> comparison(a, "<=", b, around);
            case GT -> comparison(a, ">", b, around);
            case GE -> comparison(a, ">=", b, around);
            case AND -> parenthesized(text(a, AND) + " && " + text(b, AND), AND, around == OR ? AND + 1 : around);
            case OR -> parenthesized(text(a, OR) + " || " + text(b, OR), OR, around);
        };
    }

    private String comparison(Expr a, String sign, Expr b, int around) {
        return parenthesized(text(a, COMPARISON + 1) + " " + sign + " " + text(b, COMPARISON + 1), COMPARISON, around);
    }

    /** Narrow integers wrap; C computes them in int. */
    private static String arithmetic(DataType type, String text, int precedence, int around) {
        return type.bits() < 32 ? "(" + CTypes.of(type) + ")(" + text + ")" : parenthesized(text, precedence, around);
    }

    private String cast(DataType type, Expr value, int around) {
        DataType from = value.type();
        boolean widens = type.equals(DataType.INT32) && !from.isFloat() && from.bits() < 32;
        if (widens) {
            // C does so by itself.
            return text(value, around);
        }
        return parenthesized("(" + CTypes.of(type) + ")" + text(value, UNARY), UNARY, around);
    }

    private String load(Buffer b, Expr index) {
        CTables.Table table = tables.get(b.data());
        if (table == null || table.bits() == b.type().bits()) {
            return element(b, index);
        }
        if (b.type().isFloat()) {
            return help("f" + b.type().bits() + "_of_bits") + "(" + element(b, index) + ")";
        }
        String sign = b.type().kind() == DataType.Kind.UINT ? "u" : "i";
        return help("load_" + sign + table.bits()) + "(" + names.of(b.data()) + ", " + text(index) + ")";
    }

    private String call(DataType type, String op, List<Expr> arguments, int around) {
        Expr x = arguments.getFirst();
        return switch (op) {
            case "shift_left" ->
                parenthesized(
                        "(" + CTypes.of(type) + ")((u" + unsignedType(type) + ")" + text(x, UNARY) + " << "
                                + text(arguments.get(1), SUM + 1) + ")",
                        UNARY,
                        around);
            case "shift_right" -> "(" + text(x, SUM + 1) + " >> " + text(arguments.get(1), SUM + 1) + ")";
            case "bitwise_and" -> bitwise(arguments, "&");
            case "bitwise_or" -> bitwise(arguments, "|");
            case "bitwise_xor" -> bitwise(arguments, "^");
            case "reinterpret" -> reinterpreted(type, x, around);
            case "nearbyint", "floor", "ceil", "sqrt" -> help(op + "_" + CTypes.suffix(type)) + "(" + text(x) + ")";
            default -> throw new IllegalArgumentException("C has no function " + op);
        };
    }

    private static String unsignedType(DataType type) {
        return "int" + Math.max(type.bits(), 32) + "_t";
    }

    private String bitwise(List<Expr> arguments, String sign) {
        return "(" + text(arguments.get(0), SUM + 1) + " " + sign + " " + text(arguments.get(1), SUM + 1) + ")";
    }

    private String reinterpreted(DataType type, Expr x, int around) {
        if (type.isFloat() == x.type().isFloat()) {
            return cast(type, x, around);
        }
        return type.isFloat()
                ? help("f" + type.bits() + "_of_bits") + "((uint" + type.bits() + "_t)" + text(x, UNARY) + ")"
                : help("bits_of_f" + type.bits()) + "(" + text(x) + ")";
    }

    private String intrinsic(DataType type, String name, List<Expr> arguments) {
        return switch (name) {
            case "llvm.arithmetic.fence" ->
                arguments.getFirst() instanceof Expr.FloatImm constant
                        ? text(constant)
                        : help("rounded_" + CTypes.suffix(type)) + "(" + text(arguments.getFirst()) + ")";
            case "llvm.ctlz" -> help("leading_zeros") + "(" + text(arguments.getFirst()) + ")";
            default -> throw new IllegalArgumentException("C has no function " + name);
        };
    }

    private String invoke(String callee, List<Expr> arguments) {
        List<CUses.Parameter> params = Objects.requireNonNull(functions.get(callee), callee);
        List<String> given = new ArrayList<>();
        for (int i = 0; i < params.size(); i++) {
            given.add(argument(arguments.get(i), params.get(i)));
        }
        return callee + "(" + String.join(", ", given) + ")";
    }

    /** A pointer goes to another type by way of void. */
    private String argument(Expr a, CUses.Parameter to) {
        if (!(a instanceof Expr.Address(Buffer b, Expr index)) || b.type().equals(to.type())) {
            return text(a);
        }
        return (to.readOnly() ? "(const void *)" : "(void *)") + text(a, UNARY);
    }

    private boolean isNatural(Expr e) {
        return switch (e) {
            case Expr.Imm(DataType type, long value) -> value >= 0;
            case Var v -> natural.contains(v);
            case Expr.Binary(Expr.Op op, Expr a, Expr b) ->
                switch (op) {
                    case ADD, MUL, FLOOR_DIV, DIV, MIN -> isNatural(a) && isNatural(b);
                    case FLOOR_MOD -> isNatural(b);
                    case MAX -> isNatural(a) || isNatural(b);
                    case SUB, EQ, NE, LT, LE, GT, GE, AND, OR -> false;
                };
            case Expr.Cast(DataType type, Expr value) ->
                type.bits() >= 32 && !value.type().isFloat() && isNatural(value);
            case Expr.Load(Buffer b, Expr index) -> b.type().kind() == DataType.Kind.UINT;
            case Expr.FloatImm _, Expr.Text _, Expr.Select _, Expr.Ramp _, Expr.Broadcast _ -> false;
            case Expr.Address _, Expr.Call _, Expr.Intrinsic _, Expr.Invoke _ -> false;
        };
    }

    private String help(String name) {
        helpers.add(name);
        return name;
    }
}

package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Prints programs as C99 that needs no library: functions and the tables that are in them, all of them static, and in front of
 * them the helpers that they call ({@link CHelpers}). Vectors and instructions of one CPU are refused.
 *
 * <p>Arithmetic is the program's, operation for operation. Memory that is of one type here and of another there is read
 * and written through types that may alias.
 */
public final class CPrinter {
    private static final int WIDTH = 100;

    /** Of a table with numbers that C cannot write: their bits are in it. */
    private static final int RAW = 0;

    // How tightly operators bind.
    private static final int LOOSEST = 0;
    private static final int OR = 1;
    private static final int AND = 2;
    private static final int COMPARISON = 5;
    private static final int SUM = 6;
    private static final int PRODUCT = 7;
    private static final int UNARY = 8;

    /** Words that variables cannot be called. */
    private static final Set<String> RESERVED = Set.of(
            "auto",
            "break",
            "case",
            "char",
            "const",
            "continue",
            "default",
            "do",
            "double",
            "else",
            "enum",
            "extern",
            "float",
            "for",
            "goto",
            "if",
            "inline",
            "int",
            "long",
            "register",
            "restrict",
            "return",
            "short",
            "signed",
            "sizeof",
            "static",
            "struct",
            "switch",
            "typedef",
            "union",
            "unsigned",
            "void",
            "volatile",
            "while");

    /**
     * A module as text.
     *
     * @param helpers what the functions need in front of them
     * @param functions the functions, without the helpers
     * @param tables bytes of constants by function
     */
    public record Printed(String helpers, String functions, Map<String, Long> tables) {}

    private final StringBuilder out = new StringBuilder();
    private final Set<String> helpers = new TreeSet<>();
    private final Map<String, Long> tables = new LinkedHashMap<>();
    /** Of each function printed so far. */
    private final Map<String, List<Parameter>> parameters = new HashMap<>();

    /** What a pointer that is a parameter points to, and whether the function writes there. */
    private record Parameter(DataType type, boolean readOnly) {}

    // Of the function at hand:
    private String function = "";
    private final Map<Var, String> names = new HashMap<>();
    private final Set<String> used = new HashSet<>();
    private final Map<Var, Table> constants = new HashMap<>();
    private final Set<Var> scalars = new HashSet<>();
    private final Set<Var> natural = new HashSet<>();
    private final Set<Var> written = new HashSet<>();
    private int depth;

    /** How a table's elements lie in it. */
    private record Table(DataType type, int bits) {}

    private CPrinter() {}

    /** Prints a module. */
    public static Printed print(TirModule module) {
        CPrinter p = new CPrinter();
        module.functions().forEach(p::function);
        return new Printed(CHelpers.text(p.helpers), p.out.toString(), p.tables);
    }

    // ---- Functions

    private void function(PrimFunc f) {
        function = f.name();
        names.clear();
        used.clear();
        constants.clear();
        scalars.clear();
        natural.clear();
        written.clear();
        Uses uses = new Uses();
        uses.stmt(f.body());
        tables(f.body(), uses);
        List<String> params = new ArrayList<>();
        List<Parameter> known = new ArrayList<>();
        for (Var v : f.params()) {
            boolean constant = v.type().equals(DataType.POINTER) && !written.contains(v);
            known.add(new Parameter(v.pointee(), constant));
            params.add(
                    v.type().equals(DataType.POINTER)
                            ? (constant ? "const " : "") + shared(v.pointee()) + " *" + name(v)
                            : type(v.type()) + " " + name(v));
        }
        parameters.put(f.name(), known);
        line("QNET_LAYER static void " + f.name() + "(" + String.join(", ", params) + ") {");
        depth++;
        for (Var v : f.params()) {
            if (!uses.count.containsKey(v)) {
                line("(void)" + name(v) + ";");
            }
        }
        stmt(f.body(), uses);
        depth--;
        line("}");
        out.append('\n');
    }

    /** How often variables are read, which buffers are arrays, and where functions write to. */
    private final class Uses {
        final Map<Var, Integer> count = new HashMap<>();
        private final Map<Var, Var> origin = new HashMap<>();
        private final Set<Var> addressed = new HashSet<>();

        private void use(Var v) {
            count.merge(v, 1, Integer::sum);
        }

        private void write(Var v) {
            written.add(origin.getOrDefault(v, v));
        }

        void stmt(@Nullable Stmt s) {
            switch (s) {
                case null -> {}
                case Stmt.Store(Buffer b, Expr value, Expr index) -> {
                    use(b.data());
                    write(b.data());
                    expr(value);
                    expr(index);
                }
                case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) -> {
                    expr(min);
                    expr(extent);
                    stmt(body);
                }
                case Stmt.If(Expr condition, Stmt then, Stmt otherwise) -> {
                    expr(condition);
                    stmt(then);
                    stmt(otherwise);
                }
                case Stmt.Seq(List<Stmt> steps) -> steps.forEach(this::stmt);
                case Stmt.Let(Var v, Expr value, Stmt body) -> {
                    if (value instanceof Expr.Address(Buffer b, Expr index)) {
                        origin.put(v, origin.getOrDefault(b.data(), b.data()));
                    }
                    stmt(body);
                    if (count.containsKey(v)) {
                        expr(value);
                    }
                }
                case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                    stmt(body);
                    if (elements == 1 && !addressed.contains(b.data())) {
                        scalars.add(b.data());
                    }
                }
                case Stmt.Workspace(Buffer b, Expr elements, Stmt body) -> stmt(body);
                case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> stmt(body);
                case Stmt.Declare(Buffer b, Stmt body) -> stmt(body);
                case Stmt.Evaluate(Expr value) -> expr(value);
                case Stmt.Assert(Expr condition, String message, Stmt body) ->
                    throw new IllegalArgumentException("C has no assertions: " + message);
            }
        }

        private void expr(Expr e) {
            switch (e) {
                case Expr.Imm _, Expr.FloatImm _, Expr.Text _ -> {}
                case Var v -> use(v);
                case Expr.Binary(Expr.Op op, Expr a, Expr b) -> {
                    expr(a);
                    expr(b);
                }
                case Expr.Select(Expr c, Expr a, Expr b) -> {
                    expr(c);
                    expr(a);
                    expr(b);
                }
                case Expr.Cast(DataType type, Expr value) -> expr(value);
                case Expr.Ramp r -> expr(r.base());
                case Expr.Broadcast b -> expr(b.value());
                case Expr.Load(Buffer b, Expr index) -> {
                    use(b.data());
                    expr(index);
                }
                case Expr.Address(Buffer b, Expr index) -> {
                    use(b.data());
                    addressed.add(b.data());
                    expr(index);
                }
                case Expr.Call(DataType type, String op, List<Expr> arguments) -> arguments.forEach(this::expr);
                case Expr.Intrinsic(DataType type, String name, int n, boolean pure, List<Expr> arguments) ->
                    arguments.forEach(this::expr);
                case Expr.Invoke(String callee, List<Expr> arguments) -> {
                    List<Parameter> params = Objects.requireNonNull(parameters.get(callee), callee);
                    for (int i = 0; i < arguments.size(); i++) {
                        expr(arguments.get(i));
                        if (!params.get(i).readOnly()
                                && arguments.get(i) instanceof Expr.Address(Buffer b, Expr index)) {
                            write(b.data());
                        }
                    }
                }
            }
        }
    }

    // ---- Tables

    /** Prints the constants of a function in front of it. */
    private void tables(Stmt s, Uses uses) {
        switch (s) {
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                if (uses.count.containsKey(b.data())) {
                    table(b, elements);
                }
                tables(body, uses);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> tables(body, uses);
            case Stmt.Seq _, Stmt.For _, Stmt.If _, Stmt.Let _, Stmt.Allocate _ -> {}
            case Stmt.Store _, Stmt.Evaluate _, Stmt.Assert _, Stmt.Workspace _ -> {}
        }
    }

    private void table(Buffer b, byte[] elements) {
        DataType type = b.type();
        long[] values = Words.of(type, elements);
        int bits = type.isFloat() ? (Words.finite(type, values) ? type.bits() : RAW) : Words.width(type, values);
        Table table = new Table(type, bits);
        constants.put(b.data(), table);
        String name = unique(function + "_" + b.name());
        names.put(b.data(), name);
        List<String> shown = new ArrayList<>();
        String declared = type(type);
        long bytes = elements.length;
        if (bits != RAW && bits < 8) {
            byte[] packed = Words.pack(values, bits);
            declared = "uint8_t";
            bytes = packed.length;
            for (byte p : packed) {
                shown.add(Integer.toString(p & 0xff));
            }
        } else {
            boolean raw = bits == RAW;
            declared = raw ? "uint" + type.bits() + "_t" : declared;
            for (long v : values) {
                shown.add(
                        raw
                                ? CLiterals.bits(type, v)
                                : type.isFloat()
                                        ? CLiterals.real(type, Words.real(type, v))
                                        : CLiterals.element(type, v));
            }
        }
        tables.merge(function, bytes, Long::sum);
        line("static const " + declared + " " + name + "[" + shown.size() + "] = {");
        StringBuilder row = new StringBuilder();
        for (String v : shown) {
            if (row.length() + v.length() + 2 > WIDTH) {
                line("    " + row.toString().stripTrailing());
                row.setLength(0);
            }
            row.append(v).append(", ");
        }
        line("    " + row.substring(0, row.length() - 2));
        line("};");
    }

    // ---- Statements

    private void line(String text) {
        out.repeat("    ", depth).append(text).append('\n');
    }

    private void block(Stmt body, Uses uses) {
        depth++;
        stmt(body, uses);
        depth--;
    }

    private void stmt(Stmt s, Uses uses) {
        switch (s) {
            case Stmt.Store(Buffer b, Expr value, Expr index) -> line(store(b, value, index));
            case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) -> {
                if (kind != Stmt.LoopKind.SERIAL && kind != Stmt.LoopKind.UNROLLED) {
                    throw new IllegalArgumentException("C has no loops that are " + kind);
                }
                if (isNatural(min)) {
                    natural.add(v);
                }
                String i = name(v);
                line("for (" + type(v.type()) + " " + i + " = " + text(min) + "; " + i + " < "
                        + text(Tir.add(min, extent), SUM) + "; " + i + "++) {");
                block(body, uses);
                line("}");
            }
            case Stmt.If(Expr condition, Stmt then, var otherwise) -> {
                line("if (" + text(condition) + ") {");
                block(then, uses);
                if (otherwise != null) {
                    line("} else {");
                    block(otherwise, uses);
                }
                line("}");
            }
            case Stmt.Seq(List<Stmt> steps) -> steps.forEach(step -> stmt(step, uses));
            case Stmt.Let(Var v, Expr value, Stmt body) -> {
                if (uses.count.containsKey(v)) {
                    let(v, value);
                }
                stmt(body, uses);
            }
            case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                if (uses.count.containsKey(b.data())) {
                    String size = scalars.contains(b.data()) ? "" : "[" + elements + "]";
                    line(type(b.type()) + " " + name(b.data()) + size + ";");
                }
                stmt(body, uses);
            }
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                if (uses.count.containsKey(b.data()) && !constants.containsKey(b.data())) {
                    throw new IllegalArgumentException("constants stand in front of a function's statements");
                }
                stmt(body, uses);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> stmt(body, uses);
            case Stmt.Evaluate(Expr value) -> {
                if (value instanceof Expr.Invoke invoke) {
                    line(text(invoke) + ";");
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
            line(shared(v.pointee()) + " *" + name(v) + " = " + cast + text(value, cast.isEmpty() ? LOOSEST : UNARY)
                    + ";");
            return;
        }
        if (isNatural(value)) {
            natural.add(v);
        }
        line("const " + type(v.type()) + " " + name(v) + " = " + text(value) + ";");
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
        return scalars.contains(b.data()) ? name(b.data()) : name(b.data()) + "[" + text(index) + "]";
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
            case Var v -> name(v);
            case Expr.Binary b -> binary(b, around);
            case Expr.Select(Expr c, Expr a, Expr b) ->
                "(" + text(c, AND + 1) + " ? " + text(a, OR) + " : " + text(b, OR) + ")";
            case Expr.Cast(DataType type, Expr value) -> cast(type, value, around);
            case Expr.Load(Buffer b, Expr index) -> load(b, index);
            case Expr.Address(Buffer b, Expr index) ->
                Tir.isZero(index)
                        ? name(b.data())
                        : parenthesized(name(b.data()) + " + " + text(index, SUM + 1), SUM, around);
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
                yield help((quotient ? "floor_div_" : "floor_mod_") + suffix(type)) + "(" + text(a) + ", " + text(b)
                        + ")";
            }
            case MIN -> help("min_" + suffix(type)) + "(" + text(a) + ", " + text(b) + ")";
            case MAX -> help("max_" + suffix(type)) + "(" + text(a) + ", " + text(b) + ")";
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
        return type.bits() < 32 ? "(" + type(type) + ")(" + text + ")" : parenthesized(text, precedence, around);
    }

    private String cast(DataType type, Expr value, int around) {
        DataType from = value.type();
        boolean widens = type.equals(DataType.INT32) && !from.isFloat() && from.bits() < 32;
        if (widens) {
            // C does so by itself.
            return text(value, around);
        }
        return parenthesized("(" + type(type) + ")" + text(value, UNARY), UNARY, around);
    }

    private String load(Buffer b, Expr index) {
        Table table = constants.get(b.data());
        if (table == null || table.bits() == b.type().bits()) {
            return element(b, index);
        }
        if (b.type().isFloat()) {
            return help("f" + b.type().bits() + "_of_bits") + "(" + element(b, index) + ")";
        }
        String sign = b.type().kind() == DataType.Kind.UINT ? "u" : "i";
        return help("load_" + sign + table.bits()) + "(" + name(b.data()) + ", " + text(index) + ")";
    }

    private String call(DataType type, String op, List<Expr> arguments, int around) {
        Expr x = arguments.getFirst();
        return switch (op) {
            case "shift_left" ->
                parenthesized(
                        "(" + type(type) + ")((u" + unsignedType(type) + ")" + text(x, UNARY) + " << "
                                + text(arguments.get(1), SUM + 1) + ")",
                        UNARY,
                        around);
            case "shift_right" -> "(" + text(x, SUM + 1) + " >> " + text(arguments.get(1), SUM + 1) + ")";
            case "bitwise_and" -> bitwise(arguments, "&");
            case "bitwise_or" -> bitwise(arguments, "|");
            case "bitwise_xor" -> bitwise(arguments, "^");
            case "reinterpret" -> reinterpreted(type, x, around);
            case "nearbyint", "floor", "ceil", "sqrt" -> help(op + "_" + suffix(type)) + "(" + text(x) + ")";
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
                        : help("rounded_" + suffix(type)) + "(" + text(arguments.getFirst()) + ")";
            case "llvm.ctlz" -> help("leading_zeros") + "(" + text(arguments.getFirst()) + ")";
            default -> throw new IllegalArgumentException("C has no function " + name);
        };
    }

    private String invoke(String callee, List<Expr> arguments) {
        List<Parameter> params = Objects.requireNonNull(parameters.get(callee), callee);
        List<String> given = new ArrayList<>();
        for (int i = 0; i < params.size(); i++) {
            given.add(argument(arguments.get(i), params.get(i)));
        }
        return callee + "(" + String.join(", ", given) + ")";
    }

    /** A pointer goes to another type by way of void. */
    private String argument(Expr a, Parameter to) {
        if (!(a instanceof Expr.Address(Buffer b, Expr index)) || b.type().equals(to.type())) {
            return text(a);
        }
        return (to.readOnly() ? "(const void *)" : "(void *)") + text(a, UNARY);
    }

    // ---- Names and types

    private String help(String name) {
        helpers.add(name);
        return name;
    }

    private static String suffix(DataType type) {
        String kind = type.isFloat() ? "f" : type.kind() == DataType.Kind.UINT ? "u" : "i";
        return kind + type.bits();
    }

    private static String type(DataType type) {
        if (type.isBool()) {
            return "int";
        }
        return switch (type.kind()) {
            case FLOAT -> type.bits() == 32 ? "float" : "double";
            case INT -> "int" + type.bits() + "_t";
            case UINT -> "uint" + type.bits() + "_t";
            case HANDLE -> throw new IllegalArgumentException("a pointer is no value");
        };
    }

    /** The type of an element in memory that other types share; bytes may alias everything. */
    private static String shared(DataType type) {
        return type.bits() == 8 ? type(type) : "shared_" + suffix(type);
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

    /** Its name as far as C allows it, with a number where another of its function has the same. */
    private String name(Var v) {
        String known = names.get(v);
        if (known == null) {
            String letters = v.name().replaceAll("[^A-Za-z0-9_]", "_");
            known = unique(RESERVED.contains(letters) ? letters + "_" : letters);
            names.put(v, known);
        }
        return known;
    }

    private String unique(String wanted) {
        String name = wanted;
        for (int i = 1; !used.add(name); i++) {
            name = wanted + "_" + i;
        }
        return name;
    }
}

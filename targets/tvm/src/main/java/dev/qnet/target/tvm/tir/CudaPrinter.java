package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Prints functions whose loops are bound to threads as kernels in CUDA C, to the bit: floats are written exactly, and
 * operations on them by the functions that CUDA never fuses ({@code __fmul_rn}). TVM's own printer of CUDA writes six digits.
 *
 * <p>Constants are arrays of the device, so that they are part of what a driver loads; equal ones are one.
 */
public final class CudaPrinter {
    private final StringBuilder constants = new StringBuilder();
    /** Names of constants by their bytes. */
    private final Map<ByteBuffer, String> known = new HashMap<>();

    private CudaPrinter() {}

    /** Kernels as text, without the {@link CudaHeader} that they use. */
    public static String print(List<PrimFunc> kernels) {
        CudaPrinter p = new CudaPrinter();
        String text = kernels.stream().map(k -> p.new Kernel(k).print()).collect(Collectors.joining("\n"));
        return p.constants + (p.constants.isEmpty() ? "" : "\n") + text;
    }

    /** The type of a pointer that a kernel takes. */
    public static String pointer(Var v) {
        return type(v.pointee()) + "*";
    }

    /** The number of threads in a kernel's block. */
    public static int threads(Stmt body) {
        return switch (body) {
            case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt inner) ->
                kind == Stmt.LoopKind.THREAD_X && extent instanceof Expr.Imm(DataType t, long n)
                        ? Math.toIntExact(n)
                        : threads(inner);
            case Stmt.Let l -> threads(l.body());
            case Stmt.Declare d -> threads(d.body());
            case Stmt.Constant c -> threads(c.body());
            case Stmt.Store _, Stmt.If _, Stmt.Seq _, Stmt.Allocate _ -> 1;
            case Stmt.Evaluate _, Stmt.Assert _, Stmt.Workspace _ -> 1;
        };
    }

    /** The name of an array of the device with these bytes. */
    private String constant(byte[] elements) {
        return known.computeIfAbsent(ByteBuffer.wrap(elements), all -> {
            String name = "c" + known.size();
            ByteBuffer words = ByteBuffer.wrap(Arrays.copyOf(elements, Math.ceilDiv(elements.length, 8) * 8))
                    .order(ByteOrder.LITTLE_ENDIAN);
            constants
                    .append("static __device__ const __align__(16) unsigned long long ")
                    .append(name)
                    .append("[] = {");
            for (int i = 0; words.hasRemaining(); i++) {
                constants
                        .append(i % 6 == 0 ? "\n    " : " ")
                        .append("0x")
                        .append(Long.toHexString(words.getLong()))
                        .append("ULL,");
            }
            constants.append("\n};\n");
            return name;
        });
    }

    /** A type of CUDA C. */
    private static String type(DataType t) {
        if (t.isBool()) {
            return "bool";
        }
        if (t.isFloat()) {
            return t.bits() == 32 ? "float" : "double";
        }
        String sign = t.kind() == DataType.Kind.UINT ? "unsigned " : "";
        return switch (t.bits()) {
            case 8 -> sign.isEmpty() ? "signed char" : "unsigned char";
            case 16 -> sign + "short";
            case 32 -> sign + "int";
            default -> sign + "long long";
        };
    }

    /** One kernel. */
    private final class Kernel {
        private final PrimFunc function;
        private final Lines out = new Lines();
        private final Map<Var, String> names = new HashMap<>();
        private final Map<String, Integer> used = new HashMap<>();

        Kernel(PrimFunc function) {
            this.function = function;
        }

        String print() {
            List<String> params = new ArrayList<>();
            for (Var v : function.params()) {
                boolean pointer = v.type().equals(DataType.POINTER);
                params.add(pointer ? pointer(v) + " " + name(v) : type(v.type()) + " " + name(v));
            }
            out.line("extern \"C\" __global__ void __launch_bounds__(" + threads(function.body()) + ")");
            out.block(function.name() + "(" + String.join(", ", params) + ")", () -> print(function.body()));
            return out.toString();
        }

        private void print(Stmt stmt) {
            switch (stmt) {
                case Stmt.Store(Buffer b, Expr value, Expr index) ->
                    out.line(name(b.data()) + "[" + text(index) + "] = " + text(value) + ";");
                case Stmt.For(Var v, Expr min, Expr extent, Stmt.LoopKind kind, Stmt body) -> {
                    if (!kind.thread().isEmpty()) {
                        out.line("const int " + name(v) + " = (int) " + kind.thread() + ";");
                        print(body);
                        return;
                    }
                    if (kind == Stmt.LoopKind.UNROLLED) {
                        out.line("#pragma unroll");
                    }
                    String i = name(v);
                    String head = "for (" + type(v.type()) + " " + i + " = " + text(min) + "; " + i + " < "
                            + text(Tir.add(min, extent)) + "; ++" + i + ")";
                    out.block(head, () -> print(body));
                }
                case Stmt.If(Expr condition, Stmt then, var otherwise) -> {
                    out.line("if (" + text(condition) + ") {");
                    out.nested(() -> print(then));
                    if (otherwise != null) {
                        out.line("} else {");
                        out.nested(() -> print(otherwise));
                    }
                    out.line("}");
                }
                case Stmt.Seq(List<Stmt> steps) -> steps.forEach(this::print);
                case Stmt.Let(Var v, Expr value, Stmt body) -> {
                    out.line(
                            v.type().equals(DataType.POINTER)
                                    ? pointer(v) + " " + name(v) + " = (" + pointer(v) + ") " + text(value) + ";"
                                    : "const " + type(v.type()) + " " + name(v) + " = " + text(value) + ";");
                    print(body);
                }
                case Stmt.Allocate(Buffer b, long elements, boolean stack, Stmt body) -> {
                    out.line(type(b.type()) + " " + name(b.data()) + "[" + elements + "];");
                    print(body);
                }
                case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                    String pointer = "const " + type(b.type()) + "*";
                    out.line(pointer + " " + name(b.data()) + " = (" + pointer + ") " + constant(elements) + ";");
                    print(body);
                }
                case Stmt.Declare(Buffer b, Stmt body) -> print(body);
                case Stmt.Evaluate(Expr value) -> out.line("(void) " + text(value) + ";");
                case Stmt.Assert _, Stmt.Workspace _ ->
                    throw new IllegalArgumentException("is no statement of a kernel");
            }
        }

        private String text(Expr e) {
            return switch (e) {
                case Expr.Imm(DataType type, long value) -> integer(type, value);
                case Expr.FloatImm(DataType type, double value) -> real(type, value);
                case Var v -> name(v);
                case Expr.Binary b -> binary(b);
                case Expr.Select(Expr c, Expr a, Expr b) -> "(" + text(c) + " ? " + text(a) + " : " + text(b) + ")";
                case Expr.Cast(DataType type, Expr value) -> "((" + type(type) + ") " + text(value) + ")";
                case Expr.Load(Buffer b, Expr index) -> name(b.data()) + "[" + text(index) + "]";
                case Expr.Address(Buffer b, Expr index) -> "(" + name(b.data()) + " + " + text(index) + ")";
                case Expr.Call(DataType type, String op, List<Expr> arguments) -> call(type, op, arguments);
                case Expr.Intrinsic(DataType type, String name, int overloads, boolean pure, List<Expr> arguments) ->
                    switch (name) {
                        // What stands between a product and a sum elsewhere: here nothing is fused.
                        case "llvm.arithmetic.fence" -> text(arguments.getFirst());
                        case "llvm.ctlz" -> "__clz(" + text(arguments.getFirst()) + ")";
                        default -> throw new IllegalArgumentException("CUDA has no " + name);
                    };
                case Expr.Text _, Expr.Ramp _, Expr.Broadcast _, Expr.Invoke _ ->
                    throw new IllegalArgumentException("is no expression of a kernel: " + e);
            };
        }

        private String binary(Expr.Binary e) {
            String a = text(e.a());
            String b = text(e.b());
            DataType type = e.a().type();
            if (type.isFloat()) {
                String prefix = type.bits() == 32 ? "__f" : "__d";
                switch (e.op()) {
                    case ADD -> {
                        return prefix + "add_rn(" + a + ", " + b + ")";
                    }
                    case SUB -> {
                        return prefix + "sub_rn(" + a + ", " + b + ")";
                    }
                    case MUL -> {
                        return prefix + "mul_rn(" + a + ", " + b + ")";
                    }
                    case DIV, FLOOR_DIV -> {
                        return prefix + "div_rn(" + a + ", " + b + ")";
                    }
                    default -> {}
                }
            }
            return switch (e.op()) {
                case MIN -> "qnet_min<" + type(type) + ">(" + a + ", " + b + ")";
                case MAX -> "qnet_max<" + type(type) + ">(" + a + ", " + b + ")";
                case ADD -> wrapped(type, a, "+", b);
                case SUB -> wrapped(type, a, "-", b);
                case MUL -> wrapped(type, a, "*", b);
                // What is rounded down is never negative.
                case DIV, FLOOR_DIV -> wrapped(type, a, "/", b);
                case FLOOR_MOD -> wrapped(type, a, "%", b);
                case EQ, NE, LT, LE, GT, GE -> "(" + a + " " + e.op().sign() + " " + b + ")";
                case AND -> "(" + a + " && " + b + ")";
                case OR -> "(" + a + " || " + b + ")";
            };
        }

        /** Of narrow integers the low bits: C computes with 32. */
        private static String wrapped(DataType type, String a, String sign, String b) {
            String plain = "(" + a + " " + sign + " " + b + ")";
            return type.bits() < 32 && !type.isBool() ? "((" + type(type) + ") " + plain + ")" : plain;
        }

        private String call(DataType type, String op, List<Expr> arguments) {
            if (op.equals("call_pure_extern")) {
                Expr.Text name = (Expr.Text) arguments.getFirst();
                return name.value() + "(" + texts(arguments.subList(1, arguments.size())) + ")";
            }
            String first = text(arguments.getFirst());
            String suffix = type.bits() == 32 ? "f(" : "(";
            return switch (op) {
                case "shift_left" -> wrapped(type, first, "<<", text(arguments.get(1)));
                case "shift_right" -> wrapped(type, first, ">>", text(arguments.get(1)));
                case "bitwise_and" -> wrapped(type, first, "&", text(arguments.get(1)));
                case "bitwise_or" -> wrapped(type, first, "|", text(arguments.get(1)));
                case "bitwise_xor" -> wrapped(type, first, "^", text(arguments.get(1)));
                case "nearbyint" -> "rint" + suffix + first + ")";
                case "floor", "ceil" -> op + suffix + first + ")";
                case "sqrt" -> (type.bits() == 32 ? "__fsqrt_rn(" : "__dsqrt_rn(") + first + ")";
                case "reinterpret" -> reinterpreted(type, arguments.getFirst().type(), first);
                default -> throw new IllegalArgumentException("CUDA C has no " + op);
            };
        }

        private static String reinterpreted(DataType to, DataType from, String x) {
            if (to.isFloat() && !from.isFloat()) {
                return (to.bits() == 32 ? "__int_as_float(" : "__longlong_as_double(") + x + ")";
            }
            if (from.isFloat() && !to.isFloat()) {
                return (to.bits() == 32 ? "__float_as_int(" : "__double_as_longlong(") + x + ")";
            }
            return "((" + type(to) + ") " + x + ")";
        }

        private String texts(List<Expr> all) {
            return all.stream().map(this::text).collect(Collectors.joining(", "));
        }

        private static String integer(DataType type, long value) {
            if (type.isBool()) {
                return value == 0 ? "false" : "true";
            }
            if (type.bits() == 64) {
                return value == Long.MIN_VALUE ? "(-9223372036854775807LL - 1)" : signed(value, "LL");
            }
            if (type.bits() == 32) {
                return value == Integer.MIN_VALUE ? "(-2147483647 - 1)" : signed(value, "");
            }
            return "((" + type(type) + ") " + value + ")";
        }

        private static String signed(long value, String suffix) {
            return value < 0 ? "(" + value + suffix + ")" : value + suffix;
        }

        private static String real(DataType type, double value) {
            if (type.bits() == 64) {
                return Double.isFinite(value)
                        ? "(" + Double.toHexString(value) + ")"
                        : "__longlong_as_double(0x" + Long.toHexString(Double.doubleToRawLongBits(value)) + "LL)";
            }
            float single = (float) value;
            return Float.isFinite(single)
                    ? "(" + Float.toHexString(single) + "f)"
                    : "__int_as_float(0x" + Integer.toHexString(Float.floatToRawIntBits(single)) + ")";
        }

        /** Its name, with a number where another of its function has the same. */
        private String name(Var v) {
            if (!names.containsKey(v)) {
                String plain = v.name().replaceAll("[^A-Za-z0-9_]", "_");
                String own = plain + (plain.matches("c[0-9]+") || RESERVED.contains(plain) ? "_" : "");
                int before = used.merge(own, 1, Integer::sum) - 1;
                names.put(v, before == 0 ? own : own + "_" + before + "v");
            }
            return Objects.requireNonNull(names.get(v));
        }
    }

    /** Names of variables that mean something else in CUDA C. */
    private static final List<String> RESERVED =
            List.of("exp", "floor", "ceil", "min", "max", "rint", "sqrt", "double", "float", "int", "register");
}

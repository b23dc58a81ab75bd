package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Imm;
import dev.qnet.target.tvm.tir.Expr.Op;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Stmt.LoopKind;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** Builds tensor programs so that they read as they print. Integers are folded where both operands are constants, or one changes nothing. */
public final class Tir {
    private Tir() {}

    // ---- Constants

    public static Expr i32(long value) {
        return new Imm(DataType.INT32, value);
    }

    public static Expr i64(long value) {
        return new Imm(DataType.INT64, value);
    }

    /** A number of a type; of a vector type, in every lane. */
    public static Expr imm(DataType type, long value) {
        if (type.lanes() > 1) {
            return new Expr.Broadcast(imm(type.vector(1), value), type.lanes());
        }
        return type.isFloat() ? new Expr.FloatImm(type, value) : new Imm(type, value);
    }

    public static Expr f32(float value) {
        return new Expr.FloatImm(DataType.FLOAT32, value);
    }

    public static Expr f64(double value) {
        return new Expr.FloatImm(DataType.FLOAT64, value);
    }

    // ---- Arithmetic

    public static Expr add(Expr a, Expr b) {
        if (is(a, 0)) {
            return b;
        }
        return is(b, 0) ? a : fold(Op.ADD, a, b);
    }

    public static Expr add(Expr a, long b) {
        return add(a, imm(a.type(), b));
    }

    public static Expr sub(Expr a, Expr b) {
        return is(b, 0) ? a : fold(Op.SUB, a, b);
    }

    public static Expr sub(Expr a, long b) {
        return sub(a, imm(a.type(), b));
    }

    public static Expr mul(Expr a, Expr b) {
        if (is(a, 1)) {
            return b;
        }
        return is(b, 1) ? a : fold(Op.MUL, a, b);
    }

    public static Expr mul(Expr a, long b) {
        return mul(a, imm(a.type(), b));
    }

    /** Rounded down; the operands of index arithmetic are not negative, so that this is Java's. */
    public static Expr floorDiv(Expr a, long b) {
        return b == 1 ? a : binary(Op.FLOOR_DIV, a, imm(a.type(), b));
    }

    public static Expr floorMod(Expr a, long b) {
        return binary(Op.FLOOR_MOD, a, imm(a.type(), b));
    }

    /**
     * The quotient: truncated, of integers. A real divisor that is a constant is hidden from TVM, which would multiply by its
     * reciprocal instead.
     */
    public static Expr div(Expr a, Expr b) {
        return binary(Op.DIV, a, b instanceof Expr.FloatImm ? rounded(b) : b);
    }

    public static Expr min(Expr a, Expr b) {
        return binary(Op.MIN, a, b);
    }

    public static Expr max(Expr a, Expr b) {
        return binary(Op.MAX, a, b);
    }

    public static Expr clamp(Expr x, long lo, long hi) {
        return min(max(x, imm(x.type(), lo)), imm(x.type(), hi));
    }

    public static Expr binary(Op op, Expr a, Expr b) {
        return new Expr.Binary(op, a, b);
    }

    public static Expr lt(Expr a, Expr b) {
        return binary(Op.LT, a, b);
    }

    public static Expr le(Expr a, Expr b) {
        return binary(Op.LE, a, b);
    }

    public static Expr ge(Expr a, Expr b) {
        return binary(Op.GE, a, b);
    }

    public static Expr gt(Expr a, Expr b) {
        return binary(Op.GT, a, b);
    }

    public static Expr eq(Expr a, Expr b) {
        return binary(Op.EQ, a, b);
    }

    public static Expr ne(Expr a, Expr b) {
        return binary(Op.NE, a, b);
    }

    public static Expr and(Expr a, Expr b) {
        return binary(Op.AND, a, b);
    }

    public static Expr or(Expr a, Expr b) {
        return binary(Op.OR, a, b);
    }

    public static Expr select(Expr condition, Expr a, Expr b) {
        return new Expr.Select(condition, a, b);
    }

    public static Expr cast(DataType type, Expr x) {
        if (x.type().equals(type)) {
            return x;
        }
        return x instanceof Imm i && !type.isFloat() && type.lanes() == 1
                ? new Imm(type, wrap(type, i.value()))
                : new Expr.Cast(type, x);
    }

    public static Expr shl(Expr x, Expr bits) {
        return is(bits, 0) ? x : call(x.type(), "shift_left", x, bits);
    }

    /** Arithmetic for signed types. */
    public static Expr shr(Expr x, Expr bits) {
        return is(bits, 0) ? x : call(x.type(), "shift_right", x, bits);
    }

    public static Expr shl(Expr x, int bits) {
        return shl(x, imm(x.type(), bits));
    }

    public static Expr shr(Expr x, int bits) {
        return shr(x, imm(x.type(), bits));
    }

    public static Expr bitAnd(Expr a, Expr b) {
        return call(a.type(), "bitwise_and", a, b);
    }

    public static Expr bitOr(Expr a, Expr b) {
        return call(a.type(), "bitwise_or", a, b);
    }

    public static Expr bitXor(Expr a, Expr b) {
        return call(a.type(), "bitwise_xor", a, b);
    }

    /** The same bits as another type. */
    public static Expr reinterpret(DataType type, Expr x) {
        return call(type, "reinterpret", x);
    }

    /** To the nearest integer, ties to even. */
    public static Expr roundEven(Expr x) {
        return call(x.type(), "nearbyint", x);
    }

    /**
     * x as it is, rounded to its type: TVM lets LLVM compute a product and a sum as one operation, with one rounding, unless
     * this stands between.
     */
    public static Expr rounded(Expr x) {
        return new Expr.Intrinsic(x.type(), "llvm.arithmetic.fence", 1, true, List.of(x));
    }

    public static Expr call(DataType type, String op, Expr... arguments) {
        return new Expr.Call(type, op, List.of(arguments));
    }

    // ---- Memory

    public static Expr load(Buffer buffer, Expr index) {
        return new Expr.Load(buffer, index);
    }

    public static Stmt store(Buffer buffer, Expr value, Expr index) {
        return new Stmt.Store(buffer, value, index);
    }

    public static Expr address(Buffer buffer, Expr index) {
        return new Expr.Address(buffer, index);
    }

    // ---- Statements

    public static Stmt seq(Stmt... steps) {
        return seq(Arrays.asList(steps));
    }

    public static Stmt seq(List<Stmt> steps) {
        return steps.size() == 1 ? steps.getFirst() : new Stmt.Seq(steps);
    }

    /** A loop from 0; of one pass, only that. */
    public static Stmt loop(String name, long extent, Function<Expr, Stmt> body) {
        return extent == 1 ? body.apply(i32(0)) : loop(name, i32(0), i32(extent), LoopKind.SERIAL, body);
    }

    public static Stmt loop(String name, Expr min, Expr extent, LoopKind kind, Function<Expr, Stmt> body) {
        Var var = Var.of(name, min.type());
        return new Stmt.For(var, min, extent, kind, body.apply(var));
    }

    public static Stmt when(Expr condition, Stmt then) {
        return new Stmt.If(condition, then, null);
    }

    public static Stmt when(Expr condition, Stmt then, Stmt otherwise) {
        return new Stmt.If(condition, then, otherwise);
    }

    /** A name for a value, so that it is computed once. */
    public static Stmt let(String name, Expr value, Function<Expr, Stmt> body) {
        if (value instanceof Imm || value instanceof Var) {
            return body.apply(value);
        }
        Var var = Var.of(name, value.type());
        return new Stmt.Let(var, value, body.apply(var));
    }

    /** Memory on the stack. */
    public static Stmt local(String name, DataType type, long elements, Function<Buffer, Stmt> body) {
        Buffer buffer = Buffer.of(name, type, elements);
        return new Stmt.Allocate(buffer, elements, true, body.apply(buffer));
    }

    public static Stmt evaluate(Expr value) {
        return new Stmt.Evaluate(value);
    }

    /** Whether it is the constant 0, in all lanes. */
    public static boolean isZero(Expr x) {
        return is(x, 0);
    }

    private static boolean is(Expr x, long value) {
        if (x instanceof Expr.Broadcast(Expr each, int lanes)) {
            return is(each, value);
        }
        return x instanceof Imm i && i.value() == value && !i.type().isBool();
    }

    private static Expr fold(Op op, Expr a, Expr b) {
        if (a instanceof Imm x && b instanceof Imm y && x.type().equals(y.type())) {
            return new Imm(
                    x.type(),
                    switch (op) {
                        case ADD -> Math.addExact(x.value(), y.value());
                        case SUB -> Math.subtractExact(x.value(), y.value());
                        case MUL -> Math.multiplyExact(x.value(), y.value());
                        default -> throw new IllegalArgumentException(op + " is not folded");
                    });
        }
        return binary(op, a, b);
    }

    private static long wrap(DataType type, long value) {
        int spare = 64 - type.bits();
        return type.kind() == DataType.Kind.UINT ? value << spare >>> spare : value << spare >> spare;
    }
}

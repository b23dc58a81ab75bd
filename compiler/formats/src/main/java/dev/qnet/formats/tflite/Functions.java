package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

/** Operators on real numbers and plain integers that have no form for codes here. */
final class Functions {
    private Functions() {}

    /** A function of one single. */
    static Operators.Rule unary(ScalarFn fn) {
        return c -> {
            c.arity(1, 1, 1);
            c.result(c.real(new FloatOp.Unary(fn), single(c.x(0))));
        };
    }

    /** A function of two singles; the operator may fuse an activation. */
    static Operators.Rule binary(FloatOp.Binary.Fn fn) {
        return c -> {
            c.arity(2, 2, 1);
            Val y = c.real(new FloatOp.Binary(fn), single(c.x(0)), single(c.x(1)));
            c.result(c.activated(fn == FloatOp.Binary.Fn.DIV ? c.byteOption(0, 0) : 0, y));
        };
    }

    private static Val single(Val x) {
        if (!x.isFloat()) {
            throw new Unsupported("is supported for f32 alone, found " + x.type());
        }
        return x;
    }

    static void gelu(Call c) {
        unary(c.flag(0) ? new ScalarFn.Gelu() : new ScalarFn.GeluErf()).apply(c);
    }

    static void rsqrt(Call c) {
        c.arity(1, 1, 1);
        Val root = c.real(new FloatOp.Unary(new ScalarFn.Sqrt()), single(c.x(0)));
        c.result(c.real(new FloatOp.Unary(new ScalarFn.Reciprocal()), root));
    }

    static void square(Call c) {
        c.arity(1, 1, 1);
        Val x = single(c.x(0));
        c.result(c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), x, x));
    }

    static void squaredDifference(Call c) {
        c.arity(2, 2, 1);
        Val d = c.real(new FloatOp.Binary(FloatOp.Binary.Fn.SUB), single(c.x(0)), single(c.x(1)));
        c.result(c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), d, d));
    }

    /** A reduction of singles or plain integers; the largest or smallest of codes is a code. */
    static Operators.Rule reduce(NumOp.Reduce.Fn fn) {
        return c -> {
            c.arity(2, 2, 1);
            Val x = c.x(0);
            boolean order = fn == NumOp.Reduce.Fn.MAX || fn == NumOp.Reduce.Fn.MIN;
            if (x.isQuant() && !order) {
                throw new Unsupported("is supported for plain numbers alone, found " + x.type());
            }
            TreeSet<Integer> axes = new TreeSet<>();
            for (long a : c.integers(1)) {
                axes.add(Call.axis(a, x.shape().rank()));
            }
            Val plain = plain(c, x);
            Val y = c.emit(new NumOp.Reduce(fn, List.copyOf(axes), c.flag(0)), plain.element(), plain);
            c.result(c.graph().reinterpret(y, x.element()));
        };
    }

    /** Codes as plain integers. */
    private static Val plain(Call c, Val x) {
        if (!(x.element() instanceof Quant q)) {
            return x;
        }
        Element.Int plain = Element.plain(
                (q.storage().signed() ? "i" : "u") + 8 * q.storage().bytes());
        if (plain == null) {
            throw new Unsupported("takes " + x.type());
        }
        return c.graph().reinterpret(x, plain);
    }

    /** The index of the largest or smallest along an axis, the first of equals. */
    static Operators.Rule extreme(boolean largest) {
        return c -> {
            c.arity(2, 2, 1);
            Val x = plain(c, c.x(0));
            long[] axis = c.integers(1);
            if (axis.length != 1) {
                throw new Unsupported("takes one axis, found " + axis.length);
            }
            int a = Call.axis(axis[0], x.shape().rank());
            Val index = c.emit(new NumOp.TopK(a, 1, largest, true), Element.INT64, x);
            List<Integer> dims = new ArrayList<>(x.shape().dims());
            dims.remove(/* index */ a);
            Val y = c.reshaped(index, new Shape(dims));
            Element wish = Call.element(c.out(0));
            c.result(y.element().equals(wish) ? y : c.emit(new NumOp.Cast(), wish, y));
        };
    }

    static void cast(Call c) {
        c.arity(1, 1, 1);
        Val x = plain(c, c.x(0));
        Element wish = Call.element(c.out(0));
        if (wish instanceof Quant) {
            throw new Unsupported("casts to codes with a scale");
        }
        c.result(x.element().equals(wish) ? x : c.emit(new NumOp.Cast(), wish, x));
    }

    /** A comparison of singles or plain integers. */
    static Operators.Rule compare(NumOp.Compare.Fn fn) {
        return c -> {
            c.arity(2, 2, 1);
            c.result(c.emit(new NumOp.Compare(fn), Element.BOOL, c.x(0), c.x(1)));
        };
    }

    static Operators.Rule logical(NumOp.Binary.Fn fn) {
        return c -> {
            c.arity(2, 2, 1);
            c.result(c.emit(new NumOp.Binary(fn), Element.BOOL, c.x(0), c.x(1)));
        };
    }

    static void not(Call c) {
        c.arity(1, 1, 1);
        c.result(c.emit(new NumOp.Unary(NumOp.Unary.Fn.NOT), Element.BOOL, c.x(0)));
    }

    static void select(Call c) {
        c.arity(3, 3, 1);
        Val x = c.x(1);
        c.result(c.emit(new DataOp.Select(), x.element(), c.x(0), x, c.x(2)));
    }
}

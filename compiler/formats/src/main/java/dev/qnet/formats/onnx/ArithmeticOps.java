package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.Report;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Elementwise operators: arithmetic, comparisons, logic, activations, casts. */
final class ArithmeticOps {
    private ArithmeticOps() {}

    static void register(Operators ops) {
        ops.add("Add", c -> binary(c, FloatOp.Binary.Fn.ADD, NumOp.Binary.Fn.ADD));
        ops.add("Sub", c -> binary(c, FloatOp.Binary.Fn.SUB, NumOp.Binary.Fn.SUB));
        ops.add("Mul", c -> binary(c, FloatOp.Binary.Fn.MUL, NumOp.Binary.Fn.MUL));
        ops.add("Div", c -> binary(c, FloatOp.Binary.Fn.DIV, NumOp.Binary.Fn.DIV));
        ops.add("Mod", ArithmeticOps::mod);
        ops.add("Pow", ArithmeticOps::pow);
        ops.add("Min", c -> c.out(many(c, FloatOp.Binary.Fn.MIN, NumOp.Binary.Fn.MIN)));
        ops.add("Max", c -> c.out(many(c, FloatOp.Binary.Fn.MAX, NumOp.Binary.Fn.MAX)));
        ops.add("Sum", c -> c.out(many(c, FloatOp.Binary.Fn.ADD, NumOp.Binary.Fn.ADD)));
        ops.add("Mean", ArithmeticOps::mean);

        ops.add("Equal", c -> compare(c, NumOp.Compare.Fn.EQ));
        ops.add("Less", c -> compare(c, NumOp.Compare.Fn.LT));
        ops.add("LessOrEqual", c -> compare(c, NumOp.Compare.Fn.LE));
        ops.add("Greater", c -> compare(c, NumOp.Compare.Fn.GT));
        ops.add("GreaterOrEqual", c -> compare(c, NumOp.Compare.Fn.GE));
        ops.add("And", c -> logic(c, NumOp.Binary.Fn.AND));
        ops.add("Or", c -> logic(c, NumOp.Binary.Fn.OR));
        ops.add("Xor", c -> logic(c, NumOp.Binary.Fn.XOR));
        ops.add("Not", c -> c.out(integer(c, NumOp.Unary.Fn.NOT, c.need(0))));
        ops.add("BitwiseAnd", c -> logic(c, NumOp.Binary.Fn.AND));
        ops.add("BitwiseOr", c -> logic(c, NumOp.Binary.Fn.OR));
        ops.add("BitwiseXor", c -> logic(c, NumOp.Binary.Fn.XOR));
        ops.add("BitwiseNot", c -> c.out(integer(c, NumOp.Unary.Fn.NOT, c.need(0))));
        ops.add("Where", ArithmeticOps::where);
        ops.add("IsNaN", c -> c.out(c.build().compare(NumOp.Compare.Fn.NE, c.real(0), c.real(0))));
        ops.add("IsInf", ArithmeticOps::isInf);

        activations(ops);
        ops.add("Clip", ArithmeticOps::clip);
        ops.add("PRelu", ArithmeticOps::prelu);
        ops.add("Shrink", ArithmeticOps::shrink);
        ops.add("Cast", c -> c.out(cast(c, c.need(0), castType(c))));
        ops.add("CastLike", c -> c.out(cast(c, c.need(0), c.need(1).dataType())));
        ops.add("Identity", c -> c.out(c.need(0)));
        ops.add("Dropout", ArithmeticOps::dropout);
    }

    private static void activations(Operators ops) {
        real(ops, "Relu", c -> new ScalarFn.Relu());
        real(ops, "LeakyRelu", c -> new ScalarFn.LeakyRelu(c.real("alpha", 0.01f)));
        real(ops, "Elu", c -> new ScalarFn.Elu(c.real("alpha", 1)));
        real(
                ops,
                "Selu",
                c -> new ScalarFn.Selu(
                        c.real("alpha", c.opset() < 6 ? 1.6732f : 1.6732632f),
                        c.real("gamma", c.opset() < 6 ? 1.0507f : 1.050701f)));
        real(ops, "Celu", c -> new ScalarFn.Celu(c.real("alpha", 1)));
        real(ops, "Gelu", c -> switch (c.text("approximate", "none")) {
            case "none" -> new ScalarFn.GeluErf();
            case "tanh" -> new ScalarFn.Gelu();
            default -> throw c.refuse("has the unknown approximation '" + c.text("approximate", "") + "'");
        });
        real(ops, "Mish", c -> new ScalarFn.Mish());
        real(ops, "HardSigmoid", c -> new ScalarFn.HardSigmoid(c.real("alpha", 0.2f), c.real("beta", 0.5f)));
        real(ops, "HardSwish", c -> new ScalarFn.HardSwish());
        real(ops, "Sigmoid", c -> new ScalarFn.Sigmoid());
        real(ops, "Tanh", c -> new ScalarFn.Tanh());
        real(ops, "Softplus", c -> new ScalarFn.Softplus());
        real(ops, "Softsign", c -> new ScalarFn.Softsign());
        real(ops, "ThresholdedRelu", c -> new ScalarFn.ThresholdedRelu(c.real("alpha", 1)));
        real(ops, "Erf", c -> new ScalarFn.Erf());
        real(ops, "Sqrt", c -> new ScalarFn.Sqrt());
        real(ops, "Exp", c -> new ScalarFn.Exp());
        real(ops, "Log", c -> new ScalarFn.Log());
        real(ops, "Sin", c -> new ScalarFn.Sin());
        real(ops, "Cos", c -> new ScalarFn.Cos());
        real(ops, "Abs", c -> new ScalarFn.Abs());
        real(ops, "Neg", c -> new ScalarFn.Neg());
        real(ops, "Sign", c -> new ScalarFn.Sign());
        real(ops, "Floor", c -> new ScalarFn.Floor());
        real(ops, "Ceil", c -> new ScalarFn.Ceil());
        real(ops, "Round", c -> new ScalarFn.Round());
        real(ops, "Reciprocal", c -> new ScalarFn.Reciprocal());
        ops.add("Swish", c -> {
            Val x = c.real(0);
            float alpha = c.real("alpha", 1);
            Build b = c.build();
            c.out(
                    alpha == 1
                            ? b.unary(new ScalarFn.Silu(), x)
                            : b.mul(x, b.unary(new ScalarFn.Sigmoid(), b.mul(x, b.scalar(alpha)))));
        });
    }

    private static void real(Operators ops, String op, Function<Call, ScalarFn> fn) {
        ops.add(op, c -> {
            Val x = c.need(0);
            c.out(x.isFloat() ? c.build().unary(fn.apply(c), x) : integerUnary(c, x));
        });
    }

    /** The few functions that ONNX has for integers too. */
    private static Val integerUnary(Call c, Val x) {
        return switch (c.op()) {
            case "Abs" -> unsigned(x) ? x : integer(c, NumOp.Unary.Fn.ABS, x);
            case "Neg" -> integer(c, NumOp.Unary.Fn.NEG, x);
            case "Sign" -> integer(c, NumOp.Unary.Fn.SIGN, x);
            case "Relu" ->
                unsigned(x)
                        ? x
                        : c.build().integer(NumOp.Binary.Fn.MAX, x, c.build().number(x.element(), 0));
            case "Floor", "Ceil", "Round" -> x;
            default -> throw c.refuse("takes real numbers, found " + x.type());
        };
    }

    private static boolean unsigned(Val x) {
        return x.element() instanceof Element.Int i && !i.signed();
    }

    private static Val integer(Call c, NumOp.Unary.Fn fn, Val x) {
        if (x.isFloat()) {
            throw c.refuse("takes integers or truth values, found " + x.type());
        }
        return c.build().pointwise(new NumOp.Unary(fn), x.element(), x);
    }

    /** The second operand, placed as the first versions of ONNX said: from an axis on. */
    private static Val second(Call c, Val x, Val y) {
        if (c.opset() >= 7 || !c.hasAttribute("axis") || y.rank() == 0) {
            return y;
        }
        int axis = c.axis(c.integer("axis", 0), x.rank());
        List<Integer> dims = new ArrayList<>(y.shape().dims());
        dims.addAll(Collections.nCopies(Math.max(0, x.rank() - axis - y.rank()), 1));
        return c.build().reshape(y, dims);
    }

    private static void binary(Call c, FloatOp.Binary.Fn real, NumOp.Binary.Fn integer) {
        Val x = c.need(0);
        c.out(two(c, real, integer, x, second(c, x, c.need(1))));
    }

    static Val two(Call c, FloatOp.Binary.Fn real, NumOp.Binary.Fn integer, Val x, Val y) {
        if (!x.element().equals(y.element())) {
            throw c.refuse("takes operands of one type, found " + x.type() + " and " + y.type());
        }
        return x.isFloat() ? c.build().binary(real, x, y) : c.build().integer(integer, x, y);
    }

    private static Val many(Call c, FloatOp.Binary.Fn real, NumOp.Binary.Fn integer) {
        List<Val> all = c.all();
        Val sum = all.getFirst();
        for (Val v : all.subList(1, all.size())) {
            sum = two(c, real, integer, sum, v);
        }
        return sum;
    }

    private static void mean(Call c) {
        c.real(0);
        Val sum = many(c, FloatOp.Binary.Fn.ADD, NumOp.Binary.Fn.ADD);
        c.out(c.inputs() == 1 ? sum : c.build().div(sum, c.build().scalar(c.inputs())));
    }

    private static void mod(Call c) {
        Val x = c.need(0);
        Val y = c.need(1);
        Build b = c.build();
        boolean truncated = c.flag("fmod", false);
        if (x.isFloat() && !truncated) {
            throw c.refuse("needs fmod = 1 for real numbers");
        }
        if (x.isFloat() || !truncated) {
            c.out(two(c, FloatOp.Binary.Fn.MOD, NumOp.Binary.Fn.MOD, x, y));
        } else {
            Val quotient = two(c, FloatOp.Binary.Fn.DIV, NumOp.Binary.Fn.DIV, x, y);
            c.out(b.integer(NumOp.Binary.Fn.SUB, x, b.integer(NumOp.Binary.Fn.MUL, quotient, y)));
        }
    }

    private static void pow(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        Val y = second(c, x, c.need(1));
        if (x.isFloat() || y.isFloat()) {
            Val power = b.binary(FloatOp.Binary.Fn.POW, b.cast(x, Element.FLOAT), b.cast(y, Element.FLOAT));
            c.out(b.cast(power, x.element()));
        } else {
            // The low bits of a power do not depend on the width it is computed in.
            Element wide = Element.INT64;
            c.out(
                    x.element().equals(y.element())
                            ? b.integer(NumOp.Binary.Fn.POW, x, y)
                            : b.cast(b.integer(NumOp.Binary.Fn.POW, b.cast(x, wide), b.cast(y, wide)), x.element()));
        }
    }

    private static void compare(Call c, NumOp.Compare.Fn fn) {
        Val x = c.need(0);
        Val y = second(c, x, c.need(1));
        if (!x.element().equals(y.element())) {
            throw c.refuse("takes operands of one type, found " + x.type() + " and " + y.type());
        }
        c.out(c.build().compare(fn, x, y));
    }

    private static void logic(Call c, NumOp.Binary.Fn fn) {
        Val x = c.need(0);
        Val y = second(c, x, c.need(1));
        if (x.isFloat() || !x.element().equals(y.element())) {
            throw c.refuse("takes integers or truth values, found " + x.type() + " and " + y.type());
        }
        c.out(c.build().integer(fn, x, y));
    }

    private static void where(Call c) {
        Val condition = c.need(0);
        Val x = c.need(1);
        Val y = c.need(2);
        if (!condition.isBool() || !x.element().equals(y.element())) {
            throw c.refuse("takes a truth value and two operands of one type, found " + condition.type() + ", "
                    + x.type() + " and " + y.type());
        }
        Tensor known = condition.constant();
        if (known instanceof Tensor.OfInt k && k.values().length == 1) {
            Shape all = dev.qnet.compiler.ir.Shapes.broadcast(
                    condition.shape(), dev.qnet.compiler.ir.Shapes.broadcast(x.shape(), y.shape()));
            c.out(c.build().broadcast(k.values()[0] != 0 ? x : y, all));
            return;
        }
        c.out(c.build().select(condition, x, y));
    }

    private static void isInf(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        Val high = b.compare(NumOp.Compare.Fn.EQ, x, b.scalar(Double.POSITIVE_INFINITY));
        Val low = b.compare(NumOp.Compare.Fn.EQ, x, b.scalar(Double.NEGATIVE_INFINITY));
        boolean up = c.flag("detect_positive", true);
        boolean down = c.flag("detect_negative", true);
        c.out(
                up && down
                        ? b.integer(NumOp.Binary.Fn.OR, high, low)
                        : up
                                ? high
                                : down ? low : b.compare(NumOp.Compare.Fn.LT, x, b.scalar(Double.NEGATIVE_INFINITY)));
    }

    private static void clip(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        Val lo;
        Val hi;
        if (c.opset() < 11) {
            lo = c.hasAttribute("min") ? b.number(x.element(), c.real("min", 0)) : null;
            hi = c.hasAttribute("max") ? b.number(x.element(), c.real("max", 0)) : null;
        } else {
            lo = c.in(1);
            hi = c.in(2);
        }
        Float low = single(lo);
        Float high = single(hi);
        if (low != null && high != null && Float.isFinite(low) && Float.isFinite(high) && low <= high) {
            c.out(b.unary(new ScalarFn.Clip(low, high), x));
        } else if (hi == null && low != null && low == 0) {
            c.out(b.unary(new ScalarFn.Relu(), x));
        } else {
            Val y = lo == null ? x : two(c, FloatOp.Binary.Fn.MAX, NumOp.Binary.Fn.MAX, x, lo);
            c.out(hi == null ? y : two(c, FloatOp.Binary.Fn.MIN, NumOp.Binary.Fn.MIN, y, hi));
        }
    }

    /** The single number that a value is known to be, or null. */
    static @Nullable Float single(@Nullable Val v) {
        return v != null && v.constant() instanceof Tensor.OfFloat f && f.values().length == 1 ? f.values()[0] : null;
    }

    private static void prelu(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        Val slope = c.need(1);
        Float alpha = single(slope);
        if (alpha != null && x.isFloat() && slope.rank() <= x.rank()) {
            c.out(b.unary(new ScalarFn.LeakyRelu(alpha), x));
            return;
        }
        if (c.opset() < 7 && slope.rank() == 1 && x.rank() > 2) {
            List<Integer> dims = new ArrayList<>(slope.shape().dims());
            dims.addAll(Collections.nCopies(x.rank() - 2, 1));
            slope = b.reshape(slope, dims);
        }
        Val zero = b.number(x.element(), 0);
        Val up = two(c, FloatOp.Binary.Fn.MAX, NumOp.Binary.Fn.MAX, x, zero);
        Val down = two(c, FloatOp.Binary.Fn.MIN, NumOp.Binary.Fn.MIN, x, zero);
        Val scaled = two(c, FloatOp.Binary.Fn.MUL, NumOp.Binary.Fn.MUL, down, slope);
        c.out(two(c, FloatOp.Binary.Fn.ADD, NumOp.Binary.Fn.ADD, up, scaled));
    }

    private static void shrink(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        float lambda = c.real("lambd", 0.5f);
        Val bias = b.scalar(c.real("bias", 0));
        Val high = b.compare(NumOp.Compare.Fn.GT, x, b.scalar(lambda));
        Val low = b.compare(NumOp.Compare.Fn.LT, x, b.scalar(-lambda));
        c.out(b.select(high, b.sub(x, bias), b.select(low, b.add(x, bias), b.scalar(0))));
    }

    /** Before version 6 the type was a word. */
    private static DataType castType(Call c) {
        if (c.opset() >= 6) {
            if (!c.hasAttribute("to")) {
                throw c.refuse("lacks its attribute 'to'");
            }
            return DataType.of(Math.toIntExact(c.integer("to", 0)));
        }
        String word = c.text("to", "");
        for (DataType t : DataType.values()) {
            if (t.name().equals(word)) {
                return t;
            }
        }
        throw c.refuse("casts to the unknown type '" + word + "'");
    }

    static Val cast(Call c, Val x, DataType to) {
        Build b = c.build();
        Element element = to.element();
        if (element == null) {
            throw c.refuse("casts to " + to + ", which is not supported");
        }
        if (to.narrow()) {
            return narrow(b, x, to, element);
        }
        if (to.real() && to != DataType.FLOAT) {
            c.note(Report.Kind.REMARK, to + " is computed in f32");
        }
        Val y = b.cast(x, element);
        if (x.dataType() != to && to == DataType.BFLOAT16) {
            y = shortened(b, y);
        } else if (x.dataType() != to && to == DataType.FLOAT16) {
            y = half(b, y);
        }
        return y.declared(to);
    }

    /** The 8 significant bits that bfloat16 has, by Veltkamp's splitting; what would overflow has no more to lose. */
    private static Val shortened(Build b, Val x) {
        Val plain = b.compare(NumOp.Compare.Fn.LT, b.unary(new ScalarFn.Abs(), x), b.scalar(1e33));
        return b.select(plain, split(b, x, 65537), x);
    }

    /** The high part by Veltkamp's splitting: with 2^k + 1, k bits are dropped. */
    private static Val split(Build b, Val x, int factor) {
        Val product = b.mul(x, b.scalar(factor));
        return b.sub(product, b.sub(product, x));
    }

    /** The single that float16 has nearest: 11 significant bits, fewer below 2^-14, infinity from 65520 on. */
    private static Val half(Build b, Val x) {
        Val size = b.unary(new ScalarFn.Abs(), x);
        // The singles around 0.75 are as far from each other as the least of float16.
        Val small = b.sub(b.add(x, b.scalar(0.75)), b.scalar(0.75));
        Val y = b.select(b.compare(NumOp.Compare.Fn.LT, size, b.scalar(0x1p-14)), small, split(b, x, 8193));
        Val finite = b.compare(NumOp.Compare.Fn.LT, size, b.scalar(65520));
        return b.select(finite, y, b.mul(x, b.scalar(Double.POSITIVE_INFINITY)));
    }

    /** The low bits of the integer part, as a number of 4 or 2 bits. */
    private static Val narrow(Build b, Val x, DataType to, Element element) {
        if (x.dataType() == to) {
            return x;
        }
        int range = 1 << to.bits();
        boolean signed = element.equals(Element.INT8);
        Val half = b.number(Element.INT32, signed ? range / 2 : 0);
        Val wide = b.integer(NumOp.Binary.Fn.ADD, b.cast(x, Element.INT32), half);
        Val low = b.integer(NumOp.Binary.Fn.AND, wide, b.number(Element.INT32, range - 1));
        return b.cast(b.integer(NumOp.Binary.Fn.SUB, low, half), element).declared(to);
    }

    private static void dropout(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        if (c.opset() >= 12 && c.has(2)) {
            boolean training = c.numbers(2)[0] != 0;
            if (training && !(c.has(1) && c.floats(1)[0] == 0)) {
                throw c.refuse("drops elements at random (training_mode)");
            }
        } else if (c.opset() < 7 && !c.flag("is_test", false)) {
            throw c.refuse("drops elements at random (is_test = 0)");
        }
        c.out(0, x);
        if (c.wants(1)) {
            Element element = c.opset() >= 10 ? Element.BOOL : x.element();
            Val one = b.filled(element, new Shape(Collections.nCopies(x.rank(), 1)), 1);
            c.out(1, b.broadcast(one, x.shape()));
        }
    }
}

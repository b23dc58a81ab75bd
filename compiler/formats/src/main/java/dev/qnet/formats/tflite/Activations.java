package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.quant.FixedPointTables;
import dev.qnet.compiler.quant.Multipliers;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.function.IntUnaryOperator;

/** Functions of one value. Those of codes are TFLite's own arithmetic, for every code, in a table. */
final class Activations {
    private static final int RELU = 1;
    private static final int RELU1 = 2;
    private static final int RELU6 = 3;

    private Activations() {}

    static void relu(Call c) {
        relu(c, RELU);
    }

    static void relu1(Call c) {
        relu(c, RELU1);
    }

    static void relu6(Call c) {
        relu(c, RELU6);
    }

    private static void relu(Call c, int activation) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.isFloat()) {
            c.result(c.activated(activation, x));
            return;
        }
        Quant result = codes(c, x);
        // A quotient of singles, as TFLite writes it.
        Rescale.Scale scale = Multipliers.fixed(x.scale() / result.perTensor().scale());
        c.result(c.emit(new IntOp.Requantize(Weights.rescale(c, List.of(scale), result, activation)), result, x));
    }

    /** The result's codes, as wide as the operand's. */
    private static Quant codes(Call c, Val x) {
        Quant result = c.outCodes(0);
        if (result.storage() != x.quant().storage() || result.storage().bits() > 16) {
            throw new Unsupported("takes " + x.quant().storage() + " and gives " + result.storage());
        }
        return result;
    }

    static void leakyRelu(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        float alpha = c.floatOption(0, 0);
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Unary(new ScalarFn.LeakyRelu(alpha)), x));
            return;
        }
        Quant result = codes(c, x);
        int zero = result.perTensor().zero();
        FixedPoint below = FixedPoint.of(x.scale() * alpha / result.perTensor().scale());
        FixedPoint above = FixedPoint.of(x.scale() / result.perTensor().scale());
        IntUnaryOperator f = q -> {
            int centred = q - x.zero();
            return zero + (centred >= 0 ? above : below).times(centred);
        };
        if (result.storage().bits() <= 8 || !extreme(c, x, result, below, above, f)) {
            c.result(Tables.of(c, x, result, f));
        }
    }

    /** The larger (or smaller) of the two branches, where that is the same for every code: shorter than a table. */
    private static boolean extreme(
            Call c, Val x, Quant result, FixedPoint below, FixedPoint above, IntUnaryOperator f) {
        if (below.multiplier() < 0) {
            return false;
        }
        boolean max = true;
        boolean min = true;
        int zero = result.perTensor().zero();
        Storage s = x.quant().storage();
        for (int q = s.min(); q <= s.max(); q++) {
            int centred = q - x.zero();
            int a = FixedPoint.clamp((long) above.times(centred) + zero, s.min(), s.max());
            int b = FixedPoint.clamp((long) below.times(centred) + zero, s.min(), s.max());
            int y = FixedPoint.clamp(f.applyAsInt(q), s.min(), s.max());
            max &= y == Math.max(a, b);
            min &= y == Math.min(a, b);
        }
        if (!max && !min) {
            return false;
        }
        Val a = c.emit(new IntOp.Requantize(scaled(above, result)), result, x);
        Val b = c.emit(new IntOp.Requantize(scaled(below, result)), result, x);
        c.result(c.emit(new NumOp.Binary(max ? NumOp.Binary.Fn.MAX : NumOp.Binary.Fn.MIN), result, a, b));
        return true;
    }

    private static Rescale scaled(FixedPoint by, Quant to) {
        return new Rescale(
                Rounding.TFLITE,
                List.of(new Rescale.Scale.Fixed(by.multiplier(), by.shift())),
                to.perTensor().zero(),
                to.lo(),
                to.hi());
    }

    static void prelu(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        if (x.isFloat()) {
            Val zero = c.floats("zero", Shape.SCALAR, 0f);
            Val above = c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MAX), x, zero);
            Val below = c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MIN), x, zero);
            Val scaled = c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), below, c.x(1));
            c.result(c.real(new FloatOp.Binary(FloatOp.Binary.Fn.ADD), above, scaled));
            return;
        }
        Quant result = codes(c, x);
        if (!(Call.element(c.in(1)) instanceof Quant alpha)
                || alpha.storage() != x.quant().storage()) {
            throw new Unsupported("takes slopes of the same type as its input");
        }
        float so = result.perTensor().scale();
        int zero = result.perTensor().zero();
        FixedPoint above = FixedPoint.of(x.scale() / so);
        FixedPoint below = FixedPoint.of(x.scale() * alpha.perTensor().scale() / so);
        int[] slopes = c.codes(1);
        if (slopes.length == 1) {
            int slope = slopes[0] - alpha.perTensor().zero();
            c.result(Tables.of(c, x, result, q -> {
                int centred = q - x.zero();
                return zero + (centred >= 0 ? above.times(centred) : below.times(centred * slope));
            }));
            return;
        }
        perChannel(c, x, result, above, below);
    }

    /**
     * PRELU with a slope for each channel: the branch above, of codes limited from below by the zero point, and the product of
     * the others; one of the two is the zero point, so that their sum less it is exact.
     */
    private static void perChannel(Call c, Val x, Quant result, FixedPoint above, FixedPoint below) {
        Quant q = x.quant();
        Val high = c.emit(new IntOp.Clamp(x.zero(), q.hi()), q, x);
        Val low = c.emit(new IntOp.Clamp(q.lo(), x.zero()), q, x);
        Val a = c.emit(new IntOp.Requantize(scaled(above, result)), result, high);
        Val b = c.emit(new IntOp.Mul(Element.INT32, scaled(below, result)), result, low, c.x(1));
        // Equal scales: each operand enters exactly, and the sum is exact.
        float scale = result.perTensor().scale();
        int shift = result.storage() == Storage.I16 ? 15 : 20;
        c.result(c.emit(
                new IntOp.Add(
                        false,
                        shift,
                        Rounding.TFLITE,
                        Multipliers.add(Rounding.TFLITE, scale, scale, scale, shift),
                        result.perTensor().zero(),
                        result.lo(),
                        result.hi()),
                result,
                a,
                b));
    }

    // Sigmoid and tanh.

    static void logistic(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Unary(new ScalarFn.Sigmoid()), x));
        } else if (codes(c, x).storage() == Storage.I16) {
            c.result(Tables.of(c, x, q15(c, x), Sigmoid16.logistic(x.scale())));
        } else {
            // 1.0f / (1.0f + exp(-x)), in singles.
            table(c, x, v -> 1f / (1f + (float) StrictMath.exp(-v)));
        }
    }

    static void tanh(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Unary(new ScalarFn.Tanh()), x));
        } else if (codes(c, x).storage() == Storage.I16) {
            c.result(Tables.of(c, x, q15(c, x), Sigmoid16.tanh(x.scale())));
        } else {
            table(c, x, v -> (float) StrictMath.tanh(v));
        }
    }

    private static Quant q15(Call c, Val x) {
        Quant result = c.outCodes(0);
        if (x.zero() != 0
                || result.perTensor().zero() != 0
                || result.perTensor().scale() != 1f / 32768) {
            throw new Unsupported("takes 16-bit codes with zero point 0 and gives codes of 1/32768, found " + x.type()
                    + " and " + result);
        }
        return result;
    }

    /** LUTPopulate: the function of the dequantized code, in singles, rounded half away from zero. */
    private static void table(Call c, Val x, DoubleUnaryOperator f) {
        Quant result = codes(c, x);
        float inverse = 1 / result.perTensor().scale();
        c.result(Tables.of(c, x, result, q -> {
            float real = x.scale() * (q - x.zero());
            float y = FixedPoint.round((float) f.applyAsDouble(real) * inverse);
            return (int) (y + result.perTensor().zero());
        }));
    }

    static void hardSwish(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Unary(new ScalarFn.HardSwish()), x));
            return;
        }
        Quant result = codes(c, x);
        if (result.storage().bits() != 8) {
            throw new Unsupported("takes codes of " + result.storage());
        }
        float fine = (1f / 128f) * x.scale();
        FixedPoint output = FixedPoint.of(fine / result.perTensor().scale());
        FixedPoint relu = FixedPoint.of(fine / (3f / 32768f));
        if (output.shift() > 0) {
            throw new Unsupported(
                    "scales " + x.scale() + " to " + result.perTensor().scale());
        }
        c.result(Tables.of(
                c,
                x,
                result,
                q -> HardSwish.code(q - x.zero(), output, relu)
                        + result.perTensor().zero()));
    }

    // Softmax.

    static void softmax(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        float beta = c.floatOption(0, 0);
        int axis = x.shape().rank() - 1;
        if (axis < 0 || x.shape().dim(axis) == Shape.BATCH) {
            throw new Unsupported("takes at least one axis, found " + x.shape());
        }
        if (x.isFloat()) {
            Val scaled = beta == 1
                    ? x
                    : c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), x, c.floats("beta", Shape.SCALAR, beta));
            c.result(c.real(new FloatOp.Softmax(axis), scaled));
            return;
        }
        Storage from = x.quant().storage();
        Storage to = c.outCodes(0).storage();
        if (from == Storage.I16 && to == Storage.I16) {
            FixedPoint scale = FixedPoint.of(x.scale() * beta / (10.0 / 65535.0));
            c.result(c.emit(
                    new IntOp.Softmax16(
                            axis,
                            scale.multiplier(),
                            scale.shift(),
                            FixedPointTables.softmaxExp(),
                            FixedPointTables.softmaxReciprocal()),
                    Quant.of(Storage.I16, 1f / 32768, 0),
                    x));
            return;
        }
        boolean eight = from == Storage.I8 || from == Storage.U8;
        if (!eight || (to != from && to != Storage.I16) || beta < 0) {
            throw new Unsupported("takes " + from + " and gives " + to);
        }
        if (x.shape().dim(axis) > IntOp.Softmax.MAX_EXTENT) {
            throw new Unsupported(
                    "sums " + x.shape().dim(axis) + " numbers; integers do up to " + IntOp.Softmax.MAX_EXTENT);
        }
        Multipliers.Softmax m = Multipliers.softmax((double) x.scale() * beta);
        Quant result = switch (to) {
            case U8 -> Quant.of(to, 1f / 256, 0);
            case I8 -> Quant.of(to, 1f / 256, -128);
            default -> Quant.of(to, 1f / 65536, -32768);
        };
        c.result(c.emit(new IntOp.Softmax(axis, m.multiplier(), m.leftShift(), m.diffMin()), result, x));
    }
}

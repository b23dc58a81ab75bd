package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.quant.Multipliers;
import java.util.List;

/** Functions of two values, element by element. */
final class Elementwise {
    private static final int INT16_SHIFT = 15;

    private Elementwise() {}

    static void add(Call c) {
        sum(c, false);
    }

    static void sub(Call c) {
        sum(c, true);
    }

    private static void sum(Call c, boolean subtract) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        Val y = c.x(1);
        int activation = c.byteOption(0, 0);
        if (x.isFloat()) {
            FloatOp.Binary.Fn fn = subtract ? FloatOp.Binary.Fn.SUB : FloatOp.Binary.Fn.ADD;
            c.result(c.activated(activation, c.real(new FloatOp.Binary(fn), x, y)));
            return;
        }
        if (!x.isQuant()) {
            plain(c, subtract ? NumOp.Binary.Fn.SUB : NumOp.Binary.Fn.ADD, x, y, activation);
            return;
        }
        Quant result = c.outCodes(0);
        one(x, y, result.storage());
        if (result.storage() == Storage.I16 && powers(c, x, y, result)) {
            List<Val> aligned = aligned(c, x, y, result);
            x = aligned.get(0);
            y = aligned.get(1);
        }
        float so = result.perTensor().scale();
        int shift = result.storage() == Storage.I16 ? INT16_SHIFT : Multipliers.addLeftShift(Rounding.TFLITE, 8);
        int[] range = c.range(activation, result);
        IntOp op = new IntOp.Add(
                subtract,
                shift,
                Rounding.TFLITE,
                Multipliers.add(Rounding.TFLITE, x.scale(), y.scale(), so, shift),
                result.perTensor().zero(),
                range[0],
                range[1]);
        c.result(c.emit(op, result, x, y));
    }

    /** Whether TFLite takes its path for powers of two. */
    private static boolean powers(Call c, Val x, Val y, Quant result) {
        FlatFile.Table o = c.options();
        boolean asked = o == null || o.flag(1, true);
        return asked
                && log2(x.scale()) != null
                && log2(y.scale()) != null
                && log2(result.perTensor().scale()) != null
                && x.zero() == 0
                && y.zero() == 0
                && result.perTensor().zero() == 0;
    }

    /** CheckedLog2: the exponent of what is a power of two within 0.001. */
    static @org.jspecify.annotations.Nullable Integer log2(float x) {
        float log = (float) Math.log(x) * (float) (1.0 / Math.log(2.0));
        float rounded = FixedPoint.round(log);
        return Math.abs(log - rounded) < 1e-3f ? (int) rounded : null;
    }

    /** Both operands at the result's scale: at most one is shifted to it, with ties away from zero, before the sum. */
    private static List<Val> aligned(Call c, Val x, Val y, Quant result) {
        int to = exponent(result.perTensor().scale());
        int sx = to - exponent(x.scale());
        int sy = to - exponent(y.scale());
        if (sx < 0 || sy < 0 || (sx != 0 && sy != 0)) {
            throw new Unsupported("adds scales " + x.scale() + " and " + y.scale() + " to " + result);
        }
        return List.of(shifted(c, x, sx, result), shifted(c, y, sy, result));
    }

    private static int exponent(float x) {
        Integer e = log2(x);
        if (e == null) {
            throw new IllegalStateException(x + " is no power of two");
        }
        return e;
    }

    private static Val shifted(Call c, Val x, int shift, Quant result) {
        if (shift == 0) {
            return x.element().equals(result) ? x : c.graph().reinterpret(x, result);
        }
        int by = Math.min(shift, 31);
        return Tables.of(c, x, result, q -> FixedPoint.roundingDivideByPot(q, by));
    }

    static void mul(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        Val y = c.x(1);
        int activation = c.byteOption(0, 0);
        if (x.isFloat()) {
            c.result(c.activated(activation, c.real(new FloatOp.Binary(FloatOp.Binary.Fn.MUL), x, y)));
            return;
        }
        if (!x.isQuant()) {
            plain(c, NumOp.Binary.Fn.MUL, x, y, activation);
            return;
        }
        Quant result = c.outCodes(0);
        one(x, y, result.storage());
        // In singles, as TFLite writes it.
        double m = x.scale() * y.scale() / result.perTensor().scale();
        c.result(c.emit(
                new IntOp.Mul(Element.INT32, Weights.rescale(c, List.of(Multipliers.fixed(m)), result, activation)),
                result,
                x,
                y));
    }

    private static void one(Val x, Val y, Storage result) {
        if (y.quant().storage() != x.quant().storage() || result != x.quant().storage()) {
            throw new Unsupported(
                    "combines " + x.quant().storage() + " and " + y.quant().storage() + " to " + result);
        }
        if (result.bits() > 16) {
            throw new Unsupported("combines codes of " + result.bits() + " bits");
        }
    }

    private static void plain(Call c, NumOp.Binary.Fn fn, Val x, Val y, int activation) {
        if (activation != 0) {
            throw new Unsupported("fuses an activation with plain integers");
        }
        c.result(c.emit(new NumOp.Binary(fn), x.element(), x, y));
    }

    static void maximum(Call c) {
        extreme(c, FloatOp.Binary.Fn.MAX, NumOp.Binary.Fn.MAX);
    }

    static void minimum(Call c) {
        extreme(c, FloatOp.Binary.Fn.MIN, NumOp.Binary.Fn.MIN);
    }

    /** Codes are compared as they are: TFLite asks for one scale. */
    private static void extreme(Call c, FloatOp.Binary.Fn real, NumOp.Binary.Fn integer) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        Val y = c.x(1);
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Binary(real), x, y));
            return;
        }
        c.result(c.emit(new NumOp.Binary(integer), x.element(), x, y));
    }
}

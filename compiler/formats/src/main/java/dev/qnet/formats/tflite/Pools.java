package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Multipliers;
import java.util.List;
import java.util.TreeSet;

/** Pools and means. */
final class Pools {
    private Pools() {}

    static void average(Call c) {
        Val x = x(c);
        Window window = window(c, x);
        pool(c, x, x.isFloat() ? new FloatOp.AvgPool(window) : new IntOp.AvgPool(window, Rounding.TFLITE));
    }

    static void max(Call c) {
        Val x = x(c);
        pool(c, x, new DataOp.MaxPool(window(c, x)));
    }

    private static Val x(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        if (x.shape().rank() != 4) {
            throw new Unsupported("takes an image [batch, height, width, channels], found " + x.shape());
        }
        if (!x.isFloat() && x.quant().storage().bits() > 16) {
            throw new Unsupported("pools " + x.quant().storage());
        }
        return x;
    }

    private static Window window(Call c, Val x) {
        return Windows.of(
                c.byteOption(0, 0),
                x.shape().dim(1),
                x.shape().dim(2),
                c.option(4, 0),
                c.option(3, 0),
                c.option(2, 0),
                c.option(1, 0),
                1,
                1);
    }

    private static void pool(Call c, Val x, Op op) {
        int activation = c.byteOption(5, 0);
        Val y = c.emit(op, x.element(), x);
        if (x.isFloat()) {
            c.result(c.activated(activation, y));
        } else {
            c.result(c.clamped(activation, c.graph().reinterpret(y, c.outCodes(0))));
        }
    }

    /** QuantizedMeanOrSum: the multiplier takes in the number of elements, truncated. */
    static void mean(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        int rank = x.shape().rank();
        TreeSet<Integer> set = new TreeSet<>();
        for (long a : c.integers(1)) {
            set.add(Call.axis(a, rank));
        }
        List<Integer> axes = List.copyOf(set);
        boolean keep = c.flag(0);
        if (axes.isEmpty()) {
            throw new Unsupported("averages along no axis");
        }
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.Mean(axes, keep), x));
            return;
        }
        Quant result = c.outCodes(0);
        long n = 1;
        for (int a : axes) {
            n *= x.shape().dim(a);
        }
        if (n < 1) {
            throw new Unsupported("averages no elements of " + x.shape());
        }
        Scale.Fixed one =
                Multipliers.fixed((double) x.scale() / result.perTensor().scale());
        int shift = Math.min(63 - Long.numberOfLeadingZeros(n), 32);
        shift = Math.min(shift, 31 + one.shift());
        long multiplier = ((long) one.multiplier() << shift) / n;
        Scale.Fixed scale = new Scale.Fixed((int) multiplier, one.shift() - shift);
        c.result(c.emit(
                new IntOp.Sum(axes, keep, Element.INT32, Weights.rescale(c, List.of(scale), result, 0)), result, x));
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.quant.Multipliers;
import java.util.ArrayList;
import java.util.List;

/** Products of matrices. */
final class Products {
    private Products() {}

    /**
     * Sums of 8-bit codes are rounded once: so do TensorFlow's reference kernels (2.21), in double; TFLite-Micro and CMSIS-NN round
     * them twice, as all do elsewhere. The fixed-point product differs from that in double by less than 2^-31 of it.
     */
    static void fullyConnected(Call c) {
        c.arity(2, 3, 1);
        if (c.byteOption(1, 0) != 0) {
            throw new Unsupported("has shuffled weights");
        }
        Shape shape = Constants.shape(c.in(1));
        if (shape.rank() != 2 || shape.elements() == 0) {
            throw new Unsupported("takes weights [units, features], found " + shape);
        }
        Val x = rows(c, c.x(0), shape.dim(1), c.flag(2));
        int activation = c.byteOption(0, 0);
        if (Hybrid.is(x, c.in(1)) && c.isConstant(1)) {
            Quant weights = Call.weights(c.in(1), 0, shape.dim(0));
            Val w = c.constant(c.in(1), new Tensor.OfInt(shape, c.codes(1)), weights);
            Val y = Hybrid.product(c, new IntOp.Dense(Element.INT32, null), x, w, !c.flag(3), 2);
            c.result(c.activated(activation, y));
            return;
        }
        if (x.isFloat()) {
            Val w = c.isConstant(1)
                    ? c.constant(c.in(1), new Tensor.OfFloat(shape, Weights.real(c, 1)), Element.FLOAT)
                    : c.x(1);
            Val y = c.has(2) ? c.real(new FloatOp.Dense(), x, w, c.x(2)) : c.real(new FloatOp.Dense(), x, w);
            c.result(c.activated(activation, y));
            return;
        }
        Quant weights = Call.weights(c.in(1), 0, shape.dim(0));
        Val w = c.isConstant(1) ? c.constant(c.in(1), new Tensor.OfInt(shape, c.codes(1)), weights) : c.x(1);
        Accumulator acc = Accumulator.of(c, x, 2, 4);
        Quant result = c.outCodes(0);
        Rescale twice = Weights.rescale(c, x, weights, result, activation, true);
        boolean once = x.quant().storage() == Storage.I8;
        Rescale rescale =
                once ? new Rescale(Rounding.TOSA, twice.scales(), twice.zero(), twice.lo(), twice.hi()) : twice;
        IntOp op = new IntOp.Dense(acc.element(), rescale);
        c.result(acc.bias() == null ? c.emit(op, result, x, w) : c.emit(op, result, x, w, acc.bias()));
    }

    /** The input with the features last: all but the last extent become rows, unless they are kept. */
    private static Val rows(Call c, Val x, int features, boolean keep) {
        Shape s = x.shape();
        boolean fits = s.rank() > 0 && s.dim(-1) == features;
        if (keep || (fits && s.rank() == 2)) {
            if (!fits) {
                throw new Unsupported("takes " + features + " features, found " + s);
            }
            return x;
        }
        if (s.elements() % features != 0 || (s.hasBatch() && s.elements() != features)) {
            throw new Unsupported("takes rows of " + features + " features, found " + s);
        }
        return c.reshaped(x, Shape.of(s.hasBatch() ? Shape.BATCH : s.elements() / features, features));
    }

    static void batchMatMul(Call c) {
        c.arity(2, 2, 1);
        Val x = turned(c, c.x(0), c.flag(0));
        Val y = turned(c, second(c, x), c.flag(1));
        if (x.isFloat()) {
            c.result(c.real(new FloatOp.MatMul(), x, y));
            return;
        }
        Quant result = c.outCodes(0);
        if (y.quant().storage() != x.quant().storage()) {
            throw new Unsupported(
                    "multiplies " + x.quant().storage() + " with " + y.quant().storage());
        }
        double m = (double) (x.scale() * y.scale()) / result.perTensor().scale();
        Element.Int acc = x.quant().storage() == Storage.I16 ? Element.INT64 : Element.INT32;
        Rescale rescale = Weights.rescale(c, List.of(Multipliers.fixed(m)), result, 0);
        c.result(c.emit(new IntOp.MatMul(acc, rescale), result, x, y));
    }

    private static Val second(Call c, Val x) {
        if (x.isFloat() && c.isConstant(1)) {
            float[] values = Weights.real(c, 1);
            return c.constant(c.in(1), new Tensor.OfFloat(Constants.shape(c.in(1)), values), Element.FLOAT);
        }
        return c.x(1);
    }

    private static Val turned(Call c, Val x, boolean adjoint) {
        int rank = x.shape().rank();
        if (rank < 2) {
            throw new Unsupported("takes matrices, found " + x.shape());
        }
        if (!adjoint) {
            return x;
        }
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            order.add(i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2);
        }
        return c.emit(new DataOp.Transpose(order), x.element(), x);
    }
}

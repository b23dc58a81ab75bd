package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.quant.Multipliers;
import java.util.List;

/** Between real numbers and codes, and between codes. */
final class Quantizing {
    private Quantizing() {}

    static void quantize(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        Quant result = c.outCodes(0);
        if (x.isFloat()) {
            c.result(c.emit(new QuantOp.Quantize(Rounding.TFLITE), result, x));
            return;
        }
        Rescale.Scale scale =
                Multipliers.fixed((double) x.scale() / result.perTensor().scale());
        Rescale rescale = Weights.rescale(c, List.of(scale), result, 0);
        c.result(c.emit(new IntOp.Requantize(rescale), result, x));
    }

    /** Of constants too: weights that are stored as codes or halves. */
    static void dequantize(Call c) {
        c.arity(1, 1, 1);
        if (c.isConstant(0)) {
            TfliteFile.TensorDef t = c.in(0);
            c.result(c.floats(t.label(), Constants.shape(t), Weights.real(c, 0)));
            return;
        }
        Val x = c.x(0);
        if (x.isFloat()) {
            c.result(x);
            return;
        }
        x.quant().perTensor();
        c.result(c.emit(new QuantOp.Dequantize(), Element.FLOAT, x));
    }
}

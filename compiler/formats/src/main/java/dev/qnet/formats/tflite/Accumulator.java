package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import org.jspecify.annotations.Nullable;

/**
 * What products of an operator add up in, and the bias that they begin with. 8-bit activations: 32 bits. 16-bit activations: 64
 * bits, with TFLite's 16-bit multipliers, unless the bias is (or is declared to be) of 32 bits.
 *
 * @param bias null for none
 */
record Accumulator(Element.Int element, @Nullable Val bias) {
    /**
     * @param bias the operand's index
     * @param typeOption the option that says what accumulates, or -1
     */
    static Accumulator of(Call c, Val x, int bias, int typeOption) {
        return of(c, x.quant().storage(), bias, typeOption);
    }

    /** Of 32 bits whatever the activations are. */
    static Accumulator narrow(Call c, int bias) {
        return of(c, Storage.I8, bias, -1);
    }

    private static Accumulator of(Call c, Storage activations, int bias, int typeOption) {
        boolean wide = activations == Storage.I16;
        if (!c.has(bias)) {
            boolean narrow = typeOption >= 0 && TensorType.of(c.byteOption(typeOption, 0)) == TensorType.INT32;
            return new Accumulator(wide && !narrow ? Element.INT64 : Element.INT32, null);
        }
        TensorDef t = c.in(bias);
        if (!c.isConstant(bias)) {
            throw new Unsupported("takes a constant bias");
        }
        if (t.type() != TensorType.INT32 && !(wide && t.type() == TensorType.INT64)) {
            throw new Unsupported("has a bias of " + t.typeName() + " for " + activations + " codes");
        }
        long[] values = c.integers(bias);
        Tensor tensor = Tensor.OfLong.of(Shape.of(values.length), values);
        Element.Int element = tensor instanceof Tensor.OfLong ? Element.INT64 : Element.INT32;
        return new Accumulator(
                t.type() == TensorType.INT64 ? Element.INT64 : Element.INT32, c.constant(t, tensor, element));
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.formats.Report;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.HashSet;
import java.util.List;

/**
 * Layers of "dynamic range" models: f32 activations that are quantized at run time, for weights that are codes. The range is that
 * of an item; ties of the quantization go to even, where TFLite rounds them away from zero.
 */
final class Hybrid {
    private Hybrid() {}

    /** Whether a layer of singles has weights that TFLite would multiply as integers. */
    static boolean is(Val x, TensorDef weights) {
        return x.isFloat() && (weights.type() == TensorType.INT8 || weights.type() == TensorType.INT4);
    }

    /** TFLite's convolutions use a zero point where the channels' scales differ. */
    static boolean symmetric(Quant weights) {
        return !(weights.scheme() instanceof Scheme.PerAxis a) || new HashSet<>(a.scales()).size() == 1;
    }

    /**
     * A product as integers, and its sums as singles.
     *
     * @param op gives plain i32 sums
     * @param bias the operand's index
     */
    static Val product(Call c, Op op, Val x, Val w, boolean symmetric, int bias) {
        Val p = c.emit(new IntOp.DynamicParams(Storage.I8, symmetric), Element.FLOAT, x);
        Val q = c.emit(new IntOp.DynamicQuantize(Storage.I8), Element.INT16, x, p);
        Val sums = c.emit(op, Element.INT32, q, w);
        List<Float> list = switch (w.quant().scheme()) {
            case Scheme.PerTensor t -> List.of(t.scale());
            case Scheme.PerAxis a -> a.scales();
            case Scheme.PerGroup g -> throw new IllegalArgumentException("TFLite has no groups");
        };
        float[] scales = new float[list.size()];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = list.get(i);
        }
        Val s = c.floats(c.in(1).label() + "/scales", Shape.of(scales.length), scales);
        c.remark(
                Report.Kind.REMARK,
                "f32 activations are quantized to 8 bits at run time (" + (symmetric ? "symmetric" : "asymmetric")
                        + "), one range for each item");
        return c.has(bias)
                ? c.emit(new IntOp.DynamicDequantize(), Element.FLOAT, sums, p, s, c.x(bias))
                : c.emit(new IntOp.DynamicDequantize(), Element.FLOAT, sums, p, s);
    }
}

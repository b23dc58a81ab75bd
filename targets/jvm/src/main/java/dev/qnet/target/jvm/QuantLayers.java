package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.runtime.kernel.Dequantize;
import dev.qnet.runtime.kernel.Quantize;
import dev.qnet.runtime.kernel.UnaryKernel;
import java.util.List;

/** Emits the layers of {@link QuantOp}s. */
final class QuantLayers {
    private final Layers layers;

    QuantLayers(Layers layers) {
        this.layers = layers;
    }

    void emit(Node n, QuantOp op) {
        switch (op) {
            case QuantOp.Quantize q -> quantize(n, q);
            case QuantOp.Dequantize d -> dequantize(n);
            case QuantOp.FakeQuant f ->
                throw new IllegalStateException("legality lets no fake quantization through: " + n.id());
        }
    }

    private void quantize(Node n, QuantOp.Quantize op) {
        Type y = n.type();
        Quant q = y.quant();
        if (q.storage() == Storage.BIPOLAR) {
            // Only the sign decides, whatever the scheme.
            layers.unary(
                    n,
                    a -> a.backend().number(y.shape().elements()).call(Quantize.class, "bipolar", UnaryKernel.class));
            return;
        }
        switch (q.scheme()) {
            case Scheme.PerTensor t ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .number(y.shape().elements())
                                .rounding(op.rounding())
                                .number(t.scale())
                                .number(t.zero())
                                .number(q.lo())
                                .number(q.hi())
                                .kind(q)
                                .call(Quantize.class, "perTensor"));
            case Scheme.PerAxis s ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .shape(y)
                                .number(s.axis())
                                .rounding(op.rounding())
                                .floats(floats(s.scales()))
                                .ints(s.zeros())
                                .number(q.lo())
                                .number(q.hi())
                                .kind(q)
                                .call(Quantize.class, "perAxis"));
            case Scheme.PerGroup g ->
                throw new IllegalStateException("legality lets no quantization per group through: " + n.id());
        }
    }

    private void dequantize(Node n) {
        Type x = layers.operand(n, 0);
        Quant q = x.quant();
        int elements = x.shape().elements();
        switch (q.scheme()) {
            case Scheme.PerTensor t ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .kind(q)
                                .number(elements)
                                .number(t.scale())
                                .number(t.zero())
                                .call(Dequantize.class, "perTensor"));
            case Scheme.PerAxis s ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .kind(q)
                                .shape(x)
                                .number(s.axis())
                                .floats(floats(s.scales()))
                                .ints(s.zeros())
                                .call(Dequantize.class, "perAxis"));
            case Scheme.PerGroup g ->
                layers.unary(
                        n,
                        a -> a.backend()
                                .kind(q)
                                .ints(new int[] {elements})
                                .number(0)
                                .floats(scales(g, elements))
                                .ints(new int[elements])
                                .call(Dequantize.class, "perAxis"));
        }
    }

    /** The scale s·m of each element: groups are counted along a channel, whose last may be shorter. */
    private static float[] scales(Scheme.PerGroup g, int elements) {
        int row = elements / g.scales().size();
        float[] s = new float[elements];
        for (int i = 0; i < elements; i++) {
            int c = i / row;
            s[i] = g.scales().get(c) * g.multipliers().get(c * g.groups() + i % row / g.size());
        }
        return s;
    }

    private static float[] floats(List<Float> values) {
        float[] f = new float[values.size()];
        for (int i = 0; i < f.length; i++) {
            f[i] = values.get(i);
        }
        return f;
    }
}

package dev.qnet.training.fit;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.training.grad.Drawing;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of a training graph that layers are: weights, folded and quantized, biases on their grid, batch normalization. */
final class LayerPart {
    /** Codes of a bias: any that an i32 accumulator has room for. */
    private static final int BIAS_CODES = 1 << 30;

    private final Draft draft;
    private final Drawing to;
    private final Phase phase;
    private final boolean quantize;
    private final Map<String, TrainingGraph.BiasGrid> biases = new LinkedHashMap<>();

    LayerPart(Draft draft, Phase phase, boolean quantize) {
        this.draft = draft;
        this.to = draft.to();
        this.phase = phase;
        this.quantize = quantize;
    }

    /** What biases are rounded to, by the name of its parameters. */
    Map<String, TrainingGraph.BiasGrid> biases() {
        return biases;
    }

    /**
     * What a layer gives, with its batch normalization.
     *
     * @param n the convolution or dense layer
     * @param input the grid of its input, or null
     */
    ValueId of(Node n, Layer layer, ValueId x, @Nullable Grid input) {
        ValueId w = draft.trainable(layer.weight(), Trainable.Kind.WEIGHT, layer.shape(), null);
        int filters = layer.filters();
        boolean frozen = phase == Phase.FROZEN;
        if (layer.norm() == null) {
            return plain(n, layer, x, w, input);
        }
        if (frozen || (quantize && layer.spec() != null)) {
            Shape each = layer.shape();
            for (int a = 1; a < each.rank(); a++) {
                each = each.with(a, 1);
            }
            ValueId f = draft.trainable(layer.part("fold"), Trainable.Kind.FOLD, each, null);
            ValueId wide = to.add(layer.part("folded"), new FloatOp.Binary(FloatOp.Binary.Fn.MUL), w, f);
            if (frozen) {
                return plain(n, layer, x, wide, input);
            }
            ValueId q = quantized(layer, wide);
            w = to.add(layer.part("unfolded"), new FloatOp.Binary(FloatOp.Binary.Fn.DIV), q, f);
        }
        ValueId u = to.add(n.id().name(), n.op(), x, w);
        ValueId gamma = draft.trainable(layer.part("gamma"), Trainable.Kind.SHIFT, Shape.of(filters), null);
        ValueId beta = draft.trainable(layer.part("beta"), Trainable.Kind.SHIFT, Shape.of(filters), null);
        ValueId m = to.add(layer.part("moments"), new TrainOp.Moments(), u);
        draft.result(TrainingGraph.moments(layer), m);
        return to.add(layer.part("normal"), new TrainOp.Normalize(layer.norm().epsilon()), u, gamma, beta, m);
    }

    private ValueId plain(Node n, Layer layer, ValueId x, ValueId w, @Nullable Grid input) {
        ValueId q = quantized(layer, w);
        return layer.biased()
                ? to.add(n.id().name(), n.op(), x, q, bias(layer, input))
                : to.add(n.id().name(), n.op(), x, q);
    }

    private ValueId bias(Layer layer, @Nullable Grid input) {
        Shape shape = Shape.of(layer.filters());
        ValueId b = draft.trainable(layer.part("b"), Trainable.Kind.SHIFT, shape, null);
        if (!quantize || layer.spec() == null || input == null) {
            return b;
        }
        String name = layer.part("b/q");
        ValueId p = draft.trainable(name, Trainable.Kind.BIAS_SCALE, Shape.of(layer.filters(), 2), null);
        biases.put(
                name,
                new TrainingGraph.BiasGrid(
                        layer,
                        input.given() == null ? input.parameters().name() : null,
                        input.given() == null ? 0 : input.given().perTensor().scale()));
        TrainOp.Quantized op = new TrainOp.Quantized(new Quantizer.Affine(), -BIAS_CODES, BIAS_CODES, 1);
        return to.add(layer.part("rounded"), op, b, p);
    }

    private ValueId quantized(Layer layer, ValueId w) {
        Spec spec = layer.spec();
        if (!quantize || spec == null) {
            return w;
        }
        int channels = spec.granularity() instanceof Granularity.PerChannel ? layer.filters() : 1;
        int elements = layer.weights().length / Math.max(1, channels);
        TrainOp.Quantized op = Quantizers.operation(Quantizers.of(spec), spec, elements);
        ValueId p = draft.parameters(layer.scales(), op, channels);
        return draft.quantize(layer.part("quantized"), op, w, p);
    }
}

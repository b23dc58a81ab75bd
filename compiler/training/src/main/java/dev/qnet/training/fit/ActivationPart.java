package dev.qnet.training.fit;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.Grids;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.training.grad.Drawing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The parts of a training graph that quantize activations, and the grids that values are on. */
final class ActivationPart {
    /** Small parts of a code, as codes. */
    private static final int FAR = 1 << 20;

    private final Draft draft;
    private final Drawing to;
    private final boolean quantize;
    private final TrainingGraph.Use use;
    private final int batch;
    private final Map<ValueId, Node> definitions;
    private final JoinedGrids joined;
    private final Map<ValueId, Grid> grids = new HashMap<>();
    private final Map<ValueId, String> activations = new LinkedHashMap<>();
    private final List<TrainingGraph.Again> again = new ArrayList<>();

    /** @param source the model's graph, with fake quantization */
    ActivationPart(Draft draft, Graph source, boolean quantize, TrainingGraph.Use use, int batch) {
        this.draft = draft;
        this.to = draft.to();
        this.quantize = quantize;
        this.use = use;
        this.batch = batch;
        this.definitions = source.definitions();
        this.joined = new JoinedGrids(source);
    }

    /** The names of the parameters of values that are quantized with some, by value. */
    Map<ValueId, String> activations() {
        return activations;
    }

    /** What is rounded again on a grid that it stays on. */
    List<TrainingGraph.Again> again() {
        return again;
    }

    /** The grid of one of the source's values, or null. */
    @Nullable Grid grid(ValueId value) {
        return grids.get(value);
    }

    /** A value that only moves or clamps codes is on the grid of its first operand. */
    void follow(Node n) {
        Grid grid = grids.get(n.operand(0));
        if (Grids.passes(n) && grid != null) {
            grids.put(n.id(), grid);
        }
    }

    /** Rounds what stays on a grid to its codes as the contract does: averages, of which many are ties. */
    private ValueId again(Node n, QuantOp.FakeQuant f, ValueId x, Grid grid) {
        String name = n.id().name();
        TrainOp.Quantized op = grid.op();
        Quant given = grid.given();
        // Of this contract ties are away from code 0, else up or to even codes.
        boolean away = f.rounding() == Rounding.TFLITE && op.lo() < 0;
        TrainingGraph.Again a = new TrainingGraph.Again(
                name + "/scale",
                away ? name + "/zero" : null,
                name + "/near",
                name + "/codes",
                grid.parameters().name());
        Shape pair = Shape.of(1, 2);
        ValueId s;
        ValueId near;
        ValueId unit;
        ValueId zero = null;
        if (given != null) {
            s = to.constant(a.scale(), Shape.SCALAR, given.perTensor().scale());
            near = to.constant(a.near(), pair, TrainingGraph.Again.NEAR, 0);
            unit = to.constant(a.codes(), pair, 1, given.perTensor().zero());
            zero = a.zero() == null
                    ? null
                    : to.constant(a.zero(), Shape.SCALAR, given.perTensor().zero());
        } else {
            again.add(a);
            s = draft.trainable(a.scale(), Trainable.Kind.GRID, Shape.SCALAR, null);
            near = draft.trainable(a.near(), Trainable.Kind.GRID, pair, null);
            unit = draft.trainable(a.codes(), Trainable.Kind.GRID, pair, null);
            zero = a.zero() == null ? null : draft.trainable(a.zero(), Trainable.Kind.GRID, Shape.SCALAR, null);
        }
        ValueId v = to.add(name + "/counted", new FloatOp.Binary(FloatOp.Binary.Fn.DIV), x, s);
        if (op.hi() * Math.round(1 / TrainingGraph.Again.NEAR) <= FAR) {
            v = to.add(name + "/snapped", new TrainOp.Quantized(new Quantizer.Affine(), -FAR, FAR, 1), v, near);
        }
        FloatOp.Binary add = new FloatOp.Binary(FloatOp.Binary.Fn.ADD);
        if (f.rounding() == Rounding.TOSA || f.rounding() == Rounding.TFLITE) {
            ValueId little = to.constant(name + "/little", Shape.SCALAR, TrainingGraph.Again.UP);
            if (zero != null) {
                // In steps of twice that, so that the clip has an end for all, and no gradient.
                ValueId code = to.add(name + "/code", add, v, zero);
                ValueId above = to.add(name + "/above", add, code, little);
                ScalarFn ends = new ScalarFn.Clip(-TrainingGraph.Again.UP, TrainingGraph.Again.UP);
                little = to.add(name + "/away", new FloatOp.Unary(ends), above);
            }
            v = to.add(name + "/up", add, v, little);
        }
        ValueId codes =
                to.add(name + "/rounded", new TrainOp.Quantized(new Quantizer.Affine(), op.lo(), op.hi(), 1), v, unit);
        return to.add(name, new FloatOp.Binary(FloatOp.Binary.Fn.MUL), codes, s);
    }

    /** The name of the parameters of a fake quantization: that of the value, or of one that it is joined with. */
    private String parameters(Node point) {
        ValueId own = joined.of(point.id());
        return Objects.requireNonNull(definitions.get(own)).operand(0).name() + "/q";
    }

    /** What a fake quantization makes of x. */
    ValueId of(Node n, QuantOp.FakeQuant f, ValueId x) {
        if (!quantize && use != TrainingGraph.Use.CALIBRATE) {
            return x;
        }
        Node def = definitions.get(n.operand(0));
        Grid same = def != null && f.chosen() == null && Grids.keeps(def) ? grids.get(def.operand(0)) : null;
        if (same != null) {
            grids.put(n.id(), same);
            return use == TrainingGraph.Use.CALIBRATE ? x : again(n, f, x, same);
        }
        Quant fixed = f.chosen() != null
                ? f.chosen()
                : switch (f.spec().range()) {
                    case RangeMethod.Fixed r -> Parameters.choose(r.lo(), r.hi(), f.spec());
                    case RangeMethod.Given g -> Parameters.given(g, f.spec(), 1, 0);
                    case RangeMethod _ -> null;
                };
        if (fixed != null) {
            grids.put(
                    n.id(),
                    new Grid(new TrainOp.Quantized(new Quantizer.Affine(), fixed.lo(), fixed.hi(), 1), x, fixed));
            return use == TrainingGraph.Use.CALIBRATE
                    ? x
                    : to.add(n.id().name(), new QuantOp.FakeQuant(f.spec(), f.rounding(), fixed), x);
        }
        if (use == TrainingGraph.Use.CALIBRATE) {
            draft.result(TrainingGraph.seen(n.operand(0)), x);
            // Whoever keeps to this grid needs no values of its own.
            grids.put(n.id(), new Grid(new TrainOp.Quantized(new Quantizer.Affine(), 0, 1, 1), x, null));
            activations.put(n.operand(0), parameters(n));
            return x;
        }
        TrainOp.Quantized op = Quantizers.operation(
                Quantizers.of(f.spec(), def == null), f.spec(), to.shape(x).elements() / batch);
        String name = parameters(n);
        ValueId p = draft.parameters(name, op, 1);
        activations.put(n.operand(0), name);
        grids.put(n.id(), new Grid(op, p, null));
        return draft.quantize(n.id().name(), op, x, p);
    }
}

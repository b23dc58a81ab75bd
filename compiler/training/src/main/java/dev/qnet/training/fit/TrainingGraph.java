package dev.qnet.training.fit;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.Grids;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.compiler.source.Span;
import dev.qnet.training.grad.Batches;
import dev.qnet.training.grad.Drawing;
import dev.qnet.training.grad.ReverseMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A model's graph for one phase of training, for one size of batch: its weights and the parameters of its quantizers are inputs, its
 * results are the loss, the scores, statistics of batch normalizations and, unless it is only to be evaluated, gradients.
 *
 * @param graph the graph
 * @param trainables inputs that belong to the model, by name
 * @param activations the values that are quantized with parameters of their own: the name of these, by value
 * @param biases what the biases of layers are rounded to, by the name of its parameters
 * @param again what is rounded again on a grid that it stays on
 * @param points the fake quantizations of values, with the values; only where they are shown
 */
record TrainingGraph(
        Graph graph,
        Map<String, Trainable> trainables,
        Map<ValueId, String> activations,
        Map<String, BiasGrid> biases,
        List<Again> again,
        Map<ValueId, ValueId> points) {
    /** Codes of a bias: any that an i32 accumulator has room for. */
    private static final int BIAS_CODES = 1 << 30;

    /**
     * A bias is rounded to the scale of what it is added to: that of the layer's input times that of its weights.
     *
     * @param input the name of the parameters of the input's quantizer, or null where its scale is given
     * @param scale given
     */
    record BiasGrid(Layer layer, @Nullable String input, float scale) {}

    /** Small parts of a code, as codes. */
    private static final int FAR = 1 << 20;

    /**
     * A value that stays on a grid, in codes: divided by the scale, rounded to small parts of a code, so that ties are ties, then to codes, and
     * multiplied again.
     *
     * @param scale the name of the scale
     * @param zero that of the zero point, or null where no code is below 0
     * @param near that of the parameters of the first rounding
     * @param codes that of the second
     * @param quantizer that of the parameters of the quantizer whose grid it is
     */
    record Again(String scale, @Nullable String zero, String near, String codes, String quantizer) {
        /** Parts of a code: a mean of up to 500 codes is farther from a tie that it does not meet. */
        static final float NEAR = 1f / 1024;

        static final float UP = NEAR / 2;
    }

    static final String INPUT = "@input";
    static final String TARGET = "@target";
    static final String LOSS = "@loss";
    static final String SCORES = "@scores";
    static final String TEMPERATURE = "@temperature";
    /** The probabilities that a teacher gives. */
    static final String TAUGHT = "@taught";

    /** The statistics of a layer's batch, as a result. */
    static String moments(Layer layer) {
        return "moments(" + layer.name() + ")";
    }

    /** A value that calibration looks at, as a result. */
    static String seen(ValueId v) {
        return "seen(" + v.name() + ")";
    }

    /** A quantized value, as a result, by its fake quantization. */
    static String shown(ValueId point) {
        return "shown(" + point.name() + ")";
    }

    /** An input in the place of a quantized value. */
    static String given(ValueId point) {
        return "given(" + point.name() + ")";
    }

    /** What a graph is made for. */
    enum Use {
        TRAIN,
        EVALUATE,
        /** Gives the values that will be quantized, instead of quantizing them. */
        CALIBRATE,
        /** Shows each quantized value. */
        COMPARE,
        /** Shows each quantized value, and takes what follows from an input in its place. */
        COMPARE_APART
    }

    /** A graph that is not trained, whose loss is cross-entropy. */
    static TrainingGraph of(ModelGraphs model, Phase phase, boolean quantize, int batch, Use use) {
        return of(model, phase, quantize, batch, use, Objective.CLASSES);
    }

    static TrainingGraph of(ModelGraphs model, Phase phase, boolean quantize, int batch, Use use, Objective objective) {
        return new Builder(model, phase, quantize, batch, use, objective).build();
    }

    /** Parameters of a quantizer that values on one grid share; or codes that are given. */
    private record Grid(
            TrainOp.Quantized op,
            ValueId parameters,
            @Nullable Quant given) {}

    /**
     * How an activation is quantized.
     *
     * @param input whether it is an input, which enters by a scale: who calls the model has no thresholds
     */
    static Quantizer quantizer(Spec spec, boolean input) {
        Quantizer q = Builder.quantizer(spec);
        return input && (q instanceof Quantizer.Qil || q instanceof Quantizer.Qn) ? new Quantizer.Lsq() : q;
    }

    private static final class Builder {
        private final ModelGraphs model;
        private final Phase phase;
        private final boolean quantize;
        private final Use use;
        private final int batch;
        private final Objective objective;
        private final Graph source;
        private final Map<ValueId, Node> definitions;
        private final JoinedGrids joined;
        private final Drawing to = new Drawing();
        private final List<Graph.Param> params = new ArrayList<>();
        private final List<Graph.Result> results = new ArrayList<>();
        private final Map<String, Trainable> trainables = new LinkedHashMap<>();
        private final Map<ValueId, String> activations = new LinkedHashMap<>();
        private final Map<ValueId, ValueId> mapped = new HashMap<>();
        private final Map<ValueId, Grid> grids = new HashMap<>();
        private final Map<String, BiasGrid> biases = new LinkedHashMap<>();
        private final List<Again> again = new ArrayList<>();
        private final Map<ValueId, ValueId> points = new LinkedHashMap<>();
        private @Nullable ValueId temperature;

        Builder(ModelGraphs model, Phase phase, boolean quantize, int batch, Use use, Objective objective) {
            this.model = model;
            this.phase = phase;
            this.quantize = quantize;
            this.use = use;
            this.batch = batch;
            this.objective = objective;
            this.source = Batches.fix(model.quantized(), batch);
            this.definitions = source.definitions();
            this.joined = new JoinedGrids(source);
        }

        TrainingGraph build() {
            Graph.Param in = source.params().getFirst();
            ValueId input = new ValueId(INPUT);
            to.input(input, in.type());
            params.add(new Graph.Param(input, in.type(), null, in.span()));
            mapped.put(in.id(), input);
            source.nodes().forEach(this::node);
            ValueId scores = scores();
            ValueId target = param(TARGET, to.shape(scores));
            to.at(Span.NONE);
            ValueId loss = loss(scores, target);
            results.add(0, new Graph.Result(LOSS, loss));
            results.add(1, new Graph.Result(SCORES, scores));
            Graph graph = new Graph(source.name(), params, to.nodes(), results);
            if (use == Use.TRAIN) {
                List<ValueId> by = trainables.values().stream()
                        .filter(Trainable::learned)
                        .map(t -> new ValueId(t.name()))
                        .toList();
                graph = ReverseMode.gradients(graph, loss, by);
            }
            return new TrainingGraph(graph, trainables, activations, biases, again, points);
        }

        private ValueId loss(ValueId scores, ValueId target) {
            Objective.Teacher teacher = objective.teacher();
            ValueId own = switch (objective.loss()) {
                case CROSS_ENTROPY ->
                    to.add(teacher == null ? LOSS : "@of_classes", new TrainOp.CrossEntropy(), scores, target);
                case SQUARES -> {
                    ValueId off = to.add("@off", new FloatOp.Binary(FloatOp.Binary.Fn.SUB), scores, target);
                    ValueId squares = to.add("@squares", new FloatOp.Binary(FloatOp.Binary.Fn.MUL), off, off);
                    ValueId mean = to.add("@mean_square", new FloatOp.Mean(List.of(0, 1), false), squares);
                    yield times(mean, to.shape(scores).dim(1));
                }
            };
            if (teacher == null) {
                return own;
            }
            double t = teacher.temperature();
            ValueId taught = param(TAUGHT, to.shape(scores));
            ValueId other = to.add("@of_teacher", new TrainOp.CrossEntropy(), times(scores, 1 / t), taught);
            return to.add(
                    LOSS,
                    new FloatOp.Binary(FloatOp.Binary.Fn.ADD),
                    times(own, 1 - teacher.share()),
                    times(other, teacher.share() * t * t));
        }

        private ValueId times(ValueId v, double factor) {
            ValueId f = to.constant("@factor", Shape.SCALAR, (float) factor);
            return to.add("@times", new FloatOp.Binary(FloatOp.Binary.Fn.MUL), v, f);
        }

        /** What cross-entropy takes: in front of a softmax, [batch, classes]. */
        private ValueId scores() {
            ValueId v = source.results().getFirst().value();
            if (leads(v)) {
                Node n = Objects.requireNonNull(definitions.get(v));
                while (!(n.op() instanceof FloatOp.Softmax)) {
                    n = Objects.requireNonNull(definitions.get(n.operand(0)));
                }
                v = n.operand(0);
            }
            ValueId s = resolve(v);
            Shape flat = Shape.of(batch, to.shape(s).elements() / batch);
            return to.shape(s).equals(flat) ? s : to.add(SCORES, new DataOp.Reshape(flat), s);
        }

        /** Whether a softmax lies at the end of moves and quantizations. */
        private boolean leads(ValueId v) {
            Node n = definitions.get(v);
            return n != null
                    && (n.op() instanceof FloatOp.Softmax
                            || ((n.op() instanceof QuantOp.FakeQuant || n.op() instanceof DataOp.Reshape)
                                    && leads(n.operand(0))));
        }

        private ValueId param(String name, Shape shape) {
            ValueId id = new ValueId(name);
            Type type = new Type(dev.qnet.compiler.ir.Element.FLOAT, shape);
            to.input(id, type);
            params.add(new Graph.Param(id, type, null, Span.NONE));
            return id;
        }

        private ValueId trainable(
                String name, Trainable.Kind kind, Shape shape, Trainable.@Nullable Quantized quantized) {
            trainables.put(name, new Trainable(name, kind, shape, quantized));
            return param(name, shape);
        }

        private ValueId resolve(ValueId v) {
            ValueId known = mapped.get(v);
            if (known != null) {
                return known;
            }
            Node n = Objects.requireNonNull(definitions.get(v));
            ValueId made = to.add(n.withId(to.fresh(v.name()))
                    .withOperands(n.operands().stream().map(this::resolve).toList()));
            mapped.put(v, made);
            return made;
        }

        private void node(Node n) {
            to.at(n.span());
            Layer layer = model.layers().get(n.id());
            if (layer != null) {
                mapped.put(n.id(), layer(n, layer));
            } else if (n.op() instanceof QuantOp.FakeQuant f) {
                Node d = definitions.get(n.operand(0));
                if (d == null || !(d.op() instanceof DataOp.Constant)) {
                    mapped.put(n.id(), shown(n, activation(n, f)));
                }
            } else if (!(n.op() instanceof DataOp.Constant)) {
                resolve(n.id());
                if (Grids.passes(n) && grids.containsKey(n.operand(0))) {
                    grids.put(n.id(), Objects.requireNonNull(grids.get(n.operand(0))));
                }
            }
        }

        private ValueId shown(Node point, ValueId quantized) {
            if (use != Use.COMPARE && use != Use.COMPARE_APART) {
                return quantized;
            }
            points.put(point.id(), point.operand(0));
            results.add(new Graph.Result(TrainingGraph.shown(point.id()), quantized));
            return use == Use.COMPARE ? quantized : param(given(point.id()), to.shape(quantized));
        }

        private ValueId layer(Node n, Layer layer) {
            ValueId x = resolve(n.operand(0));
            ValueId w = trainable(layer.weight(), Trainable.Kind.WEIGHT, layer.shape(), null);
            int filters = layer.filters();
            boolean frozen = phase == Phase.FROZEN;
            if (layer.norm() == null) {
                return plain(n, layer, x, w);
            }
            if (frozen || (quantize && layer.spec() != null)) {
                Shape each = layer.shape();
                for (int a = 1; a < each.rank(); a++) {
                    each = each.with(a, 1);
                }
                ValueId f = trainable(layer.part("fold"), Trainable.Kind.FOLD, each, null);
                ValueId wide = to.add(layer.part("folded"), new FloatOp.Binary(FloatOp.Binary.Fn.MUL), w, f);
                if (frozen) {
                    return plain(n, layer, x, wide);
                }
                ValueId q = quantized(layer, wide);
                w = to.add(layer.part("unfolded"), new FloatOp.Binary(FloatOp.Binary.Fn.DIV), q, f);
            }
            ValueId u = to.add(n.id().name(), n.op(), x, w);
            ValueId gamma = trainable(layer.part("gamma"), Trainable.Kind.SHIFT, Shape.of(filters), null);
            ValueId beta = trainable(layer.part("beta"), Trainable.Kind.SHIFT, Shape.of(filters), null);
            ValueId m = to.add(layer.part("moments"), new TrainOp.Moments(), u);
            results.add(new Graph.Result(moments(layer), m));
            return to.add(
                    layer.part("normal"), new TrainOp.Normalize(layer.norm().epsilon()), u, gamma, beta, m);
        }

        private ValueId plain(Node n, Layer layer, ValueId x, ValueId w) {
            ValueId q = quantized(layer, w);
            return layer.biased()
                    ? to.add(n.id().name(), n.op(), x, q, bias(layer, grids.get(n.operand(0))))
                    : to.add(n.id().name(), n.op(), x, q);
        }

        private ValueId bias(Layer layer, @Nullable Grid input) {
            Shape shape = Shape.of(layer.filters());
            ValueId b = trainable(layer.part("b"), Trainable.Kind.SHIFT, shape, null);
            if (!quantize || layer.spec() == null || input == null) {
                return b;
            }
            String name = layer.part("b/q");
            ValueId p = trainable(name, Trainable.Kind.BIAS_SCALE, Shape.of(layer.filters(), 2), null);
            biases.put(
                    name,
                    new BiasGrid(
                            layer,
                            input.given() == null ? input.parameters().name() : null,
                            input.given() == null
                                    ? 0
                                    : input.given().perTensor().scale()));
            TrainOp.Quantized op = new TrainOp.Quantized(new Quantizer.Affine(), -BIAS_CODES, BIAS_CODES, 1);
            return to.add(layer.part("rounded"), op, b, p);
        }

        private ValueId quantized(Layer layer, ValueId w) {
            Spec spec = layer.spec();
            if (!quantize || spec == null) {
                return w;
            }
            int channels = spec.granularity() instanceof Granularity.PerChannel ? layer.filters() : 1;
            Quantizer q = quantizer(spec);
            int elements = layer.weights().length / Math.max(1, channels);
            TrainOp.Quantized op = operation(q, spec, elements);
            ValueId p = trainable(
                    layer.scales(),
                    Trainable.Kind.QUANTIZER,
                    Shape.of(channels, q.parameters(op.lo(), op.hi())),
                    new Trainable.Quantized(q, op.lo(), op.hi()));
            return apply(layer.part("quantized"), op, w, p);
        }

        private ValueId apply(String name, TrainOp.Quantized op, ValueId x, ValueId p) {
            if (!op.quantizer().hasTemperature()) {
                return to.add(name, op, x, p);
            }
            if (temperature == null) {
                temperature = trainable(TEMPERATURE, Trainable.Kind.TEMPERATURE, Shape.SCALAR, null);
            }
            return to.add(name, op, x, p, temperature);
        }

        private static Quantizer quantizer(Spec spec) {
            Quantizer asked = spec.quantizer();
            return spec.storage() == Storage.TERNARY
                    ? new Quantizer.Ternary()
                    : spec.storage() == Storage.BIPOLAR
                            ? new Quantizer.Bipolar()
                            : asked == null ? new Quantizer.Affine(spec.range() instanceof RangeMethod.Mse) : asked;
        }

        /** Rounds what stays on a grid to its codes as the contract does: averages, of which many are ties. */
        private ValueId again(Node n, QuantOp.FakeQuant f, ValueId x, Grid grid) {
            String name = n.id().name();
            TrainOp.Quantized op = grid.op();
            Quant given = grid.given();
            // Of this contract ties are away from code 0, else up or to even codes.
            boolean away = f.rounding() == Rounding.TFLITE && op.lo() < 0;
            Again a = new Again(
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
                near = to.constant(a.near(), pair, Again.NEAR, 0);
                unit = to.constant(a.codes(), pair, 1, given.perTensor().zero());
                zero = a.zero() == null
                        ? null
                        : to.constant(a.zero(), Shape.SCALAR, given.perTensor().zero());
            } else {
                again.add(a);
                s = trainable(a.scale(), Trainable.Kind.GRID, Shape.SCALAR, null);
                near = trainable(a.near(), Trainable.Kind.GRID, pair, null);
                unit = trainable(a.codes(), Trainable.Kind.GRID, pair, null);
                zero = a.zero() == null ? null : trainable(a.zero(), Trainable.Kind.GRID, Shape.SCALAR, null);
            }
            ValueId v = to.add(name + "/counted", new FloatOp.Binary(FloatOp.Binary.Fn.DIV), x, s);
            if (op.hi() * Math.round(1 / Again.NEAR) <= FAR) {
                v = to.add(name + "/snapped", new TrainOp.Quantized(new Quantizer.Affine(), -FAR, FAR, 1), v, near);
            }
            FloatOp.Binary add = new FloatOp.Binary(FloatOp.Binary.Fn.ADD);
            if (f.rounding() == Rounding.TOSA || f.rounding() == Rounding.TFLITE) {
                ValueId little = to.constant(name + "/little", Shape.SCALAR, Again.UP);
                if (zero != null) {
                    // In steps of twice that, so that the clip has an end for all, and no gradient.
                    ValueId code = to.add(name + "/code", add, v, zero);
                    ValueId above = to.add(name + "/above", add, code, little);
                    ScalarFn ends = new ScalarFn.Clip(-Again.UP, Again.UP);
                    little = to.add(name + "/away", new FloatOp.Unary(ends), above);
                }
                v = to.add(name + "/up", add, v, little);
            }
            ValueId codes = to.add(
                    name + "/rounded", new TrainOp.Quantized(new Quantizer.Affine(), op.lo(), op.hi(), 1), v, unit);
            return to.add(name, new FloatOp.Binary(FloatOp.Binary.Fn.MUL), codes, s);
        }

        private static TrainOp.Quantized operation(Quantizer q, Spec spec, int elements) {
            boolean scaled = q instanceof Quantizer.Lsq || q instanceof Quantizer.LsqPlus;
            float factor = scaled ? (float) (1 / Math.sqrt((double) Math.max(1, elements) * spec.hi())) : 1;
            return new TrainOp.Quantized(q, spec.lo(), spec.hi(), factor);
        }

        /** The name of the parameters of a fake quantization: that of the value, or of one that it is joined with. */
        private String parameters(Node point) {
            ValueId own = joined.of(point.id());
            return Objects.requireNonNull(definitions.get(own)).operand(0).name() + "/q";
        }

        private ValueId activation(Node n, QuantOp.FakeQuant f) {
            ValueId x = resolve(n.operand(0));
            if (!quantize && use != Use.CALIBRATE) {
                return x;
            }
            Node def = definitions.get(n.operand(0));
            Grid same = def != null && f.chosen() == null && Grids.keeps(def) ? grids.get(def.operand(0)) : null;
            if (same != null) {
                grids.put(n.id(), same);
                return use == Use.CALIBRATE ? x : again(n, f, x, same);
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
                return use == Use.CALIBRATE
                        ? x
                        : to.add(n.id().name(), new QuantOp.FakeQuant(f.spec(), f.rounding(), fixed), x);
            }
            if (use == Use.CALIBRATE) {
                results.add(new Graph.Result(seen(n.operand(0)), x));
                // Whoever keeps to this grid needs no values of its own.
                grids.put(n.id(), new Grid(new TrainOp.Quantized(new Quantizer.Affine(), 0, 1, 1), x, null));
                activations.put(n.operand(0), parameters(n));
                return x;
            }
            Quantizer q = TrainingGraph.quantizer(f.spec(), def == null);
            TrainOp.Quantized op = operation(q, f.spec(), to.shape(x).elements() / batch);
            String name = parameters(n);
            ValueId p = trainables.containsKey(name)
                    ? new ValueId(name)
                    : trainable(
                            name,
                            Trainable.Kind.QUANTIZER,
                            Shape.of(1, q.parameters(op.lo(), op.hi())),
                            new Trainable.Quantized(q, op.lo(), op.hi()));
            activations.put(n.operand(0), name);
            grids.put(n.id(), new Grid(op, p, null));
            return apply(n.id().name(), op, x, p);
        }
    }
}

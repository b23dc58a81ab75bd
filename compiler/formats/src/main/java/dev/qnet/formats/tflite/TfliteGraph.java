package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ShapeException;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.Report;
import dev.qnet.formats.tflite.TfliteFile.OperatorDef;
import dev.qnet.formats.tflite.TfliteFile.Subgraph;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Makes a graph of a file's main subgraph, operator by operator, and gathers what cannot be imported. */
final class TfliteGraph {
    /** An error lists so many operators at most. */
    private static final int SHOWN = 40;

    private final TfliteFile file;
    private final Subgraph main;
    private final ImportOptions options;
    private final boolean batch;
    private final Constants constants;
    private final Set<Integer> inputs;
    private final GraphUnderWay graph;
    private final Map<Integer, Val> values = new HashMap<>();
    /** Integers that shapes decide, where -1 stands for N. */
    private final Map<Integer, long[]> known = new HashMap<>();
    /** Results of operators that cannot be imported. */
    private final Set<Integer> lost = new HashSet<>();

    private final Set<Integer> claimed = new HashSet<>();
    private final Set<String> needed = new LinkedHashSet<>();
    private final List<String> errors = new ArrayList<>();
    private final List<Report.Note> notes = new ArrayList<>();
    private final Map<String, Integer> counts = new TreeMap<>();

    /**
     * @param batch whether an open first extent of an input becomes N
     */
    TfliteGraph(TfliteFile file, ImportOptions options, boolean batch) {
        this.file = file;
        this.main = file.graphs().getFirst();
        this.options = options;
        this.batch = batch;
        this.graph = new GraphUnderWay(file.bytes());
        this.constants = new Constants(file.buffers());
        this.inputs = Set.copyOf(main.inputs());
    }

    /** Whether a file has an input with an open first extent, and remembers nothing. */
    static boolean mayHaveBatch(TfliteFile file, ImportOptions options) {
        Subgraph main = file.graphs().getFirst();
        return main.tensors().stream().noneMatch(TensorDef::variable)
                && main.inputs().stream().map(main.tensors()::get).anyMatch(t -> open(t, options));
    }

    private static boolean open(TensorDef t, ImportOptions options) {
        List<Integer> given = options.shapes().get(t.label());
        if (given != null) {
            return !given.isEmpty() && given.getFirst() == -1;
        }
        return !t.signature().isEmpty()
                && t.signature().getFirst() == -1
                && !t.shape().isEmpty()
                && t.shape().getFirst() == 1;
    }

    /** The whole graph. */
    Imported build() {
        main.inputs().forEach(this::param);
        for (OperatorDef op : main.operators()) {
            operator(op);
        }
        List<Graph.Result> results = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (int i : main.outputs()) {
            TensorDef t = tensor(i);
            if (lost.contains(i)) {
                continue;
            }
            try {
                Val v = value(t);
                results.add(new Graph.Result(resultName(t, names), v.id()));
            } catch (Unsupported e) {
                errors.add("output " + t.label() + ": " + e.getMessage());
            }
        }
        if (errors.isEmpty() && !needed.isEmpty()) {
            throw needs();
        }
        if (!errors.isEmpty()) {
            throw refused();
        }
        String name = file.name().replaceAll(".*[/\\\\]", "").replaceAll("\\.tflite$", "");
        Graph made = new Graph(name, graph.params(), graph.nodes(), results).withStates(graph.states());
        Verifier.verify(made);
        Report report = new Report("TFLite " + file.version(), file.description(), counts, notes);
        return new Imported(made, report);
    }

    private static String resultName(TensorDef t, Set<String> names) {
        String base = t.label();
        String name = base;
        for (int i = 2; !names.add(name); i++) {
            name = base + "_" + i;
        }
        return name;
    }

    private void param(int index) {
        TensorDef t = tensor(index);
        if (values.containsKey(index)) {
            errors.add("input " + t.label() + " is listed twice");
            return;
        }
        try {
            Tensor fixed = options.fixed().get(t.label());
            if (fixed != null) {
                values.put(index, fixed(t, fixed));
                return;
            }
            Shape shape = Constants.shape(t);
            List<Integer> given = options.shapes().get(t.label());
            if (given != null) {
                shape = new Shape(batch || given.isEmpty() || given.getFirst() != -1 ? given : with1(given));
            } else if (batch && open(t, options)) {
                shape = shape.with(0, Shape.BATCH);
            }
            values.put(index, graph.param(t.label(), new Type(Call.element(t), shape)));
        } catch (Unsupported | IllegalArgumentException | ArithmeticException e) {
            errors.add("input " + t.label() + ": " + e.getMessage());
            lost.add(index);
        }
    }

    private static List<Integer> with1(List<Integer> shape) {
        List<Integer> one = new ArrayList<>(shape);
        one.set(0, 1);
        return one;
    }

    private Val fixed(TensorDef t, Tensor value) {
        Element element = Call.element(t);
        if (value instanceof Tensor.OfFloat != element instanceof Element.F32) {
            throw new Unsupported("is given " + value + ", but takes " + element);
        }
        return graph.constant(t.label(), value, element);
    }

    private void operator(OperatorDef op) {
        String name = Operators.name(op);
        counts.merge(name, 1, Integer::sum);
        try {
            Operators.Rule rule = Operators.rule(op);
            if (op.inputs().stream().anyMatch(lost::contains)) {
                lost.addAll(op.outputs());
                return;
            }
            rule.apply(new Call(this, op));
        } catch (Unsupported
                | ShapeException
                | IllegalArgumentException
                | IndexOutOfBoundsException
                | ArithmeticException e) {
            lost.addAll(op.outputs());
            if (!(e instanceof Needed)) {
                errors.add(name + " (operator " + op.index() + "): " + e.getMessage());
            }
        }
    }

    // What operators ask for.

    GraphUnderWay graph() {
        return graph;
    }

    Constants constants() {
        return constants;
    }

    TensorDef tensor(int index) {
        return main.tensors().get(index);
    }

    boolean isConstant(TensorDef t) {
        return !t.variable() && constants.has(t) && !inputs.contains(t.index());
    }

    Val value(TensorDef t) {
        Val v = values.get(t.index());
        if (v != null) {
            return v;
        }
        if (!isConstant(t)) {
            throw new Unsupported(
                    known.containsKey(t.index())
                            ? "computes with the shape " + t.name()
                            : "uses tensor " + t.index() + " (" + t.name() + ") before it is computed");
        }
        Val made = constant(t);
        values.put(t.index(), made);
        return made;
    }

    private Val constant(TensorDef t) {
        Shape shape = Constants.shape(t);
        Element element = Call.element(t);
        Tensor value = switch (element) {
            case Element.F32 f -> {
                if (t.type() != TensorType.FLOAT32) {
                    notes.add(new Report.Note(Report.Kind.REMARK, t.label(), "", t.typeName() + " is taken as f32"));
                }
                yield new Tensor.OfFloat(shape, constants.floats(t));
            }
            case Element.Int i -> Tensor.OfLong.of(shape, constants.integers(t));
            case Quant q -> new Tensor.OfInt(shape, constants.codes(t));
        };
        return graph.constant(t.label(), value, element);
    }

    /** A tensor has to be known, but a user gives it at run time. */
    @SuppressWarnings("serial") // never serialized
    private static final class Needed extends IllegalArgumentException {
        Needed(String name) {
            super(name + " has to be known");
        }
    }

    /** Integers of a constant, or that shapes decide. */
    long[] integers(TensorDef t, boolean mayHaveN) {
        long[] shape = known.get(t.index());
        if (shape != null) {
            for (long d : shape) {
                if (d == Shape.BATCH && !mayHaveN) {
                    throw new Unsupported("computes with an extent that is open");
                }
            }
            return shape;
        }
        Val v = values.get(t.index());
        Tensor given = v == null ? null : graph.constant(v);
        if (given instanceof Tensor.OfInt i) {
            long[] wide = new long[i.values().length];
            for (int k = 0; k < wide.length; k++) {
                wide[k] = i.values()[k];
            }
            return wide;
        }
        if (given instanceof Tensor.OfLong l) {
            return l.values();
        }
        if (isConstant(t)) {
            return constants.integers(t);
        }
        if (inputs.contains(t.index())) {
            needed.add(t.label());
            throw new Needed(t.label());
        }
        throw new Unsupported("needs " + t.label() + " as a constant, but it is computed at run time");
    }

    /** Whether a tensor's integers can be had with {@link #integers}. */
    boolean isKnown(TensorDef t) {
        return known.containsKey(t.index());
    }

    /** Says what a tensor of integers is before anything runs. */
    void know(TensorDef t, long[] integers) {
        defineOnce(t);
        known.put(t.index(), integers);
    }

    void define(TensorDef t, Val v) {
        defineOnce(t);
        Shape declared = Constants.shape(t);
        boolean resized = !options.shapes().isEmpty() || t.signature().contains(-1);
        if (!resized && !v.shape().item().equals(declared)) {
            throw new Unsupported("gives " + v.shape() + ", but the file declares " + declared);
        }
        values.put(t.index(), graph.named(v, t.name()));
    }

    private void defineOnce(TensorDef t) {
        if (values.containsKey(t.index()) || known.containsKey(t.index()) || isConstant(t)) {
            throw new Unsupported("gives tensor " + t.index() + " (" + t.name() + "), which is given before");
        }
    }

    void remark(Report.Kind kind, OperatorDef op, String text) {
        String node =
                op.outputs().isEmpty() ? "" : tensor(op.outputs().getFirst()).label();
        notes.add(new Report.Note(kind, node, Operators.name(op), text));
    }

    // Errors.

    private NeedsValues needs() {
        return new NeedsValues(
                Diagnostic.error(
                                "needs-values",
                                Span.NONE,
                                file.name() + ": these inputs have to be known when compiling: "
                                        + String.join(", ", needed))
                        .withFix("give their values as constants"),
                List.copyOf(needed));
    }

    private CompileException refused() {
        StringBuilder s = new StringBuilder(file.name() + " cannot be imported:");
        errors.stream().limit(SHOWN).forEach(e -> s.append("\n  ").append(e));
        if (errors.size() > SHOWN) {
            s.append("\n  and ").append(errors.size() - SHOWN).append(" more");
        }
        return new CompileException(Diagnostic.error("unsupported-model", Span.NONE, s.toString())
                .withFix("docs/formats.md lists what TFLite models may use; convert the model without the others"));
    }

    /** Whether a variable belongs to nobody yet. */
    boolean claim(TensorDef t) {
        return claimed.add(t.index());
    }
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ShapeException;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Makes a graph of an ONNX model, node by node. */
public final class OnnxImporter {
    /** The newest operator set that is known. */
    static final long NEWEST_OPSET = 28;

    /** Nodes that are lowered, those within functions counted at each call. */
    private static final int MAX_NODES = 1_000_000;
    /** Functions and branches within each other. */
    private static final int MAX_DEPTH = 64;

    private static final Set<String> CONTROL = Set.of("If", "Loop", "Scan", "SequenceMap");

    private final Path file;
    private final Proto.Model model;
    private final ImportOptions options;
    private final Operators operators = Operators.all();
    private final Build build = new Build();
    private final Map<String, Proto.Function> functions = new HashMap<>();
    private final List<Report.Note> notes = new ArrayList<>();
    private final Map<String, Integer> counts = new TreeMap<>();
    private final Problems problems;
    private final Set<String> unknown = new LinkedHashSet<>();
    private final List<Graph.Param> params = new ArrayList<>();
    /** What the graph's own names for inputs are in the model. */
    private final Map<ValueId, String> inputNames = new HashMap<>();

    private int lowered;

    /** Values by name; a branch sees those around it. A value that could not be computed is null. */
    private static final class Scope {
        private final @Nullable Scope around;
        private final Map<String, @Nullable Val> values = new HashMap<>();

        Scope(@Nullable Scope around) {
            this.around = around;
        }

        boolean has(String name) {
            return values.containsKey(name) || (around != null && around.has(name));
        }

        @Nullable Val get(String name) {
            return values.containsKey(name) || around == null ? values.get(name) : around.get(name);
        }
    }

    /** The opsets that a node's domain is looked up in, and the attributes of the call around it. */
    private record Setting(
            Map<String, Long> opsets, Map<String, Proto.Attribute> attributes, String prefix, int depth) {}

    private OnnxImporter(Path file, Proto.Model model, ImportOptions options) {
        this.file = file;
        this.model = model;
        this.options = options;
        this.problems = new Problems(file);
        for (Proto.Function f : model.functions()) {
            functions.put(Operators.key(f.domain(), f.name()), f);
        }
    }

    /**
     * Reads a model.
     *
     * @throws NeedsValues if inputs have to be known when compiling; their names are those of the model
     * @throws CompileException if the file is no ONNX model, leaves extents open that must be given, or holds operators
     *     that have no equal here: all of them are listed
     * @throws IOException if the file cannot be read
     */
    public static Imported read(Path file, ImportOptions options) throws IOException {
        Proto.Model model = OnnxFile.read(file);
        try {
            return new OnnxImporter(file, model, options).run(true);
        } catch (StackOverflowError e) {
            throw OnnxFile.bad(file + " is nested too deeply to be read");
        }
    }

    /** As {@link #read}, with float operations between codes left as the model has them. */
    static Imported readUnfused(Path file, ImportOptions options) throws IOException {
        return new OnnxImporter(file, OnnxFile.read(file), options).run(false);
    }

    /**
     * The inputs of a model in its order, constants not counted; test data come in this order.
     *
     * @throws CompileException if the file is no ONNX model
     * @throws IOException if the file cannot be read
     */
    public static List<String> inputs(Path file) throws IOException {
        Proto.Graph graph = OnnxFile.read(file).graph();
        Set<String> constants = new HashSet<>();
        graph.initializers().forEach(t -> constants.add(t.name()));
        return graph.inputs().stream()
                .map(Proto.ValueInfo::name)
                .filter(n -> !constants.contains(n))
                .toList();
    }

    private Imported run(boolean fuse) {
        Long opset = model.opsets().get("");
        if (opset != null && opset > NEWEST_OPSET) {
            throw problems.fatal(
                    "unsupported-model",
                    "uses operator set " + opset + "; the newest that is known is " + NEWEST_OPSET);
        }
        Scope scope = new Scope(null);
        Proto.Graph g = model.graph();
        constants(g, scope);
        inputs(g, scope);
        problems.throwAll();
        lower(g.nodes(), NodeOrder.wanted(g), scope, new Setting(model.opsets(), Map.of(), "", 0));
        problems.throwAll();
        if (!unknown.isEmpty()) {
            throw needsValues();
        }
        Graph written = finish(g, scope);
        Graph graph = fuse ? QdqFusion.run(written, notes) : written;
        try {
            Verifier.verify(graph);
        } catch (CompileException e) {
            throw problems.fatal("unsupported-model", ": its operators do not fit each other: " + e.getMessage());
        }
        return new Imported(graph, report(opset));
    }

    private Report report(@Nullable Long opset) {
        String producer = (model.producer() + " " + model.producerVersion()).strip();
        return new Report(opset == null ? "ONNX" : "ONNX opset " + opset, producer, counts, notes);
    }

    private NeedsValues needsValues() {
        List<String> names = List.copyOf(unknown);
        return new NeedsValues(
                Diagnostic.error(
                                "needs-values",
                                Span.NONE,
                                file + ": inputs have to be known when compiling: " + String.join(", ", names))
                        .withFix("give their values, as constants of the model or as fixed inputs"),
                names);
    }

    // Constants and inputs

    private void constants(Proto.Graph g, Scope scope) {
        for (Proto.TensorData t : g.initializers()) {
            try {
                scope.values.put(t.name(), value(TensorDecoder.decode(t, folder())));
            } catch (TensorDecoder.BadTensor e) {
                problems.add("bad-model", ": " + e.getMessage());
                scope.values.put(t.name(), null);
            }
        }
    }

    private Path folder() {
        Path parent = file.toAbsolutePath().getParent();
        return parent == null ? file.toAbsolutePath() : parent;
    }

    /** A file's tensor as a constant. */
    private Val value(OnnxTensor t) {
        Element element = t.type().element();
        if (element == null) {
            throw new Refusal("holds a tensor of the element type " + t.type());
        }
        Val v = build.constant(t.value(), element);
        return t.type() == v.dataType() ? v : v.declared(t.type());
    }

    private void inputs(Proto.Graph g, Scope scope) {
        String symbol = null;
        for (Proto.ValueInfo in : g.inputs()) {
            if (scope.values.containsKey(in.name())) {
                continue;
            }
            DataType type = DataType.of(in.type());
            Element element = type.element();
            if (element == null) {
                problems.add(
                        "unsupported-model",
                        ": input '" + in.name() + "' has the element type " + (in.type() == 0 ? "of no tensor" : type)
                                + ", which is not supported");
                scope.values.put(in.name(), null);
                continue;
            }
            Tensor fixed = options.fixed().get(in.name());
            if (fixed != null) {
                if (fixed instanceof Tensor.OfFloat != element instanceof Element.F32) {
                    problems.add(
                            "bad-value",
                            ": input '" + in.name() + "' is " + type + ", but the value given for it is " + fixed);
                }
                Val v = build.constant(fixed, element);
                scope.values.put(in.name(), type == v.dataType() ? v : v.declared(type));
                continue;
            }
            List<Integer> dims = dims(in);
            if (dims == null) {
                scope.values.put(in.name(), null);
                continue;
            }
            if (!dims.isEmpty() && dims.getFirst() == Shape.BATCH) {
                List<Proto.Dim> given = in.dims();
                String own =
                        given == null || given.isEmpty() ? "" : given.getFirst().symbol();
                if (symbol != null && !symbol.equals(own) && !own.isEmpty()) {
                    problems.add(
                            "open-shape",
                            ": input '" + in.name() + "' has a first extent of its own, '" + own + "' beside '" + symbol
                                    + "'",
                            shapeFix(in));
                }
                symbol = own.isEmpty() ? symbol : own;
                problems.open(in.name());
            }
            Val v;
            try {
                Shape shape = new Shape(dims);
                ValueId id = new ValueId(build.fresh(in.name()));
                params.add(new Graph.Param(id, new Type(element, shape), null, Span.NONE));
                inputNames.put(id, in.name());
                // What has no elements is known.
                v = !shape.hasBatch() && shape.elements() == 0
                        ? build.filled(element, shape, 0)
                        : Val.of(id, new Type(element, shape));
            } catch (IllegalArgumentException e) {
                problems.add("bad-shape", ": input '" + in.name() + "': " + e.getMessage());
                scope.values.put(in.name(), null);
                continue;
            }
            if (type != v.dataType()) {
                notes.add(new Report.Note(
                        Report.Kind.REMARK,
                        in.name(),
                        "",
                        type + " is " + (type.real() ? "computed in f32" : "held as " + element)));
                v = v.declared(type);
            }
            scope.values.put(in.name(), v);
        }
        for (String name : options.fixed().keySet()) {
            if (!scope.values.containsKey(name)) {
                problems.add(
                        "unknown-input",
                        "has no input '" + name + "' to fix; its inputs are: "
                                + g.inputs().stream().map(Proto.ValueInfo::name).toList());
            }
        }
    }

    /** An input's extents, or null after an error. */
    private @Nullable List<Integer> dims(Proto.ValueInfo in) {
        List<Integer> given = options.shapes().get(in.name());
        List<Proto.Dim> own = in.dims();
        if (given != null) {
            boolean fits = own == null || own.size() == given.size();
            for (int i = 0; fits && own != null && i < own.size(); i++) {
                fits = own.get(i).size() < 0 || own.get(i).size() == given.get(i);
            }
            if (!fits) {
                problems.add(
                        "bad-shape",
                        ": input '" + in.name() + "' has the extents " + text(own) + ", which the shape given for it, "
                                + given + ", does not fit");
                return null;
            }
            return given;
        }
        if (own == null) {
            problems.add(
                    "open-shape",
                    ": the model does not say how many dimensions input '" + in.name() + "' has",
                    shapeFix(in));
            return null;
        }
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < own.size(); i++) {
            long size = own.get(i).size();
            if (size < 0 && i > 0) {
                problems.add(
                        "open-shape",
                        ": the model leaves extents of input '" + in.name() + "' open: " + text(own),
                        shapeFix(in));
                return null;
            }
            if (size > Shape.MAX_ELEMENTS) {
                problems.add("bad-shape", ": input '" + in.name() + "' has the extents " + text(own));
                return null;
            }
            dims.add(size < 0 ? Shape.BATCH : (int) size);
        }
        return dims;
    }

    /** How to give the shape of an input that leaves it open. */
    private static String shapeFix(Proto.ValueInfo in) {
        List<Proto.Dim> dims = in.dims();
        String extents = dims == null ? "EXTENT,EXTENT,..." : String.join(",", extents(dims));
        return "give its shape, in numbers: --input-shape " + in.name() + "=" + extents;
    }

    private static String text(@Nullable List<Proto.Dim> dims) {
        return dims == null ? "[?]" : extents(dims).toString();
    }

    private static List<String> extents(List<Proto.Dim> dims) {
        return dims.stream()
                .map(d -> d.size() >= 0 ? Long.toString(d.size()) : d.symbol().isEmpty() ? "?" : d.symbol())
                .toList();
    }

    // Nodes

    private void lower(List<Proto.Node> given, Set<String> wanted, Scope scope, Setting setting) {
        List<Proto.Node> nodes = NodeOrder.ordered(given);
        boolean[] needed = NodeOrder.needed(nodes, wanted);
        for (int i = 0; i < nodes.size(); i++) {
            Proto.Node n = nodes.get(i);
            if (setting.depth() == 0) {
                counts.merge(Operators.key(n.domain(), n.op()), 1, Integer::sum);
            }
            if (needed[i]) {
                node(n, scope, setting);
            }
        }
    }

    private void node(Proto.Node node, Scope scope, Setting setting) {
        String label = node.name().isEmpty()
                ? node.outputs().stream().filter(o -> !o.isEmpty()).findFirst().orElse("")
                : node.name();
        if (++lowered > MAX_NODES) {
            throw problems.fatal(
                    "too-large", "holds more than " + MAX_NODES + " nodes, those in functions counted at each call");
        }
        for (String o : node.outputs()) {
            if (!o.isEmpty() && scope.values.containsKey(o)) {
                problems.add(node, label, "computes '" + o + "', which there is already");
                return;
            }
        }
        node.outputs().forEach(o -> scope.values.put(o, null));
        try {
            Map<String, Proto.Attribute> attributes = attributes(node, setting);
            Proto.Function function = functions.get(Operators.key(node.domain(), node.op()));
            Operators.Lowering lowering = operators.find(node.domain(), node.op());
            if (lowering == null && function == null && !node.op().equals("If")) {
                throw new Refusal(
                        CONTROL.contains(node.op())
                                ? "runs nodes in a loop, which is not supported"
                                : "is not a supported operator");
            }
            List<@Nullable Val> inputs = new ArrayList<>();
            for (String in : node.inputs()) {
                if (!in.isEmpty() && !scope.has(in)) {
                    throw new Refusal("uses '" + in + "', which nothing defines before it");
                }
                Val v = in.isEmpty() ? null : scope.get(in);
                if (v == null && !in.isEmpty()) {
                    return; // what computes it was refused already
                }
                inputs.add(v);
            }
            while (!inputs.isEmpty() && inputs.getLast() == null) {
                inputs.removeLast();
            }
            String domain = node.domain();
            Call call =
                    new Call(build, node, label, setting.opsets().getOrDefault(domain, 1L), inputs, attributes, notes);
            String first = node.outputs().isEmpty() ? label : node.outputs().getFirst();
            build.hint(setting.prefix() + (first.isEmpty() ? label : first));
            if (function != null) {
                inline(function, call, setting);
            } else if (node.op().equals("If") && node.domain().isEmpty()) {
                branch(call, scope, setting);
            } else if (lowering != null) {
                int before = build.nodes().size();
                lowering.lower(call);
                if (build.nodes().size() == before
                        && setting.depth() == 0
                        && !node.op().equals("Constant")) {
                    call.note(Report.Kind.FOLDED, "nothing is left of it to compute");
                }
            }
            for (int i = 0; i < node.outputs().size(); i++) {
                if (!node.outputs().get(i).isEmpty()) {
                    scope.values.put(node.outputs().get(i), call.output(i));
                }
            }
        } catch (Refusal e) {
            problems.add(node, label, String.valueOf(e.getMessage()));
        } catch (ShapeException | IllegalArgumentException e) {
            problems.add(node, label, "does not fit its operands: " + e.getMessage());
        } catch (ArithmeticException | IndexOutOfBoundsException | NegativeArraySizeException e) {
            problems.add(node, label, "has operands or attributes out of range: " + e.getMessage());
        } catch (TensorDecoder.BadTensor e) {
            problems.add(node, label, "holds " + e.getMessage());
        } catch (Call.Unknown e) {
            Set<String> names = sources(e.values());
            if (names.isEmpty()) {
                problems.add(node, label, "needs operands that are known when compiling");
            }
            unknown.addAll(names);
        }
    }

    /** The inputs of the model that values come from. */
    private Set<String> sources(List<Val> values) {
        Set<ValueId> reached = new HashSet<>();
        for (Val v : values) {
            ValueId id = v.id();
            if (id != null) {
                reached.add(id);
            }
        }
        List<Node> nodes = build.nodes();
        for (int i = nodes.size() - 1; i >= 0; i--) {
            if (reached.contains(nodes.get(i).id())) {
                reached.addAll(nodes.get(i).operands());
            }
        }
        Set<String> names = new TreeSet<>();
        inputNames.forEach((id, name) -> {
            if (reached.contains(id)) {
                names.add(name);
            }
        });
        return names;
    }

    /** A node's attributes, with those of the call around it in the place of references. */
    private static Map<String, Proto.Attribute> attributes(Proto.Node node, Setting setting) {
        Map<String, Proto.Attribute> attributes = new HashMap<>();
        node.attributes().forEach((name, a) -> {
            if (a instanceof Proto.Attribute.Reference r) {
                Proto.Attribute value = setting.attributes().get(r.name());
                if (value != null) {
                    attributes.put(name, value);
                }
            } else {
                attributes.put(name, a);
            }
        });
        return attributes;
    }

    private void inline(Proto.Function f, Call call, Setting setting) {
        if (setting.depth() >= MAX_DEPTH) {
            throw call.refuse("is a function that calls functions more than " + MAX_DEPTH + " deep");
        }
        Scope inner = new Scope(null);
        for (int i = 0; i < f.inputs().size(); i++) {
            inner.values.put(f.inputs().get(i), call.in(i));
        }
        Map<String, Proto.Attribute> attributes = new HashMap<>(f.defaults());
        call.node().attributes().keySet().forEach(name -> {
            Proto.Attribute a = call.attribute(name);
            if (a != null) {
                attributes.put(name, a);
            }
        });
        Map<String, Long> opsets = new HashMap<>(model.opsets());
        opsets.putAll(f.opsets());
        Set<String> wanted = new HashSet<>();
        for (int i = 0; i < f.outputs().size(); i++) {
            if (call.wants(i)) {
                wanted.add(f.outputs().get(i));
            }
        }
        List<Proto.Node> nodes =
                f.nodes().stream().map(n -> withoutMissing(n, f, call)).toList();
        String prefix = setting.prefix() + call.label() + ".";
        lower(nodes, wanted, inner, new Setting(opsets, attributes, prefix, setting.depth() + 1));
        for (int i = 0; i < f.outputs().size(); i++) {
            Val v = inner.values.get(f.outputs().get(i));
            if (v != null) {
                call.out(i, v);
            }
        }
    }

    /** A function's node, with the function's inputs that the call leaves out left out here too. */
    private static Proto.Node withoutMissing(Proto.Node n, Proto.Function f, Call call) {
        List<String> inputs = n.inputs().stream()
                .map(in -> {
                    int at = f.inputs().indexOf(in);
                    return at >= 0 && !call.has(at) ? "" : in;
                })
                .toList();
        return new Proto.Node(n.name(), n.op(), n.domain(), inputs, n.outputs(), n.attributes());
    }

    private void branch(Call call, Scope scope, Setting setting) {
        if (setting.depth() >= MAX_DEPTH) {
            throw call.refuse("lies in branches more than " + MAX_DEPTH + " deep");
        }
        long[] condition = call.numbers(0);
        if (condition.length != 1) {
            throw call.refuse("needs one condition, found " + condition.length);
        }
        String name = condition[0] != 0 ? "then_branch" : "else_branch";
        if (!(call.attribute(name) instanceof Proto.Attribute.Sub sub)) {
            throw call.refuse("lacks its " + name);
        }
        Proto.Graph g = sub.value();
        Scope inner = new Scope(scope);
        constants(g, inner);
        String prefix = setting.prefix() + call.label() + ".";
        lower(
                g.nodes(),
                NodeOrder.wanted(g),
                inner,
                new Setting(setting.opsets(), setting.attributes(), prefix, setting.depth() + 1));
        for (int i = 0; i < g.outputs().size(); i++) {
            Val v = inner.get(g.outputs().get(i).name());
            if (v != null) {
                call.out(i, v);
            }
        }
    }

    // The graph

    private Graph finish(Proto.Graph g, Scope scope) {
        List<Graph.Result> results = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Proto.ValueInfo out : g.outputs()) {
            if (!scope.has(out.name())) {
                throw problems.fatal("bad-model", ": nothing computes its output '" + out.name() + "'");
            }
            Val v = scope.get(out.name());
            if (v == null) {
                throw problems.fatal("bad-model", ": its output '" + out.name() + "' is not computed");
            }
            build.hint(out.name());
            try {
                Val p = build.plain(v);
                ValueId id = build.id(p);
                if (names.add(out.name())) {
                    results.add(new Graph.Result(out.name(), id));
                }
            } catch (Refusal e) {
                throw problems.fatal("unsupported-model", ": its output '" + out.name() + "' " + e.getMessage());
            }
            DataType type = DataType.of(out.type());
            if (type != v.dataType() && type.real() && type != DataType.FLOAT) {
                notes.add(new Report.Note(Report.Kind.REMARK, out.name(), "", type + " is given as f32"));
            }
        }
        if (results.isEmpty()) {
            throw problems.fatal("bad-model", "has no outputs");
        }
        String name = g.name().isEmpty() ? "model" : g.name();
        return new Graph(name, params, build.nodes(), results).live();
    }
}

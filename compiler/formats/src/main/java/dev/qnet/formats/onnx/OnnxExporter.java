package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * Writes graphs as ONNX: a graph whose fake quantizations are chosen as a model of QuantizeLinear and DequantizeLinear
 * pairs around float operators (QDQ), as ONNX Runtime and others fuse them to integer kernels; a float graph as a float model.
 *
 * <p>Inputs and outputs keep the graph's layout (NHWC) and names; N is a dimension of that name. Inside, images are NCHW. docs/export.md
 * says what other systems make of the file, and when their answers equal the integers' here.
 */
public final class OnnxExporter {
    private final Graph graph;
    private final Emitter to;
    private final Values values;
    private final Points points;
    private final OpWriter ops;
    private final List<String> refused = new ArrayList<>();

    private OnnxExporter(Graph graph, int opset) {
        this.graph = graph;
        this.to = new Emitter(opset);
        this.values = new Values(to);
        this.points = new Points(graph, to, values);
        this.ops = new OpWriter(to, values, points);
    }

    /**
     * Exports a graph as it is after its parameters were chosen and propagated and before it is lowered to integers.
     *
     * @param graph verified
     * @param version of the program that writes, for the file's head
     * @throws CompileException naming all operations that ONNX has no equal for
     */
    public static OnnxModel export(Graph graph, String version) {
        int opset = Emitter.LOWEST_OPSET;
        while (true) {
            OnnxExporter e = new OnnxExporter(graph, opset);
            Proto.Graph written = e.write();
            if (e.to.needed() <= opset) {
                return new OnnxModel(new Proto.Model(
                        irVersion(opset), "qnet", version, Map.of("", (long) opset), written, List.of()));
            }
            // Some operators are written otherwise in newer versions: all again.
            opset = e.to.needed();
        }
    }

    /** The version of the file format that came with a version of the operators. */
    private static int irVersion(int opset) {
        return opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7;
    }

    private Proto.Graph write() {
        List<Proto.ValueInfo> inputs = new ArrayList<>();
        List<Proto.ValueInfo> outputs = new ArrayList<>();
        Map<String, String> wanted = new LinkedHashMap<>();
        for (Graph.Param p : graph.params()) {
            to.fresh(p.id().name());
        }
        for (Graph.Result r : graph.results()) {
            wanted.put(r.name(), to.fresh(r.name()));
        }
        if (!graph.states().isEmpty()) {
            refused.add("the memory from run to run of "
                    + String.join(
                            ", ",
                            graph.states().stream().map(s -> s.id().name()).toList()));
        }
        for (Graph.Param p : graph.params()) {
            inputs.add(Emitter.info(p.id().name(), param(p), p.type().shape()));
        }
        for (Node n : graph.nodes()) {
            // What reads something refused is not looked at: it would only repeat what is wrong.
            if (n.operands().stream().allMatch(values::has)) {
                node(n);
            }
        }
        if (!refused.isEmpty()) {
            throw refusal();
        }
        Map<ValueId, Type> types = graph.types();
        Map<String, String> renamed = new HashMap<>();
        for (Graph.Result r : graph.results()) {
            Type type = Objects.requireNonNull(types.get(r.value()));
            String name = Objects.requireNonNull(wanted.get(r.name()));
            outputs.add(Emitter.info(name, type(type.element()), type.shape()));
            String tensor = values.plain(r.value());
            boolean made = to.nodes().stream().anyMatch(n -> n.outputs().contains(tensor));
            if (!made || renamed.putIfAbsent(tensor, name) != null) {
                to.nodes()
                        .add(new Proto.Node(
                                name + "/Identity",
                                "Identity",
                                "",
                                List.of(renamed.getOrDefault(tensor, tensor)),
                                List.of(name),
                                Map.of()));
            }
        }
        List<Proto.Node> nodes =
                live(to.nodes().stream().map(n -> rename(n, renamed)).toList(), outputs);
        Set<String> read = new HashSet<>();
        nodes.forEach(n -> read.addAll(n.inputs()));
        List<Proto.TensorData> initializers =
                to.initializers().stream().filter(t -> read.contains(t.name())).toList();
        return new Proto.Graph(graph.name(), nodes, initializers, inputs, outputs, List.of(), Map.of());
    }

    private static Proto.Node rename(Proto.Node n, Map<String, String> names) {
        return new Proto.Node(
                n.name(),
                n.op(),
                n.domain(),
                n.inputs().stream().map(s -> names.getOrDefault(s, s)).toList(),
                n.outputs().stream().map(s -> names.getOrDefault(s, s)).toList(),
                n.attributes());
    }

    /** The nodes that some output needs. */
    private static List<Proto.Node> live(List<Proto.Node> nodes, List<Proto.ValueInfo> outputs) {
        Set<String> needed = new HashSet<>();
        outputs.forEach(o -> needed.add(o.name()));
        List<Proto.Node> live = new ArrayList<>();
        for (Proto.Node n : nodes.reversed()) {
            if (n.outputs().stream().anyMatch(needed::contains)) {
                needed.addAll(n.inputs());
                live.addFirst(n);
            }
        }
        return live;
    }

    private DataType param(Graph.Param p) {
        String name = p.id().name();
        switch (p.type().element()) {
            case Element.F32 f -> values.plain(p.id(), p.type(), null, name);
            case Element.Int i -> values.plain(p.id(), p.type(), null, name);
            case Quant q -> {
                if (q.scheme() instanceof Scheme.PerTensor t) {
                    if (Values.carrier(q).bits() == 16) {
                        to.needs(21);
                    }
                    String real = to.node(
                            "DequantizeLinear",
                            name + ".dq",
                            name,
                            to.scalar(t.scale()),
                            to.scalar(Values.carrier(q), t.zero()));
                    values.plain(p.id(), p.type(), q, real);
                } else {
                    refused.add("input '" + name + "': codes with more than one scale");
                }
            }
        }
        return p.type().element() instanceof Quant q
                ? Values.carrier(q)
                : type(p.type().element());
    }

    private static DataType type(Element element) {
        return switch (element) {
            case Element.F32 f -> DataType.FLOAT;
            case Element.Int i -> Emitter.type(i);
            case Quant q -> DataType.FLOAT;
        };
    }

    private void node(Node n) {
        try {
            switch (n.op()) {
                case DataOp.Constant c ->
                    values.literal(
                            n.id(), n.type(), new Literal(c.value(), n.type().element()));
                case QuantOp q -> points.write(n, q);
                case FloatOp.Unary u
                when points.takesOver(n) -> values.clamped(n.id(), values.get(n.operand(0)), u.fn());
                case DataOp d -> {
                    ops.move(n, d, points.keeps(n));
                }
                case FloatOp f -> ops.compute(n, f, points.keeps(n));
                case NumOp m -> ops.number(n, m);
                case IntOp i -> throw new Refusal("is integer arithmetic of its own");
                case TrainOp t -> throw new Refusal("is an operation of training");
            }
        } catch (Refusal e) {
            refused.add(name(n) + " '" + n.id().name() + "' " + e.getMessage());
        }
    }

    /** What an operation is called here. */
    private static String name(Node n) {
        return switch (n.op()) {
            case FloatOp.Unary(ScalarFn fn) -> snake(fn.getClass());
            case FloatOp.Recurrent r -> r.cell().name().toLowerCase(java.util.Locale.ROOT);
            case FloatOp f -> snake(f.getClass());
            case DataOp d -> snake(d.getClass());
            case QuantOp q -> snake(q.getClass());
            case NumOp m -> "num." + snake(m.getClass());
            case IntOp i -> "int." + snake(i.getClass());
            case TrainOp t -> OpText.of(t).mnemonic();
        };
    }

    private static String snake(Class<?> c) {
        return c.getSimpleName().replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(java.util.Locale.ROOT);
    }

    private CompileException refusal() {
        StringBuilder s = new StringBuilder("ONNX has no equal for "
                + (refused.size() == 1 ? "one part" : refused.size() + " parts") + " of model '" + graph.name() + "':");
        refused.forEach(r -> s.append("\n  ").append(r));
        return new CompileException(Diagnostic.error("unsupported-export", Span.NONE, s.toString()));
    }

    /** How often each operator of ONNX occurs in a list of nodes. */
    static Map<String, Integer> count(List<Proto.Node> nodes) {
        Map<String, Integer> operators = new TreeMap<>();
        nodes.forEach(n -> operators.merge(n.op(), 1, Integer::sum));
        return operators;
    }
}

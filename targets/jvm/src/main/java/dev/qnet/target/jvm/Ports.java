package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Where values enter and leave a model. A float input that is only quantized, and a result that was only dequantized,
 * are given to the user in quantized form: the runtime quantizes and dequantizes at the border, with the same
 * arithmetic, and codes can be given and taken as they are.
 */
final class Ports {
    /** A tensor of the user, and the value that it becomes or comes from. */
    record Port(TensorInfo info, ValueId value, Rounding rounding) {}

    private final List<Port> inputs = new ArrayList<>();
    private final List<Port> outputs = new ArrayList<>();
    private final Set<ValueId> skipped = new HashSet<>();
    private final Map<ValueId, ValueId> aliases = new HashMap<>();

    private Ports() {}

    static Ports of(Graph graph, Rounding contract) {
        Ports p = new Ports();
        Map<ValueId, Node> definitions = graph.definitions();
        Map<ValueId, List<Node>> users = graph.users();
        Set<ValueId> results = new HashSet<>();
        results.addAll(graph.roots());
        for (Graph.Param param : graph.params()) {
            p.input(
                    param,
                    results.contains(param.id()) ? List.of() : users.getOrDefault(param.id(), List.of()),
                    contract);
        }
        Map<ValueId, Type> types = graph.types();
        Set<ValueId> nexts = new HashSet<>();
        graph.states().forEach(s -> nexts.add(s.next()));
        for (Graph.Result r : graph.results()) {
            p.output(r, definitions, users, types, contract, nexts);
        }
        return p;
    }

    List<Port> inputs() {
        return inputs;
    }

    List<Port> outputs() {
        return outputs;
    }

    /** Whether a node has no work left to do. */
    boolean skips(ValueId node) {
        return skipped.contains(node);
    }

    /** The value in whose place a value lies. */
    ValueId place(ValueId value) {
        return aliases.getOrDefault(value, value);
    }

    private void input(Graph.Param param, List<Node> users, Rounding contract) {
        Node first = users.isEmpty() ? null : users.getFirst();
        boolean quantizedOnly = first != null
                && first.op() instanceof QuantOp.Quantize
                && Elements.isUniform(first.type().element())
                && users.stream()
                        .allMatch(u -> u.op().equals(first.op()) && u.type().equals(first.type()));
        if (first != null && quantizedOnly && first.op() instanceof QuantOp.Quantize(Rounding rounding)) {
            users.forEach(u -> {
                skipped.add(u.id());
                aliases.put(u.id(), param.id());
            });
            inputs.add(new Port(info(param.id().name(), first.type()), param.id(), rounding));
        } else {
            inputs.add(new Port(info(param.id().name(), param.type()), param.id(), contract));
        }
    }

    private void output(
            Graph.Result r,
            Map<ValueId, Node> definitions,
            Map<ValueId, List<Node>> users,
            Map<ValueId, Type> types,
            Rounding contract,
            Set<ValueId> nexts) {
        Node n = definitions.get(r.value());
        ValueId value = r.value();
        if (n != null && n.op() instanceof QuantOp.Dequantize) {
            Type codes = types.getOrDefault(n.operand(0), n.type());
            if (Elements.isUniform(codes.element())) {
                value = n.operand(0);
                if (!users.containsKey(n.id()) && !nexts.contains(n.id())) {
                    skipped.add(n.id());
                }
            }
        }
        outputs.add(new Port(info(r.name(), types.getOrDefault(value, Type.f32())), value, contract));
    }

    static TensorInfo info(String name, Type type) {
        return new TensorInfo(
                name, Elements.type(type.element()), type.shape().dims(), Elements.quantization(type.element()));
    }
}

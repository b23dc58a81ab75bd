package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One run of {@link InsertFakeQuant} with dynamic activations: conv2d, dense and matmul with a constant read an input whose
 * scale is found at run time, and give f32. The fake quantization of such an input stays undecided to the end.
 */
final class DynamicInsertion {
    private final Graph graph;
    private final Spec.Policy policy;
    private final Diagnostics diagnostics;
    private final Names names;
    private final List<Node> out = new ArrayList<>();
    private final ConstantQuantizer constants;
    private final Map<ValueId, ValueId> wrapped = new HashMap<>();
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, Type> types;

    DynamicInsertion(Graph graph, Spec.Policy policy, Diagnostics diagnostics) {
        this.graph = graph;
        this.policy = policy;
        this.diagnostics = diagnostics;
        this.names = new Names(graph);
        this.constants = new ConstantQuantizer(policy.rounding(), diagnostics, names, out::add, false);
        this.definitions = graph.definitions();
        this.types = graph.types();
    }

    Graph run() {
        Spec spec = policy.activations();
        if (spec.storage() != Storage.U8 && spec.storage() != Storage.I8) {
            diagnostics.add(QuantDiagnostics.activationSpec(
                    graph.nodes().isEmpty()
                            ? Span.NONE
                            : graph.nodes().getFirst().span(),
                    "dynamic activations are u8 or i8, not " + spec.storage(),
                    "write u8 or i8 before dynamic"));
        }
        for (Node n : graph.nodes()) {
            Spec asked = n.intent().activations();
            if (asked != null && !asked.dynamic()) {
                diagnostics.add(QuantDiagnostics.activationSpec(
                        n.span(),
                        "static scales are asked for one value of a model whose activations are dynamic",
                        "drop the annotation, or write static activations in the model's scheme"));
            }
            if (quantizable(n)) {
                ValueId x = wrapped.computeIfAbsent(n.operand(0), v -> input(v, n));
                ValueId w = n.operand(1);
                Node def = definitions.get(w);
                if (def != null && def.op() instanceof DataOp.Constant) {
                    w = constants.wrap(def, n, weightSpec(n)).id();
                }
                List<ValueId> operands = new ArrayList<>(List.of(x, w));
                operands.addAll(n.operands().subList(2, n.operands().size()));
                out.add(n.withOperands(operands));
            } else {
                out.add(n);
            }
        }
        return graph.withNodes(out);
    }

    private boolean quantizable(Node n) {
        if (n.intent().keepFloat() || !(Role.weighted(n.op()) || n.op() instanceof FloatOp.MatMul)) {
            return false;
        }
        return Constants.behind(n.operand(1), definitions) != null
                && Constants.behind(n.operand(0), definitions) == null;
    }

    private Spec weightSpec(Node n) {
        Spec s = n.intent().weights() != null ? n.intent().weights() : policy.weights();
        return n.op() instanceof FloatOp.MatMul
                ? new Spec(s.storage(), s.symmetric(), s.narrow(), new Granularity.PerTensor(), s.range(), false)
                : s;
    }

    private ValueId input(ValueId x, Node user) {
        ValueId id = names.fresh(x.name() + ".fq");
        QuantOp op = new QuantOp.FakeQuant(policy.activations(), policy.rounding(), null);
        Node def = definitions.get(x);
        out.add(new Node(
                id, op, List.of(x), Objects.requireNonNull(types.get(x)), def == null ? user.span() : def.span()));
        return id;
    }
}

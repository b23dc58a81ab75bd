package dev.qnet.training.fit;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.Grids;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Which quantized values share their parameters: those that a concat joins. Integers have one grid behind it, and would bring every
 * operand to the widest; so training learns one for all of them. Where an operand's grid is given, or its codes are others, there is
 * nothing to share, and the integers requantize.
 */
final class JoinedGrids {
    private final Map<ValueId, Node> definitions;
    /** The fake quantization whose grid a value is on, where that is learned. */
    private final Map<ValueId, Node> origins = new HashMap<>();
    /** Values on grids that are given. */
    private final Set<ValueId> given = new HashSet<>();
    /** Towards the fake quantization whose parameters are shared. */
    private final Map<ValueId, ValueId> shared = new HashMap<>();

    /** @param graph with fake quantization */
    JoinedGrids(Graph graph) {
        definitions = graph.definitions();
        graph.nodes().forEach(this::learn);
    }

    /** The fake quantization whose parameters that of a value has: its own, or that of what it is joined with. */
    ValueId of(ValueId point) {
        ValueId p = point;
        while (shared.containsKey(p)) {
            p = Objects.requireNonNull(shared.get(p));
        }
        return p;
    }

    private void learn(Node n) {
        if (n.op() instanceof QuantOp.FakeQuant f) {
            Node def = definitions.get(n.operand(0));
            if (def != null && def.op() instanceof DataOp.Constant) {
                given.add(n.id());
            } else if (def != null && f.chosen() == null && Grids.keeps(def) && onGrid(def.operand(0))) {
                follow(n, def.operand(0));
            } else if (f.chosen() != null || settled(f.spec())) {
                given.add(n.id());
            } else {
                origins.put(n.id(), n);
            }
        } else if (Grids.passes(n) && onGrid(n.operand(0))) {
            if (n.op() instanceof DataOp.Concat) {
                join(n.operands());
            }
            follow(n, n.operand(0));
        }
    }

    private boolean onGrid(ValueId v) {
        return origins.containsKey(v) || given.contains(v);
    }

    private void follow(Node n, ValueId operand) {
        Node origin = origins.get(operand);
        if (origin == null) {
            given.add(n.id());
        } else {
            origins.put(n.id(), origin);
        }
    }

    private void join(List<ValueId> operands) {
        Node first = origins.get(operands.getFirst());
        if (first == null || !operands.stream().allMatch(o -> alike(first, o))) {
            return;
        }
        ValueId all = of(first.id());
        for (ValueId operand : operands) {
            ValueId other = of(Objects.requireNonNull(origins.get(operand)).id());
            if (!other.equals(all)) {
                shared.put(other, all);
            }
        }
    }

    /** Whether a value's codes are those of a fake quantization, and are learned alike. */
    private boolean alike(Node first, ValueId value) {
        Node origin = origins.get(value);
        return origin != null
                && rule(first).equals(rule(origin))
                && spec(first).storage() == spec(origin).storage()
                && spec(first).lo() == spec(origin).lo();
    }

    private Quantizer rule(Node point) {
        return Quantizers.of(spec(point), definitions.get(point.operand(0)) == null);
    }

    private static Spec spec(Node point) {
        return ((QuantOp.FakeQuant) point.op()).spec();
    }

    private static boolean settled(Spec spec) {
        return spec.range() instanceof RangeMethod.Fixed || spec.range() instanceof RangeMethod.Given;
    }
}

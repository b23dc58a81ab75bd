package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link Propagate}: a sweep forward finds grids and conflicts, one backward hands the resolution of each to
 * what made the operands, a last one forward writes the graph.
 */
final class Reconciliation {
    private static final Set<FloatOp.Binary.Fn> SUMS = EnumSet.of(FloatOp.Binary.Fn.ADD, FloatOp.Binary.Fn.SUB);

    private record Edge(ValueId user, int operand) {}

    private record Converted(ValueId value, Quant to) {}

    private final Graph graph;
    private final Spec.Policy policy;
    private final Diagnostics diagnostics;
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, List<Node>> users;
    private final Set<ValueId> results = new HashSet<>();

    private final Map<ValueId, Quant> grids = new HashMap<>();
    /** What conflicts were resolved to. */
    private final Map<ValueId, Quant> resolved = new HashMap<>();
    /** The grids of those that stay on their operand's. */
    private final Map<ValueId, Quant> followed = new HashMap<>();
    /** What a value's only user wants it to be. */
    private final Map<ValueId, Quant> demands = new HashMap<>();
    /** Where a requantize goes. */
    private final Map<Edge, Quant> conversions = new HashMap<>();
    /** Elementwise operations whose grid begins behind a clamp, by the clamp. */
    private final Map<ValueId, Node> roots = new HashMap<>();

    Reconciliation(Graph graph, Spec.Policy policy, Diagnostics diagnostics) {
        this.graph = graph;
        this.policy = policy;
        this.diagnostics = diagnostics;
        this.definitions = graph.definitions();
        this.users = graph.users();
        results.addAll(graph.roots());
    }

    Graph run() {
        graph.nodes().forEach(this::learn);
        if (resolved.isEmpty()) {
            return graph;
        }
        graph.nodes().reversed().forEach(this::demand);
        return write();
    }

    private void learn(Node n) {
        Quant q = Role.of(n) == Role.POINT ? follow(n) : Grids.of(n, grids);
        if (q == null
                && n.op() instanceof DataOp.Concat
                && n.operands().stream().allMatch(grids::containsKey)) {
            q = resolve(n);
            resolved.put(n.id(), q);
        }
        if (q != null) {
            grids.put(n.id(), q);
        }
        if (n.op() instanceof FloatOp.Binary b && SUMS.contains(b.fn())) {
            roots.put(n.id(), n);
        } else if (Role.of(n) == Role.CLAMP && roots.containsKey(n.operand(0))) {
            roots.put(n.id(), Objects.requireNonNull(roots.get(n.operand(0))));
        } else if (n.op() instanceof QuantOp.FakeQuant && q != null && roots.containsKey(n.operand(0))) {
            checkSum(Objects.requireNonNull(roots.get(n.operand(0))), q);
        }
    }

    /** The grid of a fake quantization: what was chosen, or what its operand's operand has meanwhile been given. */
    private @Nullable Quant follow(Node point) {
        Node x = definitions.get(point.operand(0));
        Quant before = x != null && Grids.keeps(x) ? grids.get(x.operand(0)) : null;
        if (before == null || !(point.op() instanceof QuantOp.FakeQuant f) || imposed(f.spec())) {
            return Grids.of(point, grids);
        }
        followed.put(point.id(), before);
        return before;
    }

    /** Warns of an operand of add or sub that hardly moves the result. */
    private void checkSum(Node sum, Quant q) {
        for (ValueId v : sum.operands()) {
            Quant x = grids.get(v);
            if (x == null) {
                continue;
            }
            double span = (double) Parameters.highest(x) - Parameters.lowest(x);
            double steps = span / q.perTensor().scale();
            if (steps < 4 && q.storage().bits() >= 4) {
                diagnostics.add(QuantDiagnostics.idleOperand(sum, source(v), x, q, steps));
            }
        }
    }

    private Quant resolve(Node concat) {
        List<Quant> all = concat.operands().stream().map(this::grid).toList();
        float lo = 0;
        float hi = 0;
        for (Quant q : all) {
            lo = Math.min(lo, Parameters.lowest(q));
            hi = Math.max(hi, Parameters.highest(q));
        }
        Quant widest = all.getFirst();
        for (Quant q : all) {
            widest = q.storage().bits() > widest.storage().bits() ? q : widest;
        }
        Spec asked = concat.intent().activations();
        Spec spec = asked != null ? asked : policy.activations();
        for (Quant q : all) {
            boolean fits = asked == null ? q.storage() == widest.storage() : q.storage() == asked.storage();
            if (fits && Parameters.lowest(q) <= lo && Parameters.highest(q) >= hi) {
                return q;
            }
        }
        Spec target = asked != null
                ? spec
                : new Spec(
                        widest.storage(),
                        spec.symmetric(),
                        widest.lo() > widest.storage().min(),
                        spec.granularity(),
                        spec.range(),
                        false);
        return Parameters.choose(lo, hi, target);
    }

    private Quant grid(ValueId v) {
        return Objects.requireNonNull(grids.get(v));
    }

    private void demand(Node n) {
        Role role = Role.of(n);
        if (role != Role.DATA && role != Role.CLAMP) {
            return;
        }
        Quant wanted = demands.getOrDefault(n.id(), resolved.get(n.id()));
        if (wanted == null) {
            return;
        }
        for (int i = 0; i < n.operands().size(); i++) {
            ValueId v = n.operand(i);
            Quant has = grid(v);
            if (has.equals(wanted) && !resolved.containsKey(v)) {
                continue;
            }
            if (canBeMadeSo(v, wanted)) {
                demands.put(v, wanted);
                double part = ((double) Parameters.highest(has) - Parameters.lowest(has))
                        / ((double) Parameters.highest(wanted) - Parameters.lowest(wanted));
                boolean joined = n.op() instanceof DataOp.Concat && !resolved.containsKey(v);
                if (joined && part < 0.25 && wanted.storage().bits() >= 4) {
                    diagnostics.add(QuantDiagnostics.coarserOperand(n, source(v), has, wanted));
                }
            } else if (!has.equals(wanted)) {
                conversions.put(new Edge(n.id(), i), wanted);
                diagnostics.add(QuantDiagnostics.mismatchedScales(n, source(v), has, wanted));
            }
        }
    }

    /** Whether a value, with what it was moved from, can be given other parameters without anybody else noticing. */
    private boolean canBeMadeSo(ValueId value, Quant wanted) {
        ValueId v = value;
        while (true) {
            Node n = definitions.get(v);
            if (n == null
                    || results.contains(v)
                    || users.getOrDefault(v, List.of()).size() != 1) {
                return false;
            }
            switch (Role.of(n)) {
                case DATA, CLAMP -> {
                    if (resolved.containsKey(n.id()) || n.operands().size() > 1) {
                        // A concat takes any parameters: it requantizes the operands that cannot follow.
                        return true;
                    }
                    v = n.operand(0);
                }
                case POINT -> {
                    return canBeMadeSo((QuantOp.FakeQuant) n.op(), n.id(), wanted);
                }
                case CONSTANT, ARITHMETIC, POOL, SOFTMAX, TABLE, DEQUANTIZE, FLOAT_ONLY, INTEGER -> {
                    return false;
                }
            }
        }
    }

    private boolean canBeMadeSo(QuantOp.FakeQuant f, ValueId point, Quant wanted) {
        Spec spec = f.spec();
        return !imposed(spec) && !followed.containsKey(point) && spec.storage() == wanted.storage();
    }

    /** Whether the source says which parameters a value has. */
    private static boolean imposed(Spec spec) {
        return spec.range() instanceof RangeMethod.Fixed || spec.range() instanceof RangeMethod.Given;
    }

    private Graph write() {
        Names names = new Names(graph);
        List<Node> out = new ArrayList<>();
        Map<Converted, ValueId> converted = new HashMap<>();
        for (Node n : graph.nodes()) {
            Quant wanted = demands.getOrDefault(n.id(), followed.get(n.id()));
            Node m = n;
            if (wanted != null && n.op() instanceof QuantOp.FakeQuant f) {
                m = n.withOp(new QuantOp.FakeQuant(f.spec(), f.rounding(), wanted));
            }
            List<ValueId> operands = new ArrayList<>(n.operands());
            for (int i = 0; i < operands.size(); i++) {
                Quant to = conversions.get(new Edge(n.id(), i));
                if (to != null) {
                    operands.set(i, converted.computeIfAbsent(new Converted(operands.get(i), to), c -> {
                        Node r = requantize(c, names);
                        out.add(r);
                        return r.id();
                    }));
                }
            }
            out.add(m.withOperands(operands));
        }
        return graph.withNodes(out);
    }

    private Node requantize(Converted c, Names names) {
        Quant q = c.to();
        RangeMethod given = new RangeMethod.Given(
                List.of(q.perTensor().scale()), List.of(q.perTensor().zero()));
        Spec spec = new Spec(
                q.storage(), false, q.lo() > q.storage().min(), new Spec.Granularity.PerTensor(), given, false);
        Node x = Objects.requireNonNull(definitions.get(c.value()));
        return new Node(
                names.fresh(source(c.value()).name() + ".requantized"),
                new QuantOp.FakeQuant(spec, policy.rounding(), q),
                List.of(c.value()),
                x.type(),
                x.span());
    }

    /** A value as the source names it. */
    private ValueId source(ValueId v) {
        Node n = definitions.get(v);
        return n != null && n.op() instanceof QuantOp.FakeQuant ? n.operand(0) : v;
    }
}

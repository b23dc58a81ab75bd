package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One run of {@link LowerToIntegers}: decides what each value becomes; {@link IntegerEmitter} writes the operations. */
final class Lowering {
    private final Graph graph;
    private final Spec.Policy policy;
    private final Diagnostics diagnostics;
    private final IntegerEmitter emitter;
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, List<Node>> users;
    private final Map<ValueId, Lowered> lowered = new HashMap<>();
    private final Map<ValueId, ValueId> dequantized = new HashMap<>();
    /** Values that only fake quantizations read, at once or through clamps. */
    private final Set<ValueId> closing = new HashSet<>();

    Lowering(Graph graph, Spec.Policy policy, Diagnostics diagnostics) {
        this.graph = graph;
        this.policy = policy;
        this.diagnostics = diagnostics;
        this.emitter = new IntegerEmitter(graph, policy.rounding(), diagnostics);
        this.definitions = graph.definitions();
        this.users = graph.users();
    }

    Graph run() {
        findClosing();
        List<Graph.Param> params = graph.params().stream().map(this::param).toList();
        graph.states().forEach(this::state);
        graph.nodes().forEach(this::lower);
        // A state keeps its type, so that what it becomes must have that too.
        List<Graph.State> states = graph.states().stream()
                .map(s -> new Graph.State(
                        s.id(), s.type(), s.type().isFloat() ? asReal(s.next()) : id(s.next()), s.span()))
                .toList();
        List<Graph.Result> results = graph.results().stream()
                .map(r -> new Graph.Result(r.name(), id(r.value())))
                .toList();
        return new Graph(
                graph.name(),
                params,
                used(emitter.nodes(), results, states),
                results,
                graph.policy(),
                graph.plan(),
                states);
    }

    private void state(Graph.State s) {
        emitter.claim(s.id());
        lowered.put(s.id(), s.type().isQuant() ? new Lowered.OnGrid(s.id(), s.type()) : new Lowered.Real(s.id()));
    }

    /** Without the constants that have become part of others. */
    private static List<Node> used(List<Node> nodes, List<Graph.Result> results, List<Graph.State> states) {
        Set<ValueId> read = new HashSet<>();
        nodes.forEach(n -> read.addAll(n.operands()));
        results.forEach(r -> read.add(r.value()));
        states.forEach(s -> read.add(s.next()));
        return nodes.stream()
                .filter(n -> Role.of(n) != Role.CONSTANT || read.contains(n.id()))
                .toList();
    }

    /** The integer graph's value for one of the fake-quantized graph, after {@link #run}; null where there is none. */
    @Nullable ValueId codesOf(ValueId v) {
        return lowered.get(v) instanceof Lowered.OnGrid g ? g.id() : null;
    }

    private void findClosing() {
        Set<ValueId> results = new HashSet<>();
        results.addAll(graph.roots());
        List<ValueId> values = new ArrayList<>();
        graph.params().forEach(p -> values.add(p.id()));
        graph.nodes().forEach(n -> values.add(n.id()));
        for (ValueId v : values.reversed()) {
            List<Node> uses = users.getOrDefault(v, List.of());
            if (!uses.isEmpty() && !results.contains(v) && uses.stream().allMatch(this::closes)) {
                closing.add(v);
            }
        }
    }

    private boolean closes(Node user) {
        return switch (Role.of(user)) {
            case POINT -> chosen(user) != null;
            case CLAMP -> !user.intent().keepFloat() && closing.contains(user.id());
            case CONSTANT, DATA, ARITHMETIC, POOL, SOFTMAX, TABLE, DEQUANTIZE, FLOAT_ONLY, INTEGER -> false;
        };
    }

    private static @Nullable Quant chosen(Node point) {
        return point.op() instanceof QuantOp.FakeQuant f
                ? f.chosen()
                : point.type().quant();
    }

    private static Spec.@Nullable Steps steps(Node point) {
        return point.op() instanceof QuantOp.FakeQuant f ? f.spec().steps() : null;
    }

    private Graph.Param param(Graph.Param p) {
        emitter.claim(p.id());
        Quant q = p.type().isQuant() ? p.type().quant() : firstPoint(p.id());
        if (q == null) {
            lowered.put(p.id(), new Lowered.Real(p.id()));
            return p;
        }
        Type type = p.type().withElement(q);
        lowered.put(p.id(), new Lowered.OnGrid(p.id(), type));
        return new Graph.Param(p.id(), type, p.activations(), p.span());
    }

    /** The grid that an input shall enter on: the first of those that all its users read it on, or null. */
    private @Nullable Quant firstPoint(ValueId param) {
        if (!closing.contains(param)) {
            return null;
        }
        Node first = users.getOrDefault(param, List.of()).getFirst();
        Quant q = Role.of(first) == Role.POINT ? chosen(first) : null;
        Spec.Steps steps = steps(first);
        return q == null || steps == null ? q : Staircases.fine(steps, q);
    }

    private void lower(Node n) {
        Lowered l = n.intent().keepFloat() && Role.of(n) != Role.CONSTANT ? real(n) : lowerInteger(n);
        lowered.put(n.id(), l);
    }

    private Lowered lowerInteger(Node n) {
        return switch (Role.of(n)) {
            case CONSTANT -> n.type().isFloat() ? new Lowered.Literal(n) : emit(n, n.op(), List.of(), n.type());
            case POINT -> point(n);
            case DEQUANTIZE -> get(n.operand(0));
            case DATA -> data(n);
            case CLAMP -> clamp(n, ((FloatOp.Unary) n.op()).fn());
            case POOL -> {
                if (get(n.operand(0)) instanceof Lowered.OnGrid x && perTensor(x)) {
                    Op pool = new IntOp.AvgPool(((FloatOp.AvgPool) n.op()).window(), policy.rounding());
                    yield emit(
                            n,
                            pool,
                            List.of(x.id()),
                            new Type(x.quant(), n.type().shape()));
                }
                yield unlowered(n, "its input is not quantized");
            }
            case ARITHMETIC, SOFTMAX, TABLE -> arithmetic(n);
            // What computes with plain integers is no island: the source's floats do not pass through it.
            case FLOAT_ONLY -> n.type().isFloat() ? unlowered(n, "it has no integer form") : real(n);
            case INTEGER -> throw new IllegalStateException(n.id() + " is lowered already");
        };
    }

    private Lowered arithmetic(Node n) {
        if (Role.weighted(n.op()) || n.op() instanceof FloatOp.MatMul) {
            if (get(n.operand(0)) instanceof Lowered.Dynamic x && get(n.operand(1)) instanceof Lowered.OnGrid w) {
                ValueId bias = n.operands().size() > 2 ? asReal(n.operand(2)) : null;
                return new Lowered.Real(emitter.dynamic(n, x.input(), w, bias));
            }
        }
        for (int i = 0; i < Math.min(2, n.operands().size()); i++) {
            boolean weight = i == 1 && Role.weighted(n.op());
            if (!(get(n.operand(i)) instanceof Lowered.OnGrid x)) {
                return unlowered(n, "its operand " + n.operand(i) + " is not quantized");
            }
            if (!weight && !perTensor(x)) {
                return unlowered(n, "its operand " + n.operand(i) + " has more than one scale");
            }
        }
        if (n.operands().size() > 2 && Constants.behind(n.operand(2), definitions) == null) {
            return unlowered(n, "its bias is computed, not a constant");
        }
        if (!closing.contains(n.id())) {
            return unlowered(n, "its result is not quantized");
        }
        return new Lowered.Open(n, List.of());
    }

    private static boolean perTensor(Lowered.OnGrid x) {
        return x.quant().scheme() instanceof Scheme.PerTensor;
    }

    private Lowered clamp(Node n, ScalarFn fn) {
        return switch (get(n.operand(0))) {
            case Lowered.Open o -> {
                List<ScalarFn> clamps = new ArrayList<>(o.clamps());
                clamps.add(fn);
                yield new Lowered.Open(o.root(), clamps);
            }
            case Lowered.OnGrid x when perTensor(x) -> emitter.clamp(n, x, List.of(fn));
            case Lowered.OnGrid _, Lowered.Real _, Lowered.Literal _, Lowered.Dynamic _ ->
                unlowered(n, "its input is not quantized");
        };
    }

    private Lowered data(Node n) {
        List<Lowered> in = n.operands().stream().map(this::get).toList();
        if (in.getFirst() instanceof Lowered.OnGrid first
                && perTensor(first)
                && in.stream()
                        .allMatch(
                                l -> l instanceof Lowered.OnGrid x && x.quant().equals(first.quant()))) {
            List<ValueId> operands =
                    in.stream().map(l -> ((Lowered.OnGrid) l).id()).toList();
            Op op = n.op();
            if (n.type().isFloat()) {
                op = Fills.map((DataOp) op, x -> Codes.quantize(x, first.quant(), policy.rounding()));
            }
            return emit(n, op, operands, new Type(first.quant(), n.type().shape()));
        }
        return real(n);
    }

    private Lowered point(Node n) {
        Quant q = chosen(n);
        Lowered x = get(n.operand(0));
        if (q == null) {
            Spec spec = ((QuantOp.FakeQuant) n.op()).spec();
            ValueId real = asReal(n.operand(0));
            return new Lowered.Dynamic(real, emitter.dynamicInput(n, real, spec.storage(), spec.symmetric()));
        }
        Spec.Steps steps = steps(n);
        if (steps != null) {
            return switch (x) {
                case Lowered.OnGrid g -> emitter.thresholds(n, g, steps, q);
                case Lowered.Literal l -> emitter.codes(l.constant(), q);
                case Lowered.Open o -> close(n, o, q);
                case Lowered.Real r ->
                    emitter.thresholds(n, emitter.quantize(n, r.id(), Staircases.fine(steps, q)), steps, q);
                case Lowered.Dynamic d ->
                    emitter.thresholds(n, emitter.quantize(n, d.id(), Staircases.fine(steps, q)), steps, q);
            };
        }
        return switch (x) {
            case Lowered.OnGrid g when g.quant().equals(q) -> g;
            case Lowered.OnGrid g -> emitter.requantize(n, g, q);
            case Lowered.Literal l -> emitter.codes(l.constant(), q);
            case Lowered.Open o -> close(n, o, q);
            case Lowered.Real r -> emitter.quantize(n, r.id(), q);
            case Lowered.Dynamic d -> emitter.quantize(n, d.id(), q);
        };
    }

    private Lowered close(Node point, Lowered.Open o, Quant q) {
        Node root = o.root();
        Lowered.OnGrid x = grid(root.operand(0));
        Lowered.OnGrid y = root.operands().size() > 1 ? grid(root.operand(1)) : x;
        Node bias = root.operands().size() > 2 ? Constants.behind(root.operand(2), definitions) : null;
        Spec.Steps steps = steps(point);
        return steps == null
                ? emitter.close(point, o, x, y, bias, q)
                : emitter.closeBySteps(point, o, x, y, bias, q, steps);
    }

    private Lowered emit(Node n, Op op, List<ValueId> operands, Type type) {
        ValueId id = emitter.add(n, op, operands, type);
        return type.isQuant() ? new Lowered.OnGrid(id, type) : new Lowered.Real(id);
    }

    private Lowered.OnGrid grid(ValueId v) {
        return (Lowered.OnGrid) get(v);
    }

    private Lowered unlowered(Node n, String why) {
        if (!policy.activations().dynamic()) {
            diagnostics.add(QuantDiagnostics.floatIsland(n, why));
        }
        return real(n);
    }

    /** A node that stays in f32. */
    private Lowered real(Node n) {
        List<ValueId> operands = n.operands().stream().map(this::asReal).toList();
        return new Lowered.Real(emitter.keep(n, operands));
    }

    private Lowered get(ValueId v) {
        return Objects.requireNonNull(lowered.get(v));
    }

    /** A value in f32. */
    private ValueId asReal(ValueId v) {
        return switch (get(v)) {
            case Lowered.Real r -> r.id();
            case Lowered.Dynamic d -> d.id();
            case Lowered.OnGrid g -> dequantized.computeIfAbsent(g.id(), k -> emitter.dequantize(g, place(v)));
            case Lowered.Literal l -> {
                ValueId id = emitter.add(
                        l.constant(), l.constant().op(), List.of(), l.constant().type());
                lowered.put(v, new Lowered.Real(id));
                yield id;
            }
            case Lowered.Open o -> throw new IllegalStateException(v + " has no grid");
        };
    }

    /** A node whose span a conversion of a value may have. */
    private Node place(ValueId v) {
        Node n = definitions.get(v);
        return n != null ? n : users.getOrDefault(v, List.of()).getFirst();
    }

    private ValueId id(ValueId v) {
        return get(v) instanceof Lowered.OnGrid g ? g.id() : asReal(v);
    }
}

package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@link InsertFakeQuant} with static activations.
 *
 * <p>Each value of the source ends as one or both of: a value <em>on a grid</em>, which integer operations read, and a
 * <em>real</em> one, which only a float island made. In between, the result of an operation whose only user is a clamp is
 * <em>open</em>: its grid begins behind the clamp.
 */
final class Insertion {
    private final Graph graph;
    private final Spec.Policy policy;
    private final Diagnostics diagnostics;
    private final Names names;
    private final ConstantQuantizer constants;
    private final Map<ValueId, List<Node>> users;
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, Type> types;
    private final Set<ValueId> results = new HashSet<>();

    /** Nodes that stay in f32. */
    private final Set<ValueId> floating = new HashSet<>();
    /** Values that float islands, constants and moves of their elements give: as results they stay in f32. */
    private final Set<ValueId> fromIsland = new HashSet<>();
    /** Values that some integer operation reads, through moves of elements or at once. */
    private final Set<ValueId> wanted = new HashSet<>();
    /** How each value's codes will be stored, where it has codes. */
    private final Map<ValueId, Storage> storages = new HashMap<>();

    private final List<Node> out = new ArrayList<>();
    private final Map<ValueId, ValueId> grid = new HashMap<>();
    private final Map<ValueId, ValueId> real = new HashMap<>();
    /** Results of operations whose grid begins behind the clamp that is their only user. */
    private final Set<ValueId> open = new HashSet<>();
    /** The request that an open value carries on to the end of its clamps; absent where it carries none. */
    private final Map<ValueId, Spec> carried = new HashMap<>();

    Insertion(Graph graph, Spec.Policy policy, Diagnostics diagnostics, boolean training) {
        this.graph = graph;
        this.policy = policy;
        this.diagnostics = diagnostics;
        this.names = new Names(graph);
        this.constants = new ConstantQuantizer(policy.rounding(), diagnostics, names, out::add, training);
        this.users = graph.users();
        this.definitions = graph.definitions();
        this.types = graph.types();
        results.addAll(graph.roots());
    }

    Graph run() {
        for (Graph.Param p : graph.params()) {
            Storage s = p.type().element() instanceof Quant q ? q.storage() : spec(p).storage();
            storages.put(p.id(), s);
        }
        graph.states().forEach(s -> storages.put(s.id(), storage(s)));
        graph.nodes().forEach(this::classify);
        for (Node n : graph.nodes().reversed()) {
            want(n);
        }
        graph.params().forEach(p -> input(p.id(), p.type(), spec(p), p.span()));
        graph.states().forEach(s -> input(s.id(), s.type(), policy.activations(), s.span()));
        graph.nodes().forEach(this::rewrite);
        List<Graph.Result> mapped = graph.results().stream()
                .map(r -> new Graph.Result(r.name(), map(r.value())))
                .toList();
        List<Graph.State> states = graph.states().stream()
                .map(s -> new Graph.State(s.id(), s.type(), map(s.next()), s.span()))
                .toList();
        return graph.withNodes(out).withResults(mapped).withStates(states);
    }

    // What stays in float, and what is read as codes.

    private void classify(Node n) {
        String why = whyFloat(n);
        if (isPlain(n)) {
            // Counts and truth values are no reals: nothing is left in float, and nothing is rounded.
            floating.add(n.id());
        } else if (n.intent().keepFloat() && Role.of(n) != Role.CONSTANT) {
            floating.add(n.id());
            diagnostics.add(QuantDiagnostics.askedFloat(n));
        } else if (why != null) {
            floating.add(n.id());
            diagnostics.add(QuantDiagnostics.floatIsland(n, why));
        }
        boolean moves = Role.of(n) == Role.DATA && n.operands().stream().allMatch(fromIsland::contains);
        if (moves || floating.contains(n.id()) || Role.of(n) == Role.CONSTANT) {
            fromIsland.add(n.id());
        }
        storages.put(n.id(), storage(n));
    }

    private Storage storage(Graph.State s) {
        return s.type().element() instanceof Quant q
                ? q.storage()
                : policy.activations().storage();
    }

    private Storage storage(Node n) {
        Spec asked = n.intent().activations();
        return switch (Role.of(n)) {
            case CONSTANT, DEQUANTIZE ->
                n.type().element() instanceof Quant q
                        ? q.storage()
                        : n.operands().isEmpty()
                                ? ConstantQuantizer.elementSpec(policy.activations())
                                        .storage()
                                : storageOf(n.operand(0));
            case DATA, CLAMP, POOL -> asked != null ? asked.storage() : storageOf(n.operand(0));
            case SOFTMAX -> softmaxSpec(n).storage();
            case POINT -> point(n).spec().storage();
            case ARITHMETIC, TABLE, FLOAT_ONLY, INTEGER ->
                asked != null ? asked.storage() : policy.activations().storage();
        };
    }

    /** Whether a node computes with plain integers alone. */
    private boolean isPlain(Node n) {
        return Role.of(n) == Role.FLOAT_ONLY
                && n.type().element() instanceof Element.Int
                && n.operands().stream().allMatch(o -> type(o).element() instanceof Element.Int);
    }

    private Type type(ValueId v) {
        return Objects.requireNonNull(types.get(v));
    }

    private Storage storageOf(ValueId v) {
        return storages.getOrDefault(v, policy.activations().storage());
    }

    private static int softmaxExtent(Node n) {
        return n.op() instanceof FloatOp.Softmax s ? n.type().shape().dim(s.axis()) : 1;
    }

    /** Why a node has no integer form, or null if it has one. */
    private @Nullable String whyFloat(Node n) {
        return switch (Role.of(n)) {
            case FLOAT_ONLY ->
                n.op() instanceof FloatOp.BatchNorm
                        ? "it could not be folded into a conv2d or dense before it"
                        : "there are no integers for it";
            case SOFTMAX ->
                storageOf(n.operand(0)).bits() > 8
                        ? "integer softmax takes codes of 8 bits or fewer, and its input is " + storageOf(n.operand(0))
                        : softmaxExtent(n) > IntOp.Softmax.MAX_EXTENT
                                ? "integer softmax sums at most " + IntOp.Softmax.MAX_EXTENT
                                        + " numbers in 32 bits, and its axis has " + softmaxExtent(n)
                                : null;
            case TABLE -> {
                Storage in = storageOf(n.operand(0));
                Storage to = storage(n);
                boolean table = in.bits() <= 8 || (in == Storage.I16 && to == Storage.I16);
                yield table ? null : "there is no table from " + in + " codes to " + to;
            }
            case ARITHMETIC ->
                Role.weighted(n.op()) && n.operands().size() > 2 && Constants.behind(n.operand(2), definitions) == null
                        ? "its bias is computed, not a constant"
                        : null;
            case CONSTANT, DATA, CLAMP, POOL, POINT, DEQUANTIZE, INTEGER -> null;
        };
    }

    private void want(Node n) {
        boolean integer = switch (Role.of(n)) {
            case DATA -> wanted.contains(n.id()) || (results.contains(n.id()) && !fromIsland.contains(n.id()));
            case CONSTANT, DEQUANTIZE, INTEGER -> false;
            case POINT -> true;
            case CLAMP, ARITHMETIC, POOL, SOFTMAX, TABLE, FLOAT_ONLY -> true;
        };
        if (integer && !floating.contains(n.id())) {
            if (Role.of(n) == Role.DATA) {
                wanted.add(n.id());
            }
            wanted.addAll(n.operands());
        }
    }

    // The new graph.

    private void input(ValueId id, Type type, Spec spec, Span span) {
        boolean pointsFollow = users.getOrDefault(id, List.of()).stream().allMatch(u -> Role.of(u) == Role.POINT);
        if (type.isFloat() && wanted.contains(id) && !pointsFollow) {
            grid.put(id, fakeQuant(id, type, spec, span, null));
        } else {
            real.put(id, id);
        }
    }

    private void rewrite(Node n) {
        if (floating.contains(n.id())) {
            Node f = n.withOperands(n.operands().stream().map(this::asReal).toList());
            emitReal(f);
            return;
        }
        switch (Role.of(n)) {
            case CONSTANT, INTEGER -> {
                out.add(n.withOperands(n.operands().stream().map(this::asReal).toList()));
                real.put(n.id(), n.id());
            }
            case DEQUANTIZE -> dequantize(n);
            case POINT -> {
                QuantOp.FakeQuant op = point(n);
                ValueId x = map(n.operand(0));
                out.add(new Node(n.id(), op, List.of(x), n.type().withElement(Element.FLOAT), n.intent(), n.span()));
                grid.put(n.id(), n.id());
            }
            case DATA -> data(n);
            case CLAMP -> {
                Node c = n.withOperands(List.of(onGrid(n.operand(0), n)));
                out.add(c);
                if (open.contains(n.operand(0)) || n.intent().activations() != null || Grids.rounds(n.op())) {
                    close(n, carried.get(n.operand(0)));
                } else {
                    grid.put(n.id(), n.id());
                }
            }
            case POOL, ARITHMETIC, SOFTMAX, TABLE, FLOAT_ONLY -> {
                out.add(n.withOperands(operands(n)));
                close(n, null);
            }
        }
    }

    /** Begins the grid of a value, unless its only user is a clamp: then behind that. */
    private void close(Node n, @Nullable Spec before) {
        Spec asked = n.intent().activations() != null ? n.intent().activations() : before;
        List<Node> uses = users.getOrDefault(n.id(), List.of());
        boolean clamps = uses.size() == 1
                && Role.of(uses.getFirst()) == Role.CLAMP
                && !floating.contains(uses.getFirst().id());
        boolean points = !uses.isEmpty() && uses.stream().allMatch(u -> Role.of(u) == Role.POINT);
        boolean fuses = Role.of(n) == Role.ARITHMETIC || Role.of(n) == Role.CLAMP;
        if (!results.contains(n.id()) && ((clamps && fuses) || points)) {
            grid.put(n.id(), n.id());
            if (clamps) {
                open.add(n.id());
                if (asked != null) {
                    carried.put(n.id(), asked);
                }
            }
            return;
        }
        Spec spec = Role.of(n) == Role.SOFTMAX ? softmaxSpec(n) : asked != null ? asked : policy.activations();
        grid.put(
                n.id(),
                fakeQuant(n.id(), n.type(), spec, n.span(), Role.of(n) == Role.SOFTMAX ? softmaxQuant(spec) : null));
    }

    private void emitReal(Node n) {
        out.add(n);
        real.put(n.id(), n.id());
        boolean points = users.getOrDefault(n.id(), List.of()).stream().allMatch(u -> Role.of(u) == Role.POINT);
        if (wanted.contains(n.id()) && !points) {
            Spec asked = n.intent().activations();
            grid.put(n.id(), fakeQuant(n.id(), n.type(), asked != null ? asked : policy.activations(), n.span(), null));
        }
    }

    private void data(Node n) {
        if (!n.type().isFloat() && !grid.containsKey(n.operand(0))) {
            // Moves codes that the source gives; what dequantizes them begins the grid.
            out.add(n.withOperands(n.operands().stream().map(this::asReal).toList()));
            real.put(n.id(), n.id());
            return;
        }
        boolean codes = wanted.contains(n.id()) || n.operands().stream().anyMatch(o -> !real.containsKey(o));
        if (!codes) {
            emitReal(n.withOperands(n.operands().stream().map(this::asReal).toList()));
            return;
        }
        List<ValueId> operands = n.operands().stream().map(o -> onGrid(o, n)).toList();
        Node m = new Node(n.id(), realFill(n), operands, n.type().withElement(Element.FLOAT), n.intent(), n.span());
        out.add(m);
        if (n.intent().activations() != null || Grids.rounds(m.op())) {
            close(m, null);
        } else {
            grid.put(n.id(), n.id());
        }
    }

    /** What fills between codes is written as a code; as fake quantization sees it, it is the real number. */
    private static DataOp realFill(Node n) {
        DataOp op = (DataOp) n.op();
        return n.type().element() instanceof Quant q
                ? Fills.map(
                        op,
                        code -> Codes.dequantize(
                                (int) code, q.perTensor().scale(), q.perTensor().zero()))
                : op;
    }

    private void dequantize(Node n) {
        ValueId codes = n.operand(0);
        if (grid.containsKey(codes)) {
            grid.put(n.id(), map(codes));
            return;
        }
        out.add(n.withOperands(List.of(asReal(codes))));
        grid.put(n.id(), n.id());
    }

    private List<ValueId> operands(Node n) {
        List<ValueId> mapped = new ArrayList<>();
        for (int i = 0; i < n.operands().size(); i++) {
            ValueId v = n.operand(i);
            if (i == 2 && Role.weighted(n.op())) {
                mapped.add(map(v));
            } else {
                mapped.add(onGrid(v, n));
            }
        }
        if (Role.weighted(n.op())) {
            checkNarrow(n);
        }
        return mapped;
    }

    /** Weights given as codes must keep to the narrow range that the scheme promises of weights. */
    private void checkNarrow(Node n) {
        Node c = Constants.behind(n.operand(1), definitions);
        Spec spec = n.intent().weights() != null ? n.intent().weights() : policy.weights();
        if (c == null
                || !(c.op() instanceof DataOp.Constant(Tensor.OfInt t))
                || !(c.type().element() instanceof Quant q)
                || q.storage() != spec.storage()) {
            return;
        }
        for (int i = 0; i < t.values().length; i++) {
            if (t.values()[i] < spec.lo()) {
                diagnostics.add(QuantDiagnostics.narrowRange(n, c, t.values()[i], i, spec));
                return;
            }
        }
    }

    /** A value as integer operations read it; constants are wrapped here. */
    private ValueId onGrid(ValueId v, Node user) {
        ValueId g = grid.get(v);
        if (g != null) {
            return g;
        }
        Node def = definitions.get(v);
        if (def != null && def.op() instanceof DataOp.Constant && def.type().isFloat()) {
            return constants.wrap(def, user, constantSpec(v, user)).id();
        }
        return map(v);
    }

    private Spec constantSpec(ValueId v, Node user) {
        Spec weights = user.intent().weights() != null ? user.intent().weights() : policy.weights();
        if (Role.weighted(user.op()) && user.operand(1).equals(v)) {
            return weights;
        }
        if (user.op() instanceof FloatOp.MatMul || user.intent().weights() != null) {
            return new Spec(
                    weights.storage(),
                    weights.symmetric(),
                    weights.narrow(),
                    new Granularity.PerTensor(),
                    weights.range(),
                    false);
        }
        return ConstantQuantizer.elementSpec(policy.activations());
    }

    private ValueId map(ValueId v) {
        ValueId g = grid.get(v);
        return g != null ? g : asReal(v);
    }

    private ValueId asReal(ValueId v) {
        ValueId r = real.get(v);
        return r != null ? r : grid.getOrDefault(v, v);
    }

    private ValueId fakeQuant(ValueId x, Type type, Spec spec, Span span, @Nullable Quant chosen) {
        checkActivation(spec, span);
        ValueId id = names.fresh(x.name() + ".fq");
        out.add(new Node(id, new QuantOp.FakeQuant(spec, policy.rounding(), chosen), List.of(x), type, span));
        return id;
    }

    // Requests.

    private Spec spec(Graph.Param p) {
        return p.activations() != null ? p.activations() : policy.activations();
    }

    private QuantOp.FakeQuant point(Node n) {
        if (n.op() instanceof QuantOp.FakeQuant f) {
            return f;
        }
        Quant q = n.type().quant();
        Spec spec = new Spec(
                q.storage(),
                q.storage().signed() && q.perTensor().zero() == 0,
                q.lo() > q.storage().min(),
                new Granularity.PerTensor(),
                new RangeMethod.Given(
                        List.of(q.perTensor().scale()), List.of(q.perTensor().zero())),
                false);
        return new QuantOp.FakeQuant(spec, ((QuantOp.Quantize) n.op()).rounding(), q);
    }

    /** Softmax gives 8-bit codes with scale 1/256, signed as the activations are. */
    private Spec softmaxSpec(Node n) {
        Spec asked = n.intent().activations() != null ? n.intent().activations() : policy.activations();
        boolean signed = asked.storage().signed();
        return new Spec(
                signed ? Storage.I8 : Storage.U8,
                false,
                false,
                new Granularity.PerTensor(),
                new RangeMethod.Given(List.of(1f / 256), List.of(signed ? -128 : 0)),
                false);
    }

    private static Quant softmaxQuant(Spec spec) {
        return Quant.of(spec.storage(), 1f / 256, spec.storage().signed() ? -128 : 0);
    }

    private void checkActivation(Spec spec, Span span) {
        if (!(spec.granularity() instanceof Granularity.PerTensor)) {
            diagnostics.add(QuantDiagnostics.activationSpec(
                    span,
                    "an activation has one scale, but its scheme asks for more",
                    "write per_tensor for activations"));
        }
        if (spec.storage() == Storage.BIPOLAR || spec.storage() == Storage.I32) {
            diagnostics.add(QuantDiagnostics.activationSpec(
                    span,
                    spec.storage() + " is no storage for activations",
                    spec.storage() == Storage.I32 ? "write i16" : "write ternary or i2: bipolar has no code for 0"));
        }
        if (spec.dynamic()) {
            diagnostics.add(QuantDiagnostics.activationSpec(
                    span,
                    "dynamic scales are asked for one value of a model whose activations are static",
                    "write dynamic in the scheme of the whole model, or drop it here"));
        }
    }
}

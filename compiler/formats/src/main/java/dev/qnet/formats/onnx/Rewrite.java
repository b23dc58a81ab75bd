package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.Report;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A graph while it is written anew, operands before users; equal operations on equal operands are one. */
final class Rewrite {
    /** What is to stand for a node. */
    interface Rule {
        /**
         * A value of the new graph, or null to keep the node.
         *
         * @param n with its operands in the new graph
         */
        @Nullable ValueId of(Node n);
    }

    private record Key(Op op, List<ValueId> operands, Type type) {}

    private final Graph old;
    private final List<Report.Note> notes;
    private final Map<ValueId, Type> types = new HashMap<>();
    private final Map<ValueId, Node> definitions = new HashMap<>();
    private final Map<ValueId, ValueId> renamed = new HashMap<>();
    private final Map<Key, ValueId> known = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private final List<Node> nodes = new ArrayList<>();
    /** The name of the value being rewritten; what is emitted for it takes its name from there. */
    private String name = "";

    /**
     * Begins with the inputs alone.
     *
     * @param notes takes what became of which value
     */
    Rewrite(Graph old, List<Report.Note> notes) {
        this.old = old;
        this.notes = notes;
        old.params().forEach(p -> types.put(p.id(), p.type()));
        old.params().forEach(p -> names.add(p.id().name()));
        old.nodes().forEach(n -> names.add(n.id().name()));
    }

    /** The graph with what a rule makes of its nodes, without what no result needs. */
    Graph run(Rule rule) {
        for (Node n : old.nodes()) {
            name = n.id().name();
            Node now = n.withOperands(n.operands().stream().map(this::now).toList());
            ValueId by = rule.of(now);
            if (by == null) {
                keep(now);
            } else {
                replace(n.id(), by);
            }
        }
        List<Graph.Result> results = old.results().stream()
                .map(r -> new Graph.Result(r.name(), now(r.value())))
                .toList();
        return old.withNodes(nodes).withResults(results).live();
    }

    /** What a value of the old graph has become. */
    private ValueId now(ValueId id) {
        return renamed.getOrDefault(id, id);
    }

    private void replace(ValueId id, ValueId by) {
        if (!id.equals(by)) {
            renamed.put(id, by);
        }
    }

    private void keep(Node kept) {
        Key key = new Key(kept.op(), kept.operands(), kept.type());
        ValueId same = known.get(key);
        if (same != null) {
            replace(kept.id(), same);
            return;
        }
        known.put(key, kept.id());
        add(kept);
    }

    private void add(Node n) {
        nodes.add(n);
        types.put(n.id(), n.type());
        definitions.put(n.id(), n);
    }

    /** Notes that several nodes have become one integer operation. */
    void fused(String what) {
        notes.add(new Report.Note(Report.Kind.FUSED, name, "", what));
    }

    Type type(ValueId id) {
        Type t = types.get(id);
        if (t == null) {
            throw new IllegalStateException(id + " is not there yet");
        }
        return t;
    }

    /** The node of a new value, or null for an input. */
    @Nullable Node definition(ValueId id) {
        return definitions.get(id);
    }

    /** A new operation. */
    ValueId emit(Op op, Element element, ValueId... operands) {
        return emit(op, element, List.of(operands));
    }

    ValueId emit(Op op, Element element, List<ValueId> operands) {
        Shape shape =
                Shapes.infer(op, operands.stream().map(o -> type(o).shape()).toList());
        Key key = new Key(op, operands, new Type(element, shape));
        ValueId same = known.get(key);
        if (same != null) {
            return same;
        }
        ValueId id = new ValueId(fresh());
        known.put(key, id);
        add(new Node(id, op, operands, key.type(), Span.NONE));
        return id;
    }

    ValueId constant(Tensor value, Element element) {
        return emit(new DataOp.Constant(value), element, List.of());
    }

    /** Known real numbers along the last axis: [C], or [1] where all are the same. */
    ValueId vector(float[] v) {
        boolean one = v.length > 0;
        for (float f : v) {
            one &= f == v[0];
        }
        float[] kept = one ? new float[] {v[0]} : v;
        return constant(new Tensor.OfFloat(Shape.of(kept.length), kept), Element.FLOAT);
    }

    private String fresh() {
        String fresh = name;
        for (int i = 2; !names.add(fresh); i++) {
            fresh = name + "." + i;
        }
        return fresh;
    }

    /** A constant's elements, or null where a value is none. */
    @Nullable Tensor constant(ValueId id) {
        Node n = definition(id);
        return n != null && n.op() instanceof DataOp.Constant c ? c.value() : null;
    }

    /** The operand of a dequantize, or null. */
    @Nullable ValueId codes(ValueId id) {
        Node n = definition(id);
        return n != null && n.op() instanceof QuantOp.Dequantize ? n.operand(0) : null;
    }

    /** The element of the codes of what is dequantized with one scale, or null. */
    @Nullable Quant activation(ValueId id) {
        ValueId codes = codes(id);
        return codes != null && type(codes).quant().scheme() instanceof Scheme.PerTensor
                ? type(codes).quant()
                : null;
    }

    /** The codes of an activation. */
    ValueId codesOf(ValueId activation) {
        ValueId codes = codes(activation);
        if (codes == null) {
            throw new IllegalStateException(activation + " is not dequantized");
        }
        return codes;
    }

    /** Real numbers that are known: a constant of them, or one of codes dequantized. Null for all else. */
    float @Nullable [] reals(ValueId id) {
        if (constant(id) instanceof Tensor.OfFloat f) {
            return f.values();
        }
        ValueId codes = codes(id);
        return codes == null ? null : dequantized(codes);
    }

    /** The real numbers of known codes, or null where those are not known. */
    float @Nullable [] dequantized(ValueId codes) {
        return constant(codes) instanceof Tensor.OfInt q
                ? Staircase.dequantize(type(codes).quant(), q)
                : null;
    }

    /** The last axis of a value, or 1 of a scalar. */
    int channels(ValueId id) {
        Shape s = type(id).shape();
        return s.rank() == 0 ? 1 : s.dim(-1);
    }

    /** Whether a reshape leaves the last axis whole. */
    boolean keepsLastAxis(Node reshape) {
        Shape from = type(reshape.operand(0)).shape();
        Shape s = reshape.type().shape();
        return s.rank() > 0 && from.rank() > 0 && s.dim(-1) == from.dim(-1) && s.dim(-1) != Shape.BATCH;
    }
}

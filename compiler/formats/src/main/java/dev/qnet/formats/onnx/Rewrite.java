package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A graph while it is written anew, operands before users; equal operations on equal operands are one. */
final class Rewrite {
    private record Key(Op op, List<ValueId> operands, Type type) {}

    private final Graph old;
    private final Map<ValueId, Type> types = new HashMap<>();
    private final Map<ValueId, Node> definitions = new HashMap<>();
    private final Map<ValueId, ValueId> renamed = new HashMap<>();
    private final Map<Key, ValueId> known = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    private final List<Node> nodes = new ArrayList<>();

    Rewrite(Graph old) {
        this.old = old;
        old.params().forEach(p -> types.put(p.id(), p.type()));
        old.params().forEach(p -> names.add(p.id().name()));
        old.nodes().forEach(n -> names.add(n.id().name()));
    }

    /** What a value of the old graph has become. */
    ValueId now(ValueId id) {
        return renamed.getOrDefault(id, id);
    }

    List<ValueId> now(List<ValueId> ids) {
        return ids.stream().map(this::now).toList();
    }

    /** Says that an old value is a new one. */
    void replace(ValueId id, ValueId by) {
        if (!id.equals(by)) {
            renamed.put(id, by);
        }
    }

    /** Keeps an old node, whose operands have been rewritten. */
    void keep(Node n) {
        Node kept = n.withOperands(now(n.operands()));
        Key key = new Key(kept.op(), kept.operands(), kept.type());
        ValueId same = known.get(key);
        if (same != null) {
            replace(n.id(), same);
            return;
        }
        known.put(key, n.id());
        add(kept);
    }

    private void add(Node n) {
        nodes.add(n);
        types.put(n.id(), n.type());
        definitions.put(n.id(), n);
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
    ValueId emit(String name, Op op, Element element, ValueId... operands) {
        return emit(name, op, element, List.of(operands));
    }

    ValueId emit(String name, Op op, Element element, List<ValueId> operands) {
        Shape shape =
                Shapes.infer(op, operands.stream().map(o -> type(o).shape()).toList());
        Key key = new Key(op, operands, new Type(element, shape));
        ValueId same = known.get(key);
        if (same != null) {
            return same;
        }
        ValueId id = new ValueId(fresh(name));
        known.put(key, id);
        add(new Node(id, op, operands, key.type(), Span.NONE));
        return id;
    }

    ValueId constant(String name, Tensor value, Element element) {
        return emit(name, new DataOp.Constant(value), element, List.of());
    }

    private String fresh(String base) {
        String name = base;
        for (int i = 2; !names.add(name); i++) {
            name = base + "." + i;
        }
        return name;
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

    /** Real numbers that are known: a constant of them, or one of codes dequantized. Null for all else. */
    float @Nullable [] reals(ValueId id) {
        if (constant(id) instanceof Tensor.OfFloat f) {
            return f.values();
        }
        ValueId codes = codes(id);
        if (codes == null || !(constant(codes) instanceof Tensor.OfInt q)) {
            return null;
        }
        Quant quant = type(codes).quant();
        return Staircase.dequantize(quant, q);
    }

    /** The graph, without what no result needs. */
    Graph finish() {
        List<Graph.Result> results = old.results().stream()
                .map(r -> new Graph.Result(r.name(), now(r.value())))
                .toList();
        Set<ValueId> needed = new HashSet<>();
        results.forEach(r -> needed.add(r.value()));
        List<Node> kept = new ArrayList<>();
        for (Node n : nodes.reversed()) {
            if (needed.contains(n.id())) {
                needed.addAll(n.operands());
                kept.add(n);
            }
        }
        Collections.reverse(kept);
        return old.withNodes(kept).withResults(results);
    }

    /** A constant's integers. */
    static long[] longs(Tensor t) {
        return switch (t) {
            case Tensor.OfInt i -> Arrays.stream(i.values()).asLongStream().toArray();
            case Tensor.OfLong l -> l.values().clone();
            case Tensor.OfFloat f -> throw new IllegalArgumentException("not integers: " + f);
        };
    }
}

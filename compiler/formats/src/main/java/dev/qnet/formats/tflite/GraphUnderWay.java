package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Collects parameters, states and nodes, and gives each value a name of its own. */
final class GraphUnderWay {
    /** What constants and tables may take in all, beside a multiple of the file: it may name one large constant many times. */
    private static final long FREE_BYTES = 512L << 20;

    private static final int TIMES_FILE = 16;

    private final List<Graph.Param> params = new ArrayList<>();
    private final List<Graph.State> states = new ArrayList<>();
    private final List<Node> nodes = new ArrayList<>();
    private final Map<ValueId, Tensor> constants = new HashMap<>();
    private final Set<String> names = new HashSet<>();
    /** How often a name was wished for again. */
    private final Map<String, Integer> counts = new HashMap<>();
    /** Nodes whose names are made up, so that a tensor may still give them its own. */
    private final Set<ValueId> unnamed = new HashSet<>();

    private final long limit;
    private long bytes;

    /** @param file the file's size in bytes */
    GraphUnderWay(long file) {
        this.limit = FREE_BYTES + TIMES_FILE * file;
    }

    List<Node> nodes() {
        return nodes;
    }

    List<Graph.Param> params() {
        return params;
    }

    List<Graph.State> states() {
        return states;
    }

    /** A name that no value has yet: the given one, or one that begins like it. */
    String unique(String wish) {
        String base = wish.isEmpty() ? "value" : wish;
        String name = base;
        while (!names.add(name)) {
            name = base + "_" + counts.merge(base, 1, (a, b) -> a + 1);
        }
        return name;
    }

    Val param(String name, Type type) {
        ValueId id = new ValueId(unique(name));
        params.add(new Graph.Param(id, type, null, Span.NONE));
        return new Val(id, type);
    }

    /** A value to be remembered; {@link #remember} says what it becomes. */
    Val state(String name, Type type) {
        return new Val(new ValueId(unique(name)), type);
    }

    void remember(Val state, Val next) {
        states.add(new Graph.State(state.id(), state.type(), next.id(), Span.NONE));
    }

    /** A node with a made-up name. */
    Val node(String near, Op op, Element element, Val... operands) {
        List<Shape> shapes = new ArrayList<>();
        List<ValueId> ids = new ArrayList<>();
        for (Val v : operands) {
            shapes.add(v.shape());
            ids.add(v.id());
        }
        Type type = new Type(element, Shapes.infer(op, shapes));
        ValueId id = new ValueId(unique(near));
        unnamed.add(id);
        nodes.add(new Node(id, op, ids, type, Span.NONE));
        return new Val(id, type);
    }

    Val constant(String name, Tensor value, Element element) {
        spend((value instanceof Tensor.OfLong ? 8L : 4L) * value.shape().elements());
        Val v = node(name, new DataOp.Constant(value), element);
        constants.put(v.id(), value);
        return v;
    }

    /** The elements of a constant, or null for what is computed. */
    @Nullable Tensor constant(Val v) {
        return constants.get(v.id());
    }

    /** Counts bytes that the graph holds itself. */
    void spend(long n) {
        bytes += n;
        if (bytes > limit) {
            throw new Unsupported("its constants and tables would make the graph larger than " + limit + " bytes");
        }
    }

    /** A value under a tensor's name, if it has no name yet. */
    Val named(Val v, String name) {
        Node last = nodes.isEmpty() ? null : nodes.getLast();
        if (last == null || !last.id().equals(v.id()) || !unnamed.remove(v.id()) || name.isEmpty()) {
            return v;
        }
        names.remove(v.id().name());
        ValueId id = new ValueId(unique(name));
        nodes.set(nodes.size() - 1, last.withId(id));
        Tensor constant = constants.remove(v.id());
        if (constant != null) {
            constants.put(id, constant);
        }
        return new Val(id, v.type());
    }

    /** The same codes as another element; nothing is computed. */
    Val reinterpret(Val v, Element element) {
        return v.element().equals(element) ? v : node(v.id().name(), new NumOp.Reinterpret(), element, v);
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.mul;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.MemoryPlanner;
import dev.qnet.compiler.source.Span;
import dev.qnet.target.tvm.lower.Placement.Place;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;

/** What stands around the layers of a graph, whatever it is lowered for: the caller's tensors, the arena, the order of steps. */
final class Frame {
    /** The most elements that are looked at through one pointer; only what is used is there. */
    static final long MANY = Integer.MAX_VALUE;

    /** Items of a run, where the graph has a batch. */
    final Var items = Var.of("n", DataType.INT32);

    final Buffer arena = Buffer.at(Var.pointer("arena", DataType.UINT8), MANY);
    final Buffer status = Buffer.at(Var.pointer("status", DataType.INT32), MANY);
    final Placement placement;

    /** Whether a run is of as many items as the caller says. */
    final boolean batched;

    private final Graph graph;
    private final Options options;
    private final Map<ValueId, Type> types;
    private final Map<ValueId, Node> definitions;
    private final Map<Var, Buffer> tensors = new LinkedHashMap<>();
    private final List<Port> inputs = new ArrayList<>();
    private final List<Port> states = new ArrayList<>();
    private final List<Port> outputs = new ArrayList<>();

    /** A tensor of the caller: its elements, and how many an item has; 0 if all items share them. */
    record Port(Buffer elements, long itemElements) {
        Expr address(Expr item) {
            Expr first = itemElements == 0 ? i64(0) : mul(Tir.cast(DataType.INT64, item), itemElements);
            return Tir.address(elements, first);
        }
    }

    /**
     * Places a graph's values; its ports are made by {@link #takeTensors} or {@link #takePointers}.
     *
     * @param alignment bytes that places in the arena are multiples of
     * @param single whether a run is of one item, whatever the graph's batch
     */
    Frame(Graph graph, Options options, int alignment, boolean single) {
        this.graph = graph;
        this.options = options;
        this.types = graph.types();
        this.definitions = graph.definitions();
        this.placement = new Placement(graph, alignment);
        this.batched = !single
                && graph.params().stream().anyMatch(p -> p.type().shape().hasBatch());
    }

    // ---- The caller's memory

    /** Ports are TVM's tensors. */
    void takeTensors() {
        ports(this::tensor);
    }

    /** Ports are pointers. */
    void takePointers() {
        ports((name, type) -> port(Buffer.at(Var.pointer(name, Elements.type(type.element())), MANY), type));
    }

    private void ports(BiFunction<String, Type, Port> port) {
        graph.params().forEach(p -> inputs.add(port.apply("in_" + p.id().name(), p.type())));
        graph.states().forEach(s -> states.add(port.apply("state_" + s.id().name(), s.type())));
        graph.results()
                .forEach(r -> outputs.add(port.apply("out_" + r.name(), Objects.requireNonNull(types.get(r.value())))));
    }

    private Port tensor(String name, Type type) {
        List<Expr> extents = new ArrayList<>();
        for (int d : type.shape().dims()) {
            extents.add(d == Shape.BATCH ? batched ? items : i32(1) : i32(d));
        }
        Buffer buffer = Buffer.tensor(name + "_data", Elements.type(type.element()), extents);
        tensors.put(Var.tensor(name), buffer);
        return port(Buffer.at(buffer.data(), MANY), type);
    }

    private static Port port(Buffer elements, Type type) {
        return new Port(elements, type.shape().hasBatch() ? type.shape().elements() : 0);
    }

    /** The tensors that the entry takes, in order; more may be added. */
    Map<Var, Buffer> tensors() {
        return tensors;
    }

    /** All ports, in the order in which the entry takes them. */
    List<Port> ports() {
        List<Port> ports = new ArrayList<>(inputs);
        ports.addAll(states);
        ports.addAll(outputs);
        return ports;
    }

    /** The caller's memory that a place is. */
    Port port(Place place) {
        return switch (place) {
            case Place.Input(int number) -> inputs.get(number);
            case Place.State(int number) -> states.get(number);
            case Place.Output(int number) -> outputs.get(number);
            case Place.Arena _, Place.Constant _ ->
                throw new IllegalStateException(place + " is no memory of the caller");
        };
    }

    // ---- Steps

    /** The nodes that compute something. */
    List<Node> computing() {
        return graph.nodes().stream()
                .filter(n -> !(n.op() instanceof DataOp.Constant) && !MemoryPlanner.isView(n))
                .toList();
    }

    /** The nodes whose layers run, in order. */
    List<Node> steps() {
        return computing().stream().filter(n -> n.type().shape().elements() > 0).toList();
    }

    /** What is copied when they have run, in order. */
    List<Placement.Copy> copies() {
        return placement.copies().stream()
                .filter(c -> c.type().shape().elements() > 0)
                .toList();
    }

    /** The layer of a node. */
    Layer layer(Node node) {
        return new Layer(node, options, definitions, types);
    }

    /** A layer that copies: it has a constant inside, or is given what {@link Placement#source} says. */
    Layer copy(Placement.Copy c) {
        Node constant = definitions.get(placement.owner(c.value()));
        boolean table = placement.source(c) instanceof Place.Constant && constant != null;
        Node node = new Node(
                c.value(),
                new DataOp.Reshape(c.type().shape()),
                List.of(table ? Objects.requireNonNull(constant).id() : c.value()),
                c.type(),
                Span.NONE);
        return new Layer(node, options, table ? definitions : Map.of(), types);
    }
}

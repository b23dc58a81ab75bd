package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.eq;
import static dev.qnet.target.tvm.tir.Tir.evaluate;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.PlanMemory;
import dev.qnet.target.tvm.lower.Frame.Port;
import dev.qnet.target.tvm.lower.Placement.Place;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import dev.qnet.target.tvm.tir.TirModule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Lowers a graph: a function for each node, and one that users call, which runs them for each item of the batch.
 *
 * <p>The entry takes tensors: the graph's parameters, its states (which it changes), its results, each in the graph's order.
 */
public final class Lowering {
    /** The name of the function that users call. */
    public static final String ENTRY = "run";

    /** What a run ends with where Linux does not let the process use tiles. */
    static final String AMX_REFUSED =
            "the library uses AMX, which this machine has not or does not allow; compile it with another --cpu";

    private static final int SYS_ARCH_PRCTL = 158;
    private static final int ARCH_REQ_XCOMP_PERM = 0x1023;
    private static final int XFEATURE_XTILEDATA = 18;

    /** On small devices; as large as the largest element. */
    private static final int DEVICE_ALIGNMENT = 8;

    private final Frame frame;
    private final Placement placement;
    private final Buffer arena;
    private final Buffer status;
    private final List<PrimFunc> functions = new ArrayList<>();
    /** Whether a layer uses the processor's tiles. */
    private boolean tiles;

    /** Bytes that places in memory are multiples of. */
    private final int alignment;

    /** Bytes that the greediest layer needs beside its operands and its result. */
    private long scratch;
    /** That layer. */
    private String greediest = "";

    private Lowering(Graph graph, Options options, int alignment, boolean single) {
        this.alignment = alignment;
        this.frame = new Frame(graph, options, alignment, single);
        this.placement = frame.placement;
        this.arena = frame.arena;
        this.status = frame.status;
    }

    /**
     * Lowers a graph that {@link #refusal} accepts node for node.
     *
     * @param isa what kernels may use
     */
    public static TirModule lower(Graph graph, Isa isa) {
        return new Lowering(graph, Options.of(isa), PlanMemory.ALIGNMENT, false).module();
    }

    /**
     * A graph lowered to functions of TVM's calling convention.
     *
     * @param tiles whether it uses the processor's tiles (AMX)
     */
    public record Packed(TirModule module, boolean tiles) {}

    /** As {@link #lower}, with what the module needs. */
    public static Packed lowerPacked(Graph graph, Options options) {
        Lowering lowering = new Lowering(graph, options, PlanMemory.ALIGNMENT, false);
        TirModule module = lowering.module();
        return new Packed(module, lowering.tiles);
    }

    /** Why a node cannot be lowered, after its name; empty if it can. */
    public static Optional<String> refusal(Node n) {
        return switch (n.op()) {
            case QuantOp.FakeQuant f -> Optional.of("is fake quantization; lower the graph to integers first");
            case TrainOp t -> Optional.of("is part of training, not of a model");
            case DataOp _, NumOp _, IntOp _, QuantOp _, FloatOp _ -> Optional.empty();
        };
    }

    /**
     * A graph lowered to functions that a C compiler knows how to call.
     *
     * @param workspace bytes of memory that the function which runs the graph works in
     * @param failures what went wrong, by the number, from 1 on, that is then the first of 32 bits in that memory; 0 for
     *     nothing, and none is written where nothing can fail
     * @param tiles whether it uses the processor's tiles (AMX)
     */
    public record ForC(TirModule module, long workspace, List<String> failures, boolean tiles) {
        public ForC {
            failures = List.copyOf(failures);
        }
    }

    /**
     * Lowers a graph as {@link #lower} does, with an entry that takes the number of items (where the graph has a batch),
     * pointers to the inputs, the states, the outputs, and to memory to work in.
     *
     * @param name of the entry
     */
    public static ForC lowerForC(Graph graph, Options options, String name) {
        return new Lowering(graph, options, PlanMemory.ALIGNMENT, false).moduleForC(name);
    }

    /**
     * A value's place in the memory that a run works in.
     *
     * @param value its name
     */
    public record Held(String value, long bytes) {}

    /**
     * A graph lowered for small devices: {@link ForC}, with an entry for one item, in memory that is packed closely.
     *
     * @param held what shares the workspace over time
     */
    public record ForDevice(ForC program, List<Held> held) {
        public ForDevice {
            held = List.copyOf(held);
        }
    }

    /**
     * Lowers a graph as {@link #lowerForC} does, for one item a run and with scalar code.
     *
     * @param name of the entry
     */
    public static ForDevice lowerForDevice(Graph graph, String name) {
        Lowering lowering = new Lowering(graph, Options.of(Isa.PLAIN), DEVICE_ALIGNMENT, true);
        ForC program = lowering.moduleForC(name);
        return new ForDevice(program, lowering.held());
    }

    private List<Held> held() {
        List<Held> held = new ArrayList<>();
        for (Node n : frame.computing()) {
            if (placement.place(n.id()) instanceof Place.Arena) {
                held.add(new Held(n.id().name(), PlanMemory.bytes(n.type())));
            }
        }
        if (scratch > 0) {
            held.add(new Held("what '" + greediest + "' works in", scratch));
        }
        return held;
    }

    private ForC moduleForC(String name) {
        frame.takePointers();
        List<String> failures = new ArrayList<>();
        Stmt body = steps(failures);
        if (!failures.isEmpty()) {
            body = withStatus(seq(store(status, i32(0), i32(0)), body, told()));
        }
        List<Var> params = new ArrayList<>();
        if (frame.batched) {
            params.add(frame.items);
        }
        List<Port> ports = frame.ports();
        ports.add(new Port(arena, 0));
        for (Port p : ports) {
            params.add(p.elements().data());
            body = new Stmt.Declare(p.elements(), body);
        }
        functions.add(new PrimFunc(name, params, Map.of(), true, body));
        return new ForC(new TirModule(functions), workspace(), failures, tiles);
    }

    /** TVM's functions return 0; which failure there was stands in front of the memory that they work in. */
    private Stmt told() {
        Buffer number = Buffer.at(Var.pointer("number", DataType.INT32), 1);
        return new Stmt.Let(
                number.data(),
                Tir.address(arena, i32(0)),
                new Stmt.Declare(number, store(number, load(status, i32(0)), i32(0))));
    }

    /** A named pointer, for TVM takes it that other pointers may lead to the same place. */
    private Stmt withStatus(Stmt body) {
        return new Stmt.Let(status.data(), Tir.address(arena, i32(placement.bytes())), new Stmt.Declare(status, body));
    }

    private Stmt steps(List<String> failures) {
        Stmt steps = frame.batched
                ? loop("item", i32(0), frame.items, Stmt.LoopKind.SERIAL, i -> item(i, failures))
                : item(i32(0), failures);
        if (!tiles) {
            return steps;
        }
        failures.add(AMX_REFUSED);
        // Linux allows a process the state of tiles when it asks; to ask again is allowed, too.
        Expr answer = Tir.call(
                DataType.INT64,
                "call_extern",
                new Expr.Text("syscall"),
                i64(SYS_ARCH_PRCTL),
                i64(ARCH_REQ_XCOMP_PERM),
                i64(XFEATURE_XTILEDATA));
        return Tir.when(eq(answer, i64(0)), steps, store(status, i32(failures.size()), i32(0)));
    }

    private TirModule module() {
        frame.takeTensors();
        List<String> failures = new ArrayList<>();
        Stmt steps = steps(failures);
        functions.add(entry(steps, failures));
        return new TirModule(functions);
    }

    private PrimFunc entry(Stmt steps, List<String> failures) {
        Stmt body = steps;
        if (!failures.isEmpty()) {
            List<Stmt> all = new ArrayList<>();
            all.add(store(status, i32(0), i32(0)));
            all.add(body);
            Stmt checks = evaluate(i32(0));
            for (int k = failures.size(); k > 0; k--) {
                // The number of the failure, which is not there unless it happened.
                checks = new Stmt.Assert(Tir.ne(load(status, i32(0)), i32(k)), failures.get(k - 1), checks);
            }
            all.add(checks);
            body = withStatus(seq(all));
        }
        body = new Stmt.Allocate(arena, workspace(), false, body);
        for (Port p : frame.ports()) {
            body = new Stmt.Declare(p.elements(), body);
        }
        return new PrimFunc(ENTRY, List.copyOf(frame.tensors().keySet()), frame.tensors(), true, body);
    }

    /** Bytes of the arena: values, the status, what layers need while they run. */
    private long workspace() {
        return aside() + scratch;
    }

    private long aside() {
        return placement.bytes() + alignment;
    }

    /** All layers for one item. */
    private Stmt item(Expr item, List<String> failures) {
        List<Stmt> steps = new ArrayList<>();
        for (Node n : frame.steps()) {
            Layer layer = frame.layer(n);
            Place to = placement.place(n.id());
            steps.add(step(item, layer, n.id().name(), body(layer), placement::place, to, failures));
        }
        for (Placement.Copy c : frame.copies()) {
            Layer layer = frame.copy(c);
            String what = "copy_" + c.value().name();
            Stmt body = Ints.each(layer, x -> x);
            steps.add(step(item, layer, what, body, v -> placement.source(c), c.to(), failures));
        }
        return steps.isEmpty() ? evaluate(i32(0)) : seq(steps);
    }

    /** What a node computes. */
    static Stmt body(Layer layer) {
        return switch (layer.node().op()) {
            case DataOp d -> Moves.lower(layer, d);
            case QuantOp q -> Quants.lower(layer, q);
            case NumOp m -> Numbers.lower(layer, m);
            case IntOp i -> Ints.lower(layer, i);
            case FloatOp f -> Floats.lower(layer, f);
            case TrainOp t -> throw new IllegalStateException("refused by the target's legality: " + t);
        };
    }

    /** @param from where the layer's inputs are */
    private Stmt step(
            Expr item,
            Layer layer,
            String what,
            Stmt body,
            Function<ValueId, Place> from,
            Place to,
            List<String> failures) {
        PrimFunc f = layer.function(functionName(what), body);
        functions.add(f);
        tiles |= layer.needsTiles();
        List<Expr> arguments = new ArrayList<>();
        layer.inputs().forEach(v -> arguments.add(address(item, from.apply(v))));
        arguments.add(address(item, to));
        List<Expr> scratches = new ArrayList<>();
        long at = 0;
        for (Buffer b : layer.scratches()) {
            scratches.add(Tir.address(arena, i32(aside() + at)));
            at += Math.ceilDiv(b.bytes(), (long) alignment) * alignment;
        }
        if (at > scratch) {
            scratch = at;
            greediest = what;
        }
        if (layer.failure().isEmpty()) {
            arguments.addAll(scratches);
            return invoke(f, arguments);
        }
        failures.add(layer.failure().get());
        // Each writes 1 to a place of its own; here its number is taken over.
        arguments.add(Tir.address(status, i32(1)));
        arguments.addAll(scratches);
        return seq(
                store(status, i32(0), i32(1)),
                invoke(f, arguments),
                Tir.when(eq(load(status, i32(1)), i32(1)), store(status, i32(failures.size()), i32(0))));
    }

    private static Stmt invoke(PrimFunc f, List<Expr> arguments) {
        Expr call = new Expr.Invoke(f.name(), arguments);
        return f.status()
                ? new Stmt.Assert(eq(call, i32(0)), "threads could not run " + f.name(), evaluate(i32(0)))
                : evaluate(call);
    }

    private Expr address(Expr item, Place place) {
        return place instanceof Place.Arena(long offset)
                ? Tir.address(arena, i32(offset))
                : frame.port(place).address(item);
    }

    /** A name of its own for a function: its number, and what of the value's name C allows. */
    private String functionName(String value) {
        return "layer_" + functions.size() + "_" + value.replaceAll("[^A-Za-z0-9_]", "_");
    }
}

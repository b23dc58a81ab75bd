package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.evaluate;
import static dev.qnet.target.tvm.tir.Tir.floorDiv;
import static dev.qnet.target.tvm.tir.Tir.floorMod;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.PlanMemory;
import dev.qnet.target.tvm.lower.Placement.Place;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;

/**
 * Lowers a graph for a GPU: kernels for each node, whose loops are bound to threads, and one function that users call, which runs
 * on the CPU and launches them. Tensors are on the GPU, and so is the arena, which has a part for each item; items are the other
 * dimension of each grid.
 *
 * <p>The nodes are lowered as for a CPU without vectors. Where loops follow each other, each becomes a kernel; the loops of a nest
 * whose passes can run at once ({@link Parallel}) are the kernel's threads. A loop whose passes follow each other and contain such
 * loops runs on the CPU; what is left over runs in one thread for each item. Kernels share no memory and never wait for each other
 * while they run.
 */
public final class DeviceLowering {
    /** The most letters of a value's name in its kernels'; importers make long ones. */
    private static final int NAME = 48;

    /** The most threads of a block. */
    private static final int THREADS = 128;

    /** The most items of a launch: a grid has fewer blocks than 2^16 in its second dimension. */
    private static final long MOST_ITEMS = 65535;

    /** The memory that an arena for many items may take. */
    private static final long MOST_BYTES = 1L << 28;

    /** What the items' parts of the arena are multiples of, in bytes. */
    private static final long UNIT = PlanMemory.ALIGNMENT;

    private final Graph graph;
    private final String prefix;
    private final Frame frame;
    private final Placement placement;
    private final Buffer arena;
    private final Buffer status;
    private final List<PrimFunc> kernels = new ArrayList<>();
    private final List<String> failures = new ArrayList<>();

    /** The first item of a launch, and how many there are. */
    private final Var first = Var.of("first", DataType.INT32);

    private final Var count = Var.of("count", DataType.INT32);
    /** Bytes between the items' parts of the arena. */
    private final Var stride = Var.of("stride", DataType.INT64);
    /** Bytes that the greediest node needs beside its operands and its result. */
    private long scratch;

    /** Where memory of a node is: from an element of a base on, and where the next item's is. */
    private record At(Buffer base, long offset, long itemElements) {}

    private DeviceLowering(Graph graph, String prefix) {
        this.graph = graph;
        this.prefix = prefix;
        this.frame = new Frame(graph, Options.of(Isa.CUDA), PlanMemory.ALIGNMENT, false);
        this.placement = frame.placement;
        this.arena = frame.arena;
        this.status = frame.status;
    }

    /**
     * A graph for a GPU.
     *
     * @param run the function that users call: it takes the inputs, the states, the outputs; and where something can fail,
     *     {@code status}, int32, with a number for each of the failures: 1 where it happened
     * @param kernels that it launches
     * @param failures what can go wrong, in the user's terms
     */
    public record Program(PrimFunc run, List<PrimFunc> kernels, List<String> failures) {
        public Program {
            kernels = List.copyOf(kernels);
            failures = List.copyOf(failures);
        }
    }

    /** Lowers a graph that {@link Lowering#refusal} accepts node for node. */
    public static Program lower(Graph graph) {
        return lower(graph, "");
    }

    /**
     * As {@link #lower(Graph)}.
     *
     * @param prefix of the kernels' names
     */
    public static Program lower(Graph graph, String prefix) {
        return new DeviceLowering(graph, prefix).program();
    }

    private Program program() {
        frame.takeTensors();
        List<Stmt> steps = new ArrayList<>();
        for (Node n : frame.steps()) {
            Layer layer = frame.layer(n);
            Stmt body = Lowering.body(layer);
            layer.failure().ifPresent(failures::add);
            steps.addAll(new Split(layer, n.id().name(), placement::place, placement.place(n.id())).launches(body));
        }
        for (Placement.Copy c : frame.copies()) {
            Layer layer = frame.copy(c);
            String what = "copy_" + c.value().name();
            steps.addAll(new Split(layer, what, v -> placement.source(c), c.to()).launches(Ints.each(layer, x -> x)));
        }
        return new Program(entry(steps), kernels, failures);
    }

    private At at(Place place) {
        if (place instanceof Place.Arena(long offset)) {
            return new At(arena, offset, 1);
        }
        Frame.Port port = frame.port(place);
        return new At(port.elements(), 0, port.itemElements());
    }

    /** The function that launches the kernels, for as many items at once as the arena has parts for. */
    private PrimFunc entry(List<Stmt> steps) {
        if (!failures.isEmpty()) {
            Var tensor = Var.tensor("status");
            frame.tensors().put(tensor, Buffer.tensor(status.data(), List.of(i32(failures.size()))));
        }
        long bytes = Math.max(Math.ceilDiv(placement.bytes() + scratch, UNIT), 1) * UNIT;
        // Items follow each other where one changes what the next one begins with.
        long most = graph.states().isEmpty() ? Math.clamp(MOST_BYTES / bytes, 1, MOST_ITEMS) : 1;
        Expr whole = frame.batched ? frame.items : i32(1);
        Expr launches = frame.batched ? floorDiv(add(whole, most - 1), most) : i32(1);
        Expr parts = frame.batched ? min(whole, i32(most)) : i32(1);
        Stmt launch = loop(
                "launch",
                i32(0),
                launches,
                Stmt.LoopKind.SERIAL,
                l -> new Stmt.Let(
                        first,
                        mul(l, most),
                        new Stmt.Let(
                                count,
                                frame.batched ? min(sub(whole, first), i32(most)) : i32(1),
                                steps.isEmpty() ? evaluate(i32(0)) : seq(steps))));
        Stmt all = new Stmt.Let(stride, i64(bytes), failures.isEmpty() ? launch : seq(clear(), launch));
        Stmt body = new Stmt.Workspace(arena, mul(Tir.cast(DataType.INT64, parts), bytes), all);
        return new PrimFunc(Lowering.ENTRY, List.copyOf(frame.tensors().keySet()), frame.tensors(), true, body);
    }

    private Stmt clear() {
        int slots = failures.size();
        Var slot = Var.of("slot", DataType.INT32);
        Stmt body = new Stmt.For(slot, i32(0), i32(slots), Stmt.LoopKind.SERIAL, Tir.store(status, i32(0), slot));
        String kernel = prefix + "clear_status";
        kernels.add(new PrimFunc(kernel, List.of(status.data()), Map.of(), true, new Stmt.Declare(status, body)));
        return launch(kernel, List.of(status.data()), i32(1), i32(1), 1);
    }

    private static Stmt launch(String kernel, List<? extends Expr> arguments, Expr blocks, Expr items, int threads) {
        List<Expr> all = new ArrayList<>();
        all.add(new Expr.Text(kernel));
        all.addAll(arguments);
        all.add(blocks);
        all.add(items);
        all.add(i32(threads));
        return evaluate(new Expr.Call(DataType.INT32, "tvm_call_packed", all));
    }

    /** The kernels of one node. */
    private final class Split {
        private final Layer layer;
        private final String name;
        private final Map<Var, At> places = new LinkedHashMap<>();
        private final boolean shared;
        private final List<Stmt> launches = new ArrayList<>();

        /** @param from where the layer's inputs are */
        Split(Layer layer, String what, Function<ValueId, Place> from, Place to) {
            this.layer = layer;
            String letters = what.replaceAll("[^A-Za-z0-9_]", "_");
            this.name = letters.substring(0, Math.min(letters.length(), NAME));
            layer.given().forEach((value, buffer) -> places.put(buffer.data(), at(from.apply(value))));
            At out = at(to);
            places.put(layer.out().data(), out);
            // What all items share is computed once.
            shared = !out.base().equals(arena) && out.itemElements() == 0;
            places.put(layer.status().data(), new At(status, failures.size() - 1L, 0));
            long end = placement.bytes();
            for (Buffer b : layer.scratches()) {
                places.put(b.data(), new At(arena, end, 1));
                end += Math.ceilDiv(b.bytes(), UNIT) * UNIT;
            }
            scratch = Math.max(scratch, end - placement.bytes());
        }

        List<Stmt> launches(Stmt body) {
            split(body, List.of(), List.of());
            return launches;
        }

        /**
         * Makes kernels of a statement.
         *
         * @param lets in front of it
         * @param loops around it that run on the CPU
         */
        private void split(Stmt stmt, List<Stmt.Let> lets, List<Var> loops) {
            switch (stmt) {
                case Stmt.Seq(List<Stmt> steps) -> steps.forEach(s -> split(s, lets, loops));
                case Stmt.Declare(Buffer b, Stmt body) -> split(body, lets, loops);
                case Stmt.Let l
                when unchanged(l) -> {
                    List<Stmt.Let> more = new ArrayList<>(lets);
                    more.add(l);
                    split(l.body(), more, loops);
                }
                case Stmt.For f
                when !Parallel.holds(f) && lets.isEmpty() && divisible(f.body()) -> {
                    int before = launches.size();
                    List<Var> more = new ArrayList<>(loops);
                    more.add(f.var());
                    split(f.body(), lets, more);
                    List<Stmt> inside = new ArrayList<>(launches.subList(before, launches.size()));
                    launches.subList(before, launches.size()).clear();
                    launches.add(new Stmt.For(f.var(), f.min(), f.extent(), Stmt.LoopKind.SERIAL, seq(inside)));
                }
                default -> kernel(stmt, lets, loops);
            }
        }

        /** Whether a let's value is the same wherever in its body it is computed. */
        private boolean unchanged(Stmt.Let l) {
            Set<Var> read = Uses.of(l.value());
            read.retainAll(Parallel.written(l.body()));
            return read.isEmpty();
        }

        /** Whether a loop on the CPU around a statement leaves something to run at once. */
        private boolean divisible(Stmt stmt) {
            return switch (stmt) {
                case Stmt.Seq(List<Stmt> steps) -> steps.stream().anyMatch(this::divisible);
                case Stmt.For f -> Parallel.holds(f) || divisible(f.body());
                default -> false;
            };
        }

        private void kernel(Stmt stmt, List<Stmt.Let> lets, List<Var> loops) {
            List<Stmt.For> threads = new ArrayList<>();
            Stmt body = stmt;
            long total = 1;
            while (body instanceof Stmt.For f
                    && Parallel.holds(f)
                    && f.extent() instanceof Expr.Imm(DataType t, long n)
                    && total * n <= Frame.MANY) {
                threads.add(f);
                total *= n;
                body = f.body();
            }
            int block = (int) Math.min(THREADS, Math.ceilDiv(total, 32L) * 32);
            if (threads.isEmpty()) {
                block = 1;
            } else {
                body = bound(threads, total, block, body);
            }
            for (Stmt.Let l : lets.reversed()) {
                body = new Stmt.Let(l.var(), l.value(), body);
            }
            Set<Var> used = Uses.of(body);
            define(layer.withConstants(body, used), used, loops, block, Math.ceilDiv(total, (long) block));
        }

        /** The loops as threads of blocks. */
        private Stmt bound(List<Stmt.For> threads, long total, int block, Stmt body) {
            Var blocks = Var.of("block", DataType.INT32);
            Var thread = Var.of("thread", DataType.INT32);
            Var place = Var.of("place", DataType.INT32);
            Stmt inner = body;
            Expr rest = place;
            List<Stmt.Let> indices = new ArrayList<>();
            for (int i = threads.size() - 1; i >= 0; i--) {
                Stmt.For f = threads.get(i);
                long n = ((Expr.Imm) f.extent()).value();
                indices.add(new Stmt.Let(f.var(), i == 0 ? rest : floorMod(rest, n), inner));
                rest = floorDiv(rest, n);
            }
            for (Stmt.Let l : indices) {
                inner = new Stmt.Let(l.var(), l.value(), inner);
            }
            Stmt guarded = total % block == 0 ? inner : when(lt(place, i32(total)), inner);
            Stmt placed = new Stmt.Let(place, add(mul(blocks, block), thread), guarded);
            return new Stmt.For(
                    blocks,
                    i32(0),
                    i32(Math.ceilDiv(total, (long) block)),
                    Stmt.LoopKind.BLOCK_X,
                    new Stmt.For(thread, i32(0), i32(block), Stmt.LoopKind.THREAD_X, placed));
        }

        private void define(Stmt threads, Set<Var> used, List<Var> loops, int block, long blocks) {
            Var item = Var.of("item", DataType.INT32);
            Set<Var> bases = new LinkedHashSet<>();
            Stmt body = threads;
            for (Map.Entry<Var, At> e : places.entrySet()) {
                Var v = e.getKey();
                if (used.contains(v)) {
                    At at = e.getValue();
                    bases.add(at.base().data());
                    body = new Stmt.Let(v, Tir.address(at.base(), element(at, item)), body);
                }
            }
            Expr parts = shared ? i32(1) : count;
            body = new Stmt.For(item, i32(0), parts, Stmt.LoopKind.BLOCK_Y, body);
            List<Var> params = new ArrayList<>(bases);
            params.add(stride);
            params.add(first);
            params.add(count);
            params.addAll(loops);
            String kernel = prefix + "layer_" + kernels.size() + "_" + name;
            kernels.add(new PrimFunc(kernel, params, Map.of(), true, body));
            launches.add(launch(kernel, params, i32(blocks), parts, block));
        }

        private Expr element(At at, Var item) {
            if (at.base().equals(arena)) {
                return add(mul(Tir.cast(DataType.INT64, item), stride), at.offset());
            }
            if (at.itemElements() == 0) {
                return i64(at.offset());
            }
            return add(mul(Tir.cast(DataType.INT64, add(first, item)), at.itemElements()), at.offset());
        }
    }
}

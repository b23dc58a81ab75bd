package dev.qnet.target.tvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.lower.Elements;
import dev.qnet.target.tvm.tir.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Runs a compiled graph, and remembers its states from run to run. Tensors lie in native memory, row-major, little-endian; codes
 * are not packed: i4 takes a byte.
 */
public final class TvmSession implements AutoCloseable {
    private final Graph graph;
    private final Scope scope;
    private final Ref run;
    private final Arena memory = Arena.ofShared();
    private final List<MemorySegment> states = new ArrayList<>();

    TvmSession(Graph graph, Scope scope, Ref run) {
        this.graph = graph;
        this.scope = scope;
        this.run = run;
        for (Graph.State s : graph.states()) {
            states.add(allocate(memory, s.type(), 1));
        }
        reset();
    }

    /** Back to the first state: real 0. */
    public void reset() {
        for (int i = 0; i < states.size(); i++) {
            Type type = graph.states().get(i).type();
            if (type.element() instanceof Quant q) {
                long zero = q.storage() == Storage.BIPOLAR
                        ? 1
                        : Math.clamp(q.perTensor().zero(), q.lo(), q.hi());
                byte[] one = Elements.bytes(Elements.type(q), new long[] {zero});
                for (long at = 0; at < states.get(i).byteSize(); at += one.length) {
                    MemorySegment.copy(
                            one,
                            0,
                            states.get(i),
                            JAVA_BYTE,
                            at,
                            at + one.length <= states.get(i).byteSize() ? one.length : 0);
                }
            } else {
                states.get(i).fill((byte) 0);
            }
        }
    }

    /**
     * Runs once.
     *
     * @param items of the batch; 1 where the graph has none
     * @param inputs the elements of each parameter
     * @return the elements of each result
     * @throws dev.qnet.target.tvm.ffi.TvmException if the network ends with an error, such as an index out of range
     */
    public List<byte[]> run(int items, List<byte[]> inputs) {
        if (inputs.size() != graph.params().size()) {
            throw new IllegalArgumentException(
                    graph.name() + " has " + graph.params().size() + " inputs, found " + inputs.size());
        }
        try (Arena arena = Arena.ofConfined()) {
            List<Object> tensors = new ArrayList<>();
            for (int i = 0; i < inputs.size(); i++) {
                Graph.Param p = graph.params().get(i);
                MemorySegment data = allocate(arena, p.type(), items);
                if (inputs.get(i).length != bytes(p.type(), items)) {
                    throw new IllegalArgumentException("input '" + p.id().name() + "' is " + p.type() + ", "
                            + bytes(p.type(), items) + " bytes, found " + inputs.get(i).length);
                }
                MemorySegment.copy(inputs.get(i), 0, data, JAVA_BYTE, 0, inputs.get(i).length);
                tensors.add(tensor(arena, data, p.type(), items));
            }
            for (int i = 0; i < states.size(); i++) {
                tensors.add(tensor(arena, states.get(i), graph.states().get(i).type(), 1));
            }
            List<MemorySegment> results = new ArrayList<>();
            List<Type> types = new ArrayList<>();
            for (Graph.Result r : graph.results()) {
                Type type = Objects.requireNonNull(graph.types().get(r.value()));
                MemorySegment data = allocate(arena, type, items);
                results.add(data);
                types.add(type);
                tensors.add(tensor(arena, data, type, items));
            }
            scope.call(run, tensors.toArray());
            List<byte[]> out = new ArrayList<>();
            for (int i = 0; i < results.size(); i++) {
                out.add(results.get(i).asSlice(0, bytes(types.get(i), items)).toArray(JAVA_BYTE));
            }
            return out;
        }
    }

    private static MemorySegment allocate(Arena arena, Type type, int items) {
        return arena.allocate(Math.max(bytes(type, items), 1), DlTensor.ALIGNMENT);
    }

    private static long bytes(Type type, int items) {
        long n = type.shape().hasBatch() ? items : 1;
        return n * type.shape().elements() * type.element().bytes();
    }

    private static MemorySegment tensor(Arena arena, MemorySegment data, Type type, int items) {
        DataType element = Elements.type(type.element());
        long[] extents = type.shape().dims().stream()
                .mapToLong(d -> d == Shape.BATCH ? items : d)
                .toArray();
        return DlTensor.of(arena, data, element.code(), element.bits(), extents);
    }

    @Override
    public void close() {
        scope.close();
        memory.close();
    }
}

package dev.qnet.target.tvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.qnet.target.tvm.Signature.Tensor;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.lower.Elements;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Runs a compiled graph, and remembers its states from run to run. Tensors are row-major, little-endian; codes are not packed:
 * i4 takes a byte.
 */
public final class TvmSession implements AutoCloseable {
    private final Signature signature;
    private final Scope scope;
    private final Ref run;
    private final Arena memory = Arena.ofShared();
    private final List<MemorySegment> states = new ArrayList<>();

    TvmSession(Signature signature, Scope scope, Ref run) {
        this.signature = signature;
        this.scope = scope;
        this.run = run;
        for (Tensor s : signature.states()) {
            states.add(allocate(memory, s, 1));
        }
        reset();
    }

    /** Back to the first state: real 0. */
    public void reset() {
        for (int i = 0; i < states.size(); i++) {
            Tensor s = signature.states().get(i);
            long[] elements = new long[(int) (s.bytes(1) / s.element().bytes())];
            Arrays.fill(elements, s.initial());
            byte[] bytes = Elements.bytes(s.element(), elements);
            MemorySegment.copy(bytes, 0, states.get(i), JAVA_BYTE, 0, bytes.length);
        }
    }

    /**
     * Runs once.
     *
     * @param items of the batch; 1 where the graph has none
     * @param inputs the elements of each input
     * @return the elements of each output
     * @throws IllegalArgumentException if there are more or fewer inputs, or they are longer or shorter
     * @throws RuntimeException with TVM's message, if the network ends with an error, such as an index out of range
     */
    public List<byte[]> run(int items, List<byte[]> inputs) {
        if (inputs.size() != signature.inputs().size()) {
            throw new IllegalArgumentException(
                    signature.name() + " has " + signature.inputs().size() + " inputs, found " + inputs.size());
        }
        try (Arena arena = Arena.ofConfined()) {
            List<Object> tensors = new ArrayList<>();
            for (int i = 0; i < inputs.size(); i++) {
                Tensor t = signature.inputs().get(i);
                byte[] given = inputs.get(i);
                if (given.length != t.bytes(items)) {
                    throw new IllegalArgumentException("input '" + t.name() + "' takes " + t.bytes(items) + " bytes ("
                            + t.type() + " " + Arrays.toString(t.extents(items)) + "), found " + given.length);
                }
                MemorySegment data = allocate(arena, t, items);
                MemorySegment.copy(given, 0, data, JAVA_BYTE, 0, given.length);
                tensors.add(tensor(arena, data, t, items));
            }
            for (int i = 0; i < states.size(); i++) {
                tensors.add(tensor(arena, states.get(i), signature.states().get(i), 1));
            }
            List<MemorySegment> results = new ArrayList<>();
            for (Tensor t : signature.outputs()) {
                MemorySegment data = allocate(arena, t, items);
                results.add(data.asSlice(0, t.bytes(items)));
                tensors.add(tensor(arena, data, t, items));
            }
            scope.call(run, tensors.toArray());
            return results.stream().map(r -> r.toArray(JAVA_BYTE)).toList();
        }
    }

    private static MemorySegment allocate(Arena arena, Tensor t, int items) {
        return arena.allocate(Math.max(t.bytes(items), 1), DlTensor.ALIGNMENT);
    }

    private static MemorySegment tensor(Arena arena, MemorySegment data, Tensor t, int items) {
        return DlTensor.of(arena, data, t.element().code(), t.element().bits(), t.extents(items));
    }

    @Override
    public void close() {
        scope.close();
        memory.close();
    }
}

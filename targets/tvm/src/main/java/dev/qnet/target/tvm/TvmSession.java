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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * Runs a compiled graph, and remembers its states from run to run. Tensors are row-major, little-endian; codes are not packed:
 * i4 takes a byte.
 */
public final class TvmSession implements AutoCloseable {
    private final Signature signature;
    private final List<Runner> runners;
    private final int threads;
    private final Arena memory = Arena.ofShared();
    private final List<MemorySegment> states = new ArrayList<>();

    /** What runs the module, for one thread at a time. */
    record Runner(Scope scope, Ref run) implements AutoCloseable {
        @Override
        public void close() {
            scope.close();
        }
    }

    /**
     * Begins a session.
     *
     * @param runners one, or one for each thread that takes a share of the items
     * @param threads that share layers, of a module that is compiled for that
     */
    TvmSession(Signature signature, List<Runner> runners, int threads) {
        this.signature = signature;
        this.runners = List.copyOf(runners);
        this.threads = threads;
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
        check(items, inputs);
        List<byte[]> results = signature.outputs().stream()
                .map(t -> new byte[Math.toIntExact(t.bytes(items))])
                .toList();
        if (signature.parallel()) {
            ExecutorService pool = TvmThreads.pool(runners.getFirst().scope().library(), threads);
            TvmThreads.await(pool.submit(() -> run(runners.getFirst(), 0, items, inputs, results)));
            return results;
        }
        int parts = Math.clamp(items, 1, runners.size());
        List<Future<?>> others = new ArrayList<>();
        RuntimeException failure = null;
        for (int p = 1; p < parts; p++) {
            Runner runner = runners.get(p);
            int from = begin(p, parts, items);
            int to = begin(p + 1, parts, items);
            others.add(TvmThreads.worker(p - 1).submit(() -> run(runner, from, to, inputs, results)));
        }
        try {
            run(runners.getFirst(), 0, begin(1, parts, items), inputs, results);
        } catch (RuntimeException e) {
            failure = e;
        }
        for (Future<?> other : others) {
            try {
                TvmThreads.await(other);
            } catch (RuntimeException e) {
                failure = failure == null ? e : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
        return results;
    }

    /** The first item of a part. */
    private static int begin(int part, int parts, int items) {
        return (int) ((long) items * part / parts);
    }

    private void check(int items, List<byte[]> inputs) {
        if (inputs.size() != signature.inputs().size()) {
            throw new IllegalArgumentException(
                    signature.name() + " has " + signature.inputs().size() + " inputs, found " + inputs.size());
        }
        for (int i = 0; i < inputs.size(); i++) {
            Tensor t = signature.inputs().get(i);
            if (inputs.get(i).length != t.bytes(items)) {
                throw new IllegalArgumentException("input '" + t.name() + "' takes " + t.bytes(items) + " bytes ("
                        + t.type() + " " + Arrays.toString(t.extents(items)) + "), found " + inputs.get(i).length);
            }
        }
    }

    /** Runs some items. */
    private void run(Runner runner, int from, int to, List<byte[]> inputs, List<byte[]> results) {
        int count = to - from;
        try (Arena arena = Arena.ofConfined()) {
            List<MemorySegment> outputs = new ArrayList<>();
            Object[] tensors = tensors(arena, from, count, inputs, outputs);
            runner.scope().call(runner.run(), tensors);
            for (int o = 0; o < outputs.size(); o++) {
                Tensor t = signature.outputs().get(o);
                MemorySegment.copy(outputs.get(o), JAVA_BYTE, 0, results.get(o), first(t, from), (int) t.bytes(count));
            }
        }
    }

    private Object[] tensors(Arena arena, int from, int count, List<byte[]> inputs, List<MemorySegment> outputs) {
        List<Object> tensors = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            Tensor t = signature.inputs().get(i);
            MemorySegment data = allocate(arena, t, count);
            MemorySegment.copy(inputs.get(i), first(t, from), data, JAVA_BYTE, 0, (int) t.bytes(count));
            tensors.add(tensor(arena, data, t, count));
        }
        for (int i = 0; i < states.size(); i++) {
            tensors.add(tensor(arena, states.get(i), signature.states().get(i), 1));
        }
        for (Tensor t : signature.outputs()) {
            outputs.add(allocate(arena, t, count));
            tensors.add(tensor(arena, outputs.getLast(), t, count));
        }
        return tensors.toArray();
    }

    /** How long one of so many runs of an item takes, the handling of tensors apart. */
    long nanos(int runs, List<byte[]> inputs) {
        check(1, inputs);
        try (Arena arena = Arena.ofConfined()) {
            Object[] tensors = tensors(arena, 0, 1, inputs, new ArrayList<>());
            Runner runner = runners.getFirst();
            long start = System.nanoTime();
            for (int i = 0; i < runs; i++) {
                runner.scope().call(runner.run(), tensors);
            }
            return (System.nanoTime() - start) / runs;
        }
    }

    /** The first byte of an item. */
    private static int first(Tensor t, int item) {
        return t.batched() ? Math.toIntExact(t.bytes(item)) : 0;
    }

    private static MemorySegment allocate(Arena arena, Tensor t, int items) {
        return arena.allocate(Math.max(t.bytes(items), 1), DlTensor.ALIGNMENT);
    }

    private static MemorySegment tensor(Arena arena, MemorySegment data, Tensor t, int items) {
        return DlTensor.of(arena, data, t.element().code(), t.element().bits(), t.extents(items));
    }

    @Override
    public void close() {
        runners.forEach(Runner::close);
        memory.close();
    }
}

package dev.qnet.target.tvm;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.qnet.target.tvm.Signature.Tensor;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmException;
import dev.qnet.target.tvm.lower.Elements;
import dev.qnet.target.tvm.tir.DataType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        try (Arena arena = Arena.ofConfined();
                Scope copies = runner.scope().library().scope()) {
            List<MemorySegment> outputs = new ArrayList<>();
            Call call = call(arena, copies, from, count, inputs, outputs);
            runner.scope().call(runner.run(), call.tensors.toArray());
            call.changed.forEach(copies::read);
            check(call.status.toArray(JAVA_INT));
            for (int o = 0; o < outputs.size(); o++) {
                Tensor t = signature.outputs().get(o);
                MemorySegment.copy(outputs.get(o), JAVA_BYTE, 0, results.get(o), first(t, from), (int) t.bytes(count));
            }
        }
    }

    /** @param outputs to be filled with where they are */
    private Call call(
            Arena arena, Scope copies, int from, int count, List<byte[]> inputs, List<MemorySegment> outputs) {
        Call call = new Call(arena, copies);
        for (int i = 0; i < inputs.size(); i++) {
            Tensor t = signature.inputs().get(i);
            MemorySegment data = allocate(arena, t, count);
            MemorySegment.copy(inputs.get(i), first(t, from), data, JAVA_BYTE, 0, (int) t.bytes(count));
            call.pass(data, t, count, false);
        }
        for (int i = 0; i < states.size(); i++) {
            call.pass(states.get(i), signature.states().get(i), 1, true);
        }
        for (Tensor t : signature.outputs()) {
            outputs.add(allocate(arena, t, count));
            call.pass(outputs.getLast(), t, count, true);
        }
        int failures = signature.failures().size();
        if (failures > 0) {
            call.pass(call.status, DataType.INT32, new long[] {failures}, true);
        }
        return call;
    }

    /** The arguments of one call: memory of the CPU, or copies of it on the GPU. */
    private final class Call {
        private final Arena arena;
        private final Scope copies;
        private final List<Object> tensors = new ArrayList<>();
        private final Map<Ref, MemorySegment> changed = new LinkedHashMap<>();
        private final MemorySegment status;

        Call(Arena arena, Scope copies) {
            this.arena = arena;
            this.copies = copies;
            this.status =
                    arena.allocate((long) Integer.BYTES * signature.failures().size(), DlTensor.ALIGNMENT);
        }

        void pass(MemorySegment data, Tensor t, int items, boolean changes) {
            pass(data.asSlice(0, t.bytes(items)), t.element(), t.extents(items), changes);
        }

        void pass(MemorySegment data, DataType type, long[] extents, boolean changes) {
            if (signature.device() == Signature.Device.CPU) {
                tensors.add(DlTensor.of(arena, data, type.code(), type.bits(), extents));
                return;
            }
            Ref copy = copies.array(signature.device().code(), type.code(), type.bits(), extents, data);
            tensors.add(copy);
            if (changes) {
                changed.put(copy, data);
            }
        }
    }

    private void check(int[] status) {
        for (int i = signature.failures().size() - 1; i >= 0; i--) {
            if (status[i] != 0) {
                throw new TvmException(signature.name(), signature.failures().get(i));
            }
        }
    }

    /** How long one of so many runs of an item takes, the handling of tensors apart. */
    long nanos(int runs, List<byte[]> inputs) {
        check(1, inputs);
        Runner runner = runners.getFirst();
        try (Arena arena = Arena.ofConfined();
                Scope copies = runner.scope().library().scope()) {
            Object[] tensors =
                    call(arena, copies, 0, 1, inputs, new ArrayList<>()).tensors.toArray();
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

    @Override
    public void close() {
        runners.forEach(Runner::close);
        memory.close();
    }
}

package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.ref.Reference;
import java.util.List;

/** The code of a model in a shared library, which runs in the arrays of the banks. */
final class NativeProgram extends Program {
    /** What offsets in the bank of bytes are multiples of. */
    static final int ALIGNMENT = 64;

    private final MethodHandle run;
    private final List<Part> parts;
    private final int states;
    private final int[] before;
    private final List<String> failures;
    /** For as long as which the library is loaded. */
    private final Arena library;

    /** What an argument points to. */
    record Part(ElementType type, int offset, int elements) {}

    /**
     * Something that runs.
     *
     * @param run takes an array of what arguments point to
     * @param parts inputs, states, outputs, and memory to work in
     * @param states the number of the first state among the parts; there each becomes what it is next
     * @param before where each state lies
     * @param failures what the numbers mean, from 1 on, that a failed run leaves in the memory it works in; if there
     *     are any, others leave 0
     */
    NativeProgram(MethodHandle run, List<Part> parts, int states, int[] before, List<String> failures, Arena library) {
        this.run = run;
        this.parts = List.copyOf(parts);
        this.states = states;
        this.before = before;
        this.failures = List.copyOf(failures);
        this.library = library;
    }

    @Override
    protected void prepare(WeightsReader weights, Backend backend, Object[] plans) {
        // Weights are in the library.
    }

    @Override
    protected void run(Banks banks, Object[] plans) {
        MemorySegment[] arguments = new MemorySegment[parts.size()];
        for (int i = 0; i < arguments.length; i++) {
            Part p = parts.get(i);
            arguments[i] = segment(banks, p.type(), p.offset(), p.elements());
        }
        for (int i = 0; i < before.length; i++) {
            // States are changed in place; if the run fails they are as they were.
            Part next = parts.get(states + i);
            arguments[states + i].copyFrom(segment(banks, next.type(), before[i], next.elements()));
        }
        try {
            int _ = (int) run.invokeExact(arguments);
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("a library threw " + e, e);
        } finally {
            Reference.reachabilityFence(library);
        }
        int failure = failures.isEmpty() ? 0 : arguments[arguments.length - 1].get(ValueLayout.JAVA_INT_UNALIGNED, 0);
        if (failure != 0) {
            throw new ModelException(
                    failure > 0 && failure <= failures.size()
                            ? failures.get(failure - 1)
                            : "the library gave the unknown error " + failure);
        }
    }

    private static MemorySegment segment(Banks banks, ElementType type, int offset, int elements) {
        return switch (type) {
            case BOOL, I8, U8 -> MemorySegment.ofArray(banks.bytes).asSlice(offset, elements);
            case I16, U16 -> MemorySegment.ofArray(banks.shorts).asSlice(2L * offset, 2L * elements);
            case I32 -> MemorySegment.ofArray(banks.ints).asSlice(4L * offset, 4L * elements);
            case I64 -> MemorySegment.ofArray(banks.longs).asSlice(8L * offset, 8L * elements);
            case F32 -> MemorySegment.ofArray(banks.floats).asSlice(4L * offset, 4L * elements);
        };
    }
}

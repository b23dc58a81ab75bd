package dev.qnet.target.tvm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.qnet.runtime.TensorInfo;
import dev.qnet.target.tvm.natives.WorkFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * C for microcontrollers, compiled for this machine and loaded: the same text, so that what it computes can be looked at here.
 * For one thread at a time; it has one state.
 */
public final class HostModel implements AutoCloseable {
    /** As C takes it; of the arena in particular. */
    private static final int ALIGNMENT = 8;

    private final CSource source;
    private final Arena memory = Arena.ofShared();
    private final MethodHandle run;
    private final MethodHandle reset;

    @SuppressWarnings("restricted") // calling native code is what this class is for
    private HostModel(CSource source, Path library) {
        this.source = source;
        SymbolLookup symbols = SymbolLookup.libraryLookup(library, memory);
        String prefix = CSource.prefix(source.face());
        MemoryLayout[] pointers = new MemoryLayout
                [1 + source.face().inputs().size() + source.face().outputs().size()];
        Arrays.fill(pointers, ADDRESS);
        run = function(symbols, prefix + "_run_in", FunctionDescriptor.of(JAVA_INT, pointers));
        reset = source.face().states().isEmpty()
                ? MethodHandles.empty(MethodType.methodType(void.class))
                : function(symbols, prefix + "_reset", FunctionDescriptor.ofVoid());
    }

    @SuppressWarnings("restricted")
    private static MethodHandle function(SymbolLookup symbols, String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(symbols.findOrThrow(name), type);
    }

    /**
     * Compiles and loads it.
     *
     * @throws TvmUnavailableException if LLVM's compiler is not on this machine
     * @throws IOException if it cannot run
     */
    @SuppressWarnings("restricted")
    public static HostModel of(CSource source) throws IOException {
        byte[] library = Clang.here().hostLibrary(source);
        // What is loaded stays until it is closed.
        try (WorkFolder work = WorkFolder.create()) {
            return new HostModel(source, Files.write(work.resolve("model.so"), library));
        }
    }

    /** Back to the first state: real 0. */
    public void reset() {
        try {
            reset.invokeExact();
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Runs item after item.
     *
     * @param items of the batch; 1 where the graph has none
     * @param inputs the elements of each input
     * @return the elements of each output
     * @throws ArithmeticException if the network ends with an error, such as an index out of range
     */
    public List<byte[]> run(int items, List<byte[]> inputs) {
        List<TensorInfo> in = source.face().inputs();
        List<TensorInfo> out = source.face().outputs();
        List<byte[]> results = new ArrayList<>();
        try (Arena arena = Arena.ofConfined()) {
            List<MemorySegment> places = new ArrayList<>();
            places.add(arena.allocate(source.program().workspace(), ALIGNMENT));
            for (TensorInfo t : in) {
                places.add(arena.allocate(Math.max(CSource.bytes(t), 1), ALIGNMENT));
            }
            for (TensorInfo t : out) {
                places.add(arena.allocate(Math.max(CSource.bytes(t), 1), ALIGNMENT));
                results.add(new byte[Math.toIntExact(CSource.bytes(t) * (t.batched() ? items : 1))]);
            }
            for (int item = 0; item < items; item++) {
                for (int i = 0; i < in.size(); i++) {
                    int size = (int) CSource.bytes(in.get(i));
                    int from = in.get(i).batched() ? item * size : 0;
                    MemorySegment.copy(inputs.get(i), from, places.get(1 + i), JAVA_BYTE, 0, size);
                }
                int error = (int) run.invokeWithArguments(places);
                if (error != 0) {
                    throw new ArithmeticException(source.program().failures().get(error - 1));
                }
                for (int i = 0; i < out.size(); i++) {
                    int size = (int) CSource.bytes(out.get(i));
                    int to = out.get(i).batched() ? item * size : 0;
                    MemorySegment.copy(places.get(1 + in.size() + i), JAVA_BYTE, 0, results.get(i), to, size);
                }
            }
            return results;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Unloads it. */
    @Override
    public void close() {
        memory.close();
    }
}

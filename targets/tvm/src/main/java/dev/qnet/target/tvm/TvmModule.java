package dev.qnet.target.tvm;

import dev.qnet.runtime.CpuFlags;
import dev.qnet.runtime.ElfFile;
import dev.qnet.runtime.ModelException;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Linker;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.Lowering;
import dev.qnet.target.tvm.lower.Metadata;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A compiled graph in this process. */
public final class TvmModule implements AutoCloseable {
    private final Signature signature;
    private final Scope scope;
    private final Ref module;
    /** What has to be freed behind it. */
    private final @Nullable Emulator emulator;

    TvmModule(Signature signature, Scope scope, Ref module) {
        this(signature, scope, module, null);
    }

    TvmModule(Signature signature, Scope scope, Ref module, @Nullable Emulator emulator) {
        this.signature = signature;
        this.scope = scope;
        this.module = module;
        this.emulator = emulator;
    }

    /**
     * Loads what {@link #save} wrote. Needs TVM's runtime, not its compiler.
     *
     * @throws TvmUnavailableException if the runtime is not on this machine
     * @throws NoSuchFileException if there is no such file
     * @throws IllegalArgumentException if it is no module of Qnet's, or damaged, or for another CPU
     */
    public static TvmModule load(Path library) throws NoSuchFileException {
        if (!library.toFile().isFile()) {
            throw new NoSuchFileException(library.toString());
        }
        try {
            ElfFile.check(library);
        } catch (ModelException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        Scope scope = TvmLibrary.runtime().scope();
        try {
            Ref module = scope.load(library);
            Signature signature = Signature.parse(metadata(scope, module, library));
            requireCpu(library.toString(), signature);
            return new TvmModule(signature, scope, module);
        } catch (RuntimeException e) {
            scope.close();
            throw String.valueOf(e.getMessage()).contains("created using {cuda}") ? forGpus(library, e) : e;
        }
    }

    private static TvmUnavailableException forGpus(Path library, RuntimeException e) {
        return new TvmUnavailableException(
                library + " is compiled for a GPU, and TVM without CUDA is loaded",
                "on a machine with an NVIDIA GPU, call CudaTarget.requireGpu() before anything else of TVM",
                e);
    }

    /** Code for another CPU would end the process at its first instruction that this one does not know. */
    private static void requireCpu(String what, Signature signature) {
        List<String> missing = CpuFlags.missing(signature.cpu());
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException(what + " is compiled for a CPU with " + String.join(", ", missing)
                    + ", which this one has not or Linux does not allow; compile it with another --cpu");
        }
    }

    private static String metadata(Scope scope, Ref module, Path library) {
        Ref size = scope.function(module, Metadata.SIZE).orElseThrow(() -> foreign(library));
        Ref text = scope.function(module, Metadata.TEXT).orElseThrow(() -> foreign(library));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment length = arena.allocate(Long.BYTES, DlTensor.ALIGNMENT);
            scope.call(size, DlTensor.of(arena, length, 0, Long.SIZE, 1));
            long n = length.get(ValueLayout.JAVA_LONG, 0);
            MemorySegment bytes = arena.allocate(n, DlTensor.ALIGNMENT);
            scope.call(text, DlTensor.of(arena, bytes, 1, Byte.SIZE, n));
            return new String(bytes.toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        }
    }

    private static IllegalArgumentException foreign(Path library) {
        return new IllegalArgumentException(library + " is no module that Qnet has written");
    }

    /** What it takes and gives. */
    public Signature signature() {
        return signature;
    }

    /** Something that runs it; for one caller at a time. To be closed before the module is. */
    public TvmSession session() {
        return session(1);
    }

    /**
     * Something that runs it with several threads, the same bytes for any number of them. They share large layers where the
     * module is compiled for that; else the items of a batch, if the module has no states. All sessions have the same threads.
     *
     * @param threads from 1 on
     * @throws IllegalArgumentException if there are less than 1 or more than 512, or the module is for another CPU
     */
    public TvmSession session(int threads) {
        if (threads < 1 || threads > TvmThreads.MOST) {
            throw new IllegalArgumentException("a session has 1 to " + TvmThreads.MOST + " threads, found " + threads);
        }
        requireCpu("the module '" + signature.name() + "'", signature);
        return sessionOnAnyCpu(threads);
    }

    /** As {@link #session(int)}, where the code may end the process. */
    TvmSession sessionOnAnyCpu(int threads) {
        List<TvmSession.Runner> runners = new ArrayList<>();
        try {
            int wanted = signature.parallel() || !signature.itemsAreApart() ? 1 : threads;
            while (runners.size() < wanted) {
                Scope own = scope.library().scope();
                Optional<Ref> run;
                try {
                    run = own.function(module, Lowering.ENTRY);
                } catch (RuntimeException e) {
                    own.close();
                    throw e;
                }
                runners.add(new TvmSession.Runner(
                        own,
                        run.orElseThrow(
                                () -> new IllegalStateException("the module has no function " + Lowering.ENTRY))));
            }
            return new TvmSession(signature, runners, threads);
        } catch (RuntimeException e) {
            runners.forEach(TvmSession.Runner::close);
            throw e;
        }
    }

    /**
     * Writes it as a shared library, which tvm4j and {@link #load} load. Only for one that was compiled in this process.
     *
     * @throws IOException if the file cannot be written
     */
    public void save(Path library) throws IOException {
        Linker.link(scope, module, library);
    }

    /** The machine code, as an assembler reads it. Only for one that was compiled in this process. */
    public String assembly() {
        return scope.text("runtime.ModuleGetSource", module, "asm");
    }

    /** Frees it. */
    @Override
    public void close() {
        scope.close();
        if (emulator != null) {
            emulator.close();
        }
    }
}

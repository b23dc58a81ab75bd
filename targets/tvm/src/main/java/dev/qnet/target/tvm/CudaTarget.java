package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.target.Target;
import dev.qnet.target.tvm.cuda.CudaCompiler;
import dev.qnet.target.tvm.cuda.Gpu;
import dev.qnet.target.tvm.cuda.Imports;
import dev.qnet.target.tvm.ffi.Compiler;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.DeviceLowering;
import dev.qnet.target.tvm.lower.Metadata;
import dev.qnet.target.tvm.natives.WorkFolder;
import dev.qnet.target.tvm.tir.CudaPrinter;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Printer;
import dev.qnet.target.tvm.tir.TirModule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Compiles integer graphs, as all passes leave them, for NVIDIA's GPUs. Compiling needs none, nor CUDA. */
public final class CudaTarget {
    /** As {@code --target} takes it. */
    public static final String CUDA = "tvm-cuda";

    /** The oldest GPU that modules run on unless another one is asked for. */
    public static final String ARCH = "sm_80";

    /** The function that launches kernels runs on any CPU that TVM's runtime runs on. */
    static final String HOST = "llvm -mtriple=x86_64-linux-gnu -mcpu=x86-64";

    private CudaTarget() {}

    /** The target as the compiler sees it. */
    public static Target target() {
        return new Target(CUDA, TvmTarget.legality(), List.of());
    }

    /**
     * A graph as tensor programs, in TVM's own language for them: the function that launches the kernels, and the kernels.
     *
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     */
    public static String script(Graph graph) {
        DeviceLowering.Program program = lower(graph);
        List<PrimFunc> all = new ArrayList<>(program.kernels());
        all.add(program.run());
        return Printer.print(new TirModule(all));
    }

    /**
     * A graph's kernels in CUDA C.
     *
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     */
    public static String source(Graph graph) {
        return CudaPrinter.print(lower(graph).kernels());
    }

    private static DeviceLowering.Program lower(Graph graph) {
        TvmTarget.legality().check(graph);
        return DeviceLowering.lower(graph);
    }

    /**
     * Compiles a graph.
     *
     * @param graph at the integer level
     * @param arch the oldest GPU that it is to run on, such as {@code sm_90}
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     * @throws TvmUnavailableException if TVM is not on this machine
     * @throws IllegalArgumentException if there is no such architecture
     * @throws IOException if a compiler of CUDA C fails
     */
    public static CudaLibrary compile(Graph graph, String arch) throws IOException {
        CudaCompiler.check(arch);
        DeviceLowering.Program program = lower(graph);
        TvmLibrary library = TvmLibrary.compiler();
        CudaCompiler compiler = CudaCompiler.choose();
        String ptx = program.kernels().isEmpty() ? "" : compiler.ptx(CudaPrinter.print(program.kernels()), arch);
        Signature signature = Signature.of(graph, List.of(), false, Signature.Device.CUDA, program.failures());
        Scope scope = library.scope();
        try {
            Ref host = Compiler.compileForDevice(
                    scope,
                    new TirModule(List.of(program.run())),
                    "cuda -arch=" + arch,
                    new TirModule(Metadata.functions(signature.json())),
                    HOST);
            return new CudaLibrary(scope, host, Imports.of(program.kernels(), ptx), ptx, compiler);
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    /**
     * Gets ready to run modules on this machine's GPU, with TVM's library that has CUDA; it compiles for other targets, too. Before
     * anything else of TVM is loaded.
     *
     * @throws TvmUnavailableException if there is no GPU, or that library is not here
     */
    public static void requireGpu() {
        Gpu.require();
        TvmLibrary.gpu();
    }

    /**
     * Compiles a graph and loads it, to be run on this machine's GPU.
     *
     * @throws TvmUnavailableException if there is none, or TVM is not on this machine
     * @throws IOException if a compiler of CUDA C fails
     */
    public static TvmModule load(Graph graph) throws IOException {
        requireGpu();
        try (WorkFolder folder = WorkFolder.create();
                CudaLibrary library = compile(graph, Gpu.arch())) {
            Path file = folder.resolve("module.so");
            library.save(file);
            return TvmModule.load(file);
        }
    }

    /**
     * Compiles a graph and loads it, to be run without a GPU: the CUDA C that a GPU's code is made of, compiled for this CPU. For
     * checking, not for speed.
     *
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     * @throws TvmUnavailableException if TVM is not on this machine
     * @throws IOException if clang fails
     */
    public static TvmModule emulate(Graph graph) throws IOException {
        TvmTarget.legality().check(graph);
        return Emulator.module(graph);
    }
}

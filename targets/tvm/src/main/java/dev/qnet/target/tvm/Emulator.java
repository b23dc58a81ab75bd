package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.target.tvm.cuda.CudaCompiler;
import dev.qnet.target.tvm.ffi.Compiler;
import dev.qnet.target.tvm.ffi.Linker;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.DeviceLowering;
import dev.qnet.target.tvm.lower.Metadata;
import dev.qnet.target.tvm.natives.WorkFolder;
import dev.qnet.target.tvm.tir.CudaPrinter;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.TirModule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Runs what a GPU would run without one: the kernels' CUDA C, compiled for this CPU, with a loop for each dimension of a grid; and
 * the function that launches them, on tensors of the CPU. Threads run in descending order, so that what depends on their order shows.
 */
final class Emulator implements AutoCloseable {
    /** What kernels use of CUDA C, in C++. */
    private static final String SHIM = """
            #define __global__
            #define __device__
            #define __align__(n) __attribute__((aligned(n)))
            #define __launch_bounds__(n)
            struct Dim { unsigned x, y; };
            static thread_local Dim blockIdx, threadIdx;
            template <typename T> static inline T qnet_min(T a, T b) { return a < b ? a : b; }
            template <typename T> static inline T qnet_max(T a, T b) { return a > b ? a : b; }
            template <typename X> static inline int dot(int x, int w, int sum) {
                unsigned r = (unsigned) sum;
                for (int i = 0; i < 32; i += 8) { r += (unsigned) ((int) (X) (x >> i) * (int) (signed char) (w >> i)); }
                return (int) r;
            }
            static inline int __dp4a(int x, int w, int sum) { return dot<signed char>(x, w, sum); }
            static inline int qnet_dp4a_us(int x, int w, int sum) { return dot<unsigned char>(x, w, sum); }
            static inline float __fadd_rn(float a, float b) { return a + b; }
            static inline float __fsub_rn(float a, float b) { return a - b; }
            static inline float __fmul_rn(float a, float b) { return a * b; }
            static inline float __fdiv_rn(float a, float b) { return a / b; }
            static inline float __fsqrt_rn(float x) { return __builtin_sqrtf(x); }
            static inline double __dadd_rn(double a, double b) { return a + b; }
            static inline double __dsub_rn(double a, double b) { return a - b; }
            static inline double __dmul_rn(double a, double b) { return a * b; }
            static inline double __ddiv_rn(double a, double b) { return a / b; }
            static inline double __dsqrt_rn(double x) { return __builtin_sqrt(x); }
            static inline float rintf(float x) { return __builtin_rintf(x); }
            static inline double rint(double x) { return __builtin_rint(x); }
            static inline double floor(double x) { return __builtin_floor(x); }
            static inline double ceil(double x) { return __builtin_ceil(x); }
            static inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(x); }
            static inline float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
            static inline int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
            static inline double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }
            static inline long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
            """;

    /** How often kernels were compiled here, for names of their own: TVM knows functions by their names alone. */
    private static final AtomicInteger MADE = new AtomicInteger();

    private final TvmLibrary library;
    private final List<PrimFunc> kernels;
    private final Arena memory = Arena.ofShared();

    private Emulator(TvmLibrary library, List<PrimFunc> kernels) {
        this.library = library;
        this.kernels = kernels;
    }

    /**
     * A graph, ready to run.
     *
     * @throws TvmUnavailableException if TVM is not on this machine
     * @throws IOException if clang fails
     */
    static TvmModule module(Graph graph) throws IOException {
        TvmLibrary library = TvmLibrary.compiler();
        DeviceLowering.Program program = DeviceLowering.lower(graph, "emulated_" + MADE.getAndIncrement() + "_");
        Signature signature = Signature.of(graph, List.of(), false, Signature.Device.CPU, program.failures());
        List<PrimFunc> functions = new ArrayList<>(List.of(program.run()));
        functions.addAll(Metadata.functions(signature.json()));
        Emulator emulator = new Emulator(library, program.kernels());
        Scope scope = library.scope();
        try {
            emulator.compile();
            Ref host = Compiler.compile(scope, new TirModule(functions), CudaTarget.HOST);
            return new TvmModule(signature, scope, host, emulator);
        } catch (IOException | RuntimeException e) {
            scope.close();
            emulator.close();
            throw e;
        }
    }

    /** Makes the kernels known to TVM by their names. */
    private void compile() throws IOException {
        StringBuilder source = new StringBuilder(SHIM).append(CudaPrinter.print(kernels));
        kernels.forEach(k -> source.append(launcher(k)));
        try (WorkFolder folder = WorkFolder.create()) {
            Path code = folder.resolve("kernels.cpp");
            Path object = folder.resolve("kernels.o");
            Path shared = folder.resolve("kernels.so");
            Files.writeString(code, source.toString());
            CudaCompiler.clang()
                    .run(List.of(
                            "-x",
                            "c++",
                            "-std=c++17",
                            "-O1",
                            "-ffp-contract=off",
                            "-fno-math-errno",
                            "-march=x86-64-v2",
                            "-fPIC",
                            "-ffreestanding",
                            "-nostdinc",
                            "-fno-exceptions",
                            "-Wno-everything",
                            "-c",
                            "-o",
                            object.toString(),
                            code.toString()));
            Linker.run(library.folder(), folder, List.of("-shared", "-o", shared.toString(), object.toString()));
            register(shared);
        }
    }

    @SuppressWarnings("restricted") // calling native code is what this is for
    private void register(Path shared) {
        SymbolLookup symbols = SymbolLookup.libraryLookup(shared, memory);
        for (PrimFunc k : kernels) {
            library.register(k.name(), symbols.findOrThrow("launch_" + k.name()));
        }
    }

    /** What was compiled goes, too. */
    @Override
    public void close() {
        kernels.forEach(k -> library.forget(k.name()));
        memory.close();
    }

    /** A function as TVM calls it, which is given the extents of the grid and of a block behind the kernel's arguments. */
    private static String launcher(PrimFunc kernel) {
        List<String> arguments = new ArrayList<>();
        for (Var v : kernel.params()) {
            String value = "a[" + arguments.size() + "]";
            arguments.add(v.type().equals(DataType.POINTER) ? "(" + CudaPrinter.pointer(v) + ") " + value : value);
        }
        return """
                extern "C" int launch_%1$s(long long* a, int*, int n, void*, void*) {
                    for (long long y = a[n - 2] - 1; y >= 0; --y)
                        for (long long x = a[n - 3] - 1; x >= 0; --x)
                            for (long long t = a[n - 1] - 1; t >= 0; --t) {
                                blockIdx = {(unsigned) x, (unsigned) y};
                                threadIdx = {(unsigned) t, 0};
                                %1$s(%2$s);
                            }
                    return 0;
                }
                """.formatted(kernel.name(), String.join(", ", arguments));
    }
}

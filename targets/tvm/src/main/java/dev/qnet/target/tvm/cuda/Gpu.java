package dev.qnet.target.tvm.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import dev.qnet.target.tvm.TvmUnavailableException;
import dev.qnet.target.tvm.ffi.Linker;
import dev.qnet.target.tvm.natives.NativeSet;
import dev.qnet.target.tvm.natives.Natives;
import dev.qnet.target.tvm.natives.WorkFolder;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** This machine's GPU, as its driver tells. */
public final class Gpu {
    private static final String DRIVER = "libcuda.so.1";
    private static final String RUNTIME = "libcudart.so.12";

    /** What TVM with CUDA is linked with, and modules of ours never call. */
    private static final List<String> UNUSED =
            List.of("libcublasLt.so.12", "libcublas.so.12", "libcudnn.so.9", "libnvrtc.so.12");

    private static final int MAJOR = 75;
    private static final int MINOR = 76;

    private Gpu() {}

    /**
     * Looks for one.
     *
     * @throws TvmUnavailableException if there is none, or CUDA's runtime is not here
     */
    public static void require() {
        driver();
        if (CudaFiles.library(RUNTIME).isEmpty()) {
            throw new TvmUnavailableException(
                    "CUDA's runtime, " + RUNTIME + ", is not on this machine",
                    "install CUDA 12 (its runtime is enough), or name its folder by CUDA_HOME");
        }
    }

    private static SymbolLookup driver() {
        SymbolLookup driver =
                CudaFiles.library(DRIVER).orElseThrow(() -> none("the driver's library " + DRIVER + " is not there"));
        int status = call(driver, "cuInit", 0);
        if (status != 0) {
            throw none("the driver's cuInit ended with " + status);
        }
        if (number(driver, "cuDeviceGetCount") < 1) {
            throw none("the driver sees none");
        }
        return driver;
    }

    private static TvmUnavailableException none(String why) {
        return new TvmUnavailableException(
                "there is no NVIDIA GPU on this machine: " + why,
                "compile here, and run where one is; the target tvm-cpu and the JVM give the same bytes");
    }

    /** The architecture to compile for. */
    public static String arch() {
        SymbolLookup driver = driver();
        int version = 10 * attribute(driver, MAJOR) + attribute(driver, MINOR);
        String arch = CudaCompiler.newest(version);
        if (arch.isEmpty()) {
            throw new TvmUnavailableException(
                    "this machine's GPU is an sm_" + version + ", which has no dp4a", "an sm_61 has, and newer ones");
        }
        return arch;
    }

    private static int attribute(SymbolLookup driver, int which) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            int status = (int) function(driver, "cuDeviceGetAttribute", ADDRESS, JAVA_INT, JAVA_INT)
                    .invokeExact(out, which, 0);
            if (status != 0) {
                throw none("the driver's cuDeviceGetAttribute ended with " + status);
            }
            return out.get(JAVA_INT, 0);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    private static int number(SymbolLookup library, String name) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(JAVA_INT);
            int status = (int) function(library, name, ADDRESS).invokeExact(out);
            return status == 0 ? out.get(JAVA_INT, 0) : 0;
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    private static int call(SymbolLookup library, String name, int argument) {
        try {
            return (int) function(library, name, JAVA_INT).invokeExact(argument);
        } catch (Throwable t) {
            throw unchecked(t);
        }
    }

    @SuppressWarnings("restricted") // calling native code is what this class is for
    private static MethodHandle function(SymbolLookup library, String name, MemoryLayout... arguments) {
        return java.lang.foreign.Linker.nativeLinker()
                .downcallHandle(library.findOrThrow(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    private static RuntimeException unchecked(Throwable t) {
        return switch (t) {
            case RuntimeException r -> r;
            case Error e -> throw e;
            default -> new IllegalStateException(t);
        };
    }

    /**
     * Loads what TVM with CUDA is linked with, so that it finds it in the process: CUDA's libraries where they are here; else, for
     * those that are never called, empty ones of the same names. To be called when there is a GPU.
     */
    public static void loadLibraries() {
        List.of(DRIVER, RUNTIME).forEach(Gpu::loadOrStub);
        UNUSED.forEach(Gpu::loadOrStub);
    }

    @SuppressWarnings("restricted")
    private static void loadOrStub(String name) {
        if (CudaFiles.library(name).isPresent()) {
            return;
        }
        Path tools = Natives.folder(NativeSet.COMPILER);
        Path stub = tools.resolveSibling("stubs").resolve(name);
        try {
            if (!Files.isRegularFile(stub)) {
                write(tools, stub, name);
            }
        } catch (IOException e) {
            throw new TvmUnavailableException("no library can be written to " + stub + ": " + e, "make room there", e);
        }
        SymbolLookup.libraryLookup(stub, Arena.global());
    }

    /** A library without functions: whole or not at all, as others may want it at the same time. */
    private static void write(Path tools, Path stub, String name) throws IOException {
        Path folder = Files.createDirectories(stub.getParent());
        try (WorkFolder work = WorkFolder.in(folder, "new")) {
            Files.createFile(work.resolve("nothing"));
            Linker.run(tools, work, List.of("-shared", "-soname=" + name, "-o", name, "--format=binary", "nothing"));
            Files.move(work.resolve(name), stub, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        }
    }
}

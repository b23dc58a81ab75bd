package dev.qnet.target.tvm.cuda;

import dev.qnet.target.tvm.TvmUnavailableException;
import dev.qnet.target.tvm.natives.NativeSet;
import dev.qnet.target.tvm.natives.Natives;
import dev.qnet.target.tvm.natives.Tool;
import dev.qnet.target.tvm.natives.WorkFolder;
import dev.qnet.target.tvm.tir.CudaHeader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Compiles CUDA C to PTX, which the driver of a GPU compiles for it. Nothing is fused or approximated. In the order in which they are
 * preferred: CUDA's own write PTX that needs a driver as new as they are, clang what is told to be as old as the architecture.
 */
public enum CudaCompiler {
    /** The clang among TVM's native libraries, which needs nothing of CUDA's. */
    CLANG {
        @Override
        public boolean isHere() {
            try {
                clang();
                return true;
            } catch (TvmUnavailableException e) {
                return false;
            }
        }

        @Override
        String compile(WorkFolder folder, String kernels, String arch) throws IOException {
            Path source = Files.writeString(
                    folder.resolve("kernels.cu"), CudaHeader.WITHOUT_TOOLKIT + CudaHeader.TEXT + kernels);
            Path ptx = folder.resolve("kernels.ptx");
            clang().run(List.of(
                    "-x",
                    "cuda",
                    "--cuda-device-only",
                    "--cuda-gpu-arch=" + arch,
                    // As old as the architecture, so that old drivers take it.
                    "--cuda-feature=+ptx" + oldest(arch),
                    "-nocudainc",
                    "-nocudalib",
                    "-nostdinc",
                    "-fms-extensions",
                    "-Wno-unknown-cuda-version",
                    "-std=c++17",
                    "-O3",
                    "-ffp-contract=off",
                    "-S",
                    "-o",
                    ptx.toString(),
                    source.toString()));
            return Files.readString(ptx);
        }
    },
    /** CUDA's own program. */
    NVCC {
        @Override
        public boolean isHere() {
            return CudaFiles.program("nvcc").isPresent();
        }

        @Override
        String compile(WorkFolder folder, String kernels, String arch) throws IOException {
            Path source = Files.writeString(folder.resolve("kernels.cu"), CudaHeader.TEXT + kernels);
            Path ptx = folder.resolve("kernels.ptx");
            new Tool(CudaFiles.program("nvcc").orElseThrow())
                    .run(List.of(
                            "-ptx",
                            "-arch=" + arch,
                            "-fmad=false",
                            "-std=c++17",
                            "-o",
                            ptx.toString(),
                            source.toString()));
            return Files.readString(ptx);
        }
    },
    /** CUDA's library for this. */
    NVRTC {
        @Override
        public boolean isHere() {
            return Nvrtc.isHere();
        }

        @Override
        String compile(WorkFolder folder, String kernels, String arch) {
            return Nvrtc.compile(
                    CudaHeader.TEXT + kernels,
                    List.of("--gpu-architecture=" + arch.replace("sm_", "compute_"), "--fmad=false", "--std=c++17"));
        }
    };

    /** The architectures that clang knows and that multiply bytes by {@code dp4a}. */
    private static final List<String> ARCHITECTURES =
            List.of("sm_61", "sm_70", "sm_72", "sm_75", "sm_80", "sm_86", "sm_87", "sm_89", "sm_90");

    /** Whether it is on this machine. */
    public abstract boolean isHere();

    /** @param folder for its files */
    abstract String compile(WorkFolder folder, String kernels, String arch) throws IOException;

    /**
     * The one to use: what {@code QNET_CUDA_COMPILER} (or {@code -Dqnet.cuda.compiler}) names, or the first that is here.
     *
     * @throws IllegalArgumentException if the one that is named is not here
     * @throws TvmUnavailableException if none is, or clang is named and is not
     */
    public static CudaCompiler choose() {
        String asked = Optional.ofNullable(System.getProperty("qnet.cuda.compiler"))
                .or(() -> Optional.ofNullable(System.getenv("QNET_CUDA_COMPILER")))
                .orElse("");
        for (CudaCompiler c : values()) {
            String name = c.name().toLowerCase(Locale.ROOT);
            boolean named = asked.equals(name);
            if ((asked.isEmpty() || named) && c.isHere()) {
                return c;
            }
            if (named && c != CLANG) {
                throw new IllegalArgumentException("QNET_CUDA_COMPILER asks for " + name
                        + ", which is not on this machine's PATH, or under CUDA_HOME or /usr/local/cuda");
            }
        }
        if (asked.isEmpty() || asked.equals(CLANG.name().toLowerCase(Locale.ROOT))) {
            // Says what is missing.
            clang();
        }
        throw new IllegalArgumentException(
                "QNET_CUDA_COMPILER asks for '" + asked + "'; it is one of clang, nvcc, nvrtc");
    }

    /**
     * Refuses what is no architecture.
     *
     * @throws IllegalArgumentException naming those that there are
     */
    public static void check(String arch) {
        if (!ARCHITECTURES.contains(arch)) {
            throw new IllegalArgumentException(
                    "there is no architecture '" + arch + "'; one of: " + String.join(", ", ARCHITECTURES));
        }
    }

    /** The newest architecture that a GPU of a version runs code for; empty if there is none. */
    static String newest(int version) {
        return ARCHITECTURES.reversed().stream()
                .filter(arch -> number(arch) <= version)
                .findFirst()
                .orElse("");
    }

    /** The first version of PTX that knows an architecture, or 70, of CUDA 11.0. */
    private static int oldest(String arch) {
        int number = number(arch);
        if (number <= 80) {
            return 70;
        }
        return number <= 86 ? 71 : number <= 87 ? 74 : 78;
    }

    private static int number(String arch) {
        return Integer.parseInt(arch.substring("sm_".length()));
    }

    /**
     * Compiles kernels.
     *
     * @param kernels as {@link dev.qnet.target.tvm.tir.CudaPrinter} prints them
     * @param arch the oldest GPU that they run on, such as {@code sm_80}
     * @throws IOException if the compiler fails
     * @throws IllegalArgumentException if there is no such architecture
     */
    public String ptx(String kernels, String arch) throws IOException {
        check(arch);
        try (WorkFolder folder = WorkFolder.create()) {
            return compile(folder, kernels, arch);
        }
    }

    /**
     * The clang among TVM's native libraries.
     *
     * @throws TvmUnavailableException if it is not on this machine
     */
    public static Tool clang() {
        return new Tool(Natives.folder(NativeSet.CLANG).resolve("clang"));
    }
}

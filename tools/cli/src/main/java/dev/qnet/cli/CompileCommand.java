package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.target.tvm.CLibrary;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.CudaLibrary;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.HeaderForm;
import dev.qnet.target.tvm.Tilings;
import dev.qnet.target.tvm.TuningCache;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet compile}: a jar that needs nothing else, a shared library, or C and objects for microcontrollers. */
@Command(
        name = "compile",
        description = "Compiles a model to a self-contained jar, or for CPUs, GPUs and microcontrollers.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet compile model.qnet -o model.jar",
            "  java --add-modules jdk.incubator.vector -jar model.jar --input x.npy",
            "  qnet compile model.qnet --target tvm-cpu -o model.so",
            "  qnet compile model.qnet --target tvm-cpu --abi c -o model.so   and model.h, for C",
            "  qnet compile model.qnet --target tvm-cuda --arch sm_90 -o model.so",
            "  qnet compile model.qnet --target tvm-c -o model.c              and model.h, for microcontrollers",
            "  qnet compile model.qnet --target tvm-c --cpu cortex-m4 --flash 256k --ram 64k -o model.o"
        })
final class CompileCommand implements Callable<Integer> {
    private static final String JVM = "jvm";
    private static final String NATIVE = "native";
    private static final String PACKED = "packed";
    private static final String C = "c";

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The .jar to write, or for TVM's targets the .so, .c or .o.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Option(
            names = {"-t", "--target"},
            paramLabel = "NAME",
            defaultValue = JVM,
            description =
                    "jvm, tvm-cpu: code of TVM's for x86 CPUs, whose native libraries have to be there, tvm-cuda: the same for "
                            + "NVIDIA's GPUs, of which none is needed to compile, or tvm-c: C or an object file for microcontrollers (docs/targets.md). Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String target;

    @Option(
            names = "--cpu",
            paramLabel = "NAME",
            defaultValue = NATIVE,
            description = "For tvm-cpu: the CPU that the code may use all features of, as LLVM calls it, such as "
                    + "x86-64-v3 or skylake-avx512. Default: ${DEFAULT-VALUE}, this machine's. For an object file of tvm-c: "
                    + "the microcontroller, such as cortex-m4 or cortex-m7+nofp.dp.")
    @SuppressWarnings("NullAway.Init")
    private String cpu;

    @Option(
            names = "--abi",
            paramLabel = "NAME",
            defaultValue = PACKED,
            description =
                    "For tvm-cpu: packed, functions that TVM's runtime (tvm4j) loads, or c, plain C functions with a "
                            + "header beside the library, which need nothing and which Model.load takes. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String abi;

    @Option(
            names = "--parallel",
            description =
                    "For tvm-cpu: share large layers among the threads of TVM's runtime, as many as the environment's "
                            + "TVM_NUM_THREADS says, or who runs the model. The same bytes for any number.")
    private boolean parallel;

    @Option(
            names = "--tune",
            description =
                    "For tvm-cpu: measure on this machine which tiling of each layer is the fastest, unless that is "
                            + "known from before; some seconds a layer. The same answers, sooner.")
    private boolean tune;

    @Option(
            names = "--tune-cache",
            paramLabel = "FILE",
            description =
                    "With --tune: where what was measured is kept. Default: tilings.txt in the user's cache folder.")
    private @Nullable Path tuneCache;

    @Option(
            names = "--arch",
            paramLabel = "NAME",
            defaultValue = CudaTarget.ARCH,
            description =
                    "For tvm-cuda: the oldest GPU that the code runs on, such as sm_80 or sm_90. Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String arch;

    @Option(
            names = "--flash",
            paramLabel = "SIZE",
            description =
                    "For tvm-c: refuse a model whose weights, and code where it is known, take more than that, such as 256k.")
    private @Nullable String flash;

    @Option(
            names = "--ram",
            paramLabel = "SIZE",
            description =
                    "For tvm-c: refuse a model whose arena, states, inputs, outputs and (of an object) stack take more "
                            + "than that.")
    private @Nullable String ram;

    @Override
    public Integer call() throws IOException {
        checkOptions();
        if (target.equals(CTarget.NAME)) {
            return device();
        }
        boolean cuda = target.equals(CudaTarget.CUDA);
        boolean tvm = cuda || target.equals(TvmTarget.CPU);
        String kind = tvm ? ".so" : ".jar";
        if (!output.toString().endsWith(kind)) {
            throw new UserException(
                    "the output of compile --target " + target + (tvm ? " is a shared library" : " is a jar") + ", not "
                            + output,
                    otherTarget() + "-o " + output.toString().replaceFirst("\\.(jar|so|c|o|h|cu)$", "") + kind);
        }
        AtomicFiles.check(output);
        if (cuda) {
            return cuda();
        }
        return tvm ? library() : jar();
    }

    /** What writes files of such names as the output's, as the beginning of a hint; or nothing. */
    private String otherTarget() {
        if (output.toString().endsWith(".so")) {
            return "--target " + TvmTarget.CPU + ", or ";
        }
        return DeviceOutput.takes(output) ? "--target " + CTarget.NAME + ", or " : "";
    }

    /** Refuses what the target would not look at. */
    private void checkOptions() {
        List<String> targets = List.of(JVM, TvmTarget.CPU, CudaTarget.CUDA, CTarget.NAME);
        if (!targets.contains(target)) {
            throw new UserException("there is no target '" + target + "'", "one of: " + String.join(", ", targets));
        }
        boolean x86 = target.equals(TvmTarget.CPU);
        if (!abi.equals(PACKED) && !abi.equals(C)) {
            throw new UserException("there is no calling convention '" + abi + "'", "one of: " + PACKED + ", " + C);
        }
        if (abi.equals(C) && !x86) {
            throw new UserException("--abi c is for libraries for x86 CPUs", "--target " + TvmTarget.CPU);
        }
        if (!cpu.equals(NATIVE) && !x86 && !target.equals(CTarget.NAME)) {
            throw new UserException(
                    "--cpu is not for the target " + target,
                    target.equals(CudaTarget.CUDA) ? "--arch names the GPU" : "--target " + TvmTarget.CPU);
        }
        if (x86 && cpu.startsWith("cortex-")) {
            throw new UserException(
                    cpu + " is a microcontroller, " + target + " is for x86 CPUs",
                    "--target " + CTarget.NAME + " --cpu " + cpu + " -o model.o");
        }
        if (!arch.equals(CudaTarget.ARCH) && !target.equals(CudaTarget.CUDA)) {
            throw new UserException("--arch is for GPUs", "--target " + CudaTarget.CUDA);
        }
        if (parallel && (!x86 || abi.equals(C))) {
            throw new UserException(
                    "--parallel is for libraries for TVM's runtime, whose threads they use",
                    "--target " + TvmTarget.CPU + " --abi " + PACKED
                            + "; other models share the items of a batch among the threads they are loaded for");
        }
        if (tune && !x86) {
            throw new UserException("--tune is for x86 CPUs", "--target " + TvmTarget.CPU);
        }
        if (tuneCache != null && !tune) {
            throw new UserException("--tune-cache is read with --tune only", "--tune --tune-cache " + tuneCache);
        }
        if ((flash != null || ram != null) && !target.equals(CTarget.NAME)) {
            throw new UserException("--flash and --ram are for microcontrollers", "--target " + CTarget.NAME);
        }
    }

    private int jar() throws IOException {
        Console console = parent.console();
        BoundModel bound = model.load(console);
        CompiledArtifact artifact = JvmTarget.compile(Build.integers(console, bound));
        AtomicFiles.writeAt(output, artifact::writeJar);
        console.out().println("wrote " + output + " (" + Sizes.text(Files.size(output)) + ")");
        console.out().println("run it: java --add-modules jdk.incubator.vector -jar " + output + " --input FILE.npy");
        return ExitCode.OK;
    }

    private int library() throws IOException {
        Path header = output.resolveSibling(output.getFileName().toString().replaceFirst("\\.so$", ".h"));
        if (abi.equals(C)) {
            Headers.check(header, HeaderForm.LIBRARY);
        }
        Tvm.require();
        Console console = parent.console();
        BoundModel bound = model.load(console);
        Graph graph = Build.integers(console, bound);
        Tilings tilings = Tilings.DEFAULT;
        if (tune) {
            Path cache = tuneCache == null ? TuningCache.defaultFile() : tuneCache;
            tilings = Tvm.tune(console, graph, cpu, cache);
            console.out()
                    .println("tuned " + tilings.size() + " kinds of layers, " + tilings.changed()
                            + " to another tiling than the default (" + cache + ")");
        }
        if (abi.equals(C)) {
            try (CLibrary library = Tvm.compileForC(graph, cpu, tilings)) {
                AtomicFiles.writeBoth(output, library::save, header, file -> Files.writeString(file, library.header()));
            }
            console.out().println("wrote " + header);
        } else {
            try (TvmModule module = Tvm.compile(graph, cpu, parallel, tilings)) {
                AtomicFiles.writeAt(output, module::save);
            }
        }
        console.out().println("wrote " + output + " (" + Sizes.text(Files.size(output)) + ")");
        return ExitCode.OK;
    }

    private int cuda() throws IOException {
        Tvm.require();
        Console console = parent.console();
        Graph graph = Build.integers(console, model.load(console));
        try (CudaLibrary library = Tvm.compileForCuda(graph, arch)) {
            AtomicFiles.writeAt(output, library::save);
            console.out()
                    .println("wrote " + output + " (" + Sizes.text(Files.size(output)) + "), " + library.kernels());
        }
        return ExitCode.OK;
    }

    private int device() throws IOException {
        if (!DeviceOutput.takes(output)) {
            throw new UserException(
                    "the output of compile --target " + CTarget.NAME + " is C or an object file, not " + output,
                    "-o model.c, or -o model.o --cpu cortex-m4");
        }
        boolean object = output.toString().endsWith(".o");
        if (object == cpu.equals(NATIVE)) {
            throw new UserException(
                    object ? "an object file is for one microcontroller" : "C is for every microcontroller",
                    object ? "name it as LLVM does: --cpu cortex-m4" : "leave out --cpu");
        }
        Console console = parent.console();
        DeviceOutput device = new DeviceOutput(console, output);
        AtomicFiles.check(output);
        Headers.check(device.header(), HeaderForm.DEVICE);
        OptionalLong flashBytes = DeviceOutput.size("--flash", flash);
        OptionalLong ramBytes = DeviceOutput.size("--ram", ram);
        device.write(Build.integers(console, model.load(console)), object ? cpu : null, flashBytes, ramBytes);
        return ExitCode.OK;
    }
}

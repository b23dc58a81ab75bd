package dev.qnet.cli;

import dev.qnet.cli.verify.TvmValues;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.target.tvm.CLibrary;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.Cpu;
import dev.qnet.target.tvm.CudaLibrary;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.HostModel;
import dev.qnet.target.tvm.Tilings;
import dev.qnet.target.tvm.Tuner;
import dev.qnet.target.tvm.TuningCache;
import dev.qnet.target.tvm.TvmModule;
import dev.qnet.target.tvm.TvmSession;
import dev.qnet.target.tvm.TvmTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** TVM, as far as commands need to know of it. */
final class Tvm {
    private Tvm() {}

    /**
     * Loads TVM's native libraries.
     *
     * @throws UserException if they are not on this machine, with what to do about it
     */
    static void require() {
        try {
            TvmTarget.load();
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }

    /**
     * Unpacks LLVM's compiler of C.
     *
     * @throws UserException if it is not on this machine, with what to do about it
     */
    static void requireClang() {
        try {
            CTarget.load();
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }

    /**
     * Compiles a graph.
     *
     * @param cpu as LLVM calls it, or native
     * @param parallel whether large layers are shared among the threads of TVM's runtime
     * @param tilings of layers
     * @throws UserException if LLVM knows no such CPU
     */
    static TvmModule compile(Graph graph, String cpu, boolean parallel, Tilings tilings) {
        try {
            return TvmTarget.compile(graph, new Cpu(cpu), parallel, tilings);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Compiles a graph to C functions.
     *
     * @param cpu as LLVM calls it, or native
     * @param tilings of layers
     * @throws UserException if LLVM knows no such CPU
     */
    static CLibrary compileForC(Graph graph, String cpu, Tilings tilings) {
        try {
            return TvmTarget.compileForC(graph, new Cpu(cpu), tilings);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Compiles a graph to C functions for this machine's CPU, and loads it as other models are.
     *
     * @throws UserException if TVM is not on this machine, or the kind of this CPU is not known
     */
    static Model load(Graph graph, LoadOptions options) throws IOException {
        require();
        Path folder = Files.createTempDirectory("qnet");
        Path file = folder.resolve("model.so");
        try (CLibrary library = compileForC(graph, Cpu.NATIVE.name(), Tilings.DEFAULT)) {
            library.save(file);
            // What is loaded stays without its file.
            return Model.load(file, options);
        } finally {
            Files.deleteIfExists(file);
            Files.delete(folder);
        }
    }

    /**
     * Looks for the fastest tilings of a graph's layers.
     *
     * @param file where what was measured is kept
     * @throws UserException if the file is damaged, or code for that CPU does not run here
     */
    static Tilings tune(Console console, Graph graph, String cpu, Path file) throws IOException {
        try (Progress progress = new Progress(console, "tuning layers")) {
            return Tuner.tune(graph, new Cpu(cpu), TuningCache.read(file), progress::at);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Compiles a graph for GPUs.
     *
     * @param arch the oldest one that it is to run on
     * @throws UserException if there is no such one, or a compiler fails
     */
    static CudaLibrary compileForCuda(Graph graph, String arch) {
        try {
            return CudaTarget.compile(graph, arch);
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        } catch (IllegalStateException | IOException e) {
            // A new CUDA no longer knows old GPUs, for one.
            throw new UserException(
                    String.valueOf(e.getMessage()),
                    "without QNET_CUDA_COMPILER the clang among TVM's libraries compiles, which knows them all");
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }

    /**
     * Gets ready to run on this machine's GPU.
     *
     * @throws UserException if there is none, or what it takes is not on this machine
     */
    static void requireGpu() {
        try {
            CudaTarget.requireGpu();
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }

    /**
     * Compiles a graph for this machine's GPU, and loads it.
     *
     * @throws UserException if a compiler fails
     */
    static TvmModule loadOnGpu(Graph graph) {
        try {
            return CudaTarget.load(graph);
        } catch (IllegalArgumentException | IllegalStateException | IOException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        }
    }

    /**
     * A graph as tensor programs.
     *
     * @param cpu as LLVM calls it, or native
     * @throws UserException if LLVM knows no such CPU, or is not there to ask
     */
    static String script(Graph graph, String cpu) {
        try {
            return TvmTarget.script(graph, new Cpu(cpu));
        } catch (IllegalArgumentException e) {
            throw new UserException(String.valueOf(e.getMessage()));
        } catch (TvmUnavailableException e) {
            throw new UserException(e.what(), e.fix());
        }
    }

    /**
     * Runs a module once, on values by the names of the graph's parameters, and closes it.
     *
     * @param threads that share the work
     */
    static Map<String, Value> run(Graph graph, TvmModule module, Map<String, Value> values, int threads) {
        try (module;
                TvmSession session = module.session(threads)) {
            return run(graph, (TvmValues.Runner) session::run, values);
        }
    }

    /** Runs C once, as {@link #run(Graph, TvmModule, Map, int)} does, and closes it. */
    static Map<String, Value> run(Graph graph, HostModel host, Map<String, Value> values) {
        try (host) {
            return run(graph, (TvmValues.Runner) host::run, values);
        }
    }

    private static Map<String, Value> run(Graph graph, TvmValues.Runner runner, Map<String, Value> values) {
        List<Value> inputs = graph.params().stream()
                .map(p -> Objects.requireNonNull(values.get(p.id().name())))
                .toList();
        List<Value> found = TvmValues.run(graph, runner, inputs);
        Map<String, Value> results = new LinkedHashMap<>();
        for (int i = 0; i < found.size(); i++) {
            results.put(graph.results().get(i).name(), found.get(i));
        }
        return results;
    }
}

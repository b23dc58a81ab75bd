package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.runtime.CpuFlags;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Tiling;
import dev.qnet.target.tvm.lower.Tunable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Looks for the fastest tiling of each layer by running it, alone and with one thread. */
public final class Tuner {
    /** A tiling has to be so much faster than the default: what is measured varies by that. */
    private static final double GAIN = 0.97;

    private static final int TURNS = 15;
    private static final long TURN_NANOS = 1_000_000;

    private Tuner() {}

    /** Runs a layer with each of some tilings. */
    @FunctionalInterface
    interface Measurer {
        /** The median time of a run, for each. */
        long[] nanos(Graph layer, List<Tiling> tilings);
    }

    /** Is told how many layers are done. */
    @FunctionalInterface
    public interface Progress {
        void at(int done, int total);
    }

    /**
     * The tilings of a graph's layers: what is known, and for the others what is measured now and then known.
     *
     * @throws IllegalArgumentException if LLVM does not know the CPU, or this machine's is another
     * @throws IOException if the cache cannot be written, which is looked at before anything is measured
     */
    public static Tilings tune(Graph graph, Cpu cpu, TuningCache cache, Progress progress) throws IOException {
        TvmLibrary library = TvmLibrary.compiler();
        String target = CpuNames.target(library, cpu);
        Isa isa = CpuNames.isa(library, target);
        List<String> missing = CpuFlags.missing(CpuNames.needs(library, target, isa == Isa.AMX));
        if (!missing.isEmpty()) {
            throw new IllegalArgumentException("tuning runs code for " + cpu.name()
                    + " on this machine, whose CPU has not " + String.join(", ", missing));
        }
        return tune(graph, model(), isa, cache, (layer, tilings) -> measure(layer, cpu, isa, tilings), progress);
    }

    /**
     * As {@link #tune(Graph, Cpu, TuningCache, Progress)}.
     *
     * @param model the CPU's name, under which results are kept
     */
    static Tilings tune(Graph graph, String model, Isa isa, TuningCache cache, Measurer measurer, Progress progress)
            throws IOException {
        List<Tunable> layers = Tunable.of(graph, isa);
        for (Tunable layer : layers) {
            if (cache.find(model, isa, layer.key()).isEmpty()) {
                cache.checkWritable();
                break;
            }
        }
        Map<String, Tiling> chosen = new HashMap<>();
        for (Tunable layer : layers) {
            progress.at(chosen.size(), layers.size());
            Tiling tiling = cache.find(model, isa, layer.key()).orElse(null);
            if (tiling == null) {
                tiling = cache.put(
                        model,
                        isa,
                        layer.key(),
                        fastest(layer.tilings(), measurer.nanos(layer.graph(), layer.tilings())));
            }
            chosen.put(layer.key(), tiling);
        }
        return new Tilings(chosen);
    }

    private static Tiling fastest(List<Tiling> tilings, long[] nanos) {
        int best = 0;
        for (int i = 1; i < nanos.length; i++) {
            if (nanos[i] < nanos[best]) {
                best = i;
            }
        }
        return nanos[best] < GAIN * nanos[0] ? tilings.get(best) : tilings.getFirst();
    }

    /** Compiles all, and runs them in turns, so that what else the machine does disturbs all alike. */
    private static long[] measure(Graph layer, Cpu cpu, Isa isa, List<Tiling> tilings) {
        List<TvmModule> modules = new ArrayList<>();
        List<TvmSession> sessions = new ArrayList<>();
        try {
            String key = Tunable.of(layer, isa).getFirst().key();
            for (Tiling t : tilings) {
                modules.add(TvmTarget.compile(layer, cpu, isa, false, new Tilings(Map.of(key, t))));
                sessions.add(modules.getLast().session());
            }
            List<byte[]> inputs = new ArrayList<>();
            Random random = new Random(1);
            for (Signature.Tensor t : modules.getFirst().signature().inputs()) {
                byte[] x = new byte[Math.toIntExact(t.bytes(1))];
                random.nextBytes(x);
                inputs.add(x);
            }
            int runs = Math.clamp(TURN_NANOS / Math.max(sessions.getFirst().nanos(3, inputs), 1), 1, 10_000);
            long[][] times = new long[tilings.size()][TURNS];
            for (int turn = 0; turn < TURNS; turn++) {
                for (int i = 0; i < times.length; i++) {
                    times[i][turn] = sessions.get(i).nanos(runs, inputs);
                }
            }
            return Arrays.stream(times)
                    .mapToLong(t -> Arrays.stream(t)
                            .sorted()
                            .skip(TURNS / 2)
                            .findFirst()
                            .orElseThrow())
                    .toArray();
        } finally {
            sessions.forEach(TvmSession::close);
            modules.forEach(TvmModule::close);
        }
    }

    private static String model() {
        try {
            return Files.readAllLines(Path.of("/proc/cpuinfo"), StandardCharsets.UTF_8).stream()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst()
                    .orElse("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }
}

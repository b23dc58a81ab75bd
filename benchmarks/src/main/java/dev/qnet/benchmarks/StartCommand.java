package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.model.FirstAnswer;
import dev.qnet.benchmarks.model.ModelFile;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.runtime.Model;
import dev.qnet.target.jvm.CompiledArtifact;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Whole processes. */
@Command(
        name = "start",
        description =
                "Whole processes: from the start of a JVM to the first answer, with and without an AOT cache, and until "
                        + "runs are within 10 % of their final speed; peak memory, and the size of the jars. Processes "
                        + "of Qnet and its peer alternate.",
        mixinStandardHelpOptions = true)
final class StartCommand implements Callable<Integer> {
    /** What a process needs of the class path, beside the benchmark's own classes. */
    private static final Pattern ORT = Pattern.compile("onnxruntime-\\d");

    private static final Pattern TFLITE = Pattern.compile("tflite-");

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private DataOption data;

    @Option(names = "--processes", defaultValue = "5", description = "Of each. Default: ${DEFAULT-VALUE}.")
    private int processes;

    @Option(
            names = "--seconds",
            defaultValue = "3",
            description = "How long Qnet goes on after its first answer. Default: ${DEFAULT-VALUE}.")
    private double seconds;

    /** What a process said. */
    private record Life(double firstNanos, double settledNanos, double bytes, double peakBytes) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        Results results = new Results(
                "start of whole processes, " + Machine.description(),
                List.of(
                        "model",
                        "Qnet first ms",
                        "with AOT cache ms",
                        "peer first ms",
                        "Qnet settled ms",
                        "Qnet MB",
                        "peer MB",
                        "Qnet peak MB",
                        "peer peak MB",
                        "Qnet jar KB",
                        "peer jars KB",
                        "peer"));
        for (ModelFile m : data.models()) {
            if (options.wanted(m.name())) {
                System.err.println(m.name());
                measure(m, results);
            }
        }
        results.note(
                "First: from exec to the first answer. Settled: from exec until runs take at most 1.1 times what they take "
                        + "in the end, medians of 20 runs, while Qnet runs without a pause. MB: resident at most "
                        + "until the first answer. Peak: until it has settled, the peer after half a second. Medians of "
                        + processes + " processes.");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private void measure(ModelFile m, Results results) throws IOException, InterruptedException {
        CompiledArtifact artifact = QnetModel.compile(m.file());
        if (artifact.descriptor().rounding().equals("none")) {
            return;
        }
        Path folder = Files.createTempDirectory("start");
        try {
            Path jar = folder.resolve("model.jar");
            artifact.writeJar(jar);
            List<String> inputs = new ArrayList<>();
            try (Model model = artifact.load()) {
                for (byte[] x : m.inputs(model.inputs())) {
                    Path f = folder.resolve(inputs.size() + ".bin");
                    inputs.add(Files.write(f, x).toString());
                }
            }
            String peer = m.isTflite() ? "tflite" : "ort";
            String peerPath = jars(m.isTflite() ? TFLITE : ORT);
            List<Life> ours = new ArrayList<>();
            List<Life> cached = new ArrayList<>();
            List<Life> theirs = new ArrayList<>();
            // The model's jar has its own copy of the runtime, in front of any other.
            String path = jar + File.pathSeparator + own();
            Path cache = folder.resolve("model.aot");
            run(path, "qnet", jar, inputs, 0.2, "-XX:AOTCacheOutput=" + cache);
            for (int i = 0; i < processes; i++) {
                ours.add(run(path, "qnet", jar, inputs, seconds));
                cached.add(run(path, "qnet", jar, inputs, 0, "-XX:AOTCache=" + cache));
                theirs.add(run(own() + File.pathSeparator + peerPath, peer, m.file(), inputs, 0.5));
            }
            long jarBytes = Files.size(jar);
            long peerBytes = Pattern.compile(File.pathSeparator)
                    .splitAsStream(peerPath)
                    .mapToLong(p -> new File(p).length())
                    .sum();
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("model", m.name());
            row.put("qnetFirstNanos", first(ours));
            row.put("qnetCachedFirstNanos", first(cached));
            row.put("peerFirstNanos", first(theirs));
            row.put("qnetSettledNanos", settled(ours));
            row.put("qnetBytes", memory(ours));
            row.put("peerBytes", memory(theirs));
            row.put("qnetPeakBytes", peak(ours));
            row.put("peerPeakBytes", peak(theirs));
            row.put("qnetJarBytes", jarBytes);
            row.put("peerJarBytes", peerBytes);
            row.put("peer", peer);
            results.row(
                    List.of(
                            m.name(),
                            number(first(ours) / 1e6, 0),
                            number(first(cached) / 1e6, 0),
                            number(first(theirs) / 1e6, 0),
                            number(settled(ours) / 1e6, 0),
                            number(memory(ours) / 1e6, 0),
                            number(memory(theirs) / 1e6, 0),
                            number(peak(ours) / 1e6, 0),
                            number(peak(theirs) / 1e6, 0),
                            number(jarBytes / 1024.0, 0),
                            number(peerBytes / 1024.0, 0),
                            m.isTflite() ? "TensorFlow Lite" : "ONNX Runtime"),
                    row);
        } finally {
            try (Stream<Path> files = Files.list(folder)) {
                for (Path f : files.toList()) {
                    Files.delete(f);
                }
            }
            Files.delete(folder);
        }
    }

    private static double first(List<Life> lives) {
        return median(lives.stream().mapToDouble(Life::firstNanos).toArray());
    }

    private static double settled(List<Life> lives) {
        return median(lives.stream().mapToDouble(Life::settledNanos).toArray());
    }

    private static double memory(List<Life> lives) {
        return median(lives.stream().mapToDouble(Life::bytes).toArray());
    }

    private static double peak(List<Life> lives) {
        return median(lives.stream().mapToDouble(Life::peakBytes).toArray());
    }

    private static double median(double[] values) {
        return Contest.quantile(values, 0.5);
    }

    private static List<String> classPath() {
        String path = System.getProperty("java.class.path");
        List<String> parts = new ArrayList<>();
        for (String p : Pattern.compile(File.pathSeparator).splitAsStream(path).toList()) {
            parts.add(p);
            File lib = new File(new File(p).getAbsoluteFile().getParentFile(), "lib");
            String[] jars = p.endsWith(".jar") ? lib.list() : null;
            if (jars != null) {
                for (String jar : jars) {
                    parts.add(new File(lib, jar).toString());
                }
            }
        }
        return parts;
    }

    private static String jars(Pattern name) {
        return classPath().stream()
                .filter(p -> name.matcher(new File(p).getName()).find())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** The benchmark's classes and those of Qnet, which its harness is made of. */
    private static String own() {
        return classPath().stream()
                .filter(p -> p.contains("qnet-") || !p.endsWith(".jar"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private static Life run(
            String path, String what, Path model, List<String> inputs, double seconds, String... options)
            throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC"));
        line.addAll(List.of(options));
        line.addAll(
                List.of("-cp", path, FirstAnswer.class.getName(), what, Double.toString(seconds), model.toString()));
        line.addAll(inputs);
        long begin = System.nanoTime();
        Process p = new ProcessBuilder(line)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        double first = Double.NaN;
        double settled = Double.NaN;
        double bytes = Double.NaN;
        double peak = Double.NaN;
        try (BufferedReader out = p.inputReader(StandardCharsets.UTF_8)) {
            for (String s = out.readLine(); s != null; s = out.readLine()) {
                if (s.equals("answer")) {
                    first = System.nanoTime() - begin;
                } else if (s.startsWith("settled ")) {
                    settled = first + Double.parseDouble(s.substring(8));
                } else if (s.startsWith("memory ")) {
                    bytes = Double.parseDouble(s.substring(7));
                } else if (s.startsWith("peak ")) {
                    peak = Double.parseDouble(s.substring(5));
                }
            }
        }
        if (p.waitFor() != 0) {
            throw new IOException("a process failed: " + String.join(" ", line));
        }
        return new Life(first, settled, bytes, peak);
    }
}

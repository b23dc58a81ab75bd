package dev.qnet.benchmarks.model;

import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.peer.OnnxRuntimeModel;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.benchmarks.peer.TfliteModel;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A process of its own: loads a model, answers once, says so, and goes on for some time to see when it is as fast as it
 * becomes. Arguments: qnet, ort or tflite; seconds to go on; the model (a jar for Qnet); a file for each input.
 */
public final class FirstAnswer {
    private static final int WINDOW = 20;

    private FirstAnswer() {}

    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[2]);
        List<byte[]> inputs = new ArrayList<>();
        for (String input : Arrays.asList(args).subList(3, args.length)) {
            inputs.add(Files.readAllBytes(Path.of(input)));
        }
        try (Contestant model = load(args[0], file, inputs)) {
            model.run();
            System.out.println("answer");
            System.out.flush();
            System.out.println("memory " + peakMemory());
            long begin = System.nanoTime();
            long end = begin + (long) (Double.parseDouble(args[1]) * 1e9);
            List<double[]> runs = new ArrayList<>();
            for (long before = begin; before < end; ) {
                model.run();
                long after = System.nanoTime();
                runs.add(new double[] {after - begin, after - before});
                before = after;
            }
            System.out.println("settled " + settled(runs));
            System.out.println("peak " + peakMemory());
        }
    }

    private static Contestant load(String what, Path file, List<byte[]> inputs) throws Exception {
        return switch (what) {
            case "qnet" -> new QnetModel(Model.load(file, LoadOptions.defaults()), inputs, 1);
            case "ort" -> new OnnxRuntimeModel(Files.readAllBytes(file), inputs, 1, 1);
            case "tflite" -> new TfliteModel(Files.readAllBytes(file), inputs, 1);
            default -> throw new IllegalArgumentException(what);
        };
    }

    /** Nanoseconds until runs are within a tenth of what they are in the end, by medians of some. */
    private static double settled(List<double[]> runs) {
        int n = runs.size();
        if (n < WINDOW) {
            return Double.NaN;
        }
        double last = median(runs, Math.max(0, n - Math.max(WINDOW, n / 10)), n);
        for (int i = 0; i + WINDOW <= n; i += WINDOW / 2) {
            if (median(runs, i, i + WINDOW) <= 1.1 * last) {
                return runs.get(i)[0];
            }
        }
        return Double.NaN;
    }

    private static double median(List<double[]> runs, int from, int to) {
        return Contest.quantile(
                runs.subList(from, to).stream().mapToDouble(r -> r[1]).toArray(), 0.5);
    }

    /** Bytes of the process that were resident at most; 0 where the system does not say. */
    private static long peakMemory() throws java.io.IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return 0;
        }
        for (String line : Files.readAllLines(status)) {
            if (line.startsWith("VmHWM:")) {
                return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
            }
        }
        return 0;
    }
}

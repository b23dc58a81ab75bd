package dev.qnet.cli.speed;

import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.LayerTimes;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * What each layer takes, in a model that is loaded for that purpose.
 *
 * @param layers nanoseconds an item by the value that a layer writes, the median of several rounds; a value that is
 *     computed together with another is missing
 * @param total of all layers together, an item
 */
public record LayerSpeeds(Map<ValueId, Double> layers, double total) {
    private static final int ROUNDS = 15;
    private static final double SETTLE_LEAST = 1;
    private static final double SETTLE_MOST = 10;

    public LayerSpeeds {
        layers = Map.copyOf(layers);
    }

    /**
     * Runs a model for some time.
     *
     * @param inputs as {@link Stopwatch} takes them
     * @param warmUp seconds before anything counts; NaN for as long as it gets faster
     * @param seconds that count
     */
    public static LayerSpeeds measure(
            CompiledArtifact artifact,
            LoadOptions options,
            Backend backend,
            Map<String, Tensor> inputs,
            int items,
            double warmUp,
            double seconds) {
        LayerTimes times = new LayerTimes();
        try (Model model = times.load(artifact.files(), options, backend);
                Stopwatch watch = new Stopwatch(model, inputs, items)) {
            if (Double.isNaN(warmUp)) {
                watch.settle(SETTLE_LEAST, SETTLE_MOST);
            } else {
                watch.warmUp(warmUp);
            }
            int n = artifact.layers().size();
            double[][] rounds = new double[n][ROUNDS];
            for (int r = 0; r < ROUNDS; r++) {
                times.reset();
                watch.warmUp(seconds / ROUNDS);
                for (int k = 0; k < n; k++) {
                    rounds[k][r] = (double) times.nanos(k) / times.runs();
                }
            }
            Map<ValueId, Double> layers = new HashMap<>();
            double total = 0;
            for (int k = 0; k < n; k++) {
                Arrays.sort(rounds[k]);
                double median = rounds[k][ROUNDS / 2];
                layers.merge(artifact.layers().get(k), median, Double::sum);
                total += median;
            }
            return new LayerSpeeds(layers, total);
        }
    }
}

package dev.qnet.benchmarks.measure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Times contestants in turn: a round has one sample of each, a few milliseconds long, so that what disturbs the machine
 * disturbs all of them alike. A result is the median of the rounds; a ratio is the median of the rounds' ratios.
 */
public final class Contest {
    private static final int TURNS = 4;
    private static final int MOST_TURNS = 60;
    private static final double FASTER = 0.9;

    private Contest() {}

    /**
     * How long to measure.
     *
     * @param rounds samples of each contestant
     * @param sampleNanos how long a sample takes, about; one run where that takes longer
     * @param warmUpNanos how long each contestant runs before anything counts, at least
     */
    public record Pace(int rounds, long sampleNanos, long warmUpNanos) {
        /** Enough for a table. */
        public static final Pace NORMAL = new Pace(61, 3_000_000, 1_200_000_000);
        /** A look. */
        public static final Pace QUICK = new Pace(15, 2_000_000, 600_000_000);
        /** Says only that everything runs. */
        public static final Pace SMOKE = new Pace(1, 1, 1);
    }

    /**
     * What a contestant took.
     *
     * @param name its name
     * @param nanos of one run, a number a round
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record Outcome(String name, double[] nanos) {
        public double median() {
            return quantile(nanos, 0.5);
        }

        /** How many times as fast as another this is, by the rounds that they shared. */
        public double speedup(Outcome other) {
            double[] ratios = new double[nanos.length];
            for (int i = 0; i < ratios.length; i++) {
                ratios[i] = other.nanos[i] / nanos[i];
            }
            return quantile(ratios, 0.5);
        }
    }

    /** Runs the contest; outcomes are in the order of the contestants. */
    public static List<Outcome> run(List<? extends Contestant> contestants, Pace pace) {
        int[] runs = new int[contestants.size()];
        double[] best = new double[runs.length];
        Arrays.fill(best, Double.POSITIVE_INFINITY);
        int calm = 0;
        // In turns, too: what one compiles or boosts must not favour the next. On a busy machine compiling takes long,
        // so that it lasts until none becomes faster.
        for (int turn = 0; turn < MOST_TURNS && (turn < TURNS || calm < TURNS); turn++) {
            calm++;
            for (int i = 0; i < runs.length; i++) {
                double now = warmUp(contestants.get(i), pace.warmUpNanos / TURNS);
                if (now < best[i] * FASTER) {
                    calm = 0;
                }
                best[i] = Math.min(best[i], now);
            }
            if (pace.warmUpNanos < TURNS) {
                break;
            }
        }
        for (int i = 0; i < runs.length; i++) {
            runs[i] = Math.clamp(Math.round(pace.sampleNanos / best[i]), 1, 1_000_000);
        }
        double[][] nanos = new double[runs.length][pace.rounds];
        for (int round = 0; round < pace.rounds; round++) {
            for (int i = 0; i < runs.length; i++) {
                nanos[i][round] = sample(contestants.get(i), runs[i]);
            }
        }
        List<Outcome> outcomes = new ArrayList<>();
        for (int i = 0; i < runs.length; i++) {
            outcomes.add(new Outcome(contestants.get(i).name(), nanos[i]));
        }
        return outcomes;
    }

    /** Runs for so long, and returns the nanoseconds of the fastest run. */
    private static double warmUp(Contestant c, long nanos) {
        long begin = System.nanoTime();
        double best = sample(c, 1);
        while (System.nanoTime() - begin < nanos) {
            best = Math.min(best, sample(c, 1));
        }
        return best;
    }

    /** Nanoseconds of a run, by so many. */
    private static double sample(Contestant c, int runs) {
        long begin = System.nanoTime();
        for (int i = 0; i < runs; i++) {
            c.run();
        }
        return Math.max(1, System.nanoTime() - begin) / (double) runs;
    }

    /** A quantile, between neighbours where it lies between them. */
    public static double quantile(double[] values, double q) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        double at = q * (sorted.length - 1);
        int below = (int) at;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
    }

    /** The geometric mean of each list, with its name, for a note under a table. */
    public static String geometricMeans(Map<String, List<Double>> lists) {
        return lists.entrySet().stream()
                .map(e -> e.getKey() + " " + Results.number(geometricMean(e.getValue()), 2))
                .collect(Collectors.joining(", "));
    }

    /** The geometric mean. */
    public static double geometricMean(List<Double> values) {
        return Math.exp(values.stream().mapToDouble(Math::log).average().orElse(Double.NaN));
    }
}

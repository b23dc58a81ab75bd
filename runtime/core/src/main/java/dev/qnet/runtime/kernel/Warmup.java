package dev.qnet.runtime.kernel;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * Finds out when vector code is worth running. Until C2 has compiled it, it is 10 to 100 times slower than plain
 * Java, so a background thread runs small kernels on made-up data, of each sort that the models of this JVM need,
 * until they beat their plain twins. On a machine where they never do, plain Java stays.
 */
final class Warmup {
    /** A sort of kernel whose vector code is compiled apart. */
    enum Sort {
        CONV,
        DEPTHWISE,
        /** Matrix times vector. */
        ROW,
        MATMUL,
        /** Additions, rescales and what moves rows. */
        ROWS
    }

    /** Whether vectors won. */
    static final class Signal {
        private volatile boolean hot;

        boolean hot() {
            return hot;
        }
    }

    /**
     * What is compiled apart.
     *
     * @param sort the sort
     * @param rounding the rescale's contract, or null without
     * @param kind of the codes
     */
    record Key(Sort sort, @Nullable Rounding rounding, Kind kind) {}

    private record Job(Key key, Signal signal) {}

    /** Vectors that did not win in so many rounds and so much time never will. */
    private static final int PATIENCE_ROUNDS = 1000;

    private static final long PATIENCE_NANOS = 30_000_000_000L;

    /** Where samples put their result. */
    static final int RESULT = 1 << 14;

    private static final Map<Key, Signal> SIGNALS = new HashMap<>();
    private static final Queue<Job> JOBS = new ArrayDeque<>();
    private static boolean running;

    private Warmup() {}

    /** The signal for a sort of kernel; asking for one that is not known yet starts its warm-up. */
    static synchronized Signal of(Sort sort, @Nullable Rescale rescale, Kind kind) {
        Key key = new Key(sort, rescale == null ? null : rescale.rounding, kind);
        return SIGNALS.computeIfAbsent(key, k -> {
            Signal signal = new Signal();
            JOBS.add(new Job(k, signal));
            if (!running) {
                running = true;
                Thread.ofPlatform().daemon().name("qnet-warm-up").start(Warmup::work);
            }
            return signal;
        });
    }

    private static void work() {
        for (Job job = next(); job != null; job = next()) {
            try {
                run(job);
            } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
                job.signal.hot =
                        false; // stays with plain Java, which gives the same bytes; the next one has its chance
            }
        }
    }

    private static synchronized @Nullable Job next() {
        Job job = JOBS.poll();
        running = job != null;
        return job;
    }

    private static void run(Job job) {
        UnaryKernel plain = sample(job.key, ScalarLoops.INSTANCE);
        UnaryKernel vector = sample(job.key, Backend.VECTOR.loops());
        Banks banks = new Banks(1 << 15, 1 << 15, 1 << 15, 1, 1);
        long begin = System.nanoTime();
        for (int round = 0; !job.signal.hot; round++) {
            if (round > PATIENCE_ROUNDS && System.nanoTime() - begin > PATIENCE_NANOS) {
                return;
            }
            // The best of a few: an interrupted run says nothing.
            long p = Long.MAX_VALUE;
            long v = Long.MAX_VALUE;
            for (int i = 0; i < 5; i++) {
                p = Math.min(p, time(plain, banks));
                v = Math.min(v, time(vector, banks));
            }
            job.signal.hot = v < p;
        }
    }

    private static long time(UnaryKernel kernel, Banks banks) {
        long start = System.nanoTime();
        kernel.run(banks, 0, RESULT);
        return System.nanoTime() - start;
    }

    /** A small kernel of a sort. Sums are short, for methods are compiled after so many calls. */
    static UnaryKernel sample(Key key, Loops loops) {
        return switch (key.sort) {
            case CONV -> loops.conv(conv(key, 16, 3, 40, new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 1));
            case DEPTHWISE -> loops.conv(conv(key, 16, 32, 32, new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1), 32));
            case ROW -> loops.conv(conv(key, 1, 64, 72, Window.POINT, 1));
            case MATMUL -> {
                Operand x = Operand.codes(key.kind, 0, 0, 15);
                BinaryKernel product = loops.matmul(new MatMulSpec(x, x, 32, 32, 32, output(key, 32)));
                yield (banks, from, to) -> product.run(banks, from, from, to);
            }
            case ROWS -> rows(key, loops);
        };
    }

    private static ConvSpec conv(Key key, int size, int channels, int filters, Window w, int groups) {
        int taps = w.kernelH() * w.kernelW() * (channels / groups);
        int[] weights = new int[filters * taps];
        Arrays.fill(weights, 3);
        Operand x = Operand.codes(key.kind, 1, 0, 15);
        return ConvSpec.of(x, size, size, channels, filters, w, groups, weights, null, output(key, filters));
    }

    private static Output output(Key key, int channels) {
        if (key.rounding == null) {
            return Output.accumulator(Kind.S32);
        }
        return Output.codes(Kind.S32, rescale(key.rounding, channels), Kind.U8);
    }

    private static Rescale rescale(Rounding rounding, int channels) {
        if (!rounding.fixedPoint()) {
            float[] factors = new float[channels];
            Arrays.fill(factors, 0.01f);
            return Rescale.real(factors, 0, 0, 255);
        }
        int[] multipliers = new int[channels];
        int[] shifts = new int[channels];
        Arrays.fill(multipliers, 1 << 30);
        Arrays.fill(shifts, -6);
        return Rescale.fixed(rounding, multipliers, shifts, 0, 0, 255);
    }

    private static UnaryKernel rows(Key key, Loops loops) {
        int n = Rows.CHUNK;
        Operand x = Operand.codes(key.kind, 1);
        EnumMap<Rounding, Rescale> rescales = new EnumMap<>(Rounding.class);
        for (Rounding r : new Rounding[] {Rounding.TOSA, Rounding.TFLITE, Rounding.ONNX}) {
            rescales.put(r, rescale(r, 1));
        }
        return (banks, from, to) -> {
            int[] a = banks.ints(0, n);
            for (Rescale r : rescales.values()) {
                loops.load(banks, x, from, a, 0, n);
                loops.rescale(r, a, 0, n, 0);
                loops.store(banks, key.kind, to, a, 0, n);
            }
        };
    }
}

package dev.qnet.cli.speed;

import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A model with bound tensors, to be run again and again. */
public final class Stopwatch implements AutoCloseable {
    private static final int MOST_SAMPLES = 1 << 20;

    /** The length of a piece of the warm-up, what counts as faster than the one before, and how many must not be. */
    private static final double SETTLE_SECONDS = 0.1;

    private static final double FASTER = 0.95;
    private static final int CALM_CHUNKS = 8;

    private final Session session;

    /**
     * Binds a model's tensors.
     *
     * @param given inputs by name; those not given are made up: codes over the input's whole range, real numbers around
     *     0, zeros for plain integers, which may be indices
     * @param items the N of what is made up
     */
    public Stopwatch(Model model, Map<String, Tensor> given, int items) {
        session = model.session();
        Random random = new Random(1);
        for (TensorInfo t : model.inputs()) {
            @Nullable Tensor x = given.get(t.name());
            session.input(t.name(), x != null ? x : madeUp(t, items, random));
        }
        for (TensorInfo t : model.outputs()) {
            session.output(t.name(), Tensor.allocate(t.type(), t.shapeFor(items)));
        }
    }

    private static Tensor madeUp(TensorInfo t, int items, Random random) {
        int[] shape = t.shapeFor(items);
        Quantization q = t.quantization();
        if (t.type() == ElementType.F32) {
            Tensor x = Tensor.allocate(t.type(), shape);
            for (int i = 0; i < x.size(); i++) {
                x.floats()[i] = (float) random.nextGaussian();
            }
            return x;
        }
        if (q == null || t.type().bytes() > 2) {
            return Tensor.allocate(t.type(), shape);
        }
        Tensor x = Tensor.allocate(t.type(), shape);
        for (int i = 0; i < x.size(); i++) {
            int code = q.isBipolar() ? 2 * random.nextInt(2) - 1 : random.nextInt(q.lo(), q.hi() + 1);
            if (t.type().bytes() == 1) {
                x.bytes()[i] = (byte) code;
            } else {
                x.shorts()[i] = (short) code;
            }
        }
        return x;
    }

    /** Runs once. */
    public void run() {
        session.run();
    }

    /** Runs for so long, at least once. */
    public void warmUp(double seconds) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        do {
            session.run();
        } while (System.nanoTime() < end);
    }

    /**
     * Runs until it no longer gets faster: code is compiled while it runs, and how long that takes depends on what else
     * the machine does.
     *
     * @param least seconds
     * @param most seconds
     */
    public void settle(double least, double most) {
        long begin = System.nanoTime();
        long best = Long.MAX_VALUE;
        int calm = 0;
        while (true) {
            long[] chunk = measure(SETTLE_SECONDS);
            long now = quantile(chunk, 0.25);
            calm = now < best * FASTER ? 0 : calm + 1;
            best = Math.min(best, now);
            double passed = (System.nanoTime() - begin) / 1e9;
            if (passed >= most || (passed >= least && calm >= CALM_CHUNKS)) {
                return;
            }
        }
    }

    /** Runs for so long, at least once, and gives what each run took, in nanoseconds, sorted. */
    public long[] measure(double seconds) {
        long[] nanos = new long[1024];
        int n = 0;
        long before = System.nanoTime();
        long end = before + (long) (seconds * 1e9);
        do {
            session.run();
            long after = System.nanoTime();
            if (n == nanos.length) {
                nanos = Arrays.copyOf(nanos, 2 * n);
            }
            nanos[n++] = after - before;
            before = after;
        } while (before < end && n < MOST_SAMPLES);
        long[] sorted = Arrays.copyOf(nanos, n);
        Arrays.sort(sorted);
        return sorted;
    }

    /** The value below which a share of the sorted ones lies. */
    public static long quantile(long[] sorted, double share) {
        return sorted[(int) Math.min(sorted.length - 1, Math.round(share * (sorted.length - 1)))];
    }

    @Override
    public void close() {
        session.close();
    }
}

package dev.qnet.training.run;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The threads that share the work of one operation. The caller is one of them. Work is cut so that who does it changes no bit of the
 * result.
 */
public final class Crew implements AutoCloseable {
    private final int threads;
    private final ExecutorService others;

    /**
     * A crew.
     *
     * @param threads at least 1
     */
    public Crew(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("training needs a thread, not " + threads);
        }
        this.threads = threads;
        this.others = Executors.newFixedThreadPool(Math.max(1, threads - 1), r -> {
            Thread t = new Thread(r, "qnet-train");
            t.setDaemon(true);
            return t;
        });
    }

    int threads() {
        return threads;
    }

    /** A part of some work: from one index to before another, by one of the crew. */
    @FunctionalInterface
    interface Part {
        /**
         * Does it.
         *
         * @param who 0 to threads − 1: whose scratch memory may be used
         */
        void run(int who, int from, int to);
    }

    /** Shares the indices 0..n; returns when all is done. */
    void share(int n, Part part) {
        int parts = Math.min(threads, n);
        if (parts <= 1) {
            if (n > 0) {
                part.run(0, 0, n);
            }
            return;
        }
        List<Future<?>> futures = new ArrayList<>();
        for (int p = 1; p < parts; p++) {
            int who = p;
            futures.add(others.submit(() -> part.run(who, who * n / parts, (who + 1) * n / parts)));
        }
        part.run(0, 0, n / parts);
        for (Future<?> f : futures) {
            try {
                f.get();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted while training", e);
            } catch (ExecutionException e) {
                throw new IllegalStateException("a thread of the training failed", e.getCause());
            }
        }
    }

    @Override
    public void close() {
        others.shutdownNow();
    }
}

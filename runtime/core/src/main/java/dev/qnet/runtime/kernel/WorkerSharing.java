package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Spreads the parts of kernels over workers, each with a fork of the banks. */
final class WorkerSharing implements Banks.Sharing, Workers.Task {
    /** What takes one thread less than this is done sooner than another thread wakes up. */
    private static final long WORTH_NANOS = 20_000;

    /** Pieces that a kernel is cut into, a thread: a thread that is late leaves the rest to others. */
    private static final int PIECES = 3;

    private final Workers workers;

    /** By the worker's number; the first is the caller's own. */
    private final Banks[] banks;

    // What runs now.
    private @Nullable Parts kernel;
    private int x;
    private int y;
    private int z;

    WorkerSharing(Banks own, Workers workers) {
        this.workers = workers;
        banks = new Banks[workers.threads()];
        banks[0] = own;
        for (int i = 1; i < banks.length; i++) {
            banks[i] = own.fork();
        }
    }

    @Override
    public boolean run(Parts k, int xAt, int yAt, int zAt) {
        int parts = k.parts();
        if (parts < 2 || k.nanos() < WORTH_NANOS) {
            return false;
        }
        kernel = k;
        x = xAt;
        y = yAt;
        z = zAt;
        return workers.run(this, parts, Math.max(1, parts / (PIECES * banks.length)));
    }

    @Override
    public void run(int worker, int from, int to) {
        Parts k = kernel;
        if (k != null) {
            k.run(banks[worker], x, y, z, from, to);
        }
    }
}

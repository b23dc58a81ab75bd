package dev.qnet.runtime.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A few threads that help those who run a model. One caller has their help at a time; others find them taken and do
 * their work alone, rather than wait.
 *
 * <p>The caller works too, and never waits for a worker that has not begun: units of work lie in the open, whoever comes
 * takes some, and the caller closes the job when none is left. A worker that the system does not schedule thus costs
 * nothing.
 *
 * <p>Threads are daemons, start at the first job, sleep while there is none, and end after {@value #IDLE_SECONDS}
 * seconds without one, or when the workers are closed. While a {@linkplain #begin() run is in progress} a worker looks
 * for the next job for some 50 µs before it sleeps. A job allocates nothing.
 */
public final class Workers implements AutoCloseable {
    /** What threads do together. */
    public interface Task {
        /**
         * Does some units.
         *
         * @param worker 0 for the caller, 1 and so on for the others: no two threads have the same at once
         * @param from the first unit
         * @param to behind the last
         */
        void run(int worker, int from, int to);
    }

    /** More threads than this gain nothing: a mistake. */
    public static final int MOST = 256;

    private static final int IDLE_SECONDS = 10;
    private static final long SPIN_NANOS = 50_000;

    /** In {@link #state}: units may be taken. Below: how many workers may come, and how many are there. */
    private static final int OPEN = 1 << 30;

    private static final int LIMIT_SHIFT = 12;
    private static final int COUNT = (1 << LIMIT_SHIFT) - 1;

    private final int helpers;
    private final boolean spins;

    /** Whether a caller has the workers. */
    private final AtomicBoolean taken = new AtomicBoolean();

    /** Callers that run the model now, with help or alone. */
    private final AtomicInteger callers = new AtomicInteger();

    private final AtomicInteger state = new AtomicInteger();
    private final AtomicInteger next = new AtomicInteger();

    /** 1 where a worker sleeps, or is about to. */
    private final AtomicIntegerArray asleep;

    /** Guarded by this. */
    private final @Nullable Thread[] threads;

    /** Changes with every job; written by the caller that has the workers. */
    private final AtomicInteger jobs = new AtomicInteger();

    /** Workers that run no thread now. */
    private volatile int missing;

    private volatile boolean closed;

    /** The caller, while it waits for the last workers. */
    private volatile @Nullable Thread waiting;

    // Of the job; written before it is opened.
    private @Nullable Task task;
    private int count;
    private int chunk;

    /** Guarded by this: the failure of the earliest unit, which is what a caller alone would have met. */
    private @Nullable Throwable failure;

    /** Units from here on need not be done. */
    private volatile int failedAt = Integer.MAX_VALUE;

    /**
     * Makes workers; no thread starts before it is needed.
     *
     * @param threads how many threads work together, the caller among them: 2 to {@link #MOST}
     */
    public Workers(int threads) {
        if (threads < 2 || threads > MOST) {
            throw new IllegalArgumentException("2 to " + MOST + " threads, not " + threads);
        }
        helpers = threads - 1;
        missing = helpers;
        this.threads = new Thread[helpers];
        asleep = new AtomicIntegerArray(helpers);
        spins = Runtime.getRuntime().availableProcessors() > 1;
    }

    /** How many threads work together, a caller among them. */
    public int threads() {
        return helpers + 1;
    }

    /** Says that a caller begins to run a model; each call needs an {@link #end()}. */
    public void begin() {
        callers.incrementAndGet();
    }

    /** Says that a caller's run is over. */
    public void end() {
        callers.decrementAndGet();
    }

    /**
     * Does units 0 to n − 1 of a task, this thread and as many workers as are free.
     *
     * <p>What a unit throws is thrown here, if several do that of the first; units behind it may then be left undone.
     *
     * @param t the task
     * @param n how many units
     * @param size units that a thread takes at a time
     * @return false, with nothing done, if another caller has the workers, or there are none to have
     */
    public boolean run(Task t, int n, int size) {
        int more = Math.min(Math.min(helpers, helpers + 1 - callers.get()), (n - 1) / size);
        if (more < 1 || closed || n > OPEN || !taken.compareAndSet(false, true)) {
            return false;
        }
        try {
            if (missing > 0 && !start()) {
                return false;
            }
            task = t;
            count = n;
            chunk = size;
            failedAt = Integer.MAX_VALUE;
            next.set(0);
            state.set(OPEN | more << LIMIT_SHIFT);
            jobs.incrementAndGet();
            wake(more);
            work(t, 0);
            finish();
            task = null;
            if (failedAt != Integer.MAX_VALUE) {
                throwFailure();
            }
            return true;
        } finally {
            taken.set(false);
        }
    }

    private void wake(int most) {
        for (int i = 0, woken = 0; i < helpers && woken < most; i++) {
            if (asleep.get(i) == 0) {
                woken++; // it looks for jobs by itself
            } else if (asleep.compareAndSet(i, 1, 0)) {
                woken++;
                LockSupport.unpark(threads[i]);
            }
        }
    }

    /** Lets no more workers in, and waits for those inside. */
    private void finish() {
        int inside = state.getAndUpdate(s -> s & COUNT) & COUNT;
        if (inside == 0) {
            return;
        }
        long end = System.nanoTime() + SPIN_NANOS;
        while (state.get() != 0 && spins && System.nanoTime() < end) {
            Thread.onSpinWait();
        }
        boolean interrupted = false;
        waiting = Thread.currentThread();
        while (state.get() != 0) {
            LockSupport.park(this);
            interrupted |= Thread.interrupted();
        }
        waiting = null;
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void work(Task t, int worker) {
        int n = count;
        int size = chunk;
        for (int from = next.getAndAdd(size); from < n && from < failedAt; from = next.getAndAdd(size)) {
            try {
                t.run(worker, from, Math.min(n, from + size));
            } catch (Throwable e) { // the caller throws it
                failed(from, e);
                return;
            }
        }
    }

    private synchronized void failed(int at, Throwable e) {
        if (at < failedAt) {
            failedAt = at;
            failure = e;
        }
    }

    private synchronized void throwFailure() {
        Throwable e = failure;
        failure = null;
        failedAt = Integer.MAX_VALUE;
        if (e instanceof RuntimeException r) {
            throw r;
        }
        if (e instanceof Error r) {
            throw r;
        }
        throw new IllegalStateException(e); // tasks declare no checked exceptions
    }

    /** Starts the threads that are missing; false if the system gives none. */
    private synchronized boolean start() {
        if (closed) {
            return false;
        }
        try {
            for (int i = 0; i < helpers; i++) {
                if (threads[i] == null) {
                    int worker = i;
                    int seen = jobs.get();
                    Thread t = Thread.ofPlatform()
                            .daemon()
                            .inheritInheritableThreadLocals(false)
                            .name("qnet-worker-" + (i + 1))
                            .unstarted(() -> live(worker, seen));
                    t.start();
                    threads[i] = t;
                    missing--;
                }
            }
        } catch (OutOfMemoryError e) {
            return missing < helpers; // the system's threads are used up: go on with those that there are
        }
        return true;
    }

    /** What a worker's thread does. */
    private void live(int worker, int first) {
        int seen = first;
        while (!closed) {
            int now = jobs.get();
            if (now != seen) {
                seen = now;
                if (enter()) {
                    Task t = task;
                    try {
                        if (t != null) {
                            work(t, worker + 1);
                        }
                    } finally {
                        leave();
                    }
                }
            } else if (!await(worker, seen) && ended(worker, seen)) {
                return;
            }
        }
        synchronized (this) {
            threads[worker] = null;
            missing++;
        }
    }

    /** Waits until there may be a new job; false if there was none for long. */
    private boolean await(int worker, int seen) {
        if (spins) {
            long end = System.nanoTime() + SPIN_NANOS;
            while (callers.get() > 0 && System.nanoTime() < end) {
                if (jobs.get() != seen || closed) {
                    return true;
                }
                Thread.onSpinWait();
            }
        }
        long begin = System.nanoTime();
        // Whoever makes a job first changes its number and then looks who sleeps; here it is the other way round.
        asleep.set(worker, 1);
        long rest = IDLE_SECONDS * 1_000_000_000L;
        while (jobs.get() == seen && !closed && rest > 0) {
            LockSupport.parkNanos(this, rest);
            Thread.interrupted(); // nobody's business here, and with it nothing sleeps
            rest = IDLE_SECONDS * 1_000_000_000L - (System.nanoTime() - begin);
        }
        asleep.set(worker, 0);
        return rest > 0;
    }

    /** Takes leave of a worker, unless there is a job after all. */
    private synchronized boolean ended(int worker, int seen) {
        if (jobs.get() != seen) {
            return false;
        }
        threads[worker] = null;
        missing++;
        return true;
    }

    private boolean enter() {
        for (int s = state.get(); (s & OPEN) != 0; s = state.get()) {
            if ((s & COUNT) >= ((s & ~OPEN) >> LIMIT_SHIFT)) {
                return false;
            }
            if (state.compareAndSet(s, s + 1)) {
                return true;
            }
        }
        return false;
    }

    private void leave() {
        if (state.decrementAndGet() == 0) {
            LockSupport.unpark(waiting);
        }
    }

    /**
     * Ends the threads, and returns when they have ended. A job under way is finished by its caller; later ones are not
     * taken. Closing twice does nothing.
     */
    @Override
    public void close() {
        @Nullable Thread[] all;
        synchronized (this) {
            closed = true;
            all = threads.clone();
        }
        boolean interrupted = false;
        for (@Nullable Thread t : all) {
            LockSupport.unpark(t);
            while (t != null && !t.equals(Thread.currentThread()) && t.isAlive()) {
                try {
                    t.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

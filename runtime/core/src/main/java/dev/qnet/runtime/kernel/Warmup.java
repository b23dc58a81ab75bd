package dev.qnet.runtime.kernel;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Has vector code compiled in the background, while plain code answers, and says when it is worth running: until C2
 * has compiled it, it is 10 to 100 times slower than plain Java.
 *
 * <p>A daemon thread calls the {@link Step}s that the models of this JVM need until they are compiled, and then makes
 * the kernels that run them. It begins when the first answer is given, or soon after loading where none is asked for:
 * before, it would only take time from the first answer. It sleeps while C2 compiles, and ends when nothing is left to
 * do. Where C2 never compiles vectors, plain Java stays.
 */
final class Warmup {
    /** A kernel that waits to be made of vector code. */
    interface Candidate {
        /** Makes the vector kernel; null if there is none. */
        @Nullable Object make();

        /** The kernel that runs now. */
        Object plain();

        /** Runs the vector kernel from now on. */
        void become(Object kernel);

        /** Runs a kernel, the plain one or the vector one, on made-up operands. */
        void run(Object kernel, Banks banks);

        /** Memory for that. */
        Banks banks();
    }

    /** How long the first answer may take before the warm-up begins all the same. */
    private static final long UNTIL_ANSWER_NANOS = 500_000_000L;

    /** What is not compiled by then never is. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** Rounds of calls before the first look whether something is compiled: C2 waits for 5,000 calls. */
    private static final int FIRST_ROUNDS = 80;

    /**
     * Between rounds. With much to do, C2 waits for some times 5,000 calls, and does not count those that come before
     * it is ready to; so later rounds come slower.
     */
    private static final long ROUND_NANOS = 1_000_000L;

    private static final long LATER_ROUND_NANOS = 5_000_000L;

    /** Between looks, which come slower too: they run code that is not compiled. */
    private static final long LOOK_NANOS = 20_000_000L;

    private static final long LATER_LOOK_NANOS = 100_000_000L;

    // Guarded by the class.
    private static final Queue<Candidate> CANDIDATES = new ArrayDeque<>();
    private static final Queue<Step> STEPS = new ArrayDeque<>();
    private static @Nullable Thread thread;

    private static volatile boolean answered;

    private Warmup() {}

    /** Has a step compiled. */
    static synchronized void add(Step step) {
        STEPS.add(step);
        start();
    }

    /** Has a kernel made when all steps that it needs are compiled. */
    static synchronized void add(Candidate candidate) {
        CANDIDATES.add(candidate);
        start();
    }

    /** Says that a model has given an answer. */
    static void answered() {
        if (!answered) {
            answered = true;
            synchronized (Warmup.class) {
                LockSupport.unpark(thread);
            }
        }
    }

    private static void start() {
        if (thread == null) {
            Thread t = new Thread(null, new Work(), "qnet-warm-up", 0, false);
            t.setDaemon(true);
            thread = t;
            t.start();
        }
    }

    /** Hands over what was asked for; nothing if there is no more, and the thread is to end unless it is busy. */
    private static synchronized boolean take(List<Candidate> candidates, Set<Step> steps, boolean busy) {
        candidates.addAll(CANDIDATES);
        steps.addAll(STEPS);
        CANDIDATES.clear();
        STEPS.clear();
        if (!busy && candidates.isEmpty() && steps.isEmpty()) {
            thread = null;
            return false;
        }
        return true;
    }

    /** What the thread does. */
    private static final class Work implements Runnable {
        private final List<Waiting> waiting = new ArrayList<>();
        private final Set<Step> cold = new LinkedHashSet<>();
        private long deadline;
        private int round;
        private long nextLook;
        private long lookNanos = LOOK_NANOS;

        /**
         * A candidate whose kernel is made.
         *
         * @param candidate the candidate
         * @param kernel the kernel
         * @param steps what it needs
         */
        private record Waiting(Candidate candidate, Object kernel, Set<Step> steps) {
            boolean ready() {
                for (Step s : steps) {
                    if (!s.isHot()) {
                        return false;
                    }
                }
                return true;
            }
        }

        @Override
        public void run() {
            long begin = System.nanoTime();
            while (!answered && System.nanoTime() - begin < UNTIL_ANSWER_NANOS) {
                LockSupport.parkNanos(this, UNTIL_ANSWER_NANOS);
            }
            boolean worthwhile = SimdShape.worthwhile();
            Step.Scratch scratch = new Step.Scratch();
            List<Candidate> candidates = new ArrayList<>();
            Set<Step> steps = new LinkedHashSet<>();
            while (take(candidates, steps, !waiting.isEmpty() || !cold.isEmpty())) {
                try {
                    if (worthwhile) {
                        consider(candidates, steps);
                        advance(scratch);
                    }
                } catch (RuntimeException | LinkageError | OutOfMemoryError e) {
                    // Plain Java stays, which gives the same bytes; what is asked for later has its chance.
                    waiting.clear();
                    cold.clear();
                }
                candidates.clear();
                steps.clear();
            }
        }

        private void consider(List<Candidate> candidates, Set<Step> steps) {
            for (Candidate c : candidates) {
                Object kernel = c.make();
                if (kernel != null) {
                    Set<Step> own = new LinkedHashSet<>();
                    if (kernel instanceof Warmable w) {
                        w.steps(own);
                    } else {
                        own.add(new WholeStep(c, kernel));
                    }
                    waiting.add(new Waiting(c, kernel, own));
                    steps.addAll(own);
                }
            }
            for (Step s : steps) {
                if (!s.isHot() && cold.add(s)) {
                    round = 0;
                    lookNanos = LOOK_NANOS;
                    deadline = System.nanoTime() + PATIENCE_NANOS;
                }
            }
        }

        private void advance(Step.Scratch scratch) {
            round++;
            boolean look = round > FIRST_ROUNDS && System.nanoTime() >= nextLook;
            for (Iterator<Step> i = cold.iterator(); i.hasNext(); ) {
                Step s = i.next();
                s.advance(scratch);
                if (look) {
                    s.check(scratch);
                    if (s.isHot()) {
                        i.remove();
                    }
                }
            }
            if (look) {
                nextLook = System.nanoTime() + lookNanos;
                lookNanos = Math.min(lookNanos * 3 / 2, LATER_LOOK_NANOS);
            }
            for (Iterator<Waiting> i = waiting.iterator(); i.hasNext(); ) {
                Waiting w = i.next();
                if (w.ready()) {
                    w.candidate.become(w.kernel);
                    i.remove();
                }
            }
            if (System.nanoTime() > deadline) {
                waiting.clear();
                cold.clear();
            } else if (!cold.isEmpty()) {
                LockSupport.parkNanos(this, round < 2 * FIRST_ROUNDS ? ROUND_NANOS : LATER_ROUND_NANOS);
            }
        }
    }
}

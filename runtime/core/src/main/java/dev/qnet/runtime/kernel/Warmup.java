package dev.qnet.runtime.kernel;

import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
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
 * <p>A daemon thread calls the {@link Step}s that the models of this JVM need until they are compiled, those of the
 * costliest kernels first. A few at a time: with much to compile, C2 waits for some times as many calls, and C1 leaves
 * out the counts that C2 goes by. A kernel whose steps are compiled is rehearsed: it runs on made-up operands, in turn
 * with others, until the code around its steps is compiled, too. Only then it takes over.
 *
 * <p>The thread begins when the first answer of this JVM is given, or soon after loading where none is asked for:
 * before, it would only take time from that answer. What a model needs that is loaded later is begun at once: which
 * model an answer is from is not known here, and others go on answering. It sleeps half of the time or more, and ends when nothing is left to do. Where
 * C2 never compiles vectors, plain Java stays.
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

        /**
         * Memory for that, with made-up operands.
         *
         * @param banks to be used again where they are large enough
         */
        Banks banks(Banks banks);

        /** How much work it is. */
        long work();

        /** Says that the plain kernel stays for good. */
        default void giveUp() {}
    }

    /** How long the first answer may take before the warm-up begins all the same. */
    private static final long UNTIL_ANSWER_NANOS = 500_000_000L;

    /** Where nothing has got on for so long, the rest never will. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** Nor for so many rounds: on a busy machine, or among large kernels, a round may take long. */
    private static final int PATIENCE_ROUNDS = 5000;

    /** Steps that are called in turn. */
    private static final int TOGETHER = 3;

    /** A step that is not compiled after so many turns lets others go first. */
    private static final int TURNS = 256;

    /** Between rounds of calls. */
    private static final long ROUND_NANOS = 1_000_000L;

    /** How long a kernel that is ready to be rehearsed waits for others at most. */
    private static final long WAIT_NANOS = 500_000_000L;

    /** How long a kernel is rehearsed in a round. */
    private static final long REHEARSAL_NANOS = 1_000_000L;

    /** A kernel that is so many times as fast as the plain one takes over at once. */
    private static final int FAST = 5;

    /** Rehearsals without gain after which a kernel takes over if it is faster at all. */
    private static final int SETTLED = 20;

    /** As many after which it never will be. */
    private static final int HOPELESS = 400;

    /** And after so many in all. */
    private static final int MOST_ROUNDS = 10 * HOPELESS;

    // Guarded by the class.
    private static final Queue<Candidate> CANDIDATES = new ArrayDeque<>();
    private static final Queue<Step> STEPS = new ArrayDeque<>();
    private static @Nullable Thread thread;

    private static volatile boolean answered;

    // Written by the thread alone.
    private static volatile int asked;
    private static volatile int tookOver;
    private static volatile int failures;

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

    /** How many vector kernels were made since the JVM began. */
    static int asked() {
        return asked;
    }

    /** How many of them run. */
    static int tookOver() {
        return tookOver;
    }

    /** What did not even run on made-up data: kernels and steps. */
    static int failures() {
        return failures;
    }

    /**
     * Plain Java stays, which gives the same bytes: it is no reason to stop anything else, whatever it is. An error of
     * the JVM may go as it came.
     */
    @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
    private static void failed(String what, Throwable e) {
        failures++;
        Level level = failures == 1 ? Level.WARNING : Level.DEBUG;
        System.getLogger("dev.qnet.runtime")
                .log(level, what + " failed while vector code was compiled; its plain code goes on", e);
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

    private static synchronized void ended() {
        if (Thread.currentThread().equals(thread)) {
            thread = null;
        }
    }

    /** What came of a rehearsal. */
    private enum Outcome {
        GAINS,
        GOES_ON,
        TOOK_OVER,
        HOPELESS
    }

    /** What the thread does. */
    private static final class Work implements Runnable {
        /** Kernels that are not rehearsed yet, those with most work first. */
        private final List<Rehearsal> waiting = new ArrayList<>();

        private final Queue<Rehearsal> rehearsals = new ArrayDeque<>();
        private final Set<Step> cold = new LinkedHashSet<>();
        private final Idle idle = new Idle();
        private Banks banks = new Banks(0, 0, 0, 0, 0);
        private @Nullable SimdPrimer primer;
        private boolean priming = true;
        private long firstReady;

        /** When something got on last. */
        private long progress;

        /** Rounds since. */
        private int quiet;

        @Override
        public void run() {
            try {
                work();
            } finally {
                // Whatever ended it: what is asked for later gets another one.
                forget();
                ended();
            }
        }

        private void work() {
            long begin = System.nanoTime();
            while (!answered && System.nanoTime() - begin < UNTIL_ANSWER_NANOS) {
                LockSupport.parkNanos(this, UNTIL_ANSWER_NANOS);
            }
            boolean worthwhile = SimdShape.worthwhile();
            Step.Scratch scratch = new Step.Scratch();
            List<Candidate> candidates = new ArrayList<>();
            Set<Step> steps = new LinkedHashSet<>();
            while (take(candidates, steps, busy())) {
                if (worthwhile) {
                    consider(candidates, steps);
                    advance(scratch);
                } else {
                    for (Candidate c : candidates) {
                        c.giveUp();
                    }
                }
                candidates.clear();
                steps.clear();
            }
        }

        private boolean busy() {
            return !waiting.isEmpty() || !rehearsals.isEmpty() || !cold.isEmpty();
        }

        /** Gives up what takes too long. */
        private void forget() {
            for (Rehearsal r : waiting) {
                r.candidate.giveUp();
            }
            for (Rehearsal r : rehearsals) {
                r.candidate.giveUp();
            }
            for (Step s : cold) {
                s.drop();
            }
            waiting.clear();
            rehearsals.clear();
            cold.clear();
        }

        /** Gives up a step, and the kernels that need it. */
        private void forget(Step step) {
            step.drop();
            for (Iterator<Rehearsal> i = waiting.iterator(); i.hasNext(); ) {
                Rehearsal r = i.next();
                if (r.steps.contains(step)) {
                    i.remove();
                    r.candidate.giveUp();
                }
            }
        }

        /** Makes a vector kernel; null if there is none. */
        private static @Nullable Rehearsal rehearsal(Candidate c) {
            try {
                Object kernel = c.make();
                if (kernel == null) {
                    return null;
                }
                Set<Step> own = new LinkedHashSet<>();
                if (kernel instanceof Warmable w) {
                    w.steps(own);
                }
                return new Rehearsal(c, kernel, own);
            } catch (Throwable e) {
                failed("making a kernel", e);
                return null;
            }
        }

        @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
        private void consider(List<Candidate> candidates, Set<Step> steps) {
            if (candidates.isEmpty() && steps.isEmpty()) {
                return;
            }
            for (Candidate c : candidates) {
                Rehearsal r = rehearsal(c);
                if (r == null) {
                    c.giveUp();
                } else {
                    asked++;
                    waiting.add(r);
                }
            }
            waiting.sort(Rehearsal.BY_WORK);
            // What others had begun goes on first: its calls count already.
            for (Rehearsal r : waiting) {
                cold(r.steps);
            }
            cold(steps);
            firstReady = 0;
            progress();
        }

        private void progress() {
            progress = System.nanoTime();
            quiet = 0;
        }

        private void cold(Set<Step> steps) {
            for (Step s : steps) {
                if (!s.isHot()) {
                    cold.add(s);
                }
            }
        }

        @SuppressWarnings("NonAtomicVolatileUpdate") // one thread writes
        private void advance(Step.Scratch scratch) {
            if (!idle.is()) {
                progress();
                LockSupport.parkNanos(this, ROUND_NANOS);
                return;
            }
            if (priming) {
                priming = primes(scratch);
                progress();
            } else {
                steps(scratch);
            }
            // All kernels together: what few of them do, C2 would leave out of code that all share, and soon need
            // again.
            int ready = 0;
            for (Rehearsal r : waiting) {
                ready += r.ready() ? 1 : 0;
            }
            if (ready > 0 && firstReady == 0) {
                firstReady = System.nanoTime();
            }
            if (ready > 0 && (ready == waiting.size() || System.nanoTime() - firstReady > WAIT_NANOS)) {
                for (Iterator<Rehearsal> i = waiting.iterator(); i.hasNext(); ) {
                    Rehearsal r = i.next();
                    if (r.ready()) {
                        i.remove();
                        rehearsals.add(r);
                    }
                }
            }
            long begin = System.nanoTime();
            Rehearsal r = rehearsals.poll();
            if (r != null) {
                switch (rehearse(r)) {
                    case GAINS -> {
                        progress();
                        rehearsals.add(r);
                    }
                    case GOES_ON -> rehearsals.add(r);
                    case TOOK_OVER -> {
                        progress();
                        tookOver++;
                    }
                    case HOPELESS -> r.candidate.giveUp();
                }
            }
            long now = System.nanoTime();
            quiet++;
            if (now - progress > PATIENCE_NANOS && quiet > PATIENCE_ROUNDS) {
                forget();
            } else if (busy()) {
                LockSupport.parkNanos(this, Math.max(ROUND_NANOS, now - begin));
            }
        }

        private Outcome rehearse(Rehearsal r) {
            try {
                banks = r.candidate.banks(banks);
                return r.goesOn(banks);
            } catch (Throwable e) {
                failed("a kernel", e);
                return Outcome.HOPELESS;
            }
        }

        private boolean primes(Step.Scratch scratch) {
            try {
                return primer().goesOn(scratch);
            } catch (Throwable e) {
                failed("a call of vector code", e);
                return false;
            }
        }

        /** Made when the thread runs: it initializes classes of vectors. */
        private SimdPrimer primer() {
            SimdPrimer p = primer;
            if (p == null) {
                p = new SimdPrimer();
                primer = p;
            }
            return p;
        }

        /** Calls some steps that are not compiled yet. */
        private void steps(Step.Scratch scratch) {
            Step slow = null;
            Step bad = null;
            int turn = 0;
            for (Iterator<Step> i = cold.iterator(); i.hasNext() && turn < TOGETHER; turn++) {
                Step s = i.next();
                if (!advanced(s, scratch)) {
                    i.remove();
                    bad = s;
                    break;
                }
                if (s.isHot()) {
                    i.remove();
                    progress();
                } else if (s.turns() % TURNS == 0) {
                    slow = s;
                }
            }
            if (bad != null) {
                forget(bad);
            }
            if (slow != null) {
                cold.remove(slow);
                cold.add(slow);
            }
        }

        private static boolean advanced(Step step, Step.Scratch scratch) {
            try {
                step.advance(scratch);
                return true;
            } catch (Throwable e) {
                failed("a step", e);
                return false;
            }
        }
    }

    /**
     * Whether C2 has nothing to do: a method is called often enough to be compiled, but less than any other, and C2
     * takes those that are called most. Until plain code is compiled, C1 counts no calls of new methods, so that all
     * that is done for their sake would be done in vain.
     */
    private static final class Idle {
        /** What is not compiled by then waits for something else. */
        private static final int TURNS = 1000;

        private static final int CALLS = 1024;
        private int turns;
        private int value;
        private long least = Long.MAX_VALUE;
        private boolean was;

        boolean is() {
            if (!was) {
                long begin = System.nanoTime();
                value = calls(value, turns < 6 ? CALLS : CALLS / 16);
                long time = System.nanoTime() - begin;
                if (turns >= 6) {
                    was = time < least / 2 || turns > TURNS;
                    least = Math.min(least, time);
                }
                turns++;
            }
            return was;
        }

        private static int calls(int x, int n) {
            int y = x;
            for (int i = 0; i < n; i++) {
                y = work(y);
            }
            return y;
        }

        /** Takes C1's code, which looks at a counter each turn, several times as long as C2's. */
        private static int work(int x) {
            int y = x;
            for (int i = 0; i < 32; i++) {
                y = y * 31 + i;
            }
            return y;
        }
    }

    /** A kernel on its way to take over. */
    private static final class Rehearsal {
        static final Comparator<Rehearsal> BY_WORK = new Comparator<>() {
            @Override
            public int compare(Rehearsal a, Rehearsal b) {
                return Long.compare(b.candidate.work(), a.candidate.work());
            }
        };

        final Candidate candidate;
        private final Object kernel;
        private final Set<Step> steps;
        private int rounds;
        private int settled;

        /** Time spent on rounds without gain. */
        private long idled;

        private long best = Long.MAX_VALUE;
        private long plain = Long.MAX_VALUE;

        Rehearsal(Candidate candidate, Object kernel, Set<Step> steps) {
            this.candidate = candidate;
            this.kernel = kernel;
            this.steps = steps;
        }

        /** Whether all that it needs is compiled. */
        boolean ready() {
            for (Step s : steps) {
                if (!s.isHot()) {
                    return false;
                }
            }
            return true;
        }

        /** Runs the kernel for a while, and lets it take over where it is fast. */
        Outcome goesOn(Banks banks) {
            long fastest = Long.MAX_VALUE;
            long begin = System.nanoTime();
            long before = begin;
            do {
                candidate.run(kernel, banks);
                long now = System.nanoTime();
                fastest = Math.min(fastest, now - before);
                before = now;
            } while (before - begin < REHEARSAL_NANOS);
            // The best of a few: an interrupted run says nothing.
            if (rounds++ < 3) {
                candidate.run(candidate.plain(), banks);
                plain = Math.min(plain, System.nanoTime() - before);
            }
            boolean gains = fastest < best - best / 10;
            settled = gains ? 0 : settled + 1;
            idled = gains ? 0 : idled + System.nanoTime() - begin;
            best = Math.min(best, fastest);
            if (best < plain / FAST || (best < plain && settled >= SETTLED)) {
                candidate.become(kernel);
                return Outcome.TOOK_OVER;
            }
            // A large kernel has no need of as many rounds: each takes long.
            boolean hopeless =
                    settled >= HOPELESS || rounds >= MOST_ROUNDS || (settled >= SETTLED && idled > PATIENCE_NANOS);
            return hopeless ? Outcome.HOPELESS : gains ? Outcome.GAINS : Outcome.GOES_ON;
        }
    }
}

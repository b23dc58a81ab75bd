package dev.qnet.runtime.kernel;

/**
 * A kernel that does not say what code it spends its time in: it is run as a whole, on zeros, until it beats the plain
 * one. That takes C2 longer than the steps of a {@link Warmable}, for it compiles much that is no use.
 */
final class WholeStep extends Step {
    /** Most nanoseconds of a round. */
    private static final long ROUND_NANOS = 2_000_000;

    private final Warmup.Candidate candidate;
    private final Object kernel;
    private final Banks banks;

    WholeStep(Warmup.Candidate candidate, Object kernel) {
        super(0);
        this.candidate = candidate;
        this.kernel = kernel;
        banks = candidate.banks();
    }

    @Override
    void call(Scratch s, int times, int rounds) {
        for (int i = 0; i < times; i++) {
            candidate.run(kernel, banks);
        }
    }

    @Override
    void advance(Scratch s) {
        long begin = System.nanoTime();
        do {
            call(s, 1, 0);
        } while (System.nanoTime() - begin < ROUND_NANOS);
    }

    @Override
    void check(Scratch s) {
        long vector = Long.MAX_VALUE;
        long plain = Long.MAX_VALUE;
        // The best of a few: an interrupted run says nothing.
        for (int i = 0; i < 3; i++) {
            long begin = System.nanoTime();
            candidate.run(kernel, banks);
            long middle = System.nanoTime();
            candidate.run(candidate.plain(), banks);
            vector = Math.min(vector, middle - begin);
            plain = Math.min(plain, System.nanoTime() - middle);
        }
        if (vector < plain) {
            setHot();
        }
    }
}

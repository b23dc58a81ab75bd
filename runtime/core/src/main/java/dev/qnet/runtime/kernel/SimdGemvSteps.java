package dev.qnet.runtime.kernel;

import java.util.Set;

/** The loops of {@link SimdGemv} as steps. */
final class SimdGemvSteps {
    private static final int TERMS = 256;
    private static final Step PREPARE = new Prepare();
    private static final Step FINISH = new Finish();
    private static final Step[] SUMS = {new Sums(1), new Sums(2), new Sums(4), new Sums(8)};
    private static final Step GROUPED = new Grouped();
    private static final Step DIFFERENCES = new Differences();

    private SimdGemvSteps() {}

    /** Adds what products with such weights take; with signs, also what counting takes. */
    static void add(Set<Step> steps, PackedRows p, boolean signs) {
        steps.add(PREPARE);
        steps.add(p.grouped() && p.bits == 4 ? GROUPED : SUMS[Integer.numberOfTrailingZeros(p.bits)]);
        if (p.bits == 1 && signs) {
            steps.add(DIFFERENCES);
        }
        steps.add(FINISH);
    }

    private static PackedRows weights(int bits) {
        int[] w = new int[TERMS];
        w[1] = (1 << bits) - 1;
        w[2] = 1; // or all would be multiples of one number
        PackedRows p = PackedRows.of(w, 0, 1, TERMS);
        if (p == null || p.bits != bits) {
            throw new AssertionError(bits);
        }
        return p;
    }

    /** Both forms. */
    private static final class Prepare extends Step {
        private final PackedRows bytes = weights(8);
        private final PackedRows nibbles = weights(4);
        private final int[] a = new int[4 * TERMS];

        Prepare() {
            super(2 * 8 * TERMS / 4, 2);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * TERMS / ROUNDS;
                SimdGemv.prepare(bytes, n, s.p, a, 0);
                SimdGemv.prepare(nibbles, n, s.p, a, 0);
            }
        }
    }

    private static final class Finish extends Step {
        private final PackedRows weights = weights(4);

        Finish() {
            super(15 * 4 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * PackedRows.BLOCK / ROUNDS;
                SimdGemv.finish(weights, 0, n, 1, 0, 1, s.p, s.q);
            }
        }
    }

    /** The sums of a few runs. */
    private static final class Sums extends Step {
        private final PackedRows weights;

        Sums(int bits) {
            super(2 * PackedRows.RUN * 16 / bits * 12, 2);
            weights = weights(bits);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            PackedRows p = weights;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) / 4;
                switch (p.bits) {
                    case 8 -> SimdGemv.bytes(s.p, 0, 0, p.words, p.at(0), p.panel(), n * PackedRows.RUN, s.q, 0, 0);
                    case 4 -> SimdGemv.nibbles(s.p, 0, 0, p.words, p.at(0), p.panel(), n, p.run, s.q, 0, 0);
                    default -> SimdGemv.bits(s.p, 0, 0, p.words, p.at(0), p.panel(), n, p.run, p.bits, s.q, 0, 0);
                }
            }
        }
    }

    private static final class Grouped extends Step {
        private final PackedRows weights = weights(4);
        private final short[] multipliers = new short[2 * PackedRows.BLOCK];

        Grouped() {
            super(2 * PackedRows.RUN * 4 * 14, 2);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            PackedRows p = weights;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) / 4;
                SimdGemv.nibblesGrouped(s.p, 0, 0, p.words, p.at(0), p.panel(), n, p.run, multipliers, 0, s.q, 0, 0);
            }
        }
    }

    private static final class Differences extends Step {
        private final PackedRows weights = weights(1);

        Differences() {
            super(16 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            PackedRows p = weights;
            for (int i = 0; i < times; i++) {
                SimdGemv.differences(s.p, 0, p.words, p.at(0), p.panel(), rounds(i, rounds), s.q, 0, 0);
            }
        }
    }
}

package dev.qnet.runtime.kernel;

import java.util.Set;

/** What depthwise convolutions in vectors share, as steps. */
@SuppressWarnings("EnumOrdinal") // arrays by enum, made and read here alone; rows are too short for maps
final class DepthwiseSteps {
    /** Singles or codes from row to row of made-up images: nothing is, so that all are the same few. */
    private static final int PIXEL = 16;

    /** Windows one pixel apart over unsigned bytes and signed ones, then those two apart. */
    private static final Step[] STRIPS = {
        new Strip(1, false), new Strip(1, true), new Strip(2, false), new Strip(2, true)
    };

    private static final Step[] CODES = new Step[Rounding.values().length];
    private static final Step[] LOADS = new Step[Kind.values().length];
    private static final Step[] WINDOWS = new Step[SimdWindows.Form.values().length];
    private static final Step INTEGERS = new Integers();

    static {
        for (Rounding r : Rounding.values()) {
            CODES[r.ordinal()] = new StripCodes(r);
        }
        for (Kind k : new Kind[] {Kind.S8, Kind.U8, Kind.S16, Kind.U16}) {
            LOADS[k.ordinal()] = new Load(k);
        }
        for (SimdWindows.Form f : SimdWindows.Form.values()) {
            WINDOWS[f.ordinal()] = new Windows(f);
        }
    }

    private DepthwiseSteps() {}

    /** Adds what strips take. */
    static void strips(Set<Step> steps, int step, boolean signed, Rounding rounding) {
        steps.add(STRIPS[2 * step - 2 + (signed ? 1 : 0)]);
        steps.add(CODES[rounding.ordinal()]);
    }

    /**
     * Adds what windows over rows of singles take.
     *
     * @param alone whether rows of singles are vectors of channels, else whole rows of an image
     * @param atOnce whether sums become codes at once
     */
    static void windows(Set<Step> steps, Kind x, SimdWindows.Form form, boolean alone, boolean atOnce, Output out) {
        steps.add(alone ? LOADS[x.ordinal()] : SimdSteps.load(x));
        steps.add(WINDOWS[form.ordinal()]);
        if (atOnce && out.rescale() != null) {
            steps.add(SimdSteps.codes(out.rescale().rounding));
            return;
        }
        steps.add(INTEGERS);
        if (out.rescale() != null) {
            steps.add(RowSteps.ALL.rescale(out.rescale()));
        }
        steps.add(RowSteps.ALL.store(out.kind()));
    }

    /** Rows of a strip, and what its ends take. */
    private static final class Strip extends Step {
        private final int step;
        private final boolean signed;
        private int turn;

        Strip(int step, boolean signed) {
            super(90 * ROUNDS, 4);
            this.step = step;
            this.signed = signed;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            byte[] x = s.banks.bytes;
            turn++;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                boolean edge = (turn & 1) != 0;
                SimdStrips.fill(s.b, 0, s.a, 0, n);
                SimdStrips.line(signed, x, PIXEL, PIXEL, PIXEL, n, edge, edge, 0, s.b, 0, s.a, 0, 0, s.a, 0);
                if (step == 1) {
                    SimdStrips.ones(signed, x, PIXEL, PIXEL, 0, n, edge, edge, 0, s.b, 0, s.b, 0, s.a, 0, s.c);
                } else {
                    SimdStrips.twos(signed, x, PIXEL, PIXEL, 0, n, edge, edge, 0, s.b, 0, s.b, 0, s.a, 0, s.c);
                }
                SimdStrips.add(s.a, 0, s.b, 0, s.c, 0, n);
            }
        }
    }

    /** Both ways that a sum may go: the rare one would otherwise be compiled when it is needed. */
    private static final class StripCodes extends Step {
        private final Rounding rounding;
        private final float[] factor = new float[SimdShape.BITS / 32];
        private final int[] multiplier = new int[factor.length];
        private int turn;

        StripCodes(Rounding rounding) {
            super(90 * ROUNDS, 4);
            this.rounding = rounding;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            float[] f = factor;
            byte[] y = s.banks.bytes;
            // A large error has some near to a half.
            float e = (turn++ & 1) == 0 ? 0.01f : 0.6f;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                switch (rounding) {
                    case ONNX, XNNPACK -> SimdStripCodes.real(s.c, 0, n, f, 0, 0, 0, 255, y, 0, PIXEL, PIXEL);
                    case TOSA -> {
                        SimdStripCodes.once(s.c, 0, n, f, 0, e, 0, 0, 255, y, 0, PIXEL, PIXEL);
                        SimdCodes.onceAgain(s.c, 0, PIXEL, n, f, multiplier, 0, e, 0, 0, 255, y, 0, PIXEL);
                    }
                    case TFLITE -> {
                        SimdStripCodes.twice(s.c, 0, n, f, f, 0, e, 0, 0, 255, y, 0, PIXEL, PIXEL);
                        SimdCodes.twiceAgain(s.c, 0, PIXEL, n, f, f, multiplier, 0, e, 0, 0, 255, y, 0, PIXEL);
                    }
                }
            }
        }
    }

    private static final class Load extends Step {
        private final Operand x;

        Load(Kind kind) {
            super(4 * ROUNDS);
            x = Operand.plain(kind);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdWindows.clear(1, 1, n, s.a, 0, PIXEL, PIXEL);
                SimdWindows.load(s.banks, x, 0, PIXEL, ROUNDS, n / 2, Simd.LANES, s.a, 0, PIXEL);
            }
        }
    }

    private static final class Windows extends Step {
        private final SimdWindows.Form form;
        private final int[] offsets = new int[5 * 5];

        Windows(SimdWindows.Form form) {
            super(60 * ROUNDS, 4);
            this.form = form;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                switch (form) {
                    case NEIGHBOURS, PAIRS, NINE ->
                        SimdWindows.sums(form, 3, s.a, offsets, 0, 0, PIXEL, 9, s.b, 0, s.b, 0, n, 4, s.c);
                    case FIVE -> SimdWindows.five(s.a, 0, offsets, 3, s.b, 0, s.b, 0, 4 * n * Simd.LANES, s.c, 0);
                    case ANY -> {
                        SimdWindows.one(s.a, 0, offsets, 2 * n, s.b, 0, s.b, 0, s.c, 0);
                        SimdWindows.four(s.a, 0, PIXEL, offsets, 2 * n, s.b, 0, s.b, 0, s.c, 0);
                    }
                }
            }
        }
    }

    private static final class Integers extends Step {
        Integers() {
            super(4 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdWindows.integers(s.c, 0, n, s.q, 0, s.p);
            }
        }
    }
}

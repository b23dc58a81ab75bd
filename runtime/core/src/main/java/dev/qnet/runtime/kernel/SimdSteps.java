package dev.qnet.runtime.kernel;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The micro-kernels that kernels in vectors share, as steps. */
@SuppressWarnings("EnumOrdinal") // arrays by enum, made and read here alone; rows are too short for maps
final class SimdSteps {
    private static final Step[] LOADS = new Step[Kind.values().length];
    private static final Step[] CODES = new Step[Rounding.values().length];

    /** Tiles of all rows, of 4 and of 1; of one vector of columns, and of two. */
    private static final Step[] TILES = {
        new Tile(SimdPanels.ROWS, 1), new Tile(4, 1), new Tile(1, 1),
        new Tile(SimdPanels.ROWS, 2), new Tile(4, 2), new Tile(1, 2)
    };

    private static final Step BEGIN = new Begin();
    private static final Step ADD = new Add();
    private static final Step SINGLES = new Singles();
    private static final Step TILE_OF_BYTES = new TileOfBytes();
    private static final Step COPY = new Gather(Runs.COPY);
    private static final Step COPY_SHORT = new Gather(Runs.COPY_SHORT);
    private static final Step SIGNED = new Gather(Runs.SIGNED);
    private static final Step UNSIGNED = new Gather(Runs.UNSIGNED);

    static {
        for (Kind k : new Kind[] {Kind.S8, Kind.U8, Kind.S16, Kind.U16}) {
            LOADS[k.ordinal()] = new Load(k);
        }
        for (Rounding r : Rounding.values()) {
            CODES[r.ordinal()] = new Codes(r);
        }
    }

    private SimdSteps() {}

    /**
     * Adds what products of blocks with panels take, when both are there.
     *
     * @param rows of the left matrix
     * @param columns of the right one
     * @param singles whether panels have to be made of bytes
     * @param segments whether sums are cut into several
     * @param codes how sums become codes at once, or null
     * @param out what becomes of them otherwise
     */
    static void products(
            Set<Step> steps,
            int rows,
            int columns,
            boolean singles,
            boolean segments,
            @Nullable SimdCodes codes,
            Output out) {
        if (singles) {
            // A rest of rows may be a chunk of its own.
            steps.add(SINGLES);
            if (SimdPanels.onTheWay(rows) && columns > Simd.LANES) {
                steps.add(TILE_OF_BYTES);
            }
        }
        int rest = columns % SimdPanels.COLUMNS;
        boolean narrow = rest > 0 && rest <= Simd.LANES;
        if (narrow) {
            tiles(steps, rows, 0);
        }
        if (!narrow || columns > SimdPanels.COLUMNS) {
            tiles(steps, rows, 3);
        }
        if (codes != null) {
            steps.add(CODES[codes.rounding().ordinal()]);
            return;
        }
        steps.add(BEGIN);
        if (segments) {
            steps.add(ADD);
        }
        if (out.rescale() != null) {
            steps.add(RowSteps.ALL.rescale(out.rescale()));
        }
        steps.add(RowSteps.ALL.store(out.kind()));
    }

    /** Rows of codes that become singles. */
    static Step load(Kind kind) {
        return LOADS[kind.ordinal()];
    }

    /** Sums that become codes at once. */
    static Step codes(Rounding rounding) {
        return CODES[rounding.ordinal()];
    }

    /**
     * Adds what it takes to gather windows.
     *
     * @param kind of bytes that they are made of; null where they are copied
     * @param some whether several runs that fit a vector may be copied together
     * @param whole whether all windows are gathered as a whole
     */
    static void runs(Set<Step> steps, @Nullable Kind kind, boolean some, boolean whole) {
        if (kind != null) {
            steps.add(kind == Kind.S8 ? SIGNED : UNSIGNED);
            return;
        }
        if (some) {
            steps.add(COPY_SHORT);
        }
        if (!some || !whole) {
            steps.add(COPY);
        }
    }

    private static void tiles(Set<Step> steps, int rows, int at) {
        if (rows >= SimdPanels.ROWS) {
            steps.add(TILES[at]);
        }
        int rest = rows % SimdPanels.ROWS;
        if (rest > 0) {
            int read = SimdPanels.read(rest);
            steps.add(TILES[read == SimdPanels.ROWS ? at : read == 1 ? at + 2 : at + 1]);
        }
    }

    private static final class Load extends Step {
        private final Operand x;

        Load(Kind kind) {
            super(5 * 4 * ROUNDS);
            x = Operand.plain(kind);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds) * Simd.LANES;
                // Four rows together, and one alone; rows of one vector are something else.
                SimdRows.load(s.banks, x, 0, 16, 5, n / 2, s.a, 0, Scratch.ROW);
                if (n > 0) {
                    SimdRows.load(s.banks, x, 0, 16, 2, Simd.LANES, s.a, 0, Scratch.ROW);
                }
            }
        }
    }

    private enum Runs {
        COPY,
        COPY_SHORT,
        SIGNED,
        UNSIGNED
    }

    private static final class Gather extends Step {
        private final Runs how;

        Gather(Runs how) {
            super(4 * (how == Runs.COPY || how == Runs.COPY_SHORT ? 2 : 5) * ROUNDS);
            this.how = how;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            int row = Scratch.ROW / 4;
            byte[] x = s.banks.bytes;
            for (int i = 0; i < times; i++) {
                int m = rounds(i, rounds);
                int n = m * Simd.LANES;
                switch (how) {
                    case COPY -> SimdRows.copy(s.b, 0, 1, 2, 3, s.a, 0, row, 2 * row, 3 * row, n);
                    case COPY_SHORT -> SimdRows.copyShort(s.b, 0, 1, 2, 3, 4, s.a, 0, row, 2 * row, 3 * row, 3, m);
                    case SIGNED -> SimdRows.signedBytes(x, 0, 1, 2, 3, 0, s.a, 0, row, 2 * row, 3 * row, n);
                    case UNSIGNED -> SimdRows.unsignedBytes(x, 0, 1, 2, 3, 0, s.a, 0, row, 2 * row, 3 * row, n);
                }
            }
        }
    }

    private static final class Singles extends Step {
        Singles() {
            super(4 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdRows.singles(s.banks.bytes, 0, n * Simd.LANES, s.a);
            }
        }
    }

    private static final class Tile extends Step {
        private final int rows;
        private final int vectors;
        private int turn;

        Tile(int rows, int vectors) {
            super((3 + 2 * vectors) * rows * 2 * ROUNDS, rows == 1 ? 4 : 8);
            this.rows = rows;
            this.vectors = vectors;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            turn++;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                // Twice as long, so that loops are unrolled. Sums begin with one row for all, or go on.
                n *= 2;
                int is = (turn & 1) == 0 ? 0 : vectors * Simd.LANES;
                if (rows == SimdPanels.ROWS) {
                    if (vectors == 2) {
                        SimdPanels.wide(s.a, 0, s.b, 0, n, s.c, 0, is, s.c, 0);
                    } else {
                        SimdPanels.narrow(s.a, 0, s.b, 0, n, s.c, 0, is, s.c, 0);
                    }
                } else if (rows == 1) {
                    if (vectors == 2) {
                        SimdTile1.wide(s.a, 0, s.b, 0, n, s.c, 0, s.c, 0);
                    } else {
                        SimdTile1.narrow(s.a, 0, s.b, 0, n, s.c, 0, s.c, 0);
                    }
                } else if (vectors == 2) {
                    SimdTile4.wide(s.a, 0, s.b, 0, n, s.c, 0, is, s.c, 0);
                } else {
                    SimdTile4.narrow(s.a, 0, s.b, 0, n, s.c, 0, is, s.c, 0);
                }
            }
        }
    }

    private static final class TileOfBytes extends Step {
        private int turn;

        TileOfBytes() {
            super(7 * SimdPanels.ROWS * 2 * ROUNDS, 8);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            turn++;
            byte[] x = s.banks.bytes;
            for (int i = 0; i < times; i++) {
                int n = 2 * rounds(i, rounds);
                int is = (turn & 1) == 0 ? 0 : SimdPanels.COLUMNS;
                SimdTile12.wideOfBytes(s.a, 0, x, 0, n, s.b, s.c, 0, is, s.c, 0);
            }
        }
    }

    private static final class Begin extends Step {
        Begin() {
            super(4 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdPanels.begin(s.c, 0, SimdPanels.COLUMNS, n / 2, s.p, 0, s.q, 0);
            }
        }
    }

    private static final class Add extends Step {
        Add() {
            super(5 * ROUNDS);
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                SimdPanels.add(s.c, 0, SimdPanels.COLUMNS, n / 2, s.q, 0);
            }
        }
    }

    /** Both ways that an accumulator may go: the rare one would otherwise be compiled when it is needed. */
    private static final class Codes extends Step {
        private final Rounding rounding;
        private final float[] factor = new float[SimdShape.BITS / 32];
        private final int[] multiplier = new int[factor.length];
        private int turn;

        Codes(Rounding rounding) {
            super(30 * ROUNDS);
            this.rounding = rounding;
        }

        @Override
        void call(Scratch s, int times, int rounds) {
            float[] f = factor;
            byte[] y = s.banks.bytes;
            int to = Simd.LANES;
            // A large error has some near to a half.
            float e = (turn++ & 1) == 0 ? 0.01f : 0.6f;
            for (int i = 0; i < times; i++) {
                int n = rounds(i, rounds);
                switch (rounding) {
                    case ONNX, XNNPACK -> SimdCodes.real(s.c, 0, to, n, f, 0, 0, 0, 255, y, 0, to);
                    case TOSA -> {
                        SimdCodes.once(s.c, 0, to, n, f, 0, e, 0, 0, 255, y, 0, to);
                        SimdCodes.onceAgain(s.c, 0, to, n, f, multiplier, 0, e, 0, 0, 255, y, 0, to);
                    }
                    case TFLITE -> {
                        SimdCodes.twice(s.c, 0, to, n, f, f, 0, e, 0, 0, 255, y, 0, to);
                        SimdCodes.twiceAgain(s.c, 0, to, n, f, f, multiplier, 0, e, 0, 0, 255, y, 0, to);
                    }
                }
            }
        }
    }
}

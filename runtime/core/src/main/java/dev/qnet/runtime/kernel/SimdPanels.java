package dev.qnet.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Integer weights [N][K] as singles, in panels [K][columns] of two vectors of columns, or one for the last, if that
 * is enough. K is filled up with zeros to an even number.
 *
 * <p>A sum of products of integers in singles is exact while no partial sum can get beyond ±2^24, whatever the order.
 * Partial sums of row n lie between {@code −Σ max(0, −w·x)} and {@code Σ max(0, w·x)}, each product at its worst x.
 * So K is cut into segments, as long as both stay within ±(2^24 − 1) for each of the N rows; the segments' sums are
 * added up as ints. Where there is one segment only, and the bias fits too, the sums begin with it.
 */
final class SimdPanels {
    /** No segment reaches over a multiple of this, so that a row of a block holds it; even. */
    static final int MAX_SEGMENT = 2304;

    /** Singles from row to row of a block of left operands: a segment, and a vector that overruns it. */
    static final int LDA = MAX_SEGMENT + 16;

    /**
     * More weights are kept as bytes: from memory, singles cost more than to convert bytes again and again. Where many
     * rows meet them, twice as many.
     */
    private static final int LARGE = 1 << 16;

    private static final int MANY_ROWS = 512;

    /** Terms of a panel that are multiplied at a time, at most: so that they stay in the first-level cache beside a block. */
    static final int SLICE = 256;

    /** A segment shorter than this spends more on adding up than it gains over ints. */
    static final int MIN_SEGMENT = 16;

    /** A single holds every integer up to here. */
    static final int EXACT = 1 << 24;

    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final VectorSpecies<Integer> I = Simd.INTS;
    private static final int LANES = Simd.LANES;

    /** Columns of a panel; accumulators from row to row of a block of sums. */
    static final int COLUMNS = 2 * LANES;

    private static final boolean MANY_REGISTERS = SimdShape.manyRegisters();

    /** Rows of a block. */
    static final int ROWS = MANY_REGISTERS ? SimdTile12.ROWS : SimdTile6.ROWS;

    /** So many rows of a block, and more, are multiplied as a whole, fewer by {@link SimdTile4}. */
    private static final int MOST = (ROWS - 1) / 4 * 4 + 1;

    /** What sums without a bias begin with. */
    static final float[] NOTHING = new float[COLUMNS];

    final int n;
    final int k;

    /** K, filled up to an even number. */
    final int terms;

    /** Where segments end, even numbers; the last is {@link #terms}. */
    final int[] ends;

    /** The largest |sum| that may occur, where there is one segment; less than 2^24. */
    final long[] bounds;

    /** Whether the panels come from memory beyond the second-level cache. */
    final boolean large;

    /** The panels as singles; or empty. */
    private final float[] data;

    /** The panels as bytes, where they are large; or empty. */
    private final byte[] packed;

    private SimdPanels(int n, int k, int[] ends, long[] bounds, boolean large, boolean small) {
        this.n = n;
        this.k = k;
        this.ends = ends;
        this.bounds = bounds;
        this.large = large;
        terms = even(k);
        int size = Math.multiplyExact(panels(), terms * COLUMNS);
        data = new float[small ? 0 : size];
        packed = new byte[small ? size : 0];
    }

    /**
     * Packs weights.
     *
     * @param w weights
     * @param from the first; rows follow each other
     * @param n rows of weights, columns of the panels
     * @param k length of a row
     * @param x what the weights meet
     * @param rows how many rows of that
     * @return null if singles cannot be exact over segments worth it
     */
    static @Nullable SimdPanels of(int[] w, int from, int n, int k, Operand x, int rows) {
        Limits limits = new Limits(w, from, n, k, (long) x.lo() - x.zero(), (long) x.hi() - x.zero());
        long[] bounds = limits.bounds();
        int[] ends = k <= MAX_SEGMENT && Arrays.stream(bounds).allMatch(v -> v < EXACT)
                ? new int[] {even(k)}
                : limits.segments();
        if (ends.length == 0) {
            return null;
        }
        boolean large = (long) n * k > (rows < MANY_ROWS ? LARGE : 2 * LARGE);
        boolean small = large && Simd.HAS_BYTES && fitBytes(w, from, n * k);
        SimdPanels p = new SimdPanels(n, k, ends, ends.length == 1 ? bounds : new long[0], large, small);
        for (int i = 0; i < n; i++) {
            int panel = i / COLUMNS;
            int columns = p.columns(panel);
            int at = panel * p.terms * COLUMNS + i % COLUMNS;
            for (int j = 0; j < k; j++) {
                if (small) {
                    p.packed[at + j * columns] = (byte) w[from + i * k + j];
                } else {
                    p.data[at + j * columns] = w[from + i * k + j];
                }
            }
        }
        return p;
    }

    private static boolean fitBytes(int[] w, int from, int n) {
        for (int i = from; i < from + n; i++) {
            if (w[i] != (byte) w[i]) {
                return false;
            }
        }
        return true;
    }

    private static int even(int k) {
        return k + (k & 1);
    }

    /** Where sums of weights times codes from x0 to x1, both with the zero point subtracted, may get. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Limits(int[] w, int from, int n, int k, long x0, long x1) {
        /** For each row the largest |partial sum|. */
        long[] bounds() {
            long[] bounds = new long[n];
            for (int i = 0; i < n; i++) {
                long above = 0;
                long below = 0;
                for (int j = from + i * k; j < from + i * k + k; j++) {
                    above += Math.max(0, Math.max(w[j] * x0, w[j] * x1));
                    below -= Math.min(0, Math.min(w[j] * x0, w[j] * x1));
                }
                bounds[i] = Math.max(above, below);
            }
            return bounds;
        }

        /** Ends of segments; none if they would be too short. */
        int[] segments() {
            int[] ends = new int[k / MIN_SEGMENT + k / MAX_SEGMENT + 1];
            long[] above = new long[n];
            long[] below = new long[n];
            int count = 0;
            int start = 0;
            for (int j = 0; j < k; j += 2) {
                boolean cut = j > 0 && j % MAX_SEGMENT == 0;
                for (int i = 0; i < n && !cut; i++) {
                    cut = above[i] + above(i, j) >= EXACT || below[i] + below(i, j) >= EXACT;
                }
                if (cut) {
                    if (j == start || count + 1 >= ends.length) {
                        return new int[0];
                    }
                    ends[count++] = j;
                    start = j;
                    Arrays.fill(above, 0);
                    Arrays.fill(below, 0);
                }
                for (int i = 0; i < n; i++) {
                    above[i] += above(i, j);
                    below[i] += below(i, j);
                    if (above[i] >= EXACT || below[i] >= EXACT) {
                        return new int[0];
                    }
                }
            }
            ends[count++] = even(k);
            return Arrays.copyOf(ends, count);
        }

        /** The most that terms j and j + 1 of row i add. */
        private long above(int i, int j) {
            long a = w[from + i * k + j];
            long b = j + 1 < k ? w[from + i * k + j + 1] : 0;
            return Math.max(0, Math.max(a * x0, a * x1)) + Math.max(0, Math.max(b * x0, b * x1));
        }

        /** The most that they subtract. */
        private long below(int i, int j) {
            long a = w[from + i * k + j];
            long b = j + 1 < k ? w[from + i * k + j + 1] : 0;
            return -Math.min(0, Math.min(a * x0, a * x1)) - Math.min(0, Math.min(b * x0, b * x1));
        }
    }

    /**
     * The largest |sum| of a column that begins with a bias, if all of them are exact in singles; −1 otherwise.
     *
     * @param bias biases
     * @param channel the first column's
     */
    long bound(int[] bias, int channel) {
        long most = 0;
        for (int i = 0; i < bounds.length; i++) {
            most = Math.max(most, bounds[i] + Math.abs((long) bias[channel + i]));
        }
        return ends.length == 1 && most < EXACT ? most : -1;
    }

    /** Where the segment with a term begins. */
    int begin(int term) {
        int begin = 0;
        for (int i = 0; ends[i] <= term; i++) {
            begin = ends[i];
        }
        return begin;
    }

    /** Where it ends. */
    int end(int term) {
        int i = 0;
        while (ends[i] <= term) {
            i++;
        }
        return ends[i];
    }

    /**
     * Cuts terms into equal parts, multiples of 16 but for the last.
     *
     * @param most their length at most, a multiple of 16
     */
    static int part(int terms, int most) {
        int parts = Math.max(1, (terms + most - 1) / most);
        return ((terms + parts - 1) / parts + 15) / 16 * 16;
    }

    int panels() {
        return (n + COLUMNS - 1) / COLUMNS;
    }

    /** Whether panels are kept as bytes, and made singles when they are needed. */
    boolean packed() {
        return packed.length > 0;
    }

    /** Columns that a panel is packed with. */
    int columns(int panel) {
        return n - panel * COLUMNS <= LANES ? LANES : COLUMNS;
    }

    /** Columns that a panel really has. */
    int used(int panel) {
        return Math.min(COLUMNS, n - panel * COLUMNS);
    }

    /** Rows of a block that are read where it has so many. */
    static int read(int rows) {
        return rows >= MOST ? ROWS : rows == 1 ? 1 : (rows + 3) / 4 * 4;
    }

    /**
     * Terms k0 to k1 of a panel as singles.
     *
     * @param scratch room for them
     * @return where they are: scratch, or not
     */
    float[] singles(int panel, int k0, int k1, float[] scratch) {
        if (packed.length == 0) {
            return data;
        }
        int columns = columns(panel);
        SimdRows.singles(packed, panel * terms * COLUMNS + k0 * columns, (k1 - k0) * columns, scratch);
        return scratch;
    }

    /** Whether a block of so many rows makes bytes of a panel singles on the way, by {@link #blockOfBytes}. */
    boolean onTheWay(int rows, int columns) {
        return packed() && onTheWay(rows) && columns == COLUMNS;
    }

    static boolean onTheWay(int rows) {
        return MANY_REGISTERS && rows >= MOST;
    }

    /** As {@link #block}, with terms k0 to k1 of a panel, which become singles in scratch for the blocks that follow. */
    void blockOfBytes(
            float[] a,
            int ao,
            int panel,
            int k0,
            int k1,
            float[] scratch,
            float[] init,
            int io,
            int is,
            float[] c,
            int co) {
        int from = panel * terms * COLUMNS + k0 * COLUMNS;
        SimdTile12.wideOfBytes(a, ao, packed, from, k1 - k0, scratch, init, io, is, c, co);
    }

    /** Where {@link #singles} begin. */
    int at(int panel, int k0) {
        return packed.length == 0 ? panel * terms * COLUMNS + k0 * columns(panel) : 0;
    }

    /**
     * Products of a block of rows with a panel, over a segment or a part of one.
     *
     * @param a the block, of {@link #read} rows at least
     * @param ao where the segment's first column is in its first row
     * @param rows its rows
     * @param b the panel
     * @param at where the segment's first row is in it
     * @param columns the panel's columns
     * @param n the segment's length, even
     * @param init what the sums begin with: rows of columns
     * @param io its first
     * @param is from row to row of it; 0 where all rows begin with the same
     * @param c the sums, {@link #ROWS} rows of the panel's columns, of which the first so many are meant
     * @param co the first
     */
    static void block(
            float[] a,
            int ao,
            int rows,
            float[] b,
            int at,
            int columns,
            int n,
            float[] init,
            int io,
            int is,
            float[] c,
            int co) {
        if (rows >= MOST) {
            if (columns == COLUMNS) {
                wide(a, ao, b, at, n, init, io, is, c, co);
            } else {
                narrow(a, ao, b, at, n, init, io, is, c, co);
            }
            return;
        }
        if (rows == 1) {
            if (columns == COLUMNS) {
                SimdTile1.wide(a, ao, b, at, n, init, io, c, co);
            } else {
                SimdTile1.narrow(a, ao, b, at, n, init, io, c, co);
            }
            return;
        }
        for (int r = 0; r < rows; r += 4) {
            if (columns == COLUMNS) {
                SimdTile4.wide(a, ao + r * LDA, b, at, n, init, io + r * is, is, c, co + r * COLUMNS);
            } else {
                SimdTile4.narrow(a, ao + r * LDA, b, at, n, init, io + r * is, is, c, co + r * LANES);
            }
        }
    }

    static void wide(float[] a, int ao, float[] b, int at, int n, float[] init, int io, int is, float[] c, int co) {
        if (MANY_REGISTERS) {
            SimdTile12.wide(a, ao, b, at, n, init, io, is, c, co);
        } else {
            SimdTile6.wide(a, ao, b, at, n, init, io, is, c, co);
        }
    }

    static void narrow(float[] a, int ao, float[] b, int at, int n, float[] init, int io, int is, float[] c, int co) {
        if (MANY_REGISTERS) {
            SimdTile12.narrow(a, ao, b, at, n, init, io, is, c, co);
        } else {
            SimdTile6.narrow(a, ao, b, at, n, init, io, is, c, co);
        }
    }

    /** Writes sums of a panel, plus a bias, as ints: rows of {@link #COLUMNS}. */
    static void begin(float[] c, int co, int columns, int rows, int[] bias, int channel, int[] to, int at) {
        if (rows == 0) {
            return;
        }
        for (int j = 0; j < columns; j += LANES) {
            IntVector b = IntVector.fromArray(I, bias, channel + j);
            for (int r = 0; r < rows; r++) {
                IntVector v = (IntVector)
                        FloatVector.fromArray(F, c, co + r * columns + j).convert(VectorOperators.F2I, 0);
                v.lanewise(VectorOperators.ADD, b).intoArray(to, at + r * COLUMNS + j);
            }
        }
    }

    /** Adds sums of a further segment. */
    static void add(float[] c, int co, int columns, int rows, int[] to, int at) {
        if (rows == 0) {
            return;
        }
        for (int j = 0; j < columns; j += LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v = (IntVector)
                        FloatVector.fromArray(F, c, co + r * columns + j).convert(VectorOperators.F2I, 0);
                int i = at + r * COLUMNS + j;
                v.lanewise(VectorOperators.ADD, IntVector.fromArray(I, to, i)).intoArray(to, i);
            }
        }
    }

    /**
     * Writes a block of accumulators, which are overwritten.
     *
     * @param y the result's first element
     * @param stride from row to row of the result
     * @param n columns
     * @param channel the first
     */
    static void store(Banks b, Output out, int y, int stride, int[] acc, int at, int rows, int n, int channel) {
        Rescale r = out.rescale();
        if (r != null) {
            SimdRescale.tile(r, acc, at, rows, COLUMNS, n, channel);
        }
        for (int i = 0; i < rows; i++) {
            SimdRows.store(b, out.kind(), y + i * stride, acc, at + i * COLUMNS, n);
        }
    }
}

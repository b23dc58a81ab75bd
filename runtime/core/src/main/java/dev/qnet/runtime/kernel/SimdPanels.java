package dev.qnet.runtime.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * Integer weights [N][K] as singles, in panels [K][columns] of two vectors of columns, or one for the last, if that
 * is enough.
 *
 * <p>A sum of products of integers in singles is exact while no partial sum can reach 2^24, whatever the order. So K
 * is cut into segments, as long as {@code Σ|w|·max|x|} stays below for each of the N rows; the segments' sums are
 * added up as ints.
 */
final class SimdPanels {
    /** Singles from row to row of a block of left operands. */
    static final int LDA = 2320;

    /** The longest segment, so that a row of the block holds it. */
    static final int MAX_SEGMENT = 2304;

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

    final int n;
    final int k;

    /** Where segments end; the last is k. */
    final int[] ends;

    private final float[] data;

    private SimdPanels(int n, int k, int[] ends, float[] data) {
        this.n = n;
        this.k = k;
        this.ends = ends;
        this.data = data;
    }

    /**
     * Packs weights.
     *
     * @param w weights
     * @param from the first; rows follow each other
     * @param n rows of weights, columns of the panels
     * @param k length of a row
     * @param magnitude the largest |x| that the weights meet
     * @return null if singles cannot be exact over segments worth it
     */
    static @Nullable SimdPanels of(int[] w, int from, int n, int k, long magnitude) {
        int[] ends = segments(w, from, n, k, magnitude);
        if (ends.length == 0) {
            return null;
        }
        int panels = (n + COLUMNS - 1) / COLUMNS;
        float[] data = new float[panels * k * COLUMNS];
        SimdPanels p = new SimdPanels(n, k, ends, data);
        for (int i = 0; i < n; i++) {
            int panel = i / COLUMNS;
            int columns = p.columns(panel);
            int at = panel * k * COLUMNS + i % COLUMNS;
            for (int j = 0; j < k; j++) {
                data[at + j * columns] = w[from + i * k + j];
            }
        }
        return p;
    }

    private static int[] segments(int[] w, int from, int n, int k, long magnitude) {
        int[] ends = new int[k / MIN_SEGMENT + 1];
        long[] sums = new long[n];
        int count = 0;
        int start = 0;
        for (int j = 0; j < k; j++) {
            boolean cut = j - start == MAX_SEGMENT;
            for (int i = 0; i < n; i++) {
                long product = Math.abs((long) w[from + i * k + j]) * magnitude;
                if (product >= EXACT) {
                    return new int[0];
                }
                sums[i] += product;
                cut |= sums[i] >= EXACT;
            }
            if (cut) {
                if (count + 1 >= ends.length) {
                    return new int[0];
                }
                ends[count++] = j;
                start = j;
                for (int i = 0; i < n; i++) {
                    sums[i] = Math.abs((long) w[from + i * k + j]) * magnitude;
                }
            }
        }
        ends[count++] = k;
        return Arrays.copyOf(ends, count);
    }

    int panels() {
        return (n + COLUMNS - 1) / COLUMNS;
    }

    /** Columns that a panel is packed with. */
    int columns(int panel) {
        return n - panel * COLUMNS <= LANES ? LANES : COLUMNS;
    }

    /** Columns that a panel really has. */
    int used(int panel) {
        return Math.min(COLUMNS, n - panel * COLUMNS);
    }

    /**
     * Products of a block of {@link #ROWS} rows with a panel, over a segment.
     *
     * @param a the block
     * @param ao where the segment's first column is in its first row
     * @param k0 the segment's beginning
     * @param k1 its end
     * @param c the sums, {@link #ROWS} rows of the panel's columns
     */
    void block(float[] a, int ao, int panel, int k0, int k1, float[] c) {
        int columns = columns(panel);
        block(a, ao, data, panel * k * COLUMNS + k0 * columns, columns, k1 - k0, c);
    }

    /**
     * As {@link #block(float[], int, int, int, int, float[])}, with n terms of the panel that begins at index {@code
     * at} of b.
     */
    static void block(float[] a, int ao, float[] b, int at, int columns, int n, float[] c) {
        if (MANY_REGISTERS) {
            if (columns == COLUMNS) {
                SimdTile12.wide(a, ao, b, at, n, c);
            } else {
                SimdTile12.narrow(a, ao, b, at, n, c);
            }
        } else if (columns == COLUMNS) {
            SimdTile6.wide(a, ao, b, at, n, c);
        } else {
            SimdTile6.narrow(a, ao, b, at, n, c);
        }
    }

    /** As {@link #block}, of one row. */
    void row(float[] a, int ao, int panel, int k0, int k1, float[] c) {
        int columns = columns(panel);
        int at = panel * k * COLUMNS + k0 * columns;
        if (columns == COLUMNS) {
            SimdTile1.wide(a, ao, data, at, k1 - k0, c);
        } else {
            SimdTile1.narrow(a, ao, data, at, k1 - k0, c);
        }
    }

    /** Writes sums of a panel, plus a bias, as ints: rows of {@link #COLUMNS}. */
    static void begin(float[] c, int columns, int rows, int[] bias, int channel, int[] to, int at) {
        for (int j = 0; j < columns; j += LANES) {
            IntVector b = IntVector.fromArray(I, bias, channel + j);
            for (int r = 0; r < rows; r++) {
                IntVector v =
                        (IntVector) FloatVector.fromArray(F, c, r * columns + j).convert(VectorOperators.F2I, 0);
                v.add(b).intoArray(to, at + r * COLUMNS + j);
            }
        }
    }

    /** Adds sums of a further segment. */
    static void add(float[] c, int columns, int rows, int[] to, int at) {
        for (int j = 0; j < columns; j += LANES) {
            for (int r = 0; r < rows; r++) {
                IntVector v =
                        (IntVector) FloatVector.fromArray(F, c, r * columns + j).convert(VectorOperators.F2I, 0);
                int i = at + r * COLUMNS + j;
                v.add(IntVector.fromArray(I, to, i)).intoArray(to, i);
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

package dev.qnet.runtime.kernel;

import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Brings inputs under a convolution's windows into blocks of singles so that the taps of a window's row share them.
 *
 * <p>A row of a block, {@link SimdPanels#LDA} singles apart from the next, is a column of a window: {@code kernelH} times
 * the channels, or a slice of those that fits the first-level cache. Output pixel p has row p + s for a tap s columns to
 * the right (in strides), so the next tap of p is the present one of p + 1: it is there already. Where pixel p + 1 is in
 * another line of the output, or its column is not the one, a few rows change between taps: each row remembers what is in it.
 * So where windows are three wide, a column is brought once instead of three times.
 *
 * <p>The sums go over slices first, then taps, then the window's rows and the channels: weights lie in that order. A slice
 * with a tap is a part.
 */
final class SimdColumns {
    /** A shorter column spends more on beginning and ending sums than it gains. */
    private static final int LEAST = 128;

    /** Blocks of a chunk at most: with 12, making weights singles again for each chunk hardly shows. */
    static final int MOST_BLOCKS = 12;

    /** More rows than pixels by so many: beyond it, taps hardly share. */
    private static final int MOST_APART = 64;

    /** Numbers of a column that are there at a time, at most: so many that a panel's fit the first-level cache beside. */
    private static final int SLICE = 224;

    private static final int LDA = SimdPanels.LDA;

    /** Scratch of ints: for each row what is in it; then rows that change, and their columns. */
    private static final int STATE = 1;

    /** No column of the image: zeros. */
    private static final int OUTSIDE = Integer.MIN_VALUE;

    private static final int UNKNOWN = OUTSIDE + 1;

    private final Operand x;
    private final Window w;
    private final int height;
    private final int width;
    private final int channels;
    private final int groupChannels;
    private final int outWidth;

    /** Elements of a column: rows of the window times channels. */
    private final int column;

    /** Length of a slice of it; the last may be shorter. */
    private final int slice;

    /** Column of the window for each tap, in the order of the sums. */
    private final int[] taps;

    /** Which of the columns that strides leave apart, 0 to stride − 1: taps of one share. */
    private final int[] phase;

    /** First row for each tap. */
    private final int[] row;

    /** The tap's column for output pixel 0, which may be left of the image. */
    private final int[] left;

    /** The largest of {@link #row}. */
    private final int apart;

    /** Where the first block of each part is, in singles. */
    private final int[] ats;

    /** The first term of each part, and the number of terms. */
    private final int[] begins;

    private SimdColumns(ConvSpec s) {
        x = s.x();
        w = s.window();
        height = s.height();
        width = s.width();
        channels = s.channels();
        groupChannels = s.groupChannels();
        outWidth = s.outWidth();
        column = w.kernelH() * groupChannels;
        slice = SimdPanels.part(column, SLICE);
        int n = w.kernelW();
        taps = new int[n];
        phase = new int[n];
        row = new int[n];
        left = new int[n];
        int count = 0;
        for (int f = 0; f < w.strideW(); f++) {
            for (int i = 0; i < n; i++) {
                int from = i * w.dilationW() - w.left();
                if (Math.floorMod(from, w.strideW()) == f) {
                    taps[count] = i;
                    phase[count] = f;
                    row[count] = Math.floorDiv(from, w.strideW());
                    left[count++] = from;
                }
            }
        }
        int first = Arrays.stream(row).min().orElseThrow();
        for (int i = 0; i < n; i++) {
            row[i] -= first;
        }
        apart = Arrays.stream(row).max().orElseThrow();
        int parts = (column + slice - 1) / slice * n;
        ats = new int[parts];
        begins = new int[parts + 1];
        for (int i = 0; i < parts; i++) {
            ats[i] = row[i % n] * LDA;
            begins[i + 1] = begins[i] + Math.min(slice, column - i / n * slice);
        }
    }

    /** Null where taps share nothing, or columns are short or no whole vectors. */
    static @Nullable SimdColumns of(ConvSpec s) {
        Window w = s.window();
        if (!Simd.HAS_BYTES
                || s.x().kind().bytes() != 1
                || s.groupChannels() % 16 != 0
                || w.kernelH() * s.groupChannels() < LEAST
                || (w.kernelW() - 1) * w.dilationW() < w.strideW()) {
            return null;
        }
        SimdColumns c = new SimdColumns(s);
        boolean shared = false;
        for (int i = 1; i < c.phase.length; i++) {
            shared |= c.phase[i] == c.phase[i - 1];
        }
        return shared && c.apart <= MOST_APART ? c : null;
    }

    /** Slices times taps. */
    int parts() {
        return ats.length;
    }

    /** The first term of a part in the order of the sums; for {@link #parts()} the number of all. */
    int begin(int part) {
        return begins[part];
    }

    /** Weights [n][kernelH][kernelW][groupChannels] in the order of the sums. */
    int[] ordered(int[] weights, int from, int n) {
        int k = column * taps.length;
        int[] to = new int[n * k];
        int at = 0;
        for (int i = 0; i < n; i++) {
            for (int part = 0; part < parts(); part++) {
                int tap = taps[part % taps.length];
                int q0 = part / taps.length * slice;
                for (int q = q0; q < Math.min(column, q0 + slice); q++) {
                    int source = (q / groupChannels * taps.length + tap) * groupChannels + q % groupChannels;
                    to[at++] = weights[from + i * k + source];
                }
            }
        }
        return to;
    }

    /** Singles for so many blocks. */
    int size(int blocks) {
        return (blocks * SimdPanels.ROWS + apart) * LDA;
    }

    /** Where the first row of a block is. */
    int at(int part, int block) {
        return ats[part] + block * (SimdPanels.ROWS * LDA);
    }

    /** Adds what it takes to bring columns. */
    void steps(Set<Step> steps) {
        SimdSteps.runs(steps, x.kind(), false, true);
        steps.add(SimdSteps.load(x.kind()));
    }

    /**
     * Brings the columns of a part, after those of the parts before it.
     *
     * @param xOff the image
     * @param g the group
     * @param first the first output pixel
     * @param n output pixels
     * @param part which
     * @param a the blocks
     * @return how many were not there
     */
    int bring(Banks b, int xOff, int g, int first, int n, int part, float[] a) {
        int tap = part % taps.length;
        int rows = (n + SimdPanels.ROWS - 1) / SimdPanels.ROWS * SimdPanels.ROWS;
        int all = rows + apart;
        int[] state = b.ints(STATE, 3 * all);
        if (tap == 0 || phase[tap] != phase[tap - 1]) {
            Arrays.fill(state, 0, all, UNKNOWN);
        }
        int q0 = part / taps.length * slice;
        int q1 = Math.min(column, q0 + slice);
        int count = 0;
        int y = first / outWidth;
        int at = first - y * outWidth;
        for (int i = 0; i < rows; i++) {
            int col = at * w.strideW() + left[tap];
            int key = i < n && col >= 0 && col < width ? y * w.strideH() * width + col : OUTSIDE;
            int r = row[tap] + i;
            if (state[r] != key) {
                state[r] = key;
                if (key == OUTSIDE) {
                    Arrays.fill(a, r * LDA, r * LDA + q1 - q0, 0f);
                } else {
                    state[all + count] = r;
                    state[2 * all + count++] = key;
                }
            }
            if (++at == outWidth) {
                at = 0;
                y++;
            }
        }
        int from = xOff + g * groupChannels;
        int i = 0;
        for (; i + 4 <= count; i += 4) {
            four(b, from, state, all + i, 2 * all + i, q0, q1, a);
        }
        for (; i < count; i++) {
            one(b, from, state[2 * all + i], q0, q1, a, state[all + i] * LDA);
        }
        return count;
    }

    /** Brings four columns. */
    private void four(Banks b, int from, int[] state, int rows, int keys, int q0, int q1, float[] a) {
        int above = w.top() * width;
        int k0 = state[keys] - above;
        int k1 = state[keys + 1] - above;
        int k2 = state[keys + 2] - above;
        int k3 = state[keys + 3] - above;
        int t = state[rows] * LDA;
        int t1 = state[rows + 1] * LDA - t;
        int t2 = state[rows + 2] * LDA - t;
        int t3 = state[rows + 3] * LDA - t;
        int z = x.zero();
        // Keys grow from pixel to pixel.
        int low = k0;
        int high = k3;
        for (int q = q0; q < q1; ) {
            int ky = q / groupChannels;
            int c = q - ky * groupChannels;
            int m = Math.min(groupChannels - c, q1 - q);
            int down = ky * w.dilationH() * width;
            int to = t + q - q0;
            if (low + down >= 0 && high + down < height * width) {
                int s = from + (k0 + down) * channels + c;
                int s1 = (k1 - k0) * channels;
                int s2 = (k2 - k0) * channels;
                int s3 = (k3 - k0) * channels;
                if (x.kind() == Kind.S8) {
                    SimdRows.signedBytes(b.bytes, s, s1, s2, s3, z, a, to, t1, t2, t3, m);
                } else {
                    SimdRows.unsignedBytes(b.bytes, s, s1, s2, s3, z, a, to, t1, t2, t3, m);
                }
            } else {
                run(b, from, k0 + down, c, m, a, to);
                run(b, from, k1 + down, c, m, a, to + t1);
                run(b, from, k2 + down, c, m, a, to + t2);
                run(b, from, k3 + down, c, m, a, to + t3);
            }
            q += m;
        }
    }

    private void one(Banks b, int from, int key, int q0, int q1, float[] a, int t) {
        for (int q = q0; q < q1; ) {
            int ky = q / groupChannels;
            int c = q - ky * groupChannels;
            int m = Math.min(groupChannels - c, q1 - q);
            run(b, from, key + (ky * w.dilationH() - w.top()) * width, c, m, a, t + q - q0);
            q += m;
        }
    }

    /** Some channels of a pixel of the image, zeros where it is above or below. */
    private void run(Banks b, int from, int pixel, int c, int n, float[] a, int to) {
        if (pixel >= 0 && pixel < height * width) {
            SimdRows.load(b, x, from + pixel * channels + c, a, to, n);
        } else {
            Arrays.fill(a, to, to + n, 0f);
        }
    }
}

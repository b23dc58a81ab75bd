package dev.qnet.runtime.kernel;

/**
 * The k largest or smallest elements along an axis, in order, or their indices; of equals the one with the lower index
 * comes first. NaN is larger than all numbers.
 */
public final class TopK implements UnaryKernel {
    private static final int ORDER = 0;

    private final Kind kind;
    private final Axis axis;
    private final int k;
    private final boolean largest;
    private final boolean indices;

    private TopK(Kind kind, Axis axis, int k, boolean largest, boolean indices) {
        this.kind = kind;
        this.axis = axis;
        this.k = k;
        this.largest = largest;
        this.indices = indices;
    }

    /**
     * Plans.
     *
     * @param kind of the operand, any
     * @param shape its shape
     * @param axis the axis along which elements are compared
     * @param k how many are kept, at most the axis' extent
     * @param largest whether the largest are, or the smallest
     * @param indices whether the result is their indices, {@link Kind#S64}, or the elements
     */
    public static TopK of(Kind kind, int[] shape, int axis, int k, boolean largest, boolean indices) {
        Axis a = Axis.of(shape, axis);
        if (k < 1 || k > a.extent()) {
            throw new IllegalArgumentException("the first " + k + " of " + a.extent() + " elements");
        }
        return new TopK(kind, a, k, largest, indices);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int inner = axis.inner();
        for (int o = 0; o < axis.outer(); o++) {
            for (int i = 0; i < inner; i++) {
                line(banks, x + o * axis.extent() * inner + i, y + o * k * inner + i);
            }
        }
    }

    /** Insertion into a short sorted list: k is small against the axis, nearly always. */
    private void line(Banks b, int x, int y) {
        int[] order = b.ints(ORDER, k);
        int step = axis.inner();
        int used = 0;
        for (int i = 0; i < axis.extent(); i++) {
            if (used == k && !before(b, x, i, order[k - 1])) {
                continue;
            }
            int lo = 0;
            int hi = used;
            while (lo < hi) {
                int mid = (lo + hi) >>> 1;
                if (before(b, x, i, order[mid])) {
                    hi = mid;
                } else {
                    lo = mid + 1;
                }
            }
            int kept = Math.min(used, k - 1);
            System.arraycopy(order, lo, order, lo + 1, kept - lo);
            order[lo] = i;
            used = kept + 1;
        }
        if (indices) {
            for (int i = 0; i < k; i++) {
                b.longs[y + i * step] = order[i];
            }
        } else {
            Object bank = b.of(kind);
            for (int i = 0; i < k; i++) {
                Copy.copyRun(bank, x + order[i] * step, y + i * step, 1);
            }
        }
    }

    /** Whether element i, the later one, comes in front of element j. */
    private boolean before(Banks b, int x, int i, int j) {
        int p = x + i * axis.inner();
        int q = x + j * axis.inner();
        if (kind == Kind.F32) {
            float u = b.floats[p];
            float v = b.floats[q];
            return largest
                    ? u > v || (Float.isNaN(u) && !Float.isNaN(v))
                    : u < v || (Float.isNaN(v) && !Float.isNaN(u));
        }
        long u = kind == Kind.S64 ? b.longs[p] : Rows.one(b, kind, p);
        long v = kind == Kind.S64 ? b.longs[q] : Rows.one(b, kind, q);
        return largest ? u > v : u < v;
    }
}

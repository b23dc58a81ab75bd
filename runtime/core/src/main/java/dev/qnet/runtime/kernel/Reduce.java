package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Sum, product, least or largest of plain numbers over axes. Of singles in double, in ascending row-major order, rounded
 * once, and NaN wins; of integers wrapping around at the kind's width.
 */
public final class Reduce extends Reduction.Kernel {
    /** The functions of many numbers; of none they give 0, 1, and the largest and least number. */
    public enum Fn {
        SUM,
        PROD,
        MIN,
        MAX
    }

    private static final int ROW = 0;
    private static final int RESULTS = 1;

    private final Fn fn;
    private final Kind kind;
    private final Operand operand;
    private final boolean truth;
    private final Reduction reduction;

    private Reduce(Fn fn, Kind kind, boolean truth, Reduction reduction) {
        this.fn = fn;
        this.kind = kind;
        this.truth = truth;
        this.reduction = reduction;
        operand = Operand.plain(kind == Kind.F32 ? Kind.S32 : kind);
    }

    /**
     * Plans.
     *
     * @param kind of the operand and the result
     * @param truth whether they are truth values: a result other than 0 is 1 then
     * @param shape the operand's shape
     * @param axes the axes reduced over; whether they are kept with extent 1 makes no difference here
     */
    public static Reduce of(Fn fn, Kind kind, boolean truth, int[] shape, int[] axes) {
        return new Reduce(fn, kind, truth, Reduction.of(shape, axes));
    }

    @Override
    public void run(Banks banks, int x, int y) {
        int n = reduction.results();
        if (kind == Kind.F32) {
            double[] r = banks.doubles(0, n);
            double first = switch (fn) {
                case SUM -> 0;
                case PROD -> 1;
                case MIN -> Double.POSITIVE_INFINITY;
                case MAX -> Double.NEGATIVE_INFINITY;
            };
            Arrays.fill(r, 0, n, first);
            reduction.run(this, banks, x, 0);
            for (int i = 0; i < n; i++) {
                banks.floats[y + i] = (float) r[i];
            }
            return;
        }
        long[] r = banks.longs(RESULTS, n);
        long first = switch (fn) {
            case SUM -> 0;
            case PROD -> 1;
            case MIN -> truth ? 1 : kind.max();
            case MAX -> kind.min();
        };
        Arrays.fill(r, 0, n, first);
        reduction.run(this, banks, x, 0);
        if (truth) {
            Rows.truth(r, n);
        }
        Rows.store(banks, kind, y, r, n);
    }

    @Override
    void row(Banks b, int x, int y, int yStep, int n) {
        if (kind == Kind.F32) {
            floats(b, x, y, yStep, n);
        } else {
            integers(b, x, y, yStep, n);
        }
    }

    private void floats(Banks b, int x, int y, int yStep, int n) {
        double[] r = b.doubles(0, 0);
        float[] a = b.floats;
        if (yStep == 0) {
            r[y] = floats(fn, r[y], a, x, n);
            return;
        }
        switch (fn) {
            case SUM -> {
                for (int i = 0; i < n; i++) {
                    r[y + i] += a[x + i];
                }
            }
            case PROD -> {
                for (int i = 0; i < n; i++) {
                    r[y + i] *= a[x + i];
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    r[y + i] = Math.min(r[y + i], a[x + i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    r[y + i] = Math.max(r[y + i], a[x + i]);
                }
            }
        }
    }

    /** Takes n singles into one result. */
    private static double floats(Fn fn, double r, float[] a, int x, int n) {
        switch (fn) {
            case SUM -> {
                for (int i = 0; i < n; i++) {
                    r += a[x + i];
                }
            }
            case PROD -> {
                for (int i = 0; i < n; i++) {
                    r *= a[x + i];
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    r = Math.min(r, a[x + i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    r = Math.max(r, a[x + i]);
                }
            }
        }
        return r;
    }

    private void integers(Banks b, int x, int y, int yStep, int n) {
        long[] a = b.longs(ROW, Rows.CHUNK);
        long[] r = b.longs(RESULTS, 0);
        Rows.load(b, operand, x, 1, a, n);
        switch (fn) {
            case SUM -> {
                for (int i = 0; i < n; i++) {
                    r[y + i * yStep] += a[i];
                }
            }
            case PROD -> {
                for (int i = 0; i < n; i++) {
                    r[y + i * yStep] *= a[i];
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    r[y + i * yStep] = Math.min(r[y + i * yStep], a[i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    r[y + i * yStep] = Math.max(r[y + i * yStep], a[i]);
                }
            }
        }
    }
}

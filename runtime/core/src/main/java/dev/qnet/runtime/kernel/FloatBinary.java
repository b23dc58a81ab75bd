package dev.qnet.runtime.kernel;

/** One f32 operation of two operands, broadcast. */
public final class FloatBinary implements BinaryKernel {
    /** The functions of two numbers. */
    public enum Fn {
        ADD,
        SUB,
        MUL,
        DIV,
        /** In double, as {@link StrictMath#pow}, rounded once. */
        POW,
        /** NaN if either is; −0 below +0. */
        MIN,
        /** As {@link #MIN}. */
        MAX,
        /** The remainder of the quotient truncated towards 0: C's fmod. */
        MOD
    }

    private final Fn fn;
    private final Broadcast shape;

    /** Made once, so that running allocates nothing. */
    private final Broadcast.Row row = this::row;

    private FloatBinary(Fn fn, Broadcast shape) {
        this.fn = fn;
        this.shape = shape;
    }

    /** Plans. */
    public static FloatBinary of(Backend backend, Fn fn, int[] xShape, int[] yShape) {
        return new FloatBinary(fn, Broadcast.of(xShape, yShape, false));
    }

    @Override
    public void run(Banks banks, int x, int y, int z) {
        shape.run(row, banks, x, y, z);
    }

    private void row(Banks b, int x, int xStep, int y, int yStep, int z, int n, int channel) {
        float[] a = b.floats;
        switch (fn) {
            case ADD -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = a[x + i * xStep] + a[y + i * yStep];
                }
            }
            case SUB -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = a[x + i * xStep] - a[y + i * yStep];
                }
            }
            case MUL -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = a[x + i * xStep] * a[y + i * yStep];
                }
            }
            case DIV -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = a[x + i * xStep] / a[y + i * yStep];
                }
            }
            case POW -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = (float) StrictMath.pow(a[x + i * xStep], a[y + i * yStep]);
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = Math.min(a[x + i * xStep], a[y + i * yStep]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = Math.max(a[x + i * xStep], a[y + i * yStep]);
                }
            }
            case MOD -> {
                for (int i = 0; i < n; i++) {
                    a[z + i] = a[x + i * xStep] % a[y + i * yStep];
                }
            }
        }
    }
}

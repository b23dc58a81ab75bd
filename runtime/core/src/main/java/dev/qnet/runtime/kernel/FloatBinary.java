package dev.qnet.runtime.kernel;

/** One f32 operation of two operands, broadcast. */
public final class FloatBinary extends Broadcast.Kernel {
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

    private final Loops loops;
    private final Fn fn;

    private FloatBinary(Loops loops, Fn fn, Broadcast shape) {
        super(shape);
        this.loops = loops;
        this.fn = fn;
    }

    /** Plans. */
    public static FloatBinary of(Backend backend, Fn fn, int[] xShape, int[] yShape) {
        return new FloatBinary(backend.loops(), fn, Broadcast.repeating(xShape, yShape));
    }

    @Override
    void row(Banks b, int x, int xStep, int y, int yStep, int z, int n, int channel) {
        float[] p = row(b, x, xStep, 0, n);
        float[] q = row(b, y, yStep, 1, n);
        loops.combine(fn, p, xStep == 1 ? x : 0, q, yStep == 1 ? y : 0, b.floats, z, n);
    }

    /** Where n singles of an operand lie: in the bank, or in scratch where some are repeated. */
    private static float[] row(Banks b, int at, int step, int slot, int n) {
        if (step == 1) {
            return b.floats;
        }
        float[] a = b.floats(slot, Rows.CHUNK);
        int k = Math.max(1, -step);
        System.arraycopy(b.floats, at, a, 0, k);
        Rows.repeat(a, 0, k, n);
        return a;
    }
}

package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/** Product of two operands, broadcast: {@code (x − zx)·(y − zy)}. */
public final class Mul extends Broadcast.Kernel {
    private final Loops loops;
    private final Operand x;
    private final Operand y;
    private final Output out;

    /** Null for other products than of bytes to bytes. */
    private final @Nullable MulSpec bytes;

    private Mul(Loops loops, Operand x, Operand y, Output out, Broadcast shape) {
        super(shape);
        this.loops = loops;
        this.x = x;
        this.y = y;
        this.out = out;
        bytes = MulSpec.of(x, y, out);
    }

    /**
     * Plans.
     *
     * @param x the first operand's element
     * @param xShape its shape
     * @param y the second operand's element
     * @param yShape its shape
     * @param out what becomes of the products
     */
    public static Mul of(Backend backend, Operand x, int[] xShape, Operand y, int[] yShape, Output out) {
        int[] z = Broadcast.shape(xShape, yShape);
        Rescale.checkChannels(out.rescale(), z.length == 0 ? 1 : z[z.length - 1]);
        Broadcast shape = out.perChannel() ? Broadcast.of(xShape, yShape, true) : Broadcast.repeating(xShape, yShape);
        return new Mul(backend.loops(), x, y, out, shape);
    }

    @Override
    void row(Banks b, int xAt, int xStep, int yAt, int yStep, int zAt, int n, int channel) {
        if (out.wide() || !x.kind().fitsInt() || !y.kind().fitsInt()) {
            wideRow(b, xAt, xStep, yAt, yStep, zAt, n, channel);
            return;
        }
        if (bytes != null) {
            byte[] repeated = xStep == 1 && yStep == 1 ? b.bytes : b.byteScratch(2 * Rows.CHUNK);
            loops.multiply(
                    bytes,
                    b,
                    Rows.bytes(b, xAt, xStep, repeated, 0, n),
                    xStep == 1 ? xAt : 0,
                    Rows.bytes(b, yAt, yStep, repeated, Rows.CHUNK, n),
                    yStep == 1 ? yAt : Rows.CHUNK,
                    zAt,
                    n);
            return;
        }
        int[] p = b.ints(0, Rows.CHUNK);
        int[] q = b.ints(1, Rows.CHUNK);
        loops.load(b, x, xAt, xStep, p, n);
        loops.load(b, y, yAt, yStep, q, n);
        loops.combine(IntBinary.Fn.MUL, p, 0, q, 0, n);
        out.store(loops, b, zAt, p, 0, n, channel);
    }

    private void wideRow(Banks b, int xAt, int xStep, int yAt, int yStep, int zAt, int n, int channel) {
        long[] p = b.longs(0, Rows.CHUNK);
        long[] q = b.longs(1, Rows.CHUNK);
        Rows.load(b, x, xAt, xStep, p, n);
        Rows.load(b, y, yAt, yStep, q, n);
        for (int i = 0; i < n; i++) {
            p[i] *= q[i];
        }
        out.storeExact(loops, b, zAt, p, n, channel);
    }
}

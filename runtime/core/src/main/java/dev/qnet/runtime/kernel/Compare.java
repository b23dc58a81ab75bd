package dev.qnet.runtime.kernel;

/** A relation of two operands of one kind, broadcast → truth values, {@link Kind#U8} of 0 and 1. */
public final class Compare extends Broadcast.Kernel {
    /** The relations; NaN is unequal to all and in no order. */
    public enum Fn {
        EQ,
        NE,
        LT,
        LE,
        GT,
        GE
    }

    private final Fn fn;
    private final Kind kind;
    private final Operand operand;

    private Compare(Fn fn, Kind kind, Broadcast shape) {
        super(shape);
        this.fn = fn;
        this.kind = kind;
        operand = Operand.plain(kind == Kind.F32 ? Kind.S32 : kind);
    }

    /** Plans, for operands of any kind. */
    public static Compare of(Fn fn, Kind kind, int[] xShape, int[] yShape) {
        return new Compare(fn, kind, Broadcast.of(xShape, yShape, false));
    }

    @Override
    void row(Banks b, int xAt, int xStep, int yAt, int yStep, int zAt, int n, int channel) {
        if (kind == Kind.F32) {
            floats(b.floats, xAt, xStep, yAt, yStep, b.bytes, zAt, n);
            return;
        }
        long[] x = b.longs(0, Rows.CHUNK);
        long[] y = b.longs(1, Rows.CHUNK);
        Rows.load(b, operand, xAt, xStep, x, n);
        Rows.load(b, operand, yAt, yStep, y, n);
        for (int i = 0; i < n; i++) {
            boolean holds = switch (fn) {
                case EQ -> x[i] == y[i];
                case NE -> x[i] != y[i];
                case LT -> x[i] < y[i];
                case LE -> x[i] <= y[i];
                case GT -> x[i] > y[i];
                case GE -> x[i] >= y[i];
            };
            b.bytes[zAt + i] = (byte) (holds ? 1 : 0);
        }
    }

    private void floats(float[] a, int xAt, int xStep, int yAt, int yStep, byte[] to, int zAt, int n) {
        for (int i = 0; i < n; i++) {
            float x = a[xAt + i * xStep];
            float y = a[yAt + i * yStep];
            boolean holds = switch (fn) {
                case EQ -> x == y;
                case NE -> x != y;
                case LT -> x < y;
                case LE -> x <= y;
                case GT -> x > y;
                case GE -> x >= y;
            };
            to[zAt + i] = (byte) (holds ? 1 : 0);
        }
    }
}

package dev.qnet.runtime.kernel;

import dev.qnet.runtime.ModelException;

/** One operation of two plain integers of one kind, broadcast; results wrap around at the kind's width. */
public final class IntBinary extends Broadcast.Kernel {
    /** The functions of two numbers. */
    public enum Fn {
        ADD,
        SUB,
        MUL,
        /** Truncated towards 0; an error for a divisor of 0. */
        DIV,
        MIN,
        MAX,
        /** 0 for a negative exponent, unless the base is 1 or −1. */
        POW,
        /** {@code x − y·⌊x/y⌋}; an error for a divisor of 0. */
        MOD,
        AND,
        OR,
        XOR
    }

    private static final int X = 0;
    private static final int Y = 1;

    private final Loops loops;
    private final Fn fn;
    private final Operand operand;
    private final boolean truth;
    private final String name;

    /** Whether ints do: the lowest bits of results are those of wider ones. */
    private final boolean narrow;

    private IntBinary(Loops loops, Fn fn, Kind kind, boolean truth, Broadcast shape, String name) {
        super(shape);
        this.loops = loops;
        this.fn = fn;
        this.truth = truth;
        this.name = name;
        operand = Operand.plain(kind);
        narrow = kind.fitsInt()
                && !truth
                && switch (fn) {
                    case ADD, SUB, MUL, MIN, MAX, AND, OR, XOR -> true;
                    case DIV, POW, MOD -> false;
                };
    }

    /**
     * Plans.
     *
     * @param kind of the operands and the result
     * @param truth whether they are truth values: a result other than 0 is 1 then
     * @param name the result's name, for errors
     */
    public static IntBinary of(
            Backend backend, Fn fn, Kind kind, boolean truth, int[] xShape, int[] yShape, String name) {
        return new IntBinary(backend.loops(), fn, kind, truth, Broadcast.repeating(xShape, yShape), name);
    }

    @Override
    void row(Banks b, int xAt, int xStep, int yAt, int yStep, int zAt, int n, int channel) {
        if (narrow) {
            int[] p = b.ints(X, Rows.CHUNK);
            loops.load(b, operand, xAt, xStep, p, n);
            if (operand.kind() == Kind.S32 && yStep == 1) {
                loops.combine(fn, p, 0, b.ints, yAt, n);
            } else {
                int[] q = b.ints(Y, Rows.CHUNK);
                loops.load(b, operand, yAt, yStep, q, n);
                loops.combine(fn, p, 0, q, 0, n);
            }
            loops.store(b, operand.kind(), zAt, p, 0, n);
            return;
        }
        long[] x = b.longs(X, Rows.CHUNK);
        long[] y = b.longs(Y, Rows.CHUNK);
        Rows.load(b, operand, xAt, xStep, x, n);
        Rows.load(b, operand, yAt, yStep, y, n);
        apply(x, y, n);
        if (truth) {
            Rows.truth(x, n);
        }
        Rows.store(b, operand.kind(), zAt, x, n);
    }

    private void apply(long[] x, long[] y, int n) {
        switch (fn) {
            case ADD -> {
                for (int i = 0; i < n; i++) {
                    x[i] += y[i];
                }
            }
            case SUB -> {
                for (int i = 0; i < n; i++) {
                    x[i] -= y[i];
                }
            }
            case MUL -> {
                for (int i = 0; i < n; i++) {
                    x[i] *= y[i];
                }
            }
            case DIV -> {
                for (int i = 0; i < n; i++) {
                    x[i] /= divisor(y[i]);
                }
            }
            case MIN -> {
                for (int i = 0; i < n; i++) {
                    x[i] = Math.min(x[i], y[i]);
                }
            }
            case MAX -> {
                for (int i = 0; i < n; i++) {
                    x[i] = Math.max(x[i], y[i]);
                }
            }
            case POW -> {
                for (int i = 0; i < n; i++) {
                    x[i] = power(x[i], y[i]);
                }
            }
            case MOD -> {
                for (int i = 0; i < n; i++) {
                    x[i] = Math.floorMod(x[i], divisor(y[i]));
                }
            }
            case AND -> {
                for (int i = 0; i < n; i++) {
                    x[i] &= y[i];
                }
            }
            case OR -> {
                for (int i = 0; i < n; i++) {
                    x[i] |= y[i];
                }
            }
            case XOR -> {
                for (int i = 0; i < n; i++) {
                    x[i] ^= y[i];
                }
            }
        }
    }

    private long divisor(long y) {
        if (y == 0) {
            throw new ModelException("'" + name + "' divides an integer by 0");
        }
        return y;
    }

    /** By squaring: wrapping products do not care for the order. */
    private static long power(long x, long y) {
        if (y < 0) {
            return x == 1 ? 1 : x == -1 ? ((y & 1) == 0 ? 1 : -1) : 0;
        }
        long result = 1;
        long square = x;
        for (long e = y; e != 0; e >>= 1) {
            if ((e & 1) != 0) {
                result *= square;
            }
            square *= square;
        }
        return result;
    }
}

package dev.qnet.runtime.kernel;

import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link StrictMath}'s exp and tanh in vectors, with the same bits: the operations of fdlibm (e_exp.c, s_expm1.c, s_tanh.c; Sun
 * Microsystems 1993), each rounded where it rounds, branches as blends. Where a lane leaves the range in which that holds,
 * {@link StrictMath} itself does the vector.
 *
 * <p>To reduce an argument x, fdlibm takes k = (int) (x/ln 2 ± 1/2), truncated, or 0 up to about ln(2)/2. Numbers below 2^51
 * are rounded by adding 2^52 and subtracting it; one less where that is above makes it truncation. With 1.5·2^52 added,
 * the lowest bits of a double are k's own.
 */
final class SimdMath {
    private static final VectorSpecies<Double> D =
            DoubleVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Simd.BITS));
    private static final VectorSpecies<Float> F = Simd.FLOATS;
    private static final int LANES = D.length();

    private static final double LN2_HI = 0x1.62e42feep-1;
    private static final double LN2_LO = 0x1.a39ef35793c76p-33;
    private static final double INV_LN2 = 0x1.71547652b82fep0;

    /** The least number whose upper half is above that of ln(2)/2. */
    private static final double HALF_LN2 = Double.longBitsToDouble(0x3fd62e43_00000000L);

    private static final double P1 = 0x1.555555555553ep-3;
    private static final double P2 = -0x1.6c16c16bebd93p-9;
    private static final double P3 = 0x1.1566aaf25de2cp-14;
    private static final double P4 = -0x1.bbd41c5d26bf1p-20;
    private static final double P5 = 0x1.6376972bea4d0p-25;

    private static final double Q1 = -0x1.11111111110f4p-5;
    private static final double Q2 = 0x1.a01a019fe5585p-10;
    private static final double Q3 = -0x1.4ce199eaadbb7p-14;
    private static final double Q4 = 0x1.0cfca86e65239p-18;
    private static final double Q5 = -0x1.afdb76e09c32dp-23;

    private static final double INTEGER = 0x1p52;
    private static final double BITS = 0x1.8p52;

    /** Where results are neither subnormal nor too large. */
    private static final double MOST = 700;

    /** Below it exp is 0, as far as doubles reach: masks of attention are. */
    private static final double NOTHING = -746;

    private SimdMath() {}

    /** As {@link Loops#exp}. */
    static void exp(double[] a, int n) {
        for (int i = 0; i < n; ) {
            i += vectors(a, i, n);
            for (int end = Math.min(n, i + LANES); i < end; i++) {
                a[i] = StrictMath.exp(a[i]);
            }
        }
    }

    /** Up to the first vector with a lane that is out of range. */
    static int vectors(double[] a, int at, int n) {
        if (n == 0) {
            return 0;
        }
        for (int i = at; i < n; i += LANES) {
            DoubleVector given = DoubleVector.fromArray(D, a, i);
            DoubleVector zero = DoubleVector.broadcast(D, 0.0);
            VectorMask<Double> nothing = given.compare(VectorOperators.LT, NOTHING);
            DoubleVector x = given.blend(zero, nothing);
            DoubleVector abs = x.lanewise(VectorOperators.ABS);
            if (!abs.compare(VectorOperators.LE, MOST).allTrue()) {
                return i - at;
            }
            LongVector sign = x.reinterpretAsLongs().lanewise(VectorOperators.AND, Long.MIN_VALUE);
            // |x|·(1/ln 2) + 1/2 rounds as the same of x, with its sign.
            DoubleVector w = abs.lanewise(VectorOperators.MUL, INV_LN2).lanewise(VectorOperators.ADD, 0.5);
            DoubleVector r = w.lanewise(VectorOperators.ADD, INTEGER).lanewise(VectorOperators.SUB, INTEGER);
            r = r.blend(r.lanewise(VectorOperators.SUB, 1.0), r.compare(VectorOperators.GT, w));
            r = r.blend(0.0, abs.compare(VectorOperators.LT, HALF_LN2));
            DoubleVector k =
                    r.reinterpretAsLongs().lanewise(VectorOperators.OR, sign).reinterpretAsDoubles();
            DoubleVector hi = x.lanewise(VectorOperators.SUB, k.lanewise(VectorOperators.MUL, LN2_HI));
            DoubleVector lo = k.lanewise(VectorOperators.MUL, LN2_LO);
            DoubleVector v = hi.lanewise(VectorOperators.SUB, lo);
            DoubleVector t = v.lanewise(VectorOperators.MUL, v);
            DoubleVector p = t.lanewise(VectorOperators.MUL, P5).lanewise(VectorOperators.ADD, P4);
            p = p.lanewise(VectorOperators.MUL, t).lanewise(VectorOperators.ADD, P3);
            p = p.lanewise(VectorOperators.MUL, t).lanewise(VectorOperators.ADD, P2);
            p = p.lanewise(VectorOperators.MUL, t).lanewise(VectorOperators.ADD, P1);
            DoubleVector c = v.lanewise(VectorOperators.SUB, p.lanewise(VectorOperators.MUL, t));
            DoubleVector two = DoubleVector.broadcast(D, 2.0).lanewise(VectorOperators.SUB, c);
            DoubleVector q = v.lanewise(VectorOperators.MUL, c).lanewise(VectorOperators.DIV, two);
            DoubleVector one = DoubleVector.broadcast(D, 1.0);
            // With k = 0, where fdlibm has 1 − (x·c/(c − 2) − x), it is the same: lo is 0 and hi is x.
            DoubleVector y = one.lanewise(
                    VectorOperators.SUB, lo.lanewise(VectorOperators.SUB, q).lanewise(VectorOperators.SUB, hi));
            LongVector e =
                    k.lanewise(VectorOperators.ADD, BITS).reinterpretAsLongs().lanewise(VectorOperators.LSHL, 52);
            y = y.reinterpretAsLongs().lanewise(VectorOperators.ADD, e).reinterpretAsDoubles();
            y.blend(one.lanewise(VectorOperators.ADD, x), abs.compare(VectorOperators.LT, 0x1p-28))
                    .blend(zero, nothing)
                    .intoArray(a, i);
        }
        return n - at;
    }

    /** As {@link Loops#tanh}. */
    static void tanh(double[] a, int n) {
        for (int i = 0; i < n; ) {
            i += hyperbolic(a, i, n);
            for (int end = Math.min(n, i + LANES); i < end; i++) {
                a[i] = StrictMath.tanh(a[i]);
            }
        }
    }

    /**
     * Up to the first vector with a NaN. With y = |x|, z = 2y from 1 on, −2y below, and m = expm1(z), the result is 1 − 2/(m + 2), or
     * −m/(m + 2). So k is 3 to 63, or −3 to 0.
     */
    static int hyperbolic(double[] a, int at, int n) {
        if (n == 0) {
            return 0;
        }
        DoubleVector one = DoubleVector.broadcast(D, 1.0);
        for (int i = at; i < n; i += LANES) {
            DoubleVector x = DoubleVector.fromArray(D, a, i);
            LongVector sign = x.reinterpretAsLongs().lanewise(VectorOperators.AND, Long.MIN_VALUE);
            DoubleVector abs = x.lanewise(VectorOperators.ABS);
            if (!abs.compare(VectorOperators.LE, Double.POSITIVE_INFINITY).allTrue()) {
                return i - at;
            }
            // From 22 on the result is 1; anything will do there.
            DoubleVector small = abs.blend(22.0, abs.compare(VectorOperators.GE, 22.0));
            DoubleVector z = small.lanewise(VectorOperators.ADD, small);
            DoubleVector w = z.lanewise(VectorOperators.MUL, INV_LN2).lanewise(VectorOperators.ADD, 0.5);
            DoubleVector r = w.lanewise(VectorOperators.ADD, INTEGER).lanewise(VectorOperators.SUB, INTEGER);
            r = r.blend(r.lanewise(VectorOperators.SUB, 1.0), r.compare(VectorOperators.GT, w));
            r = r.blend(0.0, z.compare(VectorOperators.LT, HALF_LN2));
            // Below 1 the argument is negative, and so is k.
            LongVector minus = abs.lanewise(VectorOperators.SUB, 1.0)
                    .reinterpretAsLongs()
                    .lanewise(VectorOperators.AND, Long.MIN_VALUE);
            DoubleVector k =
                    r.reinterpretAsLongs().lanewise(VectorOperators.OR, minus).reinterpretAsDoubles();
            DoubleVector hi = z.reinterpretAsLongs()
                    .lanewise(VectorOperators.OR, minus)
                    .reinterpretAsDoubles()
                    .lanewise(VectorOperators.SUB, k.lanewise(VectorOperators.MUL, LN2_HI));
            DoubleVector lo = k.lanewise(VectorOperators.MUL, LN2_LO);
            DoubleVector v = hi.lanewise(VectorOperators.SUB, lo);
            DoubleVector c = hi.lanewise(VectorOperators.SUB, v).lanewise(VectorOperators.SUB, lo);
            DoubleVector half = v.lanewise(VectorOperators.MUL, 0.5);
            DoubleVector s = v.lanewise(VectorOperators.MUL, half);
            DoubleVector p = s.lanewise(VectorOperators.MUL, Q5).lanewise(VectorOperators.ADD, Q4);
            p = p.lanewise(VectorOperators.MUL, s).lanewise(VectorOperators.ADD, Q3);
            p = p.lanewise(VectorOperators.MUL, s).lanewise(VectorOperators.ADD, Q2);
            p = p.lanewise(VectorOperators.MUL, s).lanewise(VectorOperators.ADD, Q1);
            p = p.lanewise(VectorOperators.MUL, s).lanewise(VectorOperators.ADD, 1.0);
            DoubleVector t =
                    DoubleVector.broadcast(D, 3.0).lanewise(VectorOperators.SUB, p.lanewise(VectorOperators.MUL, half));
            DoubleVector six =
                    DoubleVector.broadcast(D, 6.0).lanewise(VectorOperators.SUB, v.lanewise(VectorOperators.MUL, t));
            DoubleVector e = p.lanewise(VectorOperators.SUB, t)
                    .lanewise(VectorOperators.DIV, six)
                    .lanewise(VectorOperators.MUL, s);
            // With k = 0, c is 0, and this is x·e − s.
            e = e.lanewise(VectorOperators.SUB, c)
                    .lanewise(VectorOperators.MUL, v)
                    .lanewise(VectorOperators.SUB, c)
                    .lanewise(VectorOperators.SUB, s);
            DoubleVector d = v.lanewise(VectorOperators.SUB, e);
            LongVector bits =
                    k.lanewise(VectorOperators.ADD, BITS).reinterpretAsLongs().lanewise(VectorOperators.LSHL, 52);
            // 2^-k
            DoubleVector power =
                    one.reinterpretAsLongs().lanewise(VectorOperators.SUB, bits).reinterpretAsDoubles();
            // Up to −2 and above 56: (1 + d)·2^k − 1. From 2 to 19: (1 − 2^-k + d)·2^k. To 56: (v − (e + 2^-k) +
            // 1)·2^k.
            DoubleVector y = one.blend(
                            one.lanewise(VectorOperators.SUB, power),
                            k.compare(VectorOperators.GT, 0.0).and(k.compare(VectorOperators.LT, 20.0)))
                    .lanewise(VectorOperators.ADD, d);
            DoubleVector middle = v.lanewise(VectorOperators.SUB, e.lanewise(VectorOperators.ADD, power))
                    .lanewise(VectorOperators.ADD, 1.0);
            y = y.blend(middle, k.compare(VectorOperators.GE, 20.0).and(k.compare(VectorOperators.LE, 56.0)));
            y = y.reinterpretAsLongs().lanewise(VectorOperators.ADD, bits).reinterpretAsDoubles();
            y = y.blend(
                    y.lanewise(VectorOperators.SUB, 1.0),
                    k.compare(VectorOperators.LT, 0.0).or(k.compare(VectorOperators.GT, 56.0)));
            y = y.blend(
                    d.lanewise(VectorOperators.MUL, 0.5).lanewise(VectorOperators.SUB, 0.5),
                    k.compare(VectorOperators.EQ, -1.0));
            y = y.blend(d, k.compare(VectorOperators.EQ, 0.0));
            DoubleVector under = y.lanewise(VectorOperators.ADD, 2.0);
            DoubleVector above = DoubleVector.broadcast(D, 2.0);
            above = y.lanewise(VectorOperators.NEG).blend(above, abs.compare(VectorOperators.GE, 1.0));
            DoubleVector q = above.lanewise(VectorOperators.DIV, under);
            q = q.blend(one.lanewise(VectorOperators.SUB, q), abs.compare(VectorOperators.GE, 1.0));
            q = q.blend(one, abs.compare(VectorOperators.GE, 22.0));
            // Of 0 it has either sign.
            q.lanewise(VectorOperators.ABS)
                    .reinterpretAsLongs()
                    .lanewise(VectorOperators.OR, sign)
                    .reinterpretAsDoubles()
                    .intoArray(a, i);
        }
        return n - at;
    }

    /** As {@link Loops#largest(float[], int, int)}. */
    static float largest(float[] a, int at, int n) {
        float max = Float.NEGATIVE_INFINITY;
        int i = 0;
        if (n >= F.length()) {
            max = vectors(a, at, n);
            i = n / F.length() * F.length();
        }
        for (; i < n; i++) {
            max = Math.max(max, a[at + i]);
        }
        return max;
    }

    static float vectors(float[] a, int at, int n) {
        if (n == 0) {
            return 0;
        }
        FloatVector max = FloatVector.fromArray(F, a, at);
        for (int i = F.length(); i + F.length() <= n; i += F.length()) {
            max = FloatVector.fromArray(F, a, at + i).lanewise(VectorOperators.MAX, max);
        }
        return max.reduceLanes(VectorOperators.MAX);
    }
}

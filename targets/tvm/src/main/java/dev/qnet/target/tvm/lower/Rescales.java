package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.bitAnd;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.f32;
import static dev.qnet.target.tvm.tir.Tir.imm;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.max;
import static dev.qnet.target.tvm.tir.Tir.min;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.roundEven;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.shl;
import static dev.qnet.target.tvm.tir.Tir.shr;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Tir;
import java.util.List;
import java.util.function.ToLongFunction;

/** How an accumulator becomes a code under each rounding contract: docs/numerics.md, "Requantize". */
final class Rescales {
    /** Beyond every code, and far enough from the end of 64 bits for sums. */
    private static final long FAR = 1L << 40;

    private final Layer layer;
    private final Rounding rounding;
    private final List<Scale> scales;
    private final boolean wide;

    // Constants of the contract at a channel; each is a table in the function, or a number where all channels agree.
    private final Value multiplier;
    private final Value left;
    private final Value right;
    private final Value half;
    private final Value factor;

    /** A constant that may differ from channel to channel. */
    @FunctionalInterface
    private interface Value {
        Expr at(Expr channel);
    }

    private Rescales(Layer layer, String name, Rounding rounding, List<Scale> scales, boolean wide) {
        this.layer = layer;
        this.rounding = rounding;
        this.scales = scales;
        this.wide = wide;
        if (!rounding.fixedPoint()) {
            factor = factors(name + "_factor");
            multiplier = left = right = half = c -> wide(c, 0);
            return;
        }
        factor = c -> each(c, f32(1));
        if (wide) {
            multiplier = integers(
                    name + "_multiplier",
                    s -> s.multiplier() < 0x7FFF0000 ? (s.multiplier() + (1 << 15)) >> 16 : 0x7FFF);
            left = half = c -> wide(c, 0);
            right = integers(name + "_shift", s -> 14 - s.shift());
            return;
        }
        multiplier = integers(name + "_multiplier", Scale.Fixed::multiplier);
        if (rounding == Rounding.TFLITE) {
            left = integers(name + "_left", s -> Math.max(s.shift(), 0));
            right = integers(name + "_right", s -> Math.max(-s.shift(), 0));
            half = halves(name, s -> s.shift() < 0 ? 1L << (-s.shift() - 1) : 0);
        } else {
            left = c -> wide(c, 0);
            right = integers(name + "_shift", s -> 31 - s.shift());
            half = halves(name, s -> 1L << (30 - s.shift()));
        }
    }

    /**
     * Prepares a rescale in a layer.
     *
     * @param name what its tables are called
     * @param accBits the declared width of the accumulator
     */
    static Rescales of(Layer layer, String name, Rescale r, int accBits) {
        return new Rescales(layer, name, r.rounding(), r.scales(), accBits == 64);
    }

    /** As {@link #of(Layer, String, Rescale, int)}, of a single scale and a 32-bit accumulator. */
    static Rescales of(Layer layer, String name, Rounding rounding, Scale scale) {
        return new Rescales(layer, name, rounding, List.of(scale), false);
    }

    /** Whether the channel matters. */
    boolean perChannel() {
        return scales.size() > 1;
    }

    /** A number of 64 bits in as many lanes as a channel has. */
    private static Expr wide(Expr channel, long value) {
        return imm(lanes(DataType.INT64, channel), value);
    }

    private static Expr each(Expr channel, Expr value) {
        int lanes = channel.type().lanes();
        return lanes == 1 ? value : new Expr.Broadcast(value, lanes);
    }

    /** {@code clamp(scale_c(acc) + zero, lo, hi)}, in 32 bits; the accumulator and the channel may be vectors. */
    Expr code(Expr acc, Expr channel, int zero, int lo, int hi) {
        if (!rounding.fixedPoint()) {
            Expr scaled = mul(cast(lanes(DataType.FLOAT32, acc), acc), factor.at(channel));
            return rounded(scaled, zero, lo, hi);
        }
        Expr y = clamp(add(scale(acc, channel), zero), lo, hi);
        return cast(lanes(DataType.INT32, acc), y);
    }

    private static DataType lanes(DataType type, Expr as) {
        return type.vector(as.type().lanes());
    }

    /**
     * A real number, not NaN, rounded half to even, and moved and limited as a code.
     */
    static Expr rounded(Expr real, int zero, int lo, int hi) {
        Expr r = roundEven(real);
        long from = (long) lo - zero;
        long to = (long) hi - zero;
        boolean exact = Math.abs(from) <= 1 << 24 && Math.abs(to) <= 1 << 24;
        Expr x = exact ? r : cast(lanes(DataType.FLOAT64, r), r);
        Expr limited = min(max(x, Tir.imm(x.type(), from)), Tir.imm(x.type(), to));
        return cast(
                lanes(DataType.INT32, real),
                add(cast(lanes(exact ? DataType.INT32 : DataType.INT64, real), limited), zero));
    }

    /** {@code scale_c(acc)} in 64 bits, for the contracts in fixed point. What is beyond every code may differ. */
    Expr scale(Expr acc, Expr channel) {
        Expr a = cast(lanes(DataType.INT64, acc), acc);
        if (wide) {
            return wide(a, channel);
        }
        Expr m = multiplier.at(channel);
        if (rounding == Rounding.TOSA) {
            return shr(add(mul(a, m), half.at(channel)), right.at(channel));
        }
        // A rounding doubling high multiply of gemmlowp is a product rounded half up, as m is not negative.
        Expr shifted = clamp(shl(a, left.at(channel)), Integer.MIN_VALUE, Integer.MAX_VALUE);
        Expr high = shr(add(mul(shifted, m), 1L << 30), 31);
        Expr n = right.at(channel);
        if (Tir.isZero(n)) {
            return high;
        }
        // Ties away from zero: below 0 one less before the shift, unless there is no shift.
        Expr below = bitAnd(shr(high, 63), min(n, imm(n.type(), 1)));
        return shr(sub(add(high, half.at(channel)), below), n);
    }

    /**
     * {@code ((a·m >> n) + 1) >> 1} for a of 64 bits and m of 15, n from −16 to 45. Two ways, so that no product overflows: for
     * n of 16 and more a is taken in two parts, for less a beyond ±2^31 gives what is beyond every code.
     */
    private Expr wide(Expr a, Expr channel) {
        Expr m = multiplier.at(channel);
        Expr n = right.at(channel);
        Expr lowPart = shr(mul(bitAnd(a, imm(a.type(), 0xFFFF)), m), 16);
        Expr parts = shr(add(mul(shr(a, 16), m), lowPart), max(sub(n, 16), imm(n.type(), 0)));
        Expr near = mul(clamp(a, -(1L << 31), 1L << 31), m);
        Expr none = imm(n.type(), 0);
        Expr whole = shr(shl(near, max(sub(none, n), none)), max(n, none));
        Expr y = select(Tir.ge(n, imm(n.type(), 16)), parts, whole);
        return shr(add(clamp(y, -FAR, FAR), 1), 1);
    }

    /** Half of what the shift to the right divides by: a table, or, in plain loops, made of the shift to save its 64 bits. */
    private Value halves(String name, ToLongFunction<Scale.Fixed> of) {
        boolean made = layer.isa() == Isa.PLAIN && perChannel();
        return made ? c -> shr(shl(wide(c, 1), right.at(c)), 1) : integers(name + "_half", of);
    }

    private Value integers(String name, ToLongFunction<Scale.Fixed> of) {
        long[] values = scales.stream()
                .mapToLong(s -> switch (s) {
                    case Scale.Fixed f -> of.applyAsLong(f);
                    case Scale.Real r -> throw new IllegalArgumentException("expected fixed point, found " + r);
                })
                .toArray();
        if (java.util.Arrays.stream(values).distinct().count() == 1) {
            return c -> wide(c, values[0]);
        }
        Buffer table = layer.table(name, values);
        return c -> cast(lanes(DataType.INT64, c), load(table, c));
    }

    private Value factors(String name) {
        float[] values = new float[scales.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = switch (scales.get(i)) {
                case Scale.Real r -> r.factor();
                case Scale.Fixed f -> throw new IllegalArgumentException("expected a factor, found " + f);
            };
        }
        if (values.length == 1) {
            return c -> each(c, f32(values[0]));
        }
        Buffer table = layer.table(name, values);
        return c -> load(table, c);
    }
}

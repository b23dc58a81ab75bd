package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or a dense layer of codes and known codes, with its bias.
 *
 * @param op the float operation
 * @param x codes
 * @param w known codes, channels first
 * @param weights their numbers, centred, [channels][products]
 * @param unit what 1 of an accumulator stands for in each channel
 * @param bias real numbers, one a channel, or null
 */
@SuppressWarnings("ArrayRecordComponent") // made and read at once, never compared
record LinearProduct(
        Op op,
        ValueId x,
        Quant input,
        ValueId w,
        Quant weight,
        long[][] weights,
        double[] unit,
        double @Nullable [] bias) {
    /** How far a bias may lie from a whole number of the accumulator's units and count as one. */
    private static final double BIAS_SLACK = 1.0 / 256;

    int channels() {
        return weights.length;
    }

    /** The bias in units of the accumulator, or null where it is no whole number of them. */
    long @Nullable [] whole() {
        long[] whole = new long[channels()];
        if (bias != null) {
            for (int c = 0; c < whole.length; c++) {
                double units = bias[c] / unit[c];
                if (!(Math.abs(units - Math.rint(units)) <= BIAS_SLACK) || Math.abs(units) > 1L << 40) {
                    return null;
                }
                whole[c] = (long) Math.rint(units);
            }
        }
        return whole;
    }

    /** The least (or the most) that an accumulator can be, without its bias. */
    long[] bound(boolean most) {
        int z = input.perTensor().zero();
        long lo = (long) input.lo() - z;
        long hi = (long) input.hi() - z;
        long[] bound = new long[channels()];
        boolean padded = op instanceof FloatOp.Conv2d k
                && k.window().top()
                                + k.window().left()
                                + k.window().bottom()
                                + k.window().right()
                        > 0;
        if (padded) {
            lo = Math.min(lo, 0);
            hi = Math.max(hi, 0);
        }
        for (int c = 0; c < bound.length; c++) {
            for (long v : weights[c]) {
                bound[c] += most ? Math.max(v * lo, v * hi) : Math.min(v * lo, v * hi);
            }
        }
        return bound;
    }

    Op integer(Element.Int acc, @Nullable Rescale rescale) {
        return switch (op) {
            case FloatOp.Conv2d k -> new IntOp.Conv2d(k.window(), k.groups(), acc, rescale);
            case FloatOp.Dense k -> new IntOp.Dense(acc, rescale);
            default -> throw new IllegalStateException("no product: " + op);
        };
    }

    private LinearProduct with(double[] other) {
        return new LinearProduct(op, x, input, w, weight, weights, unit, other);
    }

    /** A product, or a product plus a known number for each channel. */
    static @Nullable LinearProduct of(Node d, Rewrite to) {
        if (d.op() instanceof FloatOp.Binary b && b.fn() == FloatOp.Binary.Fn.ADD) {
            Step s = Step.of(d, to);
            Node p = s == null ? null : to.definition(d.operand(s.variable()));
            if (s == null || p == null || p.operands().size() != 2) {
                return null;
            }
            LinearProduct l = of(p, to);
            // The bias has to be the product's own kind of number: adding anything else rounds in between.
            if (l == null || l.bias() != null) {
                return null;
            }
            double[] bias = l.biasOf(s.known().getFirst(), d.operand(1 - s.variable()), to);
            LinearProduct sum = l.with(bias);
            return sum.whole() == null ? null : sum;
        }
        if (!(d.op() instanceof FloatOp.Conv2d) && !(d.op() instanceof FloatOp.Dense)) {
            return null;
        }
        Quant x = to.activation(d.operand(0));
        ValueId w = to.codes(d.operand(1));
        if (x == null || w == null || !(to.constant(w) instanceof Tensor.OfInt t)) {
            return null;
        }
        ValueId in = to.codesOf(d.operand(0));
        Quant q = to.type(w).quant();
        boolean fits = switch (q.scheme()) {
            case Scheme.PerTensor s -> true;
            case Scheme.PerAxis a -> a.axis() == 0;
            case Scheme.PerGroup g -> false;
        };
        if (!fits || q.storage().bits() > 16 || to.constant(in) != null) {
            return null;
        }
        int channels = t.shape().dim(0);
        int row = channels == 0 ? 0 : t.values().length / channels;
        long[][] weights = new long[channels][row];
        double[] unit = new double[channels];
        for (int c = 0; c < channels; c++) {
            for (int i = 0; i < row; i++) {
                weights[c][i] = (long) t.values()[c * row + i] - q.scheme().channelZero(c);
            }
            unit[c] = (double) x.perTensor().scale() * q.scheme().channelScale(c);
        }
        LinearProduct l = new LinearProduct(d.op(), in, x, w, q, weights, unit, null);
        if (d.operands().size() < 3) {
            return l;
        }
        float[] bias = to.reals(d.operand(2));
        return bias == null ? null : l.with(l.biasOf(bias, d.operand(2), to));
    }

    /** A bias; exact where it is i32 codes in the accumulator's own scale. */
    private double[] biasOf(float[] bias, ValueId from, Rewrite to) {
        double[] b = new double[channels()];
        ValueId codes = to.codes(from);
        Quant q = codes == null ? null : to.type(codes).quant();
        int[] given = codes != null && to.constant(codes) instanceof Tensor.OfInt t ? t.values() : null;
        for (int c = 0; c < b.length; c++) {
            int i = bias.length == 1 ? 0 : c;
            b[c] = bias[i];
            if (q != null && given != null && q.storage() == Storage.I32) {
                int z = q.scheme().channelZero(i);
                float s = q.scheme().channelScale(i);
                // A scale that is the product of the others, but for its rounding, is that product.
                boolean own = Math.abs(s / unit[c] - 1) < 0x1p-20;
                b[c] = ((double) given[i] - z) * (own ? unit[c] : s);
            }
        }
        return b;
    }

    /** The bias as an operand, if it is any. */
    Optional<ValueId> biasOperand(long[] whole, Rewrite to) {
        if (bias == null || Arrays.stream(whole).allMatch(b -> b == 0)) {
            return Optional.empty();
        }
        Tensor t = Tensor.OfLong.of(Shape.of(whole.length), whole);
        Element e = t instanceof Tensor.OfLong ? Element.INT64 : Element.INT32;
        return Optional.of(to.constant(t, e));
    }

    /** What holds the sums with a bias, or null where nothing surely does. */
    Element.@Nullable Int accumulator(long[] whole) {
        long[] least = bound(false);
        long[] most = bound(true);
        double bound = 0;
        for (int c = 0; c < whole.length; c++) {
            bound = Math.max(bound, Math.max(most[c], -least[c]) + (double) Math.abs(whole[c]));
        }
        return Accumulators.within(bound);
    }

    /** The weights, with the rows of some channels negated, or null where no storage holds those. */
    @Nullable ValueId negated(boolean[] channels, Rewrite to) {
        Quant q = weight;
        int[] v = new int[weights.length == 0 ? 0 : channels() * weights[0].length];
        int row = v.length / channels();
        int lo = 0;
        int hi = 0;
        boolean zero = false;
        for (int i = 0; i < v.length; i++) {
            long number = weights[i / row][i % row];
            v[i] = (int) (channels[i / row] ? -number : number);
            lo = Math.min(lo, v[i]);
            hi = Math.max(hi, v[i]);
            zero |= v[i] == 0;
        }
        for (Storage s : List.of(q.storage(), Storage.I2, Storage.I3, Storage.I4, Storage.I8, Storage.I16)) {
            boolean narrower = s.bits() < q.storage().bits();
            if (!narrower && lo >= s.min() && hi <= s.max() && !(s == Storage.BIPOLAR && zero)) {
                Scheme symmetric = switch (q.scheme()) {
                    case Scheme.PerTensor t -> new Scheme.PerTensor(t.scale(), 0);
                    case Scheme.PerAxis a ->
                        new Scheme.PerAxis(
                                a.axis(),
                                a.scales(),
                                Collections.nCopies(a.scales().size(), 0));
                    case Scheme.PerGroup g -> g;
                };
                Shape shape = to.type(w).shape();
                return to.constant(new Tensor.OfInt(shape, v), new Quant(s, s.min(), s.max(), symmetric));
            }
        }
        return null;
    }
}

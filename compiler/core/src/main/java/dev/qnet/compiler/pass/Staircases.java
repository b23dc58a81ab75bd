package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Staircases over real numbers as thresholds of integers. */
final class Staircases {
    private Staircases() {}

    /**
     * Thresholds of integers.
     *
     * @param thresholds [channels or 1, steps]
     * @param element i32 where all fit, else i64
     * @param levels one more than steps
     */
    record Integers(Tensor thresholds, Element element, List<Integer> levels) {}

    /**
     * 16-bit codes for what is compared with thresholds, in the range where it matters.
     *
     * @param result the codes that the staircase gives
     */
    static Quant fine(Spec.Steps steps, Quant result) {
        return fine(steps, result, Double.POSITIVE_INFINITY);
    }

    /** @param most magnitudes beyond it do not occur, so that thresholds beyond may be as far as they like */
    private static Quant fine(Spec.Steps steps, Quant result, double most) {
        double far = 0;
        for (float t : steps.thresholds()) {
            far = Math.abs(t) <= most ? Math.max(far, Math.abs(t)) : far;
        }
        // Beyond the last threshold codes may saturate. A sign has its threshold at 0: what lies around it is as fine
        // as the result asks.
        double reach = far > 0 ? far : result.perTensor().scale();
        float scale = (float) Math.max(reach * 1.01 / Storage.I16.max(), Float.MIN_NORMAL);
        return Quant.of(Storage.I16, scale, 0);
    }

    /**
     * 16-bit codes for a sum or a difference that is compared with thresholds. Where the scales of both operands are one, or a power of
     * two apart, and all sums fit, they are whole codes of the finer scale, and nothing is rounded. Else they are as fine as the
     * thresholds ask, down to the 2^15th part of what the coarser operand counts in: multipliers of finer ones would overflow.
     */
    static Quant sum(Spec.Steps steps, Quant result, Quant x, Quant y) {
        double sx = x.perTensor().scale();
        double sy = y.perTensor().scale();
        double least = Math.min(sx, sy);
        double most = Math.max(sx, sy);
        double reach = widest(x) * sx + widest(y) * sy;
        boolean whole = most / least <= Storage.I16.max() && powerOfTwo(most / least);
        if (whole && reach / least <= Storage.I16.max()) {
            return Quant.of(Storage.I16, (float) least, 0);
        }
        Quant fine = fine(steps, result, reach);
        float finest = (float) (most / (1 << 15));
        return fine.perTensor().scale() >= finest ? fine : Quant.of(Storage.I16, finest, 0);
    }

    /** Of a quotient of singles, at least 1 and far from overflow. */
    private static boolean powerOfTwo(double v) {
        return v == Math.scalb(1.0, Math.getExponent(v));
    }

    /** The largest magnitude of a code less its zero point. */
    static long widest(Quant q) {
        long z = q.perTensor().zero();
        return Math.max(Math.abs(q.lo() - z), Math.abs(q.hi() - z));
    }

    /** What codes, less their zero point, count in. */
    static List<BigDecimal> units(Lowered.OnGrid x) {
        return List.of(new BigDecimal(x.scale()));
    }

    /** What products of two values' codes count in: one unit, or one for each channel of the second. */
    static List<BigDecimal> units(Lowered.OnGrid x, Lowered.OnGrid w) {
        Scheme weights = w.quant().scheme();
        int channels =
                weights instanceof Scheme.PerTensor ? 1 : w.type().shape().dim(0);
        BigDecimal unit = new BigDecimal(x.scale());
        return IntStream.range(0, channels)
                .mapToObj(c -> unit.multiply(new BigDecimal(weights.channelScale(c))))
                .toList();
    }

    /**
     * The least integers a for which {@code clamps(a·unit/n)} reaches a threshold; exact, since rounded up as fractions.
     *
     * @param clamps relus and clips: what they never reach has no threshold, and what they always reach neither
     */
    static Integers integers(Spec.Steps steps, List<BigDecimal> units, long n, List<ScalarFn> clamps) {
        float lo = Float.NEGATIVE_INFINITY;
        float hi = Float.POSITIVE_INFINITY;
        for (ScalarFn f : clamps) {
            float least = f instanceof ScalarFn.Clip c ? c.lo() : 0;
            float most = f instanceof ScalarFn.Clip c ? c.hi() : Float.POSITIVE_INFINITY;
            lo = Math.clamp(lo, least, most);
            hi = Math.clamp(hi, least, most);
        }
        List<Float> kept = new ArrayList<>();
        List<Integer> levels = new ArrayList<>(steps.levels().subList(0, 1));
        for (int i = 0; i < steps.thresholds().size(); i++) {
            float t = steps.thresholds().get(i);
            int next = steps.levels().get(i + 1);
            if (t <= lo) {
                levels.set(0, next);
            } else if (t <= hi) {
                kept.add(t);
                levels.add(next);
            }
        }
        long[] all = new long[units.size() * kept.size()];
        boolean wide = false;
        for (int c = 0; c < units.size(); c++) {
            for (int i = 0; i < kept.size(); i++) {
                BigDecimal real = new BigDecimal(kept.get(i)).multiply(BigDecimal.valueOf(n));
                long t = limit(real.divide(units.get(c), 0, RoundingMode.CEILING));
                all[c * kept.size() + i] = t;
                wide |= t != (int) t;
            }
        }
        Shape shape = Shape.of(units.size(), kept.size());
        return wide
                ? new Integers(new Tensor.OfLong(shape, all), Element.INT64, levels)
                : new Integers(
                        new Tensor.OfInt(
                                shape,
                                IntStream.range(0, all.length)
                                        .map(i -> (int) all[i])
                                        .toArray()),
                        Element.INT32,
                        levels);
    }

    /** No accumulator comes near the ends of 64 bits. */
    private static long limit(BigDecimal t) {
        return t.max(BigDecimal.valueOf(Long.MIN_VALUE))
                .min(BigDecimal.valueOf(Long.MAX_VALUE))
                .longValueExact();
    }
}

package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import java.util.List;

/**
 * From a real range to a scale and a zero point. The scale is computed in double and stored as a single; real 0 always has
 * a code of its own, so that padding and relu are exact.
 */
public final class Parameters {
    /** Below it a scale would be subnormal, and its reciprocal infinite. */
    private static final float MIN_SCALE = Float.MIN_NORMAL;

    private Parameters() {}

    /** A scale and zero point for a range, per tensor. */
    public static Quant choose(float lo, float hi, Spec spec) {
        Scheme.PerTensor p = scale(lo, hi, spec);
        return new Quant(spec.storage(), spec.lo(), spec.hi(), p);
    }

    /**
     * The scale and zero point for real values {@code lo..hi}, widened so that it holds 0. An empty range {@code 0..0} gets
     * scale 1.
     *
     * <p>Asymmetric: {@code s = (hi − lo)/(qhi − qlo)}, {@code z = round(qlo − lo/s)} (Jacob et al. 2018, section 3, with the
     * zero point nudged to a code). Symmetric: the least s for which both ends have codes, z = 0; an unsigned storage
     * then begins at real 0.
     *
     * @throws RangeException if an end is no finite number, or {@code lo > hi}
     */
    public static Scheme.PerTensor scale(float lo, float hi, Spec spec) {
        if (!Float.isFinite(lo) || !Float.isFinite(hi) || lo > hi) {
            throw new RangeException(
                    "bad-range", "a range runs from a finite number to one not below it, not " + lo + " to " + hi);
        }
        double from = Math.min(lo, 0.0);
        double to = Math.max(hi, 0.0);
        int qlo = spec.lo();
        int qhi = spec.hi();
        if (spec.storage() == Storage.BIPOLAR) {
            return new Scheme.PerTensor(positive(Math.max(-from, to)), 0);
        }
        if (spec.symmetric()) {
            double below = qlo < 0 ? from / qlo : 0;
            return new Scheme.PerTensor(positive(Math.max(below, to / qhi)), 0);
        }
        float s = positive((to - from) / ((double) qhi - qlo));
        long z = Math.round(qlo - from / s);
        return new Scheme.PerTensor(s, Math.clamp(z, qlo, qhi));
    }

    /**
     * Parameters that the source gives.
     *
     * @param channels how many scales there may be beside a single one
     * @param axis the axis of several
     * @throws RangeException if there are too many or too few, a scale is not above 0, or a zero point or a level of thresholds is no code
     */
    public static Quant given(Spec.RangeMethod.Given given, Spec spec, int channels, int axis) {
        List<Float> scales = given.scales();
        List<Integer> zeros = given.zeros();
        if (scales.isEmpty() || (scales.size() != 1 && scales.size() != channels)) {
            throw new RangeException(
                    "scale-count",
                    scales.size() + " scales are given for " + (channels == 1 ? "one tensor" : channels + " channels"));
        }
        if (!zeros.isEmpty() && zeros.size() != scales.size()) {
            throw new RangeException(
                    "scale-count", zeros.size() + " zero points are given with " + scales.size() + " scales");
        }
        for (float s : scales) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new RangeException("bad-scale", "a scale is a finite number above zero, not " + s);
            }
        }
        for (int z : zeros) {
            if (z < spec.storage().min() || z > spec.storage().max()) {
                throw new RangeException(
                        "zero-point-range",
                        "zero point " + z + " is no code of " + spec.storage() + ", which has "
                                + spec.storage().min() + " to " + spec.storage().max());
            }
            if (spec.symmetric() && z != 0) {
                throw new RangeException(
                        "zero-point-range", "zero point " + z + " is given for symmetric codes, whose zero point is 0");
            }
        }
        Spec.Steps steps = given.steps();
        if (steps != null) {
            check(steps, spec, scales.size());
        }
        List<Integer> all = zeros.isEmpty() ? scales.stream().map(s -> 0).toList() : zeros;
        Scheme scheme = scales.size() == 1
                ? new Scheme.PerTensor(scales.getFirst(), all.getFirst())
                : new Scheme.PerAxis(axis, scales, all);
        return new Quant(spec.storage(), spec.lo(), spec.hi(), scheme);
    }

    private static void check(Spec.Steps steps, Spec spec, int scales) {
        if (scales != 1) {
            throw new RangeException(
                    "thresholds", "thresholds need the one scale that their codes have, and " + scales + " are given");
        }
        if (steps.levels().getFirst() < spec.lo() || steps.levels().getLast() > spec.hi()) {
            throw new RangeException(
                    "thresholds",
                    "the levels of its thresholds run from " + steps.levels().getFirst() + " to "
                            + steps.levels().getLast() + ", but " + spec.storage() + " has codes from " + spec.lo()
                            + " to " + spec.hi());
        }
    }

    /** The lowest real number with a code, for per-tensor parameters. */
    public static float lowest(Quant q) {
        return Codes.dequantize(q.lo(), q.perTensor().scale(), q.perTensor().zero());
    }

    /** The highest real number with a code, for per-tensor parameters. */
    public static float highest(Quant q) {
        return Codes.dequantize(q.hi(), q.perTensor().scale(), q.perTensor().zero());
    }

    private static float positive(double scale) {
        if (scale == 0) {
            return 1;
        }
        return Math.clamp((float) scale, MIN_SCALE, Float.MAX_VALUE);
    }
}

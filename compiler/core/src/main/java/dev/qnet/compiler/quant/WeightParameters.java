package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.quant.observe.Observer;
import dev.qnet.compiler.quant.observe.Range;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Scales and zero points of a constant, decided at once from its elements: those that share a scale are looked at
 * together. Bipolar: the mean magnitude (XNOR-Net, Rastegari et al. 2016). Ternary: the mean magnitude above the
 * threshold 0.7·mean|w| (TWN, Li et al. 2016).
 */
public final class WeightParameters {
    /** Clippings that the least squared error is sought among, from full range down. */
    private static final int MSE_STEPS = 80;
    /** The least clipping tried, of the full range: 1 − MSE_STEPS·MSE_STEP. */
    private static final double MSE_STEP = 0.01;

    /** Fewer elements are no distribution to compare: for them entropy means the least squared error. */
    private static final int DISTRIBUTION = 4096;

    private static final int MAX_MULTIPLIER = 255;
    private static final double TERNARY_THRESHOLD = 0.7;

    private final Tensor.OfFloat weights;
    private final Spec spec;

    private WeightParameters(Tensor.OfFloat weights, Spec spec) {
        this.weights = weights;
        this.spec = spec;
    }

    /**
     * Decides the parameters of a constant.
     *
     * @param weights output channels along axis 0, where the granularity is not per tensor
     * @throws RangeException if the elements or the request do not allow it
     */
    public static Quant choose(Tensor.OfFloat weights, Spec spec) {
        float[] v = weights.values();
        for (int i = 0; i < v.length; i++) {
            if (!Float.isFinite(v[i])) {
                throw new RangeException("non-finite-weight", "element " + i + " of the constant is " + v[i]);
            }
        }
        return new WeightParameters(weights, spec).choose();
    }

    /**
     * The codes that ternary weights get: zero where the magnitude is at most the threshold of their channel. They are not
     * the nearest codes, so they cannot be left to fake quantization.
     */
    public static Tensor.OfInt ternaryCodes(Tensor.OfFloat weights, Quant q) {
        int parts = q.scheme() instanceof Scheme.PerAxis a ? a.scales().size() : 1;
        int size = weights.values().length / parts;
        int[] codes = new int[weights.values().length];
        for (int p = 0; p < parts; p++) {
            double threshold = ternaryThreshold(weights.values(), p * size, (p + 1) * size);
            for (int i = p * size; i < (p + 1) * size; i++) {
                float w = weights.values()[i];
                codes[i] = Math.abs(w) > threshold ? (int) Math.signum(w) : 0;
            }
        }
        return new Tensor.OfInt(weights.shape(), codes);
    }

    private Quant choose() {
        Shape shape = weights.shape();
        int all = shape.elements();
        if (spec.range() instanceof RangeMethod.Given given) {
            int axis = spec.granularity() instanceof Granularity.PerChannel c ? channelAxis(c.axis()) : 0;
            return Parameters.given(given, spec, shape.rank() == 0 ? 1 : shape.dim(axis), axis);
        }
        Scheme scheme = switch (spec.granularity()) {
            case Granularity.PerTensor g -> scale(0, all);
            case Granularity.PerChannel g -> perChannel(channelAxis(g.axis()));
            case Granularity.PerGroup g -> perGroup(g.size());
        };
        return new Quant(spec.storage(), spec.lo(), spec.hi(), scheme);
    }

    private int channelAxis(int axis) {
        int rank = weights.shape().rank();
        if (axis < 0 || axis >= rank) {
            throw new RangeException(
                    "per-channel-axis",
                    "per_channel(" + axis + ") names an axis that " + weights.shape()
                            + " does not have: its axes are 0 to " + (rank - 1));
        }
        if (axis != 0) {
            throw new RangeException(
                    "per-channel-axis",
                    "per_channel(" + axis + ") would change scales inside a sum: the output channels of weights "
                            + weights.shape() + " lie along axis 0");
        }
        return axis;
    }

    private Scheme perChannel(int axis) {
        int channels = weights.shape().dim(axis);
        int size = channels == 0 ? 0 : weights.values().length / channels;
        List<Float> scales = new ArrayList<>();
        List<Integer> zeros = new ArrayList<>();
        float least = Float.MAX_VALUE;
        for (int c = 0; c < channels; c++) {
            Scheme.PerTensor p = scale(c * size, (c + 1) * size);
            scales.add(p.scale());
            zeros.add(p.zero());
            if (!allZero(c * size, (c + 1) * size)) {
                least = Math.min(least, p.scale());
            }
        }
        // A channel without weights may have any scale; its bias is rounded to it, so it shall not be a coarse one.
        for (int c = 0; c < channels && least < Float.MAX_VALUE; c++) {
            if (allZero(c * size, (c + 1) * size)) {
                scales.set(c, least);
            }
        }
        return new Scheme.PerAxis(axis, scales, zeros);
    }

    /** Two levels: a single for each channel, a small integer for each group. Rounded up, so that nothing is clipped more. */
    private Scheme perGroup(int size) {
        if (!spec.symmetric()) {
            throw new RangeException(
                    "per-group", "weights per group are symmetric: write symmetric beside per_group(" + size + ")");
        }
        if (weights.shape().rank() < 2) {
            throw new RangeException(
                    "per-group", "per_group(" + size + ") needs output channels and inputs, found " + weights.shape());
        }
        int channels = weights.shape().dim(0);
        int row = channels == 0 ? 0 : weights.values().length / channels;
        int groups = Math.max(1, Math.ceilDiv(row, size));
        List<Float> scales = new ArrayList<>();
        List<Integer> multipliers = new ArrayList<>();
        for (int c = 0; c < channels; c++) {
            double[] wanted = new double[groups];
            for (int g = 0; g < groups; g++) {
                int from = c * row + g * size;
                int to = Math.min(c * row + row, from + size);
                wanted[g] = allZero(from, to) ? 0 : scale(from, to).scale();
            }
            double most = Arrays.stream(wanted).max().orElse(0);
            float s = most == 0 ? 1 : Math.max((float) (most / MAX_MULTIPLIER), Float.MIN_NORMAL);
            scales.add(s);
            for (double w : wanted) {
                multipliers.add((int) Math.clamp(Math.ceil(w / s * (1 - 1e-6)), 1, MAX_MULTIPLIER));
            }
        }
        return new Scheme.PerGroup(size, scales, multipliers);
    }

    /** The parameters of elements {@code from..to} that share a scale. */
    private Scheme.PerTensor scale(int from, int to) {
        float[] v = weights.values();
        if (spec.range() instanceof RangeMethod.Fixed f) {
            return Parameters.scale(f.lo(), f.hi(), spec);
        }
        if (spec.storage() == Storage.BIPOLAR) {
            return magnitude(meanAbove(v, from, to, -1));
        }
        if (spec.storage() == Storage.TERNARY) {
            return magnitude(meanAbove(v, from, to, ternaryThreshold(v, from, to)));
        }
        float lo = 0;
        float hi = 0;
        for (int i = from; i < to; i++) {
            lo = Math.min(lo, v[i]);
            hi = Math.max(hi, v[i]);
        }
        return switch (spec.range()) {
            case RangeMethod.MinMax m -> Parameters.scale(lo, hi, spec);
            case RangeMethod.MovingAverage m -> Parameters.scale(lo, hi, spec);
            case RangeMethod.Percentile p -> observed(p, from, to);
            case RangeMethod.Mse m -> leastError(from, to, lo, hi);
            case RangeMethod.Entropy e ->
                to - from < DISTRIBUTION ? leastError(from, to, lo, hi) : observed(e, from, to);
            case RangeMethod.Fixed f -> throw new IllegalStateException("handled above");
            case RangeMethod.Given g -> throw new IllegalStateException("no range to choose");
        };
    }

    private static Scheme.PerTensor magnitude(double mean) {
        float s = (float) mean;
        return new Scheme.PerTensor(s > 0 ? Math.max(s, Float.MIN_NORMAL) : 1, 0);
    }

    private Scheme.PerTensor observed(RangeMethod method, int from, int to) {
        if (from == to) {
            return Parameters.scale(0, 0, spec);
        }
        Observer observer = Observer.of(method);
        observer.accept(weights.values(), from, to);
        Range range = observer.range(spec);
        return Parameters.scale(range.lo(), range.hi(), spec);
    }

    private Scheme.PerTensor leastError(int from, int to, float lo, float hi) {
        Scheme.PerTensor best = Parameters.scale(lo, hi, spec);
        double least = squaredError(from, to, best);
        for (int step = 1; step <= MSE_STEPS && least > 0; step++) {
            float keep = (float) (1 - step * MSE_STEP);
            Scheme.PerTensor p = Parameters.scale(lo * keep, hi * keep, spec);
            double error = squaredError(from, to, p);
            if (error < least) {
                least = error;
                best = p;
            }
        }
        return best;
    }

    private double squaredError(int from, int to, Scheme.PerTensor p) {
        // Plain double arithmetic: which clipping is best does not hang on how a tie is rounded.
        double s = p.scale();
        double lo = (double) spec.lo() - p.zero();
        double hi = (double) spec.hi() - p.zero();
        double sum = 0;
        for (int i = from; i < to; i++) {
            double x = weights.values()[i];
            double d = Math.clamp(Math.rint(x / s), lo, hi) * s - x;
            sum += d * d;
        }
        return sum;
    }

    private boolean allZero(int from, int to) {
        for (int i = from; i < to; i++) {
            if (weights.values()[i] != 0) {
                return false;
            }
        }
        return true;
    }

    private static double ternaryThreshold(float[] v, int from, int to) {
        return TERNARY_THRESHOLD * meanAbove(v, from, to, -1);
    }

    /** The mean magnitude of the elements whose magnitude is above a limit. */
    private static double meanAbove(float[] v, int from, int to, double limit) {
        double sum = 0;
        int n = 0;
        for (int i = from; i < to; i++) {
            double m = Math.abs(v[i]);
            if (m > limit) {
                sum += m;
                n++;
            }
        }
        return n == 0 ? 0 : sum / n;
    }
}

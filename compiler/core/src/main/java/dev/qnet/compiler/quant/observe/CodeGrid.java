package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;

/**
 * The real numbers that codes stand for: {@code lowest, lowest + step, …, highest}. A value becomes the nearest of them.
 *
 * @param step the scale s, or 2s for bipolar codes; 0 where the range is only 0
 * @param lowest what the lowest code stands for
 * @param highest what the highest code stands for
 */
record CodeGrid(double step, double lowest, double highest) {
    /** Bins this much narrower than a step lie in one cell for all that matters. */
    private static final double NARROW = 1.0 / 64;

    /**
     * The grid that covers a range. Symmetric: {@code s = max(lo/q_lo, hi/q_hi)}, or {@code hi/q_hi} for unsigned codes,
     * and z = 0. Asymmetric: {@code s = (hi − lo)/(q_hi − q_lo)} and {@code z = round(q_lo − lo/s)}.
     *
     * @param lo at most 0
     * @param hi at least 0
     */
    static CodeGrid of(double lo, double hi, Spec target) {
        double qLo = target.lo();
        double qHi = target.hi();
        if (lo == 0 && hi == 0) {
            return new CodeGrid(0, 0, 0);
        }
        if (target.symmetric()) {
            double scale = target.storage().signed() ? Math.max(lo / qLo, hi / qHi) : hi / qHi;
            double step = target.storage() == Storage.BIPOLAR ? 2 * scale : scale;
            return new CodeGrid(step, scale * qLo, scale * qHi);
        }
        double scale = (hi - lo) / (qHi - qLo);
        double zero = Math.clamp(Math.rint(qLo - lo / scale), qLo, qHi);
        return new CodeGrid(scale, scale * (qLo - zero), scale * (qHi - zero));
    }

    /**
     * The sum of squared errors {@code Σ (x − Q(x))²} over a histogram, the values of a bin taken to be spread evenly
     * over it.
     *
     * @param limit where the sum passes it, what was summed so far is returned
     */
    double squaredError(ValueHistogram.Bins bins, double limit) {
        double sum = 0;
        for (int i = 0; i < bins.size() && sum <= limit; i++) {
            double width = bins.to()[i] - bins.from()[i];
            double mean;
            if (width <= NARROW * step || step == 0) {
                double middle = bins.middle(i);
                double e = middle - nearest(middle);
                mean = e * e + width * width / 12;
            } else {
                mean = (integral(bins.to()[i]) - integral(bins.from()[i])) / width;
            }
            sum += bins.count()[i] * mean;
        }
        return sum;
    }

    private double nearest(double x) {
        return step == 0 ? 0 : Math.clamp(lowest + step * Math.rint((x - lowest) / step), lowest, highest);
    }

    /** {@code ∫ (t − Q(t))² dt} from {@code lowest} to x: a whole cell is worth step³/12. */
    private double integral(double x) {
        double end = Math.clamp(x, lowest, highest);
        double cells = Math.rint((end - lowest) / step);
        double rest = end - lowest - cells * step;
        double beyond = x - end;
        return cells * step * step * step / 12 + rest * rest * rest / 3 + beyond * beyond * beyond / 3;
    }
}

package dev.qnet.training.data;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Which numbers a model says that it is given, by {@code input NAME range(lo, hi)} or by a scale and a zero point.
 *
 * @param input its name
 * @param lo the least
 * @param hi the largest, above the least
 * @param step between the numbers of neighbouring codes
 */
public record InputRange(String input, double lo, double hi, double step) {
    /** More values clearly outside than this share are not what clipping on purpose leaves. */
    private static final double MANY = 0.25;

    /** More values far outside than this share are no outliers. */
    private static final double FAR = 0.001;

    /** So few values outside are what clipping on purpose leaves. */
    private static final double FEW = 0.01;

    /** Outside by more than this part of the range: beyond what rounding, or a factor of few digits, brings about. */
    private static final double CLEARLY = 0.1;

    /** What the source's writer says of an input; null if nothing, or if it is a scale, which may have been learned and clip on purpose. */
    public static @Nullable InputRange declared(Graph.Param p) {
        return p.activations() != null && p.activations().range() instanceof RangeMethod.Fixed ? of(p) : null;
    }

    /** What a model says of an input, or null if it says nothing. */
    public static @Nullable InputRange of(Graph.Param p) {
        Spec s = p.activations();
        if (s == null || s.dynamic() || s.storage() == Storage.BIPOLAR) {
            return null;
        }
        int steps = s.hi() - s.lo();
        return switch (s.range()) {
            case RangeMethod.Fixed f
            when f.hi() > f.lo() -> new InputRange(p.id().name(), f.lo(), f.hi(), ((double) f.hi() - f.lo()) / steps);
            case RangeMethod.Given g
            when g.scales().size() == 1 && g.steps() == null -> {
                int zero = g.zeros().isEmpty() ? 0 : g.zeros().getFirst();
                yield of(p.id().name(), s.lo(), s.hi(), g.scales().getFirst(), zero);
            }
            case RangeMethod _ -> null;
        };
    }

    /** What codes lo..hi stand for. */
    public static InputRange of(String input, int lo, int hi, double scale, int zero) {
        return new InputRange(input, scale * (lo - zero), scale * (hi - zero), scale);
    }

    /** As it is written. */
    @Override
    public String toString() {
        return "range(" + number(lo) + ", " + number(hi) + ")";
    }

    /** A number as short as it may be. */
    public static String number(double v) {
        return v == Math.rint(v) && Math.abs(v) < 1e9 ? Long.toString((long) v) : String.format(Locale.ROOT, "%.4g", v);
    }

    /** Nothing looked at yet. */
    public Outside outside() {
        return new Outside();
    }

    /** Counts values outside. Not thread-safe. */
    public final class Outside {
        private long all;
        private long outside;
        private long clearly;
        private long far;
        private double furthest;
        private float worst;
        private int worstItem;
        private double least = Double.POSITIVE_INFINITY;
        private double most = Double.NEGATIVE_INFINITY;

        private Outside() {}

        /** Looks at a value of an item. */
        public void accept(float v, int item) {
            all++;
            least = Math.min(least, v);
            most = Math.max(most, v);
            double beyond = Math.max(lo - v, v - hi);
            if (beyond > step / 2) {
                outside++;
                clearly += beyond > CLEARLY * (hi - lo) ? 1 : 0;
                far += beyond > hi - lo ? 1 : 0;
                if (beyond > furthest) {
                    furthest = beyond;
                    worst = v;
                    worstItem = item;
                }
            }
        }

        /** Whether a value has no code of its own. */
        public boolean any() {
            return outside > 0;
        }

        /** Whether a value is farther outside than the range is wide. */
        public boolean far() {
            return far > 0;
        }

        /** Whether these are other numbers than the model was made for: some are far outside, or many are outside. */
        public boolean wrong() {
            return far > FAR * all || clearly > MANY * all;
        }

        /** Whether a user will want to hear of it: a hundredth of the values, or one that is far outside. */
        public boolean several() {
            return outside > FEW * all || far();
        }

        /** The share of values outside, as text. */
        public String share() {
            return percent(all == 0 ? 0 : outside / (double) all);
        }

        /** The value that is farthest outside. */
        public float worst() {
            return worst;
        }

        /** Whose it is. */
        public int worstItem() {
            return worstItem;
        }

        /** What values would have to be multiplied with to lie inside; 255 is taken for the largest of what seem to be bytes. */
        public double factor() {
            double byLeast = least < 0 ? lo / least : Double.POSITIVE_INFINITY;
            double top = most > 127.5 && most <= 255 && most == Math.rint(most) ? 255 : most;
            double byMost = top > 0 ? hi / top : Double.POSITIVE_INFINITY;
            return Math.min(byLeast, byMost);
        }

        /** What lies outside, in words. */
        public String text() {
            return String.format(
                    Locale.ROOT,
                    "%s of its values %s outside %s, which the model says of its input '%s'",
                    share(),
                    outside == 1 ? "lies" : "lie",
                    InputRange.this,
                    input);
        }
    }

    private static String percent(double share) {
        return share >= 0.001
                ? String.format(Locale.ROOT, "%.1f %%", 100 * share)
                : String.format(Locale.ROOT, "%.2g %%", 100 * share);
    }
}

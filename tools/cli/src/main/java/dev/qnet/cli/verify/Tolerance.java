package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import java.util.Locale;
import java.util.Optional;

/**
 * When two tensors of singles count as equal: {@code |found − expected| ≤ absolute + relative·|expected|}, as NumPy's
 * {@code allclose} says. No number equals no number. Integers are equal or not.
 */
record Tolerance(double relative, double absolute) {
    /** The one of ONNX's own backend tests. */
    static final Tolerance ONNX = new Tolerance(1e-3, 1e-7);
    /** All bits, but for the kinds of NaN and zero. */
    static final Tolerance EXACT = new Tolerance(0, 0);

    /**
     * How two values differ, or nothing.
     *
     * @return {@code at [0, 3]: expected 12, found 13 (4 of 100 differ, the most by 2)}
     */
    Optional<String> difference(Value expected, Value found) {
        if (expected instanceof Value.Floats != found instanceof Value.Floats) {
            return Optional.of("expected " + kind(expected) + ", found " + kind(found));
        }
        if (!expected.shape().equals(found.shape())) {
            return Optional.of("expected shape " + expected.shape() + ", found " + found.shape());
        }
        int n = expected.shape().elements();
        int differ = 0;
        int first = -1;
        double most = 0;
        for (int i = 0; i < n; i++) {
            if (!equal(expected, found, i)) {
                differ++;
                first = first < 0 ? i : first;
                double d = Math.abs(at(expected, i) - at(found, i));
                most = Double.isNaN(d) ? Double.POSITIVE_INFINITY : Math.max(most, d);
            }
        }
        if (differ == 0) {
            return Optional.empty();
        }
        return Optional.of("at " + index(expected, first) + ": expected " + text(expected, first) + ", found "
                + text(found, first)
                + (n == 1 ? "" : " (" + differ + " of " + n + " differ, the most by " + number(most) + ")"));
    }

    private boolean equal(Value expected, Value found, int i) {
        return switch (expected) {
            case Value.Ints e -> found instanceof Value.Ints f && e.data()[i] == f.data()[i];
            case Value.Floats e -> found instanceof Value.Floats f && close(e.data()[i], f.data()[i]);
        };
    }

    private boolean close(float expected, float found) {
        if (Float.isNaN(expected) || Float.isNaN(found)) {
            return Float.isNaN(expected) && Float.isNaN(found);
        }
        if (Float.isInfinite(expected) || Float.isInfinite(found)) {
            return expected == found;
        }
        return Math.abs((double) found - expected) <= absolute + relative * Math.abs((double) expected);
    }

    private static double at(Value v, int i) {
        return switch (v) {
            case Value.Ints x -> x.data()[i];
            case Value.Floats x -> x.data()[i];
        };
    }

    private static String text(Value v, int i) {
        return switch (v) {
            case Value.Ints x -> Long.toString(x.data()[i]);
            case Value.Floats x -> Float.toString(x.data()[i]);
        };
    }

    private static String number(double d) {
        return d == Math.rint(d) && d < 1e15 ? Long.toString((long) d) : String.format(Locale.ROOT, "%.3g", d);
    }

    private static String kind(Value v) {
        return v instanceof Value.Floats ? "f32" : "integers";
    }

    /** The place of an element: {@code [0, 3]}. */
    private static String index(Value v, int i) {
        int[] place = new int[v.shape().rank()];
        int rest = i;
        for (int a = place.length - 1; a >= 0; a--) {
            place[a] = rest % v.shape().dim(a);
            rest /= v.shape().dim(a);
        }
        return java.util.Arrays.toString(place);
    }
}

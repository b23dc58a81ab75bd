package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.source.Diagnostic;
import java.util.List;

/** The words for how a range is found: {@code range(mse)}, {@code range(percentile(99.99))}, {@code range(-1, 1)}. */
final class RangeWords {
    private static final List<String> METHODS =
            List.of("minmax", "moving_average(M)", "percentile(P)", "mse", "entropy", "LO, HI");

    private RangeWords() {}

    /**
     * What {@code range} says of a value.
     *
     * @param subject what the words speak of
     */
    static RangeMethod read(Item item, Items.Subject subject, ItemArguments arguments) {
        if (subject == Items.Subject.CONSTANT) {
            throw Items.senseless(
                    item,
                    subject,
                    "the codes are given, so their meaning must be: scale(S), and zero(Z) if it is not 0");
        }
        if (item.arguments().size() == 2) {
            List<Value> values = arguments.of(item, 2, 2);
            float lo = ItemArguments.single(item, 0, values.get(0));
            float hi = ItemArguments.single(item, 1, values.get(1));
            if (!(lo < hi)) {
                throw new Rejected(Diagnostic.error(
                                "argument-range",
                                item.span(),
                                "a range runs from a lower to a higher number, found " + lo + " to " + hi)
                        .withFix("write range(" + Math.min(lo, hi) + ", " + (lo == hi ? lo + 1 : Math.max(lo, hi))
                                + ")"));
            }
            return new RangeMethod.Fixed(lo, hi);
        }
        if (item.arguments().size() != 1) {
            throw ranges(item);
        }
        Item method = Item.from(item.arguments().getFirst().value()).orElseThrow(() -> ranges(item));
        if (subject == Items.Subject.CALIBRATION) {
            throw new Rejected(Diagnostic.error(
                    "item-subject", method.span(), "calibration says what was measured: range(LO, HI)"));
        }
        return method(method, arguments);
    }

    /** A way to find a range, by its name. */
    private static RangeMethod method(Item method, ItemArguments arguments) {
        return switch (method.name().text()) {
            case "minmax" -> {
                arguments.of(method, 0, 0);
                yield new RangeMethod.MinMax();
            }
            case "mse" -> {
                arguments.of(method, 0, 0);
                yield new RangeMethod.Mse();
            }
            case "entropy" -> {
                arguments.of(method, 0, 0);
                yield new RangeMethod.Entropy();
            }
            case "percentile" -> {
                double p = ItemArguments.number(
                        method, 0, arguments.of(method, 1, 1).getFirst(), 99.99);
                if (!(p > 50 && p <= 100)) {
                    throw new Rejected(Diagnostic.error(
                                    "argument-range",
                                    method.span(),
                                    "a percentile is above 50 and at most 100, found " + p)
                            .withFix("write percentile(99.99)"));
                }
                yield new RangeMethod.Percentile(p);
            }
            case "moving_average" -> {
                List<Value> values = arguments.of(method, 0, 1);
                double m = values.isEmpty() ? 0.9 : ItemArguments.number(method, 0, values.getFirst(), 0.9);
                if (!(m > 0 && m < 1)) {
                    throw new Rejected(Diagnostic.error(
                                    "argument-range", method.span(), "a momentum lies between 0 and 1, found " + m)
                            .withFix("write moving_average(0.9)"));
                }
                yield new RangeMethod.MovingAverage(m);
            }
            default ->
                throw new Rejected(Session.suggest(
                        Diagnostic.error(
                                        "unknown-item",
                                        method.name().span(),
                                        "'" + method.name() + "' is no way to find a range")
                                .withNote("the ways are " + String.join(", ", METHODS)),
                        method.name().text(),
                        List.of("minmax", "moving_average", "percentile", "mse", "entropy"),
                        null));
        };
    }

    private static Rejected ranges(Item item) {
        return new Rejected(
                Diagnostic.error("argument-type", item.span(), "'range' takes a way to find it, or two numbers")
                        .withNote("the ways are " + String.join(", ", METHODS)));
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.List;

/**
 * What stands in brackets behind a word of quantization: how many arguments, of which types, between which bounds. What does not fit
 * throws {@link Rejected}.
 *
 * @param frame where expressions are evaluated
 */
record ItemArguments(Evaluator evaluator, Frame frame) {
    /**
     * The values of an item's arguments.
     *
     * @param min how many there are at least
     * @param max and at most
     */
    List<Value> of(Item item, int min, int max) {
        List<Argument> given = item.arguments();
        if (given.size() < min || given.size() > max) {
            throw new Rejected(Diagnostic.error(
                    "argument-type",
                    item.span(),
                    "'" + item.name() + "' takes " + (max == 0 ? "no argument" : Messages.plural(max, "argument"))
                            + (min < max ? " at most" : "") + ", found " + given.size()));
        }
        List<Value> values = new ArrayList<>();
        for (Argument a : given) {
            Value v = evaluator.eval(a.value(), frame);
            if (v instanceof Value.Failed) {
                throw Rejected.silently();
            }
            values.add(v);
        }
        return values;
    }

    private static Rejected type(Item item, int at, String expected, Value found) {
        return new Rejected(Diagnostic.error(
                "argument-type",
                item.arguments().get(at).value().span(),
                "'" + item.name() + "' takes " + expected + ", found " + found.describe()));
    }

    /** An int in some bounds. */
    static int integer(Item item, int at, Value v, int min, int max, String what) {
        if (!(v instanceof Value.Int i)) {
            throw type(item, at, "an int", v);
        }
        if (i.value() < min || i.value() > max) {
            throw new Rejected(Diagnostic.error(
                    "argument-range",
                    item.arguments().get(at).value().span(),
                    "the " + what + " of '" + item.name() + "' lies between " + min + " and " + max + ", found "
                            + i.value()));
        }
        return (int) i.value();
    }

    /** @param like a number as an error shows it */
    static double number(Item item, int at, Value v, double like) {
        return switch (v) {
            case Value.Int i -> i.value();
            case Value.Real r -> r.value();
            case Value.Bool _,
                    Value.Text _,
                    Value.Batch _,
                    Value.Range _,
                    Value.ListOf _,
                    Value.Tuple _,
                    Value.Constant _,
                    Value.Computed _,
                    Value.Failed _ -> throw type(item, at, "a number such as " + like, v);
        };
    }

    /** A number that a single holds. */
    static float single(Item item, int at, Value v) {
        return ConstTensors.single(
                number(item, at, v, 1.0), item.arguments().get(at).value().span());
    }

    /** One number, a list of them, or a tensor of one dimension. */
    static List<Value> elements(Value v) {
        if (v instanceof Value.Constant c
                && c.tensor().value() instanceof Tensor.OfFloat f
                && f.shape().rank() == 1) {
            List<Value> all = new ArrayList<>(f.values().length);
            for (float x : f.values()) {
                all.add(x == Math.rint(x) && Math.abs(x) < 1 << 24 ? new Value.Int((long) x) : new Value.Real(x));
            }
            return all;
        }
        return v instanceof Value.ListOf l ? l.elements() : List.of(v);
    }

    /** The ints of a list. */
    static List<Integer> ints(Item item, int at, Value v, int min, int max, String what) {
        List<Integer> all = new ArrayList<>();
        for (Value e : elements(v)) {
            all.add(integer(item, at, e, min, max, what));
        }
        return all;
    }

    /** Scales: one or more numbers above 0. */
    static List<Float> scales(Item item, Value v) {
        List<Float> all = new ArrayList<>();
        for (Value e : elements(v)) {
            float s = single(item, 0, e);
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new Rejected(Diagnostic.error(
                        "argument-range",
                        item.arguments().getFirst().value().span(),
                        "a scale is above zero (and not smaller than the smallest f32), found " + s));
            }
            all.add(s);
        }
        if (all.isEmpty()) {
            throw type(item, 0, "one number or more", v);
        }
        return all;
    }
}

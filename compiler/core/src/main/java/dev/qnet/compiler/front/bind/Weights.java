package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.bind.Invocation.Bound;
import dev.qnet.compiler.front.bind.Invocation.Operand;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the weights of an operation: the argument itself, or the parameter that it names, or the one called like the
 * value. Checks their shapes, with the layouts of other frameworks in mind.
 */
final class Weights {
    private Weights() {}

    /**
     * A weight.
     *
     * @param argument the argument that may give it, and its name in a file: {@code weight}
     * @param expected its shape
     * @param others further names that files use for it
     * @throws Rejected if it has another shape, or is computed at run time
     */
    static Operand find(Invocation call, String argument, Shape expected, String... others) {
        Bound given = call.argument(argument);
        ConstTensor found = given == null
                ? lookup(call, argument, List.of(others), expected)
                : given(call, argument, given, expected);
        return operand(call, argument, found, expected);
    }

    /** A weight by its name in a file, whatever its argument says. */
    static Operand byName(Invocation call, String argument, Shape expected) {
        return operand(call, argument, lookup(call, argument, List.of(), expected), expected);
    }

    private static @Nullable ConstTensor given(Invocation call, String argument, Bound given, Shape expected) {
        Span span = given.span();
        return switch (given.value()) {
            case Value.Constant c -> c.tensor();
            case Value.ListOf l -> ConstTensors.ofList(call.session(), l, span);
            case Value.Text t -> named(call, t.value(), expected, span, null);
            case Value.Computed c ->
                throw new Rejected(call.wrong(
                                "argument-type",
                                argument,
                                "'" + argument + "' of '" + call.operation().name()
                                        + "' must be known at compile time, found " + c.describe())
                        .withFix("for a product of two computed tensors, use matmul"));
            case Value.Int _, Value.Real _, Value.Bool _, Value.Batch _, Value.Range _, Value.Tuple _, Value.Failed _ ->
                throw call.kind(argument, "a constant tensor", given);
        };
    }

    private static Operand operand(Invocation call, String argument, @Nullable ConstTensor known, Shape expected) {
        Span span = call.spanOf(argument);
        InitialWeights initial = call.session().weights().initial();
        ConstTensor found =
                known == null && initial != null ? initial.of(call.name() + "." + argument, argument, expected) : known;
        if (found == null) {
            Value.Computed placeholder =
                    call.session().graph().missing(call.name() + "." + argument, Element.FLOAT, expected, call.span());
            return new Operand(argument, placeholder, placeholder.type(), span);
        }
        ConstTensor fitting = fit(call, argument, found, expected, span);
        checkSpec(call, argument, fitting, span);
        return new Operand(argument, new Value.Constant(fitting), fitting.type(), span);
    }

    /** A weight by the names that a file may use for it; null if it is missing, which is noted. */
    private static @Nullable ConstTensor lookup(Invocation call, String argument, List<String> others, Shape expected) {
        String prefix = prefix(call);
        WeightFiles files = call.session().weights();
        for (String other : others) {
            String name = prefix + "." + other;
            if (!files.has(prefix + "." + argument) && files.has(name)) {
                return files.find(name, call.span());
            }
        }
        String hint = argument.equals("bias")
                ? "write `bias: false` if it has none"
                : "say where it is: `" + argument + ": param(\"NAME\")`";
        return named(call, prefix + "." + argument, expected, call.spanOf("params"), hint);
    }

    /** What the names of a call's parameters begin with: its {@code params} argument, or its own name. */
    static String prefix(Invocation call) {
        Bound given = call.argument("params");
        if (given == null) {
            return call.name();
        }
        if (given.value() instanceof Value.Text t) {
            return t.value();
        }
        throw call.kind("params", "a string", given);
    }

    private static @Nullable ConstTensor named(
            Invocation call, String name, Shape expected, Span span, @Nullable String hint) {
        ConstTensor found = call.session().weights().find(name, span);
        if (found == null && call.session().weights().initial() == null) {
            call.session().weights().missing(name, expected, span, call.frame(), hint);
        }
        return found;
    }

    private static ConstTensor fit(Invocation call, String argument, ConstTensor found, Shape expected, Span span) {
        Shape shape = found.shape();
        if (shape.equals(expected)) {
            return found;
        }
        // A vector, however many axes of extent 1 a file gives it.
        if (expected.rank() == 1
                && shape.elements() == expected.elements()
                && shape.dims().stream().filter(d -> d != 1).count() <= 1
                && !perAxis(found)) {
            return found.reshaped(expected);
        }
        // TFLite keeps depthwise weights as [1, height, width, channels].
        if (call.operation().name().equals("depthwise_conv2d")
                && expected.rank() == 4
                && shape.equals(Shape.of(1, expected.dim(1), expected.dim(2), expected.dim(0)))) {
            return ConstTensors.evaluate(
                    call.session(), new DataOp.Transpose(List.of(3, 1, 2, 0)), List.of(found), expected, span);
        }
        Diagnostic d = Diagnostic.error(
                        "shape-mismatch",
                        span,
                        "'" + argument + "' of '" + call.operation().name() + "' is " + expected + " here, and '"
                                + found.origin() + "' is " + shape)
                .labelled("expected " + expected + ", found " + shape);
        if (call.has("x")) {
            d = call.told(d, call.operand("x"));
        }
        List<Integer> permutation = permutation(shape, expected);
        throw new Rejected(
                permutation == null
                        ? d
                        : d.withFix("its axes seem to come in another order: " + argument + ": transpose("
                                + (call.session().weights().has(found.origin())
                                        ? "param(\"" + found.origin() + "\")"
                                        : found.origin())
                                + ", perm: " + permutation + ")"));
    }

    private static boolean perAxis(ConstTensor t) {
        return t.type().element() instanceof Quant q && !(q.scheme() instanceof Scheme.PerTensor);
    }

    /** The order of axes that turns one shape into another, if there is one: the usual ones of other frameworks first. */
    private static @Nullable List<Integer> permutation(Shape from, Shape to) {
        if (from.rank() != to.rank() || from.rank() > 4) {
            return null;
        }
        List<List<Integer>> orders =
                new ArrayList<>(List.of(List.of(0, 2, 3, 1), List.of(3, 0, 1, 2), List.of(3, 1, 2, 0)));
        orders.add(List.of(1, 0));
        for (List<Integer> order : orders) {
            if (order.size() == from.rank()
                    && new Shape(order.stream().map(from::dim).toList()).equals(to)) {
                return order;
            }
        }
        return null;
    }

    /** What the source asks of an operation's weights, or null in a float model. */
    private static @Nullable Spec asked(Invocation call) {
        Spec marked = call.marks().weights();
        Spec around = call.frame().inherited().weights();
        Spec.Policy policy = call.session().policy();
        return marked != null ? marked : around != null ? around : policy == null ? null : policy.weights();
    }

    /** Scales that are given must be as many as channels; a constant of codes must keep to the narrow range asked for. */
    private static void checkSpec(Invocation call, String argument, ConstTensor t, Span span) {
        Spec asked = asked(call);
        if (asked == null || !argument.equals("weight")) {
            return;
        }
        int channels = t.shape().dim(0);
        if (asked.range() instanceof Spec.RangeMethod.Given given
                && given.scales().size() > 1
                && given.scales().size() != channels) {
            throw new Rejected(Diagnostic.error(
                            "shape-mismatch",
                            call.marks().weights() == null ? span : call.marks().span(),
                            "there are " + given.scales().size() + " scales for the weights of '"
                                    + call.operation().name() + "', which has "
                                    + Messages.plural(channels, "output channel"))
                    .withFix("give one scale a channel"));
        }
        if (!(t.type().element() instanceof Quant q)
                || asked.storage() != q.storage()
                || !(t.value() instanceof Tensor.OfInt codes)) {
            return;
        }
        for (int c : codes.values()) {
            if (c < asked.lo()) {
                throw new Rejected(Diagnostic.error(
                                "narrow-range",
                                span,
                                "'" + t.origin() + "' holds the code " + c + ", which the narrow range of '" + argument
                                        + "' leaves out")
                        .withFix(
                                "use codes from " + asked.lo() + " to " + asked.hi() + ", or say @weights(full) here"));
            }
        }
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads annotations, and puts them on values that exist already. */
final class Annotations {
    private static final List<String> KNOWN = List.of("weights", "activations", "float", "name");
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z0-9_]+)*");

    private final Session session;
    private final Evaluator evaluator;

    Annotations(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /** What a run of annotations says; the parts that are wrong are reported and left out. */
    Marks read(List<Annotation> annotations, Frame frame) {
        if (annotations.isEmpty()) {
            return Marks.NONE;
        }
        Marks marks = Marks.NONE;
        for (Annotation a : annotations) {
            try {
                Marks one = read(a, frame);
                if ((one.name() != null && marks.name() != null)
                        || (one.weights() != null && marks.weights() != null)
                        || (one.activations() != null && marks.activations() != null)
                        || (one.keepFloat() && marks.keepFloat())) {
                    throw new Rejected(
                            Diagnostic.error("conflicting-items", a.span(), "'@" + a.name() + "' is given twice")
                                    .withFix("keep one of them"));
                }
                marks = one.over(marks);
            } catch (Rejected e) {
                session.report(frame, e);
            }
        }
        return marks;
    }

    private Marks read(Annotation a, Frame frame) {
        Spec.Policy policy = session.policy();
        return switch (a.name().text()) {
            case "weights" -> {
                Spec around = frame.inherited().weights();
                Spec base = around != null ? around : policy == null ? Items.WEIGHTS : policy.weights();
                Spec spec = Items.read(session, frame, evaluator, Items.Subject.WEIGHTS, base, items(a));
                yield new Marks(null, spec, null, false, a.span());
            }
            case "activations" -> {
                Spec base = policy == null ? Items.ACTIVATIONS : policy.activations();
                Spec spec = Items.read(session, frame, evaluator, Items.Subject.ACTIVATIONS, base, items(a));
                yield new Marks(null, null, spec, false, a.span());
            }
            case "float" -> {
                if (!a.arguments().isEmpty()) {
                    throw new Rejected(Diagnostic.error("argument-type", a.span(), "'@float' takes no argument"));
                }
                yield new Marks(null, null, null, true, a.span());
            }
            case "name" -> new Marks(name(a, frame), null, null, false, a.span());
            default ->
                throw new Rejected(Session.suggest(
                        Diagnostic.error(
                                        "unknown-annotation",
                                        a.name().span(),
                                        "there is no annotation '@" + a.name() + "'")
                                .withNote("there are @weights(…), @activations(…), @float and @name(\"…\")"),
                        a.name().text(),
                        KNOWN,
                        null));
        };
    }

    private static List<Item> items(Annotation a) {
        List<Item> items = new ArrayList<>();
        for (Argument argument : a.arguments()) {
            items.add(item(argument));
        }
        if (items.isEmpty()) {
            throw new Rejected(
                    Diagnostic.error("argument-type", a.span(), "'@" + a.name() + "' says nothing without words")
                            .withFix("such as @" + a.name() + "(i8)"));
        }
        return items;
    }

    /** An argument as a word of quantization. Throws {@link Rejected} if it is none. */
    static Item item(Argument argument) {
        Optional<Item> item = argument.name() == null ? Item.from(argument.value()) : Optional.empty();
        return item.orElseThrow(
                () -> new Rejected(Diagnostic.error("argument-type", argument.span(), "this is no word of quantization")
                        .withFix("write words such as i8, symmetric, per_channel, range(0, 6), scale(0.1)")));
    }

    private String name(Annotation a, Frame frame) {
        if (a.arguments().size() == 1
                && a.arguments().getFirst().name() == null
                && evaluator.eval(a.arguments().getFirst().value(), frame) instanceof Value.Text t) {
            if (t.value().length() <= 200 && NAME.matcher(t.value()).matches()) {
                return t.value();
            }
            throw new Rejected(
                    Diagnostic.error("argument-range", a.arguments().getFirst().span(), "this is no name for a value")
                            .withFix("use letters, digits and _, with dots between parts"));
        }
        throw new Rejected(Diagnostic.error("argument-type", a.span(), "'@name' takes one string")
                .withFix("such as @name(\"stem\")"));
    }

    /** Annotations where nothing computes. */
    void reject(Marks marks, Span at) {
        if (!marks.isEmpty()) {
            throw new Rejected(Diagnostic.error(
                            "annotation-place",
                            marks.span(),
                            "this annotation stands at something that is no operation")
                    .withNote(at, "this is known at compile time")
                    .withFix("put it after the operation that it speaks of"));
        }
    }

    /** Puts annotations on a value that a name stands for. */
    void mark(Value value, Marks marks, Frame frame, Span at) {
        if (marks.isEmpty() || value instanceof Value.Failed) {
            return;
        }
        if (!(value instanceof Value.Computed c)) {
            reject(marks, at);
            return;
        }
        Node node = session.graph().node(c.id());
        if (node == null) {
            throw new Rejected(Diagnostic.error(
                            "annotation-place", marks.span(), "'" + c.id().name() + "' is an input of the model")
                    .withFix("say how it is quantized with `input " + c.id().name() + " …` in the model"));
        }
        if (marks.name() != null) {
            throw new Rejected(Diagnostic.error(
                            "annotation-place", marks.span(), "'@name' comes too late for a value that exists already")
                    .withNote(node.span(), "it is made here")
                    .withFix("put `@name` after the operation that makes the value"));
        }
        intend(c, marks, frame);
    }

    /** Adds what annotations say to the node of a value. */
    void intend(Value.Computed value, Marks marks, Frame frame) {
        Node node = session.graph().node(value.id());
        if (node != null && marks.weights() != null && !hasWeights(node)) {
            throw noWeights(marks, node.span());
        }
        session.graph().intend(value.id(), old -> merge(old, marks));
    }

    private static Spec.Intent merge(Spec.Intent old, Marks marks) {
        Spec weights = marks.weights() != null ? marks.weights() : old.weights();
        Spec activations = marks.activations() != null ? marks.activations() : old.activations();
        return new Spec.Intent(weights, activations, old.keepFloat() || marks.keepFloat());
    }

    private boolean hasWeights(Node node) {
        return node.operands().stream().skip(1).anyMatch(o -> {
            @Nullable Node from = session.graph().node(o);
            return from != null && from.id().name().startsWith(node.id().name() + ".");
        });
    }

    static Rejected noWeights(Marks marks, Span at) {
        return new Rejected(Diagnostic.error(
                        "annotation-place", marks.span(), "this operation has no weights for '@weights' to speak of")
                .withNote(at, "it is this one")
                .withFix("put it after the conv2d, dense or matmul that is meant"));
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ShapeException;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One call of an operation while its rule turns it into nodes: its arguments by name and type, and the nodes' names. */
final class Invocation {
    /**
     * An argument.
     *
     * @param expr what was written, or null for a piped value
     */
    record Bound(Value value, @Nullable Expr expr, Span span) {}

    /**
     * A tensor among an operation's arguments.
     *
     * @param role the argument's name, which names a constant's node
     * @param value {@link Value.Computed} or {@link Value.Constant}
     */
    record Operand(String role, Value value, Type type, Span span) {
        Shape shape() {
            return type.shape();
        }
    }

    /**
     * How a call gets its name: from {@code @name}, else by counting. Only what becomes a node is counted, so the name is
     * found when it is first needed.
     */
    static final class Naming {
        private final Session session;
        private final Frame frame;
        private final String called;
        private final Marks marks;
        private final Span span;
        private @Nullable String name;

        Naming(Session session, Frame frame, String called, Marks marks, Span span) {
            this.session = session;
            this.frame = frame;
            this.called = called;
            this.marks = marks;
            this.span = span;
        }

        /** The full name. Throws {@link Rejected} if {@code @name} gives one that is taken. */
        String name() {
            String found = name;
            if (found != null) {
                return found;
            }
            String wanted = marks.name();
            if (wanted == null) {
                found = frame.next(called, session.graph());
            } else {
                found = frame.pathOf(wanted);
                if (session.graph().taken(found)) {
                    throw new Rejected(Diagnostic.error(
                                    "duplicate-name",
                                    marks.span(),
                                    "the name '" + found + "' is taken by another value")
                            .withNote(span, "this would have it too")
                            .withFix("in a repeat, put the counter into it: @name(\"" + wanted + "_{i}\")"));
                }
            }
            name = found;
            return found;
        }

        /** The name, from now on taken. */
        String reserve() {
            String found = name();
            session.graph().reserve(found);
            return found;
        }
    }

    private final Session session;
    private final Frame frame;
    private final Operation operation;
    private final Span span;
    private final Naming naming;
    private final Marks marks;
    private final Map<String, List<Bound>> arguments;

    /**
     * @param span the call
     * @param marks its annotations
     */
    Invocation(
            Session session,
            Frame frame,
            Operation operation,
            Span span,
            Marks marks,
            Map<String, List<Bound>> arguments) {
        this.session = session;
        this.frame = frame;
        this.operation = operation;
        this.naming = new Naming(session, frame, operation.name(), marks, span);
        this.span = span;
        this.marks = marks;
        this.arguments = arguments;
    }

    /** Takes the name of a call that failed, so that later ones keep theirs. */
    void skip() {
        if (marks.name() == null) {
            naming.reserve();
        }
    }

    Session session() {
        return session;
    }

    Frame frame() {
        return frame;
    }

    Operation operation() {
        return operation;
    }

    Marks marks() {
        return marks;
    }

    /** The full name of the value that the call makes. */
    String name() {
        return naming.name();
    }

    Span span() {
        return span;
    }

    boolean has(String argument) {
        return arguments.containsKey(argument);
    }

    /** Where an argument stands, or the call if it is not given. */
    Span spanOf(String argument) {
        List<Bound> bound = arguments.get(argument);
        return bound == null ? span : bound.getFirst().span();
    }

    /** An argument, or null if it is not given. */
    @Nullable Bound argument(String argument) {
        List<Bound> bound = arguments.get(argument);
        return bound == null ? null : bound.getFirst();
    }

    /** All that was given for an argument that takes several. */
    List<Bound> all(String argument) {
        return arguments.getOrDefault(argument, List.of());
    }

    /** An error at an argument. */
    Rejected error(String code, String argument, String message) {
        return new Rejected(wrong(code, argument, message));
    }

    /** What {@link #error} says, to be told more of. */
    Diagnostic wrong(String code, String argument, String message) {
        return Diagnostic.error(code, spanOf(argument), message);
    }

    /** The error of an argument of the wrong kind. */
    Rejected kind(String argument, String expected, Bound found) {
        return new Rejected(Diagnostic.error(
                "argument-type",
                found.span(),
                "'" + argument + "' of '" + operation.name() + "' must be " + expected + ", found "
                        + found.value().describe()));
    }

    // ---- tensors

    /** A tensor argument that must be given. */
    Operand operand(String argument) {
        Bound bound = argument(argument);
        if (bound == null) {
            throw new IllegalStateException(operation.name() + " has no required argument " + argument);
        }
        return operand(argument, bound);
    }

    /** A value as a tensor; numbers where the operation takes them, and lists of numbers, become constants. */
    Operand operand(String role, Bound bound) {
        boolean numbers = operation.parameters().stream()
                .anyMatch(p -> p.kind() == Operation.Kind.OPERAND && role.startsWith(p.name()));
        return switch (bound.value()) {
            case Value.Computed c -> new Operand(role, c, c.type(), bound.span());
            case Value.Constant c -> new Operand(role, c, c.tensor().type(), bound.span());
            case Value.ListOf l -> constant(role, ConstTensors.ofList(session, l, bound.span()), bound.span());
            case Value.Int i
            when numbers -> constant(role, ConstTensors.ofNumber((double) i.value(), bound.span()), bound.span());
            case Value.Real r
            when numbers -> constant(role, ConstTensors.ofNumber(r.value(), bound.span()), bound.span());
            case Value.Tuple t ->
                throw new Rejected(Diagnostic.error(
                                "argument-type",
                                bound.span(),
                                "'" + role + "' of '" + operation.name() + "' must be one tensor, found "
                                        + t.describe())
                        .withFix("give them names first: a, b = …"));
            case Value.Int _, Value.Real _, Value.Bool _, Value.Text _, Value.Batch _, Value.Range _, Value.Failed _ ->
                throw kind(role, numbers ? "a tensor or a number" : "a tensor", bound);
        };
    }

    private static Operand constant(String role, ConstTensor tensor, Span span) {
        return new Operand(role, new Value.Constant(tensor), tensor.type(), span);
    }

    /** The result of an earlier node of the same call as an operand. */
    Operand of(Value.Computed value) {
        return new Operand("x", value, value.type(), span);
    }

    // ---- nodes

    /** The node that gives the call's value, or a constant where that is known already. */
    Value emit(Op op, Operand... operands) {
        return emit(op, List.of(operands));
    }

    /** As {@link #emit(Op, Operand...)}. */
    Value emit(Op op, List<Operand> operands) {
        if (ConstTensors.folds(op) && operands.stream().allMatch(o -> o.value() instanceof Value.Constant)) {
            List<ConstTensor> in = operands.stream()
                    .map(o -> ((Value.Constant) o.value()).tensor())
                    .toList();
            return new Value.Constant(ConstTensors.evaluate(session, op, in, infer(op, operands), span));
        }
        boolean weighted = isWeighted(op) && operands.stream().anyMatch(o -> o.value() instanceof Value.Constant);
        if (marks.weights() != null && !weighted) {
            throw Annotations.noWeights(marks, span);
        }
        return emitNode(name(), op, operands, intent(true, weighted));
    }

    /** Whether a constant operand counts as weights. */
    private static boolean isWeighted(Op op) {
        return op instanceof FloatOp.Conv2d
                || op instanceof FloatOp.Dense
                || op instanceof FloatOp.MatMul
                || op instanceof FloatOp.Binary;
    }

    /** One of several results of the call, named below it; a constant where that is known already. */
    Value emitResult(String part, Op op, Operand x) {
        if (x.value() instanceof Value.Constant c && ConstTensors.folds(op)) {
            List<Operand> in = List.of(x);
            return new Value.Constant(ConstTensors.evaluate(session, op, List.of(c.tensor()), infer(op, in), span));
        }
        return emitNode(name() + "." + part, op, List.of(x), intent(true, false));
    }

    /** A shape. Throws {@link Rejected} at an argument if it is too large. */
    Shape shape(String argument, int... dims) {
        try {
            return Shape.of(dims);
        } catch (IllegalArgumentException e) {
            throw error("shape", argument, String.valueOf(e.getMessage()));
        }
    }

    /** A node on the way to the call's value, named below it. */
    Value.Computed emitPart(String part, Op op, Operand... operands) {
        return emitNode(name() + "." + part, op, List.of(operands), intent(false, false));
    }

    private Value.Computed emitNode(String id, Op op, List<Operand> operands, Spec.Intent intent) {
        checkElements(op, operands);
        Shape shape = infer(op, operands);
        Element element = op instanceof DataOp ? operands.getFirst().type().element() : Element.FLOAT;
        return emitTyped(id, op, operands, new Type(element, shape), intent);
    }

    /** A node whose type is the caller's to say. */
    Value.Computed emitTyped(Op op, Operand operand, Type type) {
        if (marks.weights() != null) {
            throw Annotations.noWeights(marks, span);
        }
        return emitTyped(name(), op, List.of(operand), type, intent(true, false));
    }

    private Value.Computed emitTyped(String id, Op op, List<Operand> operands, Type type, Spec.Intent intent) {
        if (frame.isGlobal()) {
            throw new Rejected(Diagnostic.error(
                            "not-constant",
                            span,
                            "'" + operation.name() + "' is computed at run time, not at compile time")
                    .withFix("put it into the model or a block"));
        }
        List<ValueId> ids = new ArrayList<>();
        for (Operand o : operands) {
            ids.add(materialize(id, o).id());
        }
        return session.graph().add(new Node(new ValueId(id), op, ids, type, intent, span));
    }

    /** The node of a constant, named after what uses it; a quantized one with what makes it real. */
    private Value.Computed materialize(String user, Operand o) {
        return switch (o.value()) {
            case Value.Computed c -> c;
            case Value.Constant c -> {
                GraphBuilder graph = session.graph();
                String base = graph.free(user + "." + o.role());
                ConstTensor t = c.tensor();
                if (!t.type().isQuant()) {
                    yield graph.constant(base, t, o.span());
                }
                Value.Computed codes = graph.constant(graph.free(base + ".codes"), t, o.span());
                yield graph.add(new Node(
                        new ValueId(base),
                        new QuantOp.Dequantize(),
                        List.of(codes.id()),
                        new Type(Element.FLOAT, t.shape()),
                        o.span()));
            }
            case Value.Int _,
                    Value.Real _,
                    Value.Bool _,
                    Value.Text _,
                    Value.Batch _,
                    Value.Range _,
                    Value.ListOf _,
                    Value.Tuple _,
                    Value.Failed _ -> throw new IllegalStateException("not a tensor: " + o);
        };
    }

    private void checkElements(Op op, List<Operand> operands) {
        if (!(op instanceof FloatOp || op instanceof DataOp)) {
            return;
        }
        Element first = element(operands.getFirst());
        for (Operand o : operands) {
            if (op instanceof FloatOp && !(element(o) instanceof Element.F32)) {
                Diagnostic d = Diagnostic.error(
                        "element-type",
                        o.span(),
                        "'" + operation.name() + "' computes with f32, and '" + o.role() + "' is " + o.type());
                throw new Rejected(
                        element(o) instanceof Quant
                                ? d.withFix("put `|> dequantize` after it")
                                : d.withFix(
                                        o.value() instanceof Value.Constant
                                                ? "declare it as f32, or add scale(S) to its type"
                                                : "make it f32 first: y: f32" + dims(o.shape()) + " = num.cast(x)"));
            }
            if (!element(o).equals(first)) {
                throw new Rejected(Diagnostic.error(
                                "element-type",
                                o.span(),
                                "'" + operation.name() + "' needs operands with the same elements, found " + first
                                        + " and " + element(o))
                        .withFix("dequantize them first"));
            }
        }
    }

    /** What an operand's elements are where it is used: a quantized constant enters dequantized. */
    private static Element element(Operand o) {
        return o.value() instanceof Value.Constant && o.type().isQuant()
                ? Element.FLOAT
                : o.type().element();
    }

    /** A shape as it is written in a source. */
    static String dims(Shape shape) {
        return shape.toString().replace("x", ", ");
    }

    private Shape infer(Op op, List<Operand> operands) {
        try {
            return Shapes.infer(op, operands.stream().map(Operand::shape).toList());
        } catch (ShapeException | ArithmeticException e) {
            Diagnostic d = Diagnostic.error("shape-mismatch", span, sentence(e));
            for (Operand o : operands) {
                d = told(d, o);
            }
            throw new Rejected(d);
        }
    }

    private static String sentence(RuntimeException e) {
        return e instanceof ArithmeticException ? "the result is too large" : String.valueOf(e.getMessage());
    }

    /** Adds where a computed operand comes from. */
    Diagnostic told(Diagnostic d, Operand o) {
        return o.value() instanceof Value.Computed c && !c.span().equals(span)
                ? d.withNote(c.span(), "'" + o.role() + "' is " + c.type() + " from here")
                : d;
    }

    private Spec.Intent intent(boolean result, boolean weighted) {
        Marks around = frame.inherited();
        Spec weights = marks.weights() != null ? marks.weights() : around.weights();
        Spec activations = result ? marks.activations() : null;
        boolean keepFloat = marks.keepFloat() || around.keepFloat();
        Spec.Intent intent = new Spec.Intent(weighted ? weights : null, activations, keepFloat);
        return intent.equals(Spec.Intent.NONE) ? Spec.Intent.NONE : intent;
    }
}

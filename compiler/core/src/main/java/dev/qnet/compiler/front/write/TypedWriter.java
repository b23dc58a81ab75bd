package dev.qnet.compiler.front.write;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.ir.Attr;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.quant.Rescales;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes nodes as typed statements: any operation, in the IR's terms. */
final class TypedWriter {
    private final Constants constants;

    TypedWriter(Constants constants) {
        this.constants = constants;
    }

    /**
     * The statement of a node.
     *
     * @param target its variable
     * @param name what its tables are called in the file
     * @param in the operands' types
     */
    Stmt statement(
            Node n, String target, String name, List<Expr> operands, List<Type> in, List<Annotation> annotations) {
        OpText.Parts parts = OpText.of(n.op());
        List<Argument> arguments = new ArrayList<>();
        operands.forEach(o -> arguments.add(Tree.argument(o)));
        String rescaled = Rescales.attribute(parts.mnemonic());
        parts.attributes().forEach((attribute, value) -> {
            Expr brief = attribute.equals(rescaled) ? brief(parts, value, in, n.type()) : null;
            arguments.add(Tree.argument(attribute, brief != null ? brief : expr(value, name + "." + attribute)));
        });
        return new Stmt.Typed(
                Tree.name(target),
                constants.type(n.type(), name),
                Tree.name(parts.mnemonic()),
                arguments,
                annotations,
                Span.NONE);
    }

    /** {@code tflite}, or {@code tflite(lo: 0)}, where that gives the same constants; else null. */
    private static @Nullable Expr brief(OpText.Parts parts, Attr value, List<Type> in, Type result) {
        if (!(value instanceof Attr.Call c) || c.args().size() != 4) {
            return null;
        }
        Rounding rounding = OpText.contract(c.name());
        if (rounding == null) {
            return null;
        }
        Rescale standard = Rescales.standard(parts.mnemonic(), rounding, parts.attributes(), in, result)
                .orElse(null);
        if (standard == null) {
            return null;
        }
        int lo = c.args().get(2).asInt();
        int hi = c.args().get(3).asInt();
        if (lo > hi || !OpText.of(standard.withClamp(lo, hi)).equals(value)) {
            return null;
        }
        List<Argument> bounds = new ArrayList<>();
        if (lo != standard.lo()) {
            bounds.add(Tree.argument("lo", Tree.number((long) lo)));
        }
        if (hi != standard.hi()) {
            bounds.add(Tree.argument("hi", Tree.number((long) hi)));
        }
        return bounds.isEmpty() ? Tree.ref(c.name()) : Tree.call(c.name(), bounds);
    }

    private Expr expr(Attr value, String name) {
        return switch (value) {
            case Attr.Atom a -> atom(a.text());
            case Attr.Text t -> Tree.string(t.value());
            case Attr.Items i -> {
                List<Integer> ints = ints(i);
                yield ints != null
                        ? constants.ints(name, ints)
                        : Tree.list(i.items().stream().map(x -> expr(x, name)).toList());
            }
            case Attr.Call c ->
                c.args().isEmpty()
                        ? Tree.ref(c.name())
                        : Tree.call(
                                c.name(),
                                c.args().stream()
                                        .map(x -> Tree.argument(expr(x, name)))
                                        .toList());
            case Attr.OfQuant q -> {
                List<Argument> words = new ArrayList<>();
                words.add(Tree.argument(Tree.ref(q.quant().storage().toString())));
                for (Item item : constants.words(q.quant(), name)) {
                    words.add(Tree.argument(Tree.expr(item)));
                }
                yield Tree.call("quant", words);
            }
        };
    }

    private static @Nullable List<Integer> ints(Attr.Items items) {
        List<Integer> ints = new ArrayList<>(items.items().size());
        for (Attr a : items.items()) {
            if (!(a instanceof Attr.Atom atom) || !isInt(atom.text())) {
                return null;
            }
            ints.add(atom.asInt());
        }
        return ints;
    }

    private static boolean isInt(String text) {
        int digits = text.startsWith("-") ? 1 : 0;
        return text.length() > digits
                && text.length() <= 11
                && text.chars().skip(digits).allMatch(c -> c >= '0' && c <= '9');
    }

    private static final Map<String, Boolean> TRUTH = Map.of("true", true, "false", false);

    private static Expr atom(String text) {
        Boolean truth = TRUTH.get(text);
        if (truth != null) {
            return Tree.bool(truth);
        }
        char first = text.charAt(0);
        if (Character.isDigit(first) || (first == '-' && text.length() > 1 && Character.isDigit(text.charAt(1)))) {
            return isInt(text)
                    ? Tree.number(Long.parseLong(text))
                    : new Expr.FloatLit(text, Double.parseDouble(text), Span.NONE);
        }
        return first == '-'
                ? new Expr.Unary(Expr.UnaryOp.NEGATE, Tree.ref(text.substring(1)), Span.NONE)
                : Tree.ref(text);
    }
}

package dev.qnet.compiler.front.write;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;

/** Makes pieces of a syntax tree that no text stands for. */
final class Tree {
    private Tree() {}

    static Name name(String text) {
        return new Name(text, Span.NONE);
    }

    static Expr ref(String name) {
        return new Expr.Ref(name, Span.NONE);
    }

    static Expr number(long value) {
        return new Expr.IntLit(value, Span.NONE);
    }

    /** {@code from..to}. */
    static Expr range(long from, long to) {
        return new Expr.Range(number(from), number(to), Span.NONE);
    }

    /** The shortest text that reads back as the same single; it must be finite. */
    static Expr number(float value) {
        return new Expr.FloatLit(Float.toString(value), Double.parseDouble(Float.toString(value)), Span.NONE);
    }

    static Expr number(double value) {
        return new Expr.FloatLit(Double.toString(value), value, Span.NONE);
    }

    static Expr bool(boolean value) {
        return new Expr.BoolLit(value, Span.NONE);
    }

    static Expr.StringLit string(String text) {
        return new Expr.StringLit(text.isEmpty() ? List.of() : List.of(new Expr.StringLit.Text(text)), Span.NONE);
    }

    static Expr list(List<Expr> elements) {
        return new Expr.ListLit(elements, Span.NONE);
    }

    static Expr ints(List<Integer> values) {
        return list(values.stream().map(v -> number((long) v)).toList());
    }

    /** One int where all are equal, else a list of two. */
    static Expr pair(int height, int width) {
        return height == width ? number((long) height) : ints(List.of(height, width));
    }

    static Expr call(String callee, List<Argument> arguments) {
        return new Expr.Call(name(callee), arguments, Span.NONE);
    }

    static Argument argument(Expr value) {
        return new Argument(null, value, Span.NONE);
    }

    static Argument argument(String name, Expr value) {
        return new Argument(name(name), value, Span.NONE);
    }

    static Item item(String word, Expr... arguments) {
        List<Argument> all = new ArrayList<>();
        for (Expr e : arguments) {
            all.add(argument(e));
        }
        return new Item(name(word), all, Span.NONE);
    }

    /** An annotation whose arguments are items. */
    static Annotation annotation(String word, List<Item> items) {
        List<Argument> arguments = new ArrayList<>();
        for (Item i : items) {
            arguments.add(argument(expr(i)));
        }
        return new Annotation(name(word), arguments, Span.NONE);
    }

    /** An item as the expression that reads as it. */
    static Expr expr(Item item) {
        return item.arguments().isEmpty()
                ? ref(item.name().text())
                : new Expr.Call(item.name(), item.arguments(), Span.NONE);
    }

    static TypeRef type(String element, Shape shape, List<Item> items) {
        return new TypeRef(name(element), extents(shape), items, Span.NONE);
    }

    /** The extents, N among them. */
    static List<Expr> extents(Shape shape) {
        return shape.dims().stream()
                .map(d -> d == Shape.BATCH ? ref("N") : number((long) d))
                .toList();
    }
}

package dev.qnet.compiler.front.write;

import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes constants: small ones into the source, others into a parameters file. */
final class Constants {
    /** Larger ones go into the file. */
    private static final int INLINE = 64;

    private final Names names;
    private final List<Stmt> body;
    private final Map<String, Tensor> file = new LinkedHashMap<>();

    Constants(Names names, List<Stmt> body) {
        this.names = names;
        this.body = body;
    }

    /** What belongs into the parameters file, by name. */
    Map<String, Tensor> file() {
        return file;
    }

    /** Whether a constant goes into the file. */
    static boolean isLarge(Tensor value) {
        return value.shape().elements() > INLINE || (value instanceof Tensor.OfFloat f && !isFinite(f.values()));
    }

    private static boolean isFinite(float[] values) {
        for (float v : values) {
            if (!Float.isFinite(v)) {
                return false;
            }
        }
        return true;
    }

    /** Puts a constant into the file under a name that is its own. */
    void store(String name, Tensor value) {
        file.put(name, value);
    }

    /**
     * An expression for a constant, declared before if it needs to be.
     *
     * @param name what it is called in the file, or, with other letters, in the source
     */
    Expr expr(String name, Tensor value, Type type) {
        if (type.element() instanceof Quant q) {
            return codes(name, value, q);
        }
        if (isLarge(value)) {
            store(name, value);
            return Tree.call("param", List.of(Tree.argument(Tree.string(name))));
        }
        Shape shape = value.shape();
        Expr elements = elements(value);
        if (shape.rank() == 1) {
            return elements;
        }
        String variable = names.variable(name);
        body.add(new Const(Tree.name(variable), Tree.type("f32", shape), List.of(), elements, Span.NONE));
        return Tree.ref(variable);
    }

    private Expr codes(String name, Tensor value, Quant q) {
        Expr elements;
        if (isLarge(value)) {
            store(name, value);
            elements = Tree.call("param", List.of(Tree.argument(Tree.string(name))));
        } else {
            elements = elements(value);
        }
        String variable = names.variable(name);
        body.add(new Const(
                Tree.name(variable), Tree.type(q.storage().toString(), value.shape()), words(q), elements, Span.NONE));
        return Tree.ref(variable);
    }

    private static List<Item> words(Quant q) {
        List<Item> items = new ArrayList<>();
        boolean full = q.lo() == q.storage().min();
        if (q.hi() != q.storage().max() || (!full && q.lo() != q.storage().min() + 1)) {
            throw new NotWritable(
                    "constants that use only the codes " + q.lo() + " to " + q.hi() + " of " + q.storage());
        }
        if (!full) {
            items.add(Tree.item("narrow"));
        }
        switch (q.scheme()) {
            case Scheme.PerTensor t -> {
                items.add(Tree.item("scale", Tree.number(t.scale())));
                if (t.zero() != 0) {
                    items.add(Tree.item("zero", Tree.number((long) t.zero())));
                }
            }
            case Scheme.PerAxis a -> {
                items.add(Tree.item("per_channel", Tree.number((long) a.axis())));
                items.add(Tree.item(
                        "scale", Tree.list(a.scales().stream().map(Tree::number).toList())));
                items.add(Tree.item("zero", Tree.ints(a.zeros())));
            }
            case Scheme.PerGroup _ -> throw new NotWritable("constants with scales a group");
        }
        return items;
    }

    private static Expr elements(Tensor value) {
        List<Expr> elements = new ArrayList<>();
        switch (value) {
            case Tensor.OfFloat f -> {
                for (float v : f.values()) {
                    elements.add(Tree.number(v));
                }
            }
            case Tensor.OfInt i -> {
                for (int v : i.values()) {
                    elements.add(Tree.number((long) v));
                }
            }
            case Tensor.OfLong l -> {
                for (long v : l.values()) {
                    elements.add(Tree.number(v));
                }
            }
        }
        return Tree.list(elements);
    }
}

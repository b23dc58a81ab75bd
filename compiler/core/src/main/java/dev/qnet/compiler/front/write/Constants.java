package dev.qnet.compiler.front.write;

import dev.qnet.compiler.data.SafetensorsType;
import dev.qnet.compiler.data.SafetensorsWriter;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes types and constants: small ones into the source, others into a parameters file. */
final class Constants {
    /** Larger tensors go into the file. */
    private static final int INLINE = 64;
    /** Longer lists of scales and attributes go into the file. */
    private static final int LIST = 32;

    private final Names names;
    private final List<Stmt> body;
    private final Map<String, Tensor> file = new LinkedHashMap<>();
    private final Map<String, SafetensorsType> types = new LinkedHashMap<>();

    Constants(Names names, List<Stmt> body) {
        this.names = names;
        this.body = body;
    }

    /** What belongs into the parameters file, by name. */
    Map<String, Tensor> file() {
        return file;
    }

    /** In what type each of them is kept there. */
    Map<String, SafetensorsType> types() {
        return types;
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

    /** Whether the file holds something under a name. */
    boolean isStored(String name) {
        return file.containsKey(name);
    }

    /** Puts a constant into the file under a name that is its own. */
    void store(String name, Tensor value, SafetensorsType type) {
        file.put(name, value);
        types.put(name, type);
    }

    private Expr stored(String name, Tensor value, SafetensorsType type) {
        String free = name;
        for (int i = 2; isStored(free); i++) {
            free = name + "_" + i;
        }
        store(free, value, type);
        return Tree.call("param", List.of(Tree.argument(Tree.string(free))));
    }

    /** Ints of an attribute or an item: written out, or, where they are many, in the file. */
    Expr ints(String name, List<Integer> values) {
        if (values.size() <= LIST) {
            return Tree.ints(values);
        }
        int[] all = values.stream().mapToInt(i -> i).toArray();
        return stored(name, new Tensor.OfInt(Shape.of(all.length), all), narrowest(all));
    }

    private static SafetensorsType narrowest(int[] values) {
        int lo = 0;
        int hi = 0;
        for (int v : values) {
            lo = Math.min(lo, v);
            hi = Math.max(hi, v);
        }
        if (lo >= -128 && hi <= 127) {
            return SafetensorsType.I8;
        }
        if (lo >= 0 && hi <= 255) {
            return SafetensorsType.U8;
        }
        return lo >= -32768 && hi <= 32767 ? SafetensorsType.I16 : SafetensorsType.I32;
    }

    private Expr scales(String name, List<Float> values) {
        if (values.size() <= LIST) {
            return Tree.list(values.stream().map(Tree::number).toList());
        }
        float[] all = new float[values.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = values.get(i);
        }
        return stored(name, new Tensor.OfFloat(Shape.of(all.length), all), SafetensorsType.F32);
    }

    /**
     * A type, with what its codes mean.
     *
     * @param name what its scales are called in the file, where they are many
     */
    TypeRef type(Type type, String name) {
        return switch (type.element()) {
            case Quant q -> Tree.type(q.storage().toString(), type.shape(), words(q, name));
            case Element e -> Tree.type(e.toString(), type.shape(), List.of());
        };
    }

    /** What codes mean, as words after their storage. */
    List<Item> words(Quant q, String name) {
        List<Item> items = new ArrayList<>();
        Storage storage = q.storage();
        if (q.hi() != storage.max() || q.lo() > storage.min() + 1) {
            items.add(Tree.item("codes", Tree.number((long) q.lo()), Tree.number((long) q.hi())));
        } else if (q.lo() != storage.min()) {
            // One spelling is enough; `narrow` is what people write.
            items.add(
                    storage == Storage.BIPOLAR || storage == Storage.TERNARY || !storage.signed()
                            ? Tree.item("codes", Tree.number((long) q.lo()), Tree.number((long) q.hi()))
                            : Tree.item("narrow"));
        }
        switch (q.scheme()) {
            case Scheme.PerTensor t -> {
                items.add(Tree.item("scale", Tree.number(t.scale())));
                if (t.zero() != 0) {
                    items.add(Tree.item("zero", Tree.number((long) t.zero())));
                }
            }
            case Scheme.PerAxis a -> {
                items.add(
                        a.axis() == 0
                                ? Tree.item("per_channel")
                                : Tree.item("per_channel", Tree.number((long) a.axis())));
                items.add(Tree.item("scale", scales(name + ".scale", a.scales())));
                if (a.zeros().stream().anyMatch(z -> z != 0)) {
                    items.add(Tree.item("zero", ints(name + ".zero", a.zeros())));
                }
            }
            case Scheme.PerGroup g -> {
                items.add(Tree.item(
                        "per_group", Tree.number((long) g.size()), ints(name + ".multiplier", g.multipliers())));
                items.add(Tree.item("scale", scales(name + ".scale", g.scales())));
            }
        }
        return items;
    }

    /**
     * An expression for a constant, declared before if it needs to be.
     *
     * @param name what it is called in the file, or, with other letters, in the source
     */
    Expr expr(String name, Tensor value, Type type) {
        Shape shape = value.shape();
        boolean real = type.isFloat();
        Expr elements = isLarge(value) || shape.elements() == 0
                ? stored(name, value, SafetensorsWriter.type(type.element()))
                : elements(value);
        if (real && (elements instanceof Expr.Call || shape.rank() == 1)) {
            return elements;
        }
        String variable = names.variable(name);
        body.add(new Const(Tree.name(variable), type(type, name), elements, Span.NONE));
        return Tree.ref(variable);
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

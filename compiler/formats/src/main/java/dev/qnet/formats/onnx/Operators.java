package dev.qnet.formats.onnx;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The operators that can be read, by domain and name. */
final class Operators {
    /** What makes graph operations of a node; it looks at {@link Call#opset} where semantics changed. */
    interface Lowering {
        /**
         * Lowers a node.
         *
         * @throws Refusal if the node cannot be expressed
         * @throws TensorDecoder.BadTensor if an attribute holds a malformed tensor
         * @throws Call.Unknown if operands have to be known and are not
         */
        void lower(Call call) throws TensorDecoder.BadTensor;
    }

    private final Map<String, Lowering> known = new HashMap<>();

    private Operators() {}

    /** All operators. */
    static Operators all() {
        Operators all = new Operators();
        ArithmeticOps.register(all);
        ShapeOps.register(all);
        MoveOps.register(all);
        ProductOps.register(all);
        ConvOps.register(all);
        PoolOps.register(all);
        NormOps.register(all);
        ReduceOps.register(all);
        ResizeOps.register(all);
        RecurrentOps.register(all);
        CodeProductOps.register(all, CodeOps.register(all));
        MicrosoftOps.register(all);
        QonnxOps.register(all);
        return all;
    }

    /** Adds an operator of ONNX's own domain. */
    void add(String op, Lowering lowering) {
        add("", op, lowering);
    }

    void add(String domain, String op, Lowering lowering) {
        if (known.put(key(domain, op), lowering) != null) {
            throw new IllegalStateException(key(domain, op) + " is registered twice");
        }
    }

    @Nullable Lowering find(String domain, String op) {
        return known.get(key(domain, op));
    }

    static String key(String domain, String op) {
        return domain.isEmpty() ? op : domain + "." + op;
    }
}

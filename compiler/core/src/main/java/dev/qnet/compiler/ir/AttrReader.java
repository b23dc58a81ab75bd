package dev.qnet.compiler.ir;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Hands out attributes by name and sees that none is left over. */
final class AttrReader {
    private final String mnemonic;
    private final Map<String, Attr> left;
    private @Nullable String last;

    AttrReader(String mnemonic, Map<String, Attr> attrs) {
        this.mnemonic = mnemonic;
        this.left = new LinkedHashMap<>(attrs);
    }

    Attr get(String name) {
        Attr a = maybe(name);
        if (a == null) {
            throw new OpText.AttributeException(null, mnemonic + " needs an attribute '" + name + "'");
        }
        return a;
    }

    /** What was asked for last, which is what does not fit where something does not. */
    @Nullable String last() {
        return last;
    }

    @Nullable Attr maybe(String name) {
        last = name;
        return left.remove(name);
    }

    Element.Int acc() {
        return switch (get("acc").atom().text()) {
            case "i32" -> Element.INT32;
            case "i64" -> Element.INT64;
            default -> throw new IllegalArgumentException("an accumulator is i32 or i64");
        };
    }

    @Nullable Rescale rescale() {
        Attr a = maybe("rescale");
        return a == null ? null : OpAttrs.readRescale(a);
    }

    void end() {
        if (!left.isEmpty()) {
            throw new OpText.AttributeException(
                    null,
                    mnemonic + " has no attribute '" + left.keySet().iterator().next() + "'");
        }
    }
}

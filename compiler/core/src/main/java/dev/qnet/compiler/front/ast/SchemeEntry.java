package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;

/**
 * One line of a scheme: {@code weights i8 symmetric per_channel}.
 *
 * @param roleSpan where the role's word stands
 * @param items what is said of it, in order; for {@link Role#ROUNDING} exactly one
 */
public record SchemeEntry(Role role, Span roleSpan, List<Item> items, Span span) implements Ast {
    /** What an entry speaks of. */
    public enum Role {
        WEIGHTS("weights"),
        ACTIVATIONS("activations"),
        BIAS("bias"),
        ROUNDING("rounding");

        private final String word;

        Role(String word) {
            this.word = word;
        }

        /** As written. */
        public String word() {
            return word;
        }
    }

    public SchemeEntry {
        items = List.copyOf(items);
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.Span;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations of one expression say.
 *
 * @param name the value's name, or null
 * @param weights how weights are quantized, or null
 * @param activations how the result is quantized, or null
 * @param keepFloat whether it stays in f32
 * @param span the annotations
 */
record Marks(
        @Nullable String name,
        @Nullable Spec weights,
        @Nullable Spec activations,
        boolean keepFloat,
        Span span) {
    static final Marks NONE = new Marks(null, null, null, false, Span.NONE);

    boolean isEmpty() {
        return name == null && weights == null && activations == null && !keepFloat;
    }

    /** These, and where they are silent, what is said around. */
    Marks over(Marks around) {
        return new Marks(
                name != null ? name : around.name,
                weights != null ? weights : around.weights,
                activations != null ? activations : around.activations,
                keepFloat || around.keepFloat,
                span.isNone() ? around.span : span);
    }

    /** What of these holds for everything inside a block. */
    Marks inside(Marks around) {
        return new Marks(
                null, weights != null ? weights : around.weights, null, keepFloat || around.keepFloat, Span.NONE);
    }
}

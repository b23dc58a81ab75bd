package dev.qnet.training.fit;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import org.jspecify.annotations.Nullable;

/**
 * A convolution or dense layer that is trained. Its parameters are called after it: {@code NAME/w}, {@code /b}, {@code /w/q}, and with
 * batch normalization {@code /gamma}, {@code /beta}, {@code /mean}, {@code /variance}, {@code /fold}.
 *
 * @param name its value's
 * @param spec how its weights are quantized, or null
 * @param norm the batch normalization behind it, or null
 * @param biased whether it has a bias once it is folded
 * @param pixels of its result, an item
 * @param weights first weights, before folding; [filters, ..]
 * @param bias first bias once folded; empty without one
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Layer(
        String name,
        @Nullable Spec spec,
        @Nullable Norm norm,
        boolean biased,
        Shape shape,
        int pixels,
        float[] weights,
        float[] bias) {
    /**
     * A batch normalization, of what the layer gives without a bias.
     *
     * @param gamma where it begins, as the others
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Norm(float epsilon, float[] gamma, float[] beta, float[] mean, float[] variance) {}

    String weight() {
        return name + "/w";
    }

    String scales() {
        return name + "/w/q";
    }

    String part(String what) {
        return name + "/" + what;
    }

    int filters() {
        return shape.dim(0);
    }
}

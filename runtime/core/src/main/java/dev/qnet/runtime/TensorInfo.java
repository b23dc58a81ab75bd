package dev.qnet.runtime;

import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * An input or an output of a model.
 *
 * @param name its name in the source
 * @param type the type of its raw elements: codes for a quantized tensor
 * @param shape the extents, outermost first; −1 in front for N, any number of items
 * @param quantization what the codes mean, or null for a tensor that is not quantized
 */
public record TensorInfo(
        String name,
        ElementType type,
        List<Integer> shape,
        @Nullable Quantization quantization) {
    /** The extent N. */
    public static final int BATCH = -1;

    public TensorInfo {
        shape = List.copyOf(shape);
        long n = 1;
        for (int i = 0; i < shape.size(); i++) {
            int d = shape.get(i);
            if (d < 0 && !(d == BATCH && i == 0)) {
                throw new ModelException("dimension " + i + " of '" + name + "' is " + d);
            }
            n *= d == BATCH ? 1 : d;
            if (n > Integer.MAX_VALUE - 8) {
                throw new ModelException("'" + name + "' has more elements than a Java array can hold");
            }
        }
        if (quantization != null && (type == ElementType.F32 || type == ElementType.BOOL || type == ElementType.I64)) {
            throw new ModelException("'" + name + "' cannot be quantized with elements of " + type);
        }
    }

    /** Whether the first extent is N. */
    public boolean batched() {
        return !shape.isEmpty() && shape.getFirst() == BATCH;
    }

    /** Elements of one item: N counts as 1. */
    public int itemElements() {
        int n = 1;
        for (int d : shape) {
            n = Math.multiplyExact(n, d == BATCH ? 1 : d);
        }
        return n;
    }

    /** The extents for {@code items} items. */
    public int[] shapeFor(int items) {
        int[] extents = new int[shape.size()];
        for (int i = 0; i < extents.length; i++) {
            extents[i] = shape.get(i) == BATCH ? items : shape.get(i);
        }
        return extents;
    }

    /** Whether tensors of a type can be given for it: its own type, and f32 if it is quantized. */
    public boolean accepts(ElementType given) {
        return given == type || (quantization != null && given == ElementType.F32);
    }

    /** What it expects: {@code u8 or f32 [N, 32, 32, 3]}. */
    public String expectation() {
        return type + (quantization == null ? " " : " or f32 ") + shapeText();
    }

    /** {@code [N, 32, 32, 3]}. */
    public String shapeText() {
        return shape.stream().map(d -> d == BATCH ? "N" : d.toString()).collect(Collectors.joining(", ", "[", "]"));
    }

    /** {@code image: u8 [N, 32, 32, 3] (u8 scale 0.0235 zero 0)}. */
    @Override
    public String toString() {
        return name + ": " + type + " " + shapeText() + (quantization == null ? "" : " (" + quantization + ")");
    }
}

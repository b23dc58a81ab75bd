package dev.qnet.compiler.data;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.runtime.io.TensorFormatException;
import java.util.List;

/** Checks that both kinds of parameter files share. */
final class Floats {
    private Floats() {}

    /** How errors name a tensor in a file. */
    static String place(String source, String tensor) {
        return source + ", tensor '" + tensor + "'";
    }

    /** The shape in the file as a shape of the IR, which holds fewer. */
    static Shape shape(String place, List<Long> dims) {
        try {
            return new Shape(dims.stream().map(Math::toIntExact).toList());
        } catch (IllegalArgumentException | ArithmeticException e) {
            throw new TensorFormatException(place, "the shape " + dims + " is too large: " + e.getMessage(), e);
        }
    }

    /**
     * Narrows a double to the nearest single.
     *
     * @throws TensorFormatException if it is finite and the single is not
     */
    static float narrow(String place, double wide, int index) {
        float narrow = (float) wide;
        if (Float.isInfinite(narrow) && !Double.isInfinite(wide)) {
            throw TensorFormatException.expected(place, "numbers that an f32 can hold", wide + " at element " + index);
        }
        return narrow;
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;

/**
 * A tensor known at compile time.
 *
 * @param value singles for a type in f32, codes for a quantized type
 * @param type its type
 * @param origin what messages call it: the name of a constant, or of a parameter in a file
 */
record ConstTensor(Tensor value, Type type, String origin) {
    static ConstTensor of(Tensor.OfFloat value, String origin) {
        return new ConstTensor(value, new Type(Element.FLOAT, value.shape()), origin);
    }

    Shape shape() {
        return type.shape();
    }

    ConstTensor reshaped(Shape shape) {
        return new ConstTensor(value.reshaped(shape), type.withShape(shape), origin);
    }

    ConstTensor withOrigin(String name) {
        return new ConstTensor(value, type, name);
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;

/** A value of the graph that is being made. */
record Val(ValueId id, Type type) {
    Shape shape() {
        return type.shape();
    }

    Element element() {
        return type.element();
    }

    boolean isFloat() {
        return type.isFloat();
    }

    boolean isQuant() {
        return type.isQuant();
    }

    /** The scale; throws for what is not quantized. */
    float scale() {
        return quant().perTensor().scale();
    }

    /** The zero point; throws for what is not quantized. */
    int zero() {
        return quant().perTensor().zero();
    }

    Quant quant() {
        if (!(type.element() instanceof Quant q)) {
            throw new Unsupported("takes codes with a scale, found " + type);
        }
        return q;
    }
}

package dev.qnet.compiler.ir;

/** The type of a value: {@code u8<scale=0.0235, zero=0>[Nx64]}. */
public record Type(Element element, Shape shape) {
    public static Type f32(int... dims) {
        return new Type(Element.FLOAT, Shape.of(dims));
    }

    public boolean isFloat() {
        return element instanceof Element.F32;
    }

    public boolean isQuant() {
        return element instanceof Quant;
    }

    /** The quantized element; throws ClassCastException if it is none. */
    public Quant quant() {
        return (Quant) element;
    }

    public Type withShape(Shape other) {
        return new Type(element, other);
    }

    public Type withElement(Element other) {
        return new Type(other, shape);
    }

    @Override
    public String toString() {
        return element + "" + shape;
    }
}

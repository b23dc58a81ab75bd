package dev.qnet.compiler.ir;

/** Operands whose shapes do not fit an operation. The message says what was expected and found, in the field's terms. */
public final class ShapeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ShapeException(String message) {
        super(message);
    }
}

package dev.qnet.compiler.interp;

/** A graph cannot be run on the inputs that it was given: it is for who gave them to mend. */
public final class InputException extends IllegalArgumentException {
    private static final long serialVersionUID = 1L;

    InputException(String message) {
        super(message);
    }
}

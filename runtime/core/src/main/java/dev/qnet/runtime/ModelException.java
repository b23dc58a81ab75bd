package dev.qnet.runtime;

/**
 * A model cannot be loaded, or it was given what it does not expect. The message says what was expected and what was
 * found, and is meant for the user.
 */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelException(String message) {
        super(message);
    }

    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}

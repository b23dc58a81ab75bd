package dev.qnet.training.data;

/** Data that cannot be trained on. The message names the file and is the user's. */
public final class DataException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public DataException(String message) {
        super(message);
    }
}

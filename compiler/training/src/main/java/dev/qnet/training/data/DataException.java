package dev.qnet.training.data;

import org.jspecify.annotations.Nullable;

/** Data that cannot be trained on. The message names the file and is the user's. */
public final class DataException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final @Nullable String fix;

    public DataException(String message) {
        this(message, null);
    }

    /**
     * @param message what is wrong, without a final full stop
     * @param fix what to do about it, or null
     */
    public DataException(String message, @Nullable String fix) {
        super(message);
        this.fix = fix;
    }

    /** What to do about it, or null. */
    public @Nullable String fix() {
        return fix;
    }
}

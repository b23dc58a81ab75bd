package dev.qnet.cli;

import org.jspecify.annotations.Nullable;

/** Something the user asked for that cannot be done, and how to mend it. No stack trace is shown for it. */
public final class UserException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final @Nullable String fix;

    public UserException(String message) {
        this(message, null);
    }

    /**
     * @param message what is wrong, without a final full stop
     * @param fix what to do about it, or null
     */
    public UserException(String message, @Nullable String fix) {
        super(message);
        this.fix = fix;
    }

    public @Nullable String fix() {
        return fix;
    }
}

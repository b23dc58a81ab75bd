package dev.qnet.target.tvm;

/**
 * TVM cannot be used here: its native libraries are not on this machine, or none exist for its platform. The message says
 * what to do.
 */
public final class TvmUnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final String what;
    private final String fix;

    /**
     * @param message what is missing
     * @param fix what the user can do about it
     */
    public TvmUnavailableException(String message, String fix) {
        super(message + "\n" + fix);
        this.what = message;
        this.fix = fix;
    }

    /** As {@link #TvmUnavailableException(String, String)}. */
    public TvmUnavailableException(String message, String fix, Throwable cause) {
        super(message + "\n" + fix, cause);
        this.what = message;
        this.fix = fix;
    }

    /** What is missing. */
    public String what() {
        return what;
    }

    /** What the user can do about it. */
    public String fix() {
        return fix;
    }
}

package dev.qnet.runtime.io;

/**
 * A tensor file is not what its format promises: truncated, mutated, of an unknown type, or over a limit. The message
 * names the file (and the entry in it) and says what was expected and found; it is meant for the user, without a stack
 * trace. Failures of the file system itself are {@link java.io.IOException}s.
 */
public final class TensorFormatException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String source;

    /**
     * @param source the file, or the file and the entry in it, as shown to the user
     * @param problem what is wrong with it, without the source's name
     */
    public TensorFormatException(String source, String problem) {
        super(source + ": " + problem);
        this.source = source;
    }

    /** As above, with what led to it. */
    public TensorFormatException(String source, String problem, Throwable cause) {
        super(source + ": " + problem, cause);
        this.source = source;
    }

    /** The common shape of these errors: {@code SOURCE: expected EXPECTED, found FOUND}. */
    public static TensorFormatException expected(String source, String expected, String found) {
        return new TensorFormatException(source, "expected " + expected + ", found " + found);
    }

    /** The file, or the file and the entry in it. */
    public String source() {
        return source;
    }
}

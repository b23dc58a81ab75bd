package dev.qnet.cli.verify;

/** A case that cannot be read: its files are missing, damaged, or contradict each other. For the user. */
final class CaseException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CaseException(String message) {
        super(message);
    }

    CaseException(String message, Throwable cause) {
        super(message, cause);
    }
}

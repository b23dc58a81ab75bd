package dev.qnet.training.fit;

/** Training that cannot go on: a loss that has exploded. The message is the user's. */
public final class TrainingException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public TrainingException(String message) {
        super(message);
    }
}

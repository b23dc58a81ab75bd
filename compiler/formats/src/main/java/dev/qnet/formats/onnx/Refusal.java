package dev.qnet.formats.onnx;

/** A node cannot be expressed; the message completes "OPERATOR 'node' …". */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String message) {
        super(message);
    }
}

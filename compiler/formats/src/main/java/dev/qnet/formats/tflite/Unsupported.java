package dev.qnet.formats.tflite;

/** An operator cannot be imported; the message says why, for a person. */
@SuppressWarnings("serial") // never serialized
final class Unsupported extends RuntimeException {
    Unsupported(String reason) {
        super(reason, null, false, false);
    }
}

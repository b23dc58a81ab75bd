package dev.qnet.formats.tflite;

/** Layers with a memory. */
final class Recurrent {
    private Recurrent() {}

    static void lstm(Call c) {
        throw new Unsupported("is not supported yet");
    }

    static void svdf(Call c) {
        throw new Unsupported("is not supported yet");
    }
}

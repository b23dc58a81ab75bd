package dev.qnet.compiler.front.write;

/** A graph holds what the language has no words for. */
final class NotWritable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param what the thing, in the plural */
    NotWritable(String what) {
        super(what, null, false, false);
    }
}

package dev.qnet.compiler.front.write;

/** The language has no call for an operation: it becomes a typed statement. */
final class NotWritable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** @param what the thing, in the plural */
    NotWritable(String what) {
        super(what, null, false, false);
    }
}

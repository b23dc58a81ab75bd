package dev.qnet.compiler.front.bind;

/** Bounds on what one source may ask for, so that no source makes the compiler hang or run out of memory. */
final class Limits {
    /** Nodes of a graph. */
    static final int NODES = 200_000;
    /** Expressions and statements evaluated, all told. */
    static final long STEPS = 10_000_000;
    /** Turns of one {@code repeat}. */
    static final int TURNS = 1_000_000;
    /** Blocks that call one another, one inside the other. */
    static final int CALL_DEPTH = 64;
    /** Expressions, statements and blocks inside one another, all told; bounded by a thread's stack. */
    static final int DEPTH = 1_500;
    /** Rows and columns of a kernel, of a dilation and of padding that are written out. */
    static final int WINDOW = 1 << 12;
    /** Characters of a string. */
    static final int TEXT = 4_096;
    /** Elements of a list, those of nested lists counted. */
    static final int LIST = 1 << 22;
    /** Elements of all tensors computed at compile time, all told: a quarter of a gigabyte. */
    static final long CONSTANT_ELEMENTS = 1L << 26;
    /** Elements of all tensors read from files, all told: 4 gigabytes. */
    static final long PARAMETER_ELEMENTS = 1L << 30;

    private Limits() {}
}

package dev.qnet.benchmarks.measure;

/** One of those that are timed against each other: each run does the same work again. */
public interface Contestant extends AutoCloseable {
    /** Whom a column of the table is about. */
    String name();

    /** Does the work once; the result stays where it was written. */
    void run();

    /** Frees what lies outside the heap. */
    @Override
    default void close() {}
}

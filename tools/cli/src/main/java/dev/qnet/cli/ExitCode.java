package dev.qnet.cli;

/** What the command's exit code says; docs/cli.md lists them. */
final class ExitCode {
    static final int OK = 0;
    /** The input (a model, a tensor, a picture) is wrong, or a check failed. */
    static final int INPUT = 1;
    /** The command line is wrong. */
    static final int USAGE = 2;
    /** A file could not be read or written. */
    static final int IO = 3;
    /** A bug in Qnet. */
    static final int BUG = 70;

    private ExitCode() {}
}

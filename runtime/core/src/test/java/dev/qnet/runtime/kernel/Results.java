package dev.qnet.runtime.kernel;

/** Runs kernels and compares what they write, and that they write nothing else. */
final class Results {
    private Results() {}

    /** Throws AssertionError where a result or a neighbour of the results differs. */
    static void check(
            String name, Backend backend, UnaryKernel kernel, Banks b, int x, int y, Kind kind, long[] expected) {
        int margin = 64;
        long[] before = new long[margin];
        long[] after = new long[margin];
        for (int i = 0; i < margin; i++) {
            before[i] = bits(b, kind, y - margin + i);
            after[i] = bits(b, kind, y + expected.length + i);
        }
        // Twice: the second run meets scratch memory in use.
        for (int run = 0; run < 2; run++) {
            kernel.run(b, x, y);
            for (int i = 0; i < expected.length; i++) {
                long found = kind == Kind.F32 ? Float.floatToIntBits(b.floats[y + i]) : Data.get(b, kind, y + i);
                if (found != expected[i]) {
                    throw new AssertionError(
                            name + ", " + backend + ": element " + i + " is " + found + ", expected " + expected[i]);
                }
            }
        }
        for (int i = 0; i < margin; i++) {
            if (before[i] != bits(b, kind, y - margin + i) || after[i] != bits(b, kind, y + expected.length + i)) {
                throw new AssertionError(name + ", " + backend + ": wrote beside its result");
            }
        }
    }

    private static long bits(Banks b, Kind kind, int at) {
        return kind == Kind.F32 ? Float.floatToRawIntBits(b.floats[at]) : Data.get(b, kind, at);
    }
}

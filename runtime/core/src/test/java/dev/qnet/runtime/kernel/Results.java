package dev.qnet.runtime.kernel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

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
        // Twice: the second run meets scratch memory in use. Then in parts, in any order, as threads run them.
        for (int run = 0; run < 3; run++) {
            if (run == 2) {
                b.shareBy(new Shuffled(b, new Random(expected.length)));
            }
            kernel.run(b, x, y);
            b.shareBy(null);
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

    /**
     * Runs a kernel's parts in random order, each with one of two forks of the banks: what threads do, at its worst,
     * and the same in every run.
     */
    private record Shuffled(Banks first, Banks second, Random random) implements Banks.Sharing {
        Shuffled(Banks b, Random random) {
            this(b.fork(), b.fork(), random);
        }

        @Override
        public boolean run(Parts kernel, int x, int y, int z) {
            List<int[]> ranges = new ArrayList<>();
            for (int from = 0, to; from < kernel.parts(); from = to) {
                to = Math.min(kernel.parts(), from + 1 + random.nextInt(3));
                ranges.add(new int[] {from, to});
            }
            Collections.shuffle(ranges, random);
            for (int[] r : ranges) {
                kernel.run(random.nextBoolean() ? first : second, x, y, z, r[0], r[1]);
            }
            return kernel.nanos() >= 0;
        }
    }

    private static long bits(Banks b, Kind kind, int at) {
        return kind == Kind.F32 ? Float.floatToRawIntBits(b.floats[at]) : Data.get(b, kind, at);
    }
}

package dev.qnet.runtime.kernel;

import java.util.Arrays;

/**
 * Moves rows of elements between banks and scratch arrays of ints, so that kernels are written once for all kinds.
 */
final class Rows {
    /** Elements that elementwise kernels handle at a time, so that scratch rows stay in the first-level cache. */
    static final int CHUNK = 1024;

    /** The int scratch slot of {@link Output}'s codes; kernels use the others. */
    static final int CODES = 3;

    /** Loads into ints, for {@link Patch}. */
    static final Patch.Loader<int[]> INTS = new Patch.Loader<>() {
        @Override
        public void zeros(int[] to, int at, int n) {
            Arrays.fill(to, at, at + n, 0);
        }

        @Override
        public void load(Banks b, Operand x, int from, int[] to, int at, int n) {
            Rows.load(b, x, from, to, at, n);
        }
    };

    private Rows() {}

    /** Loads {@code q − zero}, wrapping in an int. */
    static void load(Banks b, Operand x, int from, int[] to, int at, int n) {
        int z = x.zero();
        switch (x.kind()) {
            case S8, U8 -> load(b.bytes, x, from, to, at, n);
            case S16 -> {
                short[] a = b.shorts;
                for (int i = 0; i < n; i++) {
                    to[at + i] = a[from + i] - z;
                }
            }
            case U16 -> {
                short[] a = b.shorts;
                for (int i = 0; i < n; i++) {
                    to[at + i] = (a[from + i] & 0xFFFF) - z;
                }
            }
            case S32 -> {
                int[] a = b.ints;
                if (z == 0) {
                    System.arraycopy(a, from, to, at, n);
                    return;
                }
                for (int i = 0; i < n; i++) {
                    to[at + i] = a[from + i] - z;
                }
            }
            case S64, F32 -> throw notInt(x.kind());
        }
    }

    /** As above, of 8 bits that lie anywhere. */
    static void load(byte[] a, Operand x, int from, int[] to, int at, int n) {
        int z = x.zero();
        if (x.kind() == Kind.S8) {
            for (int i = 0; i < n; i++) {
                to[at + i] = a[from + i] - z;
            }
        } else {
            for (int i = 0; i < n; i++) {
                to[at + i] = (a[from + i] & 0xFF) - z;
            }
        }
    }

    /** Repeats the first k of n elements of an array of any type. */
    @SuppressWarnings("SuspiciousSystemArraycopy") // one array
    static void repeat(Object a, int at, int k, int n) {
        for (int done = k; done > 0 && done < n; done *= 2) {
            System.arraycopy(a, at, a, at + done, Math.min(done, n - done));
        }
    }

    /** Where n bytes of an operand lie, those that are repeated in {@code to}. */
    static byte[] bytes(Banks b, int from, int step, byte[] to, int at, int n) {
        if (step == 1) {
            return b.bytes;
        }
        int k = Math.max(1, -step);
        System.arraycopy(b.bytes, from, to, at, k);
        repeat(to, at, k, n);
        return to;
    }

    /** Loads {@code q − zero} of an operand of any integer kind as longs, where no 32-bit code can wrap. */
    static void load(Banks b, Operand x, int from, int step, long[] to, int n) {
        if (step < 0) {
            load(b, x, from, 1, to, -step);
            repeat(to, 0, -step, n);
            return;
        }
        long z = x.zero();
        if (x.kind() == Kind.S64) {
            for (int i = 0; i < n; i++) {
                to[i] = b.longs[from + i * step] - z;
            }
        } else {
            for (int i = 0; i < n; i++) {
                to[i] = one(b, x.kind(), from + i * step) - z;
            }
        }
    }

    /** One element. */
    static int one(Banks b, Kind kind, int at) {
        return switch (kind) {
            case S8 -> b.bytes[at];
            case U8 -> b.bytes[at] & 0xFF;
            case S16 -> b.shorts[at];
            case U16 -> b.shorts[at] & 0xFFFF;
            case S32 -> b.ints[at];
            case S64, F32 -> throw notInt(kind);
        };
    }

    /** Stores ints, narrowed to the kind. */
    static void store(Banks b, Kind kind, int to, int[] from, int at, int n) {
        switch (kind) {
            case S8, U8 -> {
                byte[] a = b.bytes;
                for (int i = 0; i < n; i++) {
                    a[to + i] = (byte) from[at + i];
                }
            }
            case S16, U16 -> {
                short[] a = b.shorts;
                for (int i = 0; i < n; i++) {
                    a[to + i] = (short) from[at + i];
                }
            }
            case S32 -> System.arraycopy(from, at, b.ints, to, n);
            case S64, F32 -> throw notInt(kind);
        }
    }

    /** Stores longs, narrowed to the kind. */
    static void store(Banks b, Kind kind, int to, long[] from, int n) {
        switch (kind) {
            case S8, U8 -> {
                byte[] a = b.bytes;
                for (int i = 0; i < n; i++) {
                    a[to + i] = (byte) from[i];
                }
            }
            case S16, U16 -> {
                short[] a = b.shorts;
                for (int i = 0; i < n; i++) {
                    a[to + i] = (short) from[i];
                }
            }
            case S32 -> {
                int[] a = b.ints;
                for (int i = 0; i < n; i++) {
                    a[to + i] = (int) from[i];
                }
            }
            case S64 -> System.arraycopy(from, 0, b.longs, to, n);
            case F32 -> throw new IllegalArgumentException("longs are no elements of " + kind);
        }
    }

    /** Makes truth values: 1 of all but 0. */
    static void truth(long[] a, int n) {
        for (int i = 0; i < n; i++) {
            a[i] = a[i] != 0 ? 1 : 0;
        }
    }

    private static IllegalArgumentException notInt(Kind kind) {
        return new IllegalArgumentException(kind + " elements do not fit an int");
    }
}

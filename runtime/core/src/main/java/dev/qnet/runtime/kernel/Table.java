package dev.qnet.runtime.kernel;

/**
 * A function of one code of 16 bits or fewer, as a table. In place where operand and result are of one width, of at most
 * 16 bits.
 */
public final class Table implements UnaryKernel {
    private final Loops loops;
    private final Kind x;
    private final Kind kind;
    private final int n;

    /** The result for each bit pattern of the operand, read as unsigned; empty where a narrower array has it. */
    private final int[] byBits;

    /** The same, for results of a byte. */
    private final byte[] bytes;

    /** The same, for results of 16 bits: half the memory, which matters with 65,536 entries. */
    private final short[] shorts;

    private Table(Loops loops, Kind x, Kind kind, int n, int[] byBits, byte[] bytes, short[] shorts) {
        this.loops = loops;
        this.x = x;
        this.kind = kind;
        this.n = n;
        this.byBits = byBits;
        this.bytes = bytes;
        this.shorts = shorts;
    }

    /**
     * Plans, for codes of 8 bits and fewer.
     *
     * @param n elements
     * @param min the code of the first entry: the lowest of the operand's storage. Codes without an entry, which no
     *     operand holds, give 0
     * @param entries codes of the result
     * @param y the result's kind, at most 32 bits
     */
    public static Table of(Backend backend, int n, int min, int[] entries, Kind y) {
        if (entries.length > 256 || min < -128 || min + entries.length > 256 || !y.fitsInt()) {
            throw new IllegalArgumentException("a table of " + entries.length + " entries from " + min + " to " + y);
        }
        return of(backend, Kind.U8, n, min, entries, y);
    }

    /** As {@link #of(Backend, int, int, int[], Kind)}, for codes of 16 bits. */
    public static Table wide(Backend backend, int n, int min, int[] entries, Kind y) {
        if (entries.length > 65536 || min < -32768 || min + entries.length > 65536 || !y.fitsInt()) {
            throw new IllegalArgumentException("a table of " + entries.length + " entries from " + min + " to " + y);
        }
        return of(backend, Kind.U16, n, min, entries, y);
    }

    private static Table of(Backend backend, Kind x, int n, int min, int[] entries, Kind y) {
        int size = 1 << (8 * x.bytes());
        int[] byBits = new int[y.bytes() == 4 ? size : 0];
        byte[] bytes = new byte[y.bytes() == 1 ? size : 0];
        short[] shorts = new short[y.bytes() == 2 ? size : 0];
        for (int i = 0; i < entries.length; i++) {
            int at = (min + i) & (size - 1);
            switch (y.bytes()) {
                case 1 -> bytes[at] = (byte) entries[i];
                case 2 -> shorts[at] = (short) entries[i];
                default -> byBits[at] = entries[i];
            }
        }
        return new Table(backend.loops(), x, y, n, byBits, bytes, shorts);
    }

    @Override
    public void run(Banks banks, int xAt, int yAt) {
        if (x == Kind.U16) {
            runWide(banks, xAt, yAt);
            return;
        }
        switch (kind) {
            case S8, U8 -> loops.look(bytes, banks, xAt, yAt, n);
            case S16, U16 -> {
                byte[] a = banks.bytes;
                short[] y = banks.shorts;
                short[] table = shorts;
                for (int i = 0; i < n; i++) {
                    y[yAt + i] = table[a[xAt + i] & 0xFF];
                }
            }
            case S32 -> {
                for (int i = 0; i < n; i++) {
                    banks.ints[yAt + i] = byBits[banks.bytes[xAt + i] & 0xFF];
                }
            }
            case S64, F32 -> throw new AssertionError(kind);
        }
    }

    private void runWide(Banks b, int xAt, int yAt) {
        short[] a = b.shorts;
        switch (kind) {
            case S8, U8 -> {
                for (int i = 0; i < n; i++) {
                    b.bytes[yAt + i] = bytes[a[xAt + i] & 0xFFFF];
                }
            }
            case S16, U16 -> {
                short[] table = shorts;
                for (int i = 0; i < n; i++) {
                    a[yAt + i] = table[a[xAt + i] & 0xFFFF];
                }
            }
            case S32 -> {
                for (int i = 0; i < n; i++) {
                    b.ints[yAt + i] = byBits[a[xAt + i] & 0xFFFF];
                }
            }
            case S64, F32 -> throw new AssertionError(kind);
        }
    }

    static void look(byte[] x, int xAt, byte[] y, int yAt, byte[] table, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = table[x[xAt + i] & 0xFF];
        }
    }
}

package dev.qnet.runtime.kernel;

/** A function of one code of 8 bits or fewer, as a table. In place where the result is a byte too. */
public final class Table implements UnaryKernel {
    private final Kind kind;
    private final int n;

    /** The result for each byte of the operand, read as unsigned. */
    private final int[] byByte;

    /** The same, for results of a byte. */
    private final byte[] bytes;

    private Table(Kind kind, int n, int[] byByte, byte[] bytes) {
        this.kind = kind;
        this.n = n;
        this.byByte = byByte;
        this.bytes = bytes;
    }

    /**
     * Plans.
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
        int[] byByte = new int[256];
        byte[] bytes = new byte[256];
        for (int i = 0; i < entries.length; i++) {
            byByte[(min + i) & 0xFF] = entries[i];
            bytes[(min + i) & 0xFF] = (byte) entries[i];
        }
        return new Table(y, n, byByte, bytes);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        switch (kind) {
            case S8, U8 -> look(banks.bytes, x, banks.bytes, y, bytes, n);
            case S16, U16 -> {
                for (int i = 0; i < n; i++) {
                    banks.shorts[y + i] = (short) byByte[banks.bytes[x + i] & 0xFF];
                }
            }
            case S32 -> {
                for (int i = 0; i < n; i++) {
                    banks.ints[y + i] = byByte[banks.bytes[x + i] & 0xFF];
                }
            }
            case S64, F32 -> throw new AssertionError(kind);
        }
    }

    private static void look(byte[] x, int xAt, byte[] y, int yAt, byte[] table, int n) {
        for (int i = 0; i < n; i++) {
            y[yAt + i] = table[x[xAt + i] & 0xFF];
        }
    }
}

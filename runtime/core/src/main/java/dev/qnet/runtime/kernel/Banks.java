package dev.qnet.runtime.kernel;

/**
 * The memory that one thread runs a model in: an array for each element width, in which values lie at offsets chosen
 * by the compiler, and scratch arrays that kernels use while they run. Not for use by two threads at once.
 */
public final class Banks {
    /** Elements of {@link Kind#S8} and {@link Kind#U8}. */
    public final byte[] bytes;

    /** Elements of {@link Kind#S16} and {@link Kind#U16}. */
    public final short[] shorts;

    /** Elements of {@link Kind#S32}. */
    public final int[] ints;

    /** Elements of {@link Kind#S64}. */
    public final long[] longs;

    /** Elements of {@link Kind#F32}. */
    public final float[] floats;

    private final int[][] intScratch = new int[4][0];
    private final long[][] longScratch = new long[2][0];
    private final float[][] floatScratch = new float[4][0];
    private final double[][] doubleScratch = new double[2][0];

    /** Banks of so many elements each. */
    public Banks(int bytes, int shorts, int ints, int longs, int floats) {
        this.bytes = new byte[bytes];
        this.shorts = new short[shorts];
        this.ints = new int[ints];
        this.longs = new long[longs];
        this.floats = new float[floats];
    }

    /** The bank of a kind. */
    Object of(Kind kind) {
        return switch (kind) {
            case S8, U8 -> bytes;
            case S16, U16 -> shorts;
            case S32 -> ints;
            case S64 -> longs;
            case F32 -> floats;
        };
    }

    /**
     * A scratch array of at least n elements with whatever the last user left in it. It is the caller's until it
     * returns or asks for the same slot again.
     */
    int[] ints(int slot, int n) {
        int[] a = intScratch[slot];
        if (a.length < n) {
            a = new int[n];
            intScratch[slot] = a;
        }
        return a;
    }

    /** As {@link #ints(int, int)}. */
    long[] longs(int slot, int n) {
        long[] a = longScratch[slot];
        if (a.length < n) {
            a = new long[n];
            longScratch[slot] = a;
        }
        return a;
    }

    /** As {@link #ints(int, int)}. */
    float[] floats(int slot, int n) {
        float[] a = floatScratch[slot];
        if (a.length < n) {
            a = new float[n];
            floatScratch[slot] = a;
        }
        return a;
    }

    /** As {@link #ints(int, int)}. */
    double[] doubles(int slot, int n) {
        double[] a = doubleScratch[slot];
        if (a.length < n) {
            a = new double[n];
            doubleScratch[slot] = a;
        }
        return a;
    }
}

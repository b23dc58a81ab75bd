package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The memory that one thread runs a model in: an array for each element width, in which values lie at offsets chosen
 * by the compiler, and scratch arrays that kernels use while they run. Not for use by two callers at once; the threads
 * that help with a kernel have {@linkplain #fork() forks}.
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

    private byte[] byteScratch = new byte[0];
    private byte[] byteImage = new byte[0];
    private final int[][] intScratch = new int[4][0];
    private final long[][] longScratch = new long[2][0];
    private final float[][] floatScratch = new float[4][0];
    private final double[][] doubleScratch = new double[6][0];

    /** Null until it is asked for. */
    private @Nullable Banks apart;

    /** How the work of a kernel is shared. */
    interface Sharing {
        /** Runs all parts of a kernel; or none, and gives false, if one thread had better do it. */
        boolean run(Parts kernel, int x, int y, int z);
    }

    /** Null where one thread does it all. */
    private @Nullable Sharing sharing;

    /** Banks of so many elements each. */
    public Banks(int bytes, int shorts, int ints, int longs, int floats) {
        this.bytes = new byte[bytes];
        this.shorts = new short[shorts];
        this.ints = new int[ints];
        this.longs = new long[longs];
        this.floats = new float[floats];
    }

    private Banks(Banks of, int[] ints) {
        bytes = of.bytes;
        shorts = of.shorts;
        this.ints = ints;
        longs = of.longs;
        floats = of.floats;
    }

    /** The same values with scratch of its own, for a thread that helps. */
    Banks fork() {
        return new Banks(this, ints);
    }

    /**
     * The same values with scratch of its own, and at least n ints instead of those of the model: for kernels that run as
     * a part of another, which takes their accumulators from there. No workers help with those.
     */
    Banks apart(int n) {
        Banks b = apart;
        if (b == null || b.ints.length < n) {
            b = new Banks(this, new int[n]);
            apart = b;
        }
        return b;
    }

    /** Has workers help with large kernels from now on. */
    public void share(Workers workers) {
        shareBy(new WorkerSharing(this, workers));
    }

    /** Has large kernels shared from now on; null for this thread alone. */
    void shareBy(@Nullable Sharing with) {
        sharing = with;
    }

    /** Runs all parts of a kernel: on this thread, and if it is worth it on others. */
    void run(Parts kernel, int x, int y, int z) {
        Sharing s = sharing;
        if (s == null || !s.run(kernel, x, y, z)) {
            kernel.run(this, x, y, z, 0, kernel.parts());
        }
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

    /** As {@link #ints(int, int)}, the only one. */
    byte[] byteScratch(int n) {
        if (byteScratch.length < n) {
            byteScratch = new byte[n];
        }
        return byteScratch;
    }

    /** Another one, for images. */
    byte[] byteImage(int n) {
        if (byteImage.length < n) {
            byteImage = new byte[n];
        }
        return byteImage;
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

package dev.qnet.runtime.kernel;

/**
 * The cell state of TFLite's 8x8_16 LSTM, of i16 codes f, c, i, g:
 * {@code sat16(sat16(rdp(f·c, 15)) + sat16(rdp(i·g, inputShift)))}, limited to ±clip. rdp(a, n) divides by 2^n, ties away
 * from zero.
 */
public final class LstmCell implements QuaternaryKernel {
    static final int STATE_SHIFT = 15;

    private final Loops loops;
    private final int n;
    private final int inputShift;
    private final int clip;

    private LstmCell(Loops loops, int n, int inputShift, int clip) {
        this.loops = loops;
        this.n = n;
        this.inputShift = inputShift;
        this.clip = clip;
    }

    /**
     * Plans, {@link Kind#S16} throughout.
     *
     * @param n elements
     * @param inputShift 1 to 31
     * @param clip in codes, 0 for none
     */
    public static LstmCell of(Backend backend, int n, int inputShift, int clip) {
        if (inputShift < 1 || inputShift > 31 || clip < 0) {
            throw new IllegalArgumentException("a cell with input shift " + inputShift + " and clip " + clip);
        }
        return new LstmCell(backend.loops(), n, inputShift, clip);
    }

    @Override
    public void run(Banks banks, int f, int c, int i, int g, int result) {
        int limit = clip == 0 ? Short.MAX_VALUE + 1 : clip;
        loops.cell(banks.shorts, f, c, i, g, result, n, inputShift, limit);
    }

    /** As {@link Loops#cell}, in plain Java. */
    static void cells(short[] a, int f, int c, int i, int g, int result, int n, int inputShift, int limit) {
        for (int k = 0; k < n; k++) {
            long kept = (long) a[f + k] * a[c + k];
            long added = (long) a[i + k] * a[g + k];
            int sum = Softmax16.saturate(divide(kept, STATE_SHIFT)) + Softmax16.saturate(divide(added, inputShift));
            a[result + k] = (short) Math.max(-limit, Math.min(limit, Softmax16.saturate(sum)));
        }
    }

    /** v/2^s, ties away from zero. */
    private static long divide(long v, int s) {
        long half = 1L << (s - 1);
        return v >= 0 ? (v + half) >> s : -((-v + half) >> s);
    }
}

package dev.qnet.runtime.kernel;

/**
 * The scale and zero point for the range of singles, chosen at run time, as f32 [2]. With lo = min(0, min x) and
 * hi = max(0, max x), in f32: asymmetric {@code s = (hi − lo)/(max − min)},
 * {@code z = min + saturate(round_half_even(−lo/s))} within the codes min..max; symmetric {@code s = max(−lo,
 * hi)/max}, z = 0. s is 1 where it would be 0. ONNX's DynamicQuantizeLinear is the asymmetric form with codes 0..255.
 */
public final class DynamicParams implements UnaryKernel {
    private final Loops loops;
    private final int n;
    private final int min;
    private final int max;
    private final boolean symmetric;

    private DynamicParams(Loops loops, int n, int min, int max, boolean symmetric) {
        this.loops = loops;
        this.n = n;
        this.min = min;
        this.max = max;
        this.symmetric = symmetric;
    }

    /**
     * Plans.
     *
     * @param n elements
     * @param min the lowest code
     * @param max the highest code
     * @param symmetric whether z is 0
     */
    public static DynamicParams of(Backend backend, int n, int min, int max, boolean symmetric) {
        return new DynamicParams(backend.loops(), n, min, max, symmetric);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        float[] a = banks.floats;
        float[] extremes = banks.floats(0, 2);
        loops.extremes(a, x, n, extremes);
        float lo = extremes[0];
        float hi = extremes[1];
        float s = symmetric ? Math.max(-lo, hi) / max : (hi - lo) / (max - min);
        if (s == 0) {
            s = 1;
        }
        a[y] = s;
        a[y + 1] = symmetric ? 0 : min + Math.clamp((long) Math.rint(-lo / s), 0, max - min);
    }
}

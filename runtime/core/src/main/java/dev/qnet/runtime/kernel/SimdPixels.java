package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Takes neighbouring output pixels of convolutions with few filters for one, so that vectors are full: p pixels with n
 * filters each lie in memory as one pixel with p·n filters. Its window spans those of all p, and where a filter's own
 * window is not, its weights are zeros.
 */
final class SimdPixels {
    /** About how many cycles it takes to copy a vector. */
    private static final int COPY = 3;

    /** About how many cycles a block costs, whatever its length. */
    private static final int BLOCK = 60;

    /** About how many cycles it takes to make codes of a column of vectors. */
    private static final int CODES = 70;

    /** About how many cycles it takes to write a row that does not end with a vector. */
    private static final int REST = 15;

    private SimdPixels() {}

    /** The convolution with as many pixels taken together as is best, which may be itself. */
    static ConvSpec together(ConvSpec s) {
        int best = 1;
        if (s.groups() == 1 && s.window().dilationW() == 1) {
            double least = cycles(s, 1);
            for (int p = 2; p * s.filters() <= SimdPanels.COLUMNS; p++) {
                double cycles = s.outWidth() % p == 0 ? cycles(s, p) : least;
                if (cycles < least) {
                    least = cycles;
                    best = p;
                }
            }
        }
        return best == 1 ? s : together(s, best);
    }

    /** About how many cycles the convolution takes with p pixels together. */
    private static double cycles(ConvSpec s, int p) {
        Window w = s.window();
        int lanes = Simd.LANES;
        int filters = s.filters() * p;
        int columns = (filters + lanes - 1) / lanes;
        int run = kernelW(w, p) * s.channels();
        int rows = s.outHeight() * s.outWidth() / p;
        double blocks = (double) rows / SimdPanels.ROWS;
        int pairs = columns / 2;
        // A column alone waits for loads.
        double tile = SimdPanels.ROWS * (pairs + columns % 2 * 0.6) * run * w.kernelH();
        int vectors = (run + lanes - 1) / lanes;
        double gather = (double) rows * w.kernelH() * vectors * COPY;
        double rest = filters % lanes == 0 ? 0 : (double) rows * REST;
        return blocks * (tile + BLOCK + columns * CODES) + gather + rest;
    }

    private static int kernelW(Window w, int p) {
        return w.kernelW() + (p - 1) * w.strideW();
    }

    /** The convolution with p pixels together; the width of its output is a multiple of p. */
    private static ConvSpec together(ConvSpec s, int p) {
        Window w = s.window();
        int kw = kernelW(w, p);
        int right = (s.outWidth() - 1) * w.strideW() + w.kernelW() - s.width() - w.left();
        Window wide = new Window(
                w.kernelH(), kw, w.strideH(), p * w.strideW(), w.dilationH(), 1, w.top(), w.left(), w.bottom(), right);
        int n = s.filters();
        int c = s.channels();
        int[] weights = new int[p * n * w.kernelH() * kw * c];
        int[] bias = new int[p * n];
        long[] wideBias = new long[p * n];
        int run = w.kernelW() * c;
        for (int i = 0; i < p; i++) {
            System.arraycopy(s.bias(), 0, bias, i * n, n);
            System.arraycopy(s.wideBias(), 0, wideBias, i * n, n);
            for (int j = 0; j < n * w.kernelH(); j++) {
                int to = (i * n * w.kernelH() + j) * kw * c + i * w.strideW() * c;
                System.arraycopy(s.weights(), j * run, weights, to, run);
            }
        }
        return new ConvSpec(
                s.x(), s.height(), s.width(), c, p * n, wide, 1, weights, bias, wideBias, repeated(s.out(), p));
    }

    private static Output repeated(Output out, int p) {
        @Nullable Rescale r = out.rescale();
        return r == null || r.channels == 1 ? out : new Output(out.acc(), out.kind(), r.repeated(p));
    }
}

package dev.qnet.runtime.kernel;

/** A kernel of one image, run for each of several images that lie one behind the other. */
public final class Images implements UnaryKernel {
    private final UnaryKernel kernel;
    private final int count;
    private final int xStep;
    private final int yStep;

    private Images(UnaryKernel kernel, int count, int xStep, int yStep) {
        this.kernel = kernel;
        this.count = count;
        this.xStep = xStep;
        this.yStep = yStep;
    }

    /**
     * Plans.
     *
     * @param kernel computes one image
     * @param count how many there are
     * @param xStep elements of an operand's image
     * @param yStep elements of a result's image
     */
    public static Images of(UnaryKernel kernel, int count, int xStep, int yStep) {
        return new Images(kernel, count, xStep, yStep);
    }

    @Override
    public void run(Banks banks, int x, int y) {
        for (int i = 0; i < count; i++) {
            kernel.run(banks, x + i * xStep, y + i * yStep);
        }
    }
}

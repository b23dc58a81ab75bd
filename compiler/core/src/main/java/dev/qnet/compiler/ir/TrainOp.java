package dev.qnet.compiler.ir;

/**
 * Operations of training graphs: losses, statistics of a batch, learned quantizers, and the gradients that other operations
 * do not give. Everything is f32. A training graph has no N: its batch is an extent like others, since sums over it are part of the
 * arithmetic. The oracle evaluates them as {@link FloatOp} says, sums in double, rounded once; those who train sum singles in an
 * order of their own, and are compared with a tolerance (docs/adr).
 *
 * <p>No pass of the inference pipeline takes them.
 *
 * <p>In what follows g is the gradient of the loss by the result of the operation that is undone.
 */
public sealed interface TrainOp extends Op {
    /** g [N,H',W',O], w [O,KH,KW,C/groups] → [N,height,width,C]: the gradient of {@link FloatOp.Conv2d} by its input. */
    record ConvInputGrad(Window window, int groups, int height, int width) implements TrainOp {}

    /** x [N,H,W,C], g [N,H',W',O] → [O,KH,KW,C/groups]: the gradient of {@link FloatOp.Conv2d} by its weights. */
    record ConvWeightGrad(Window window, int groups) implements TrainOp {}

    /** x, g → g·f′(x), in double. Where f has a kink, f′ is the derivative from the left, but 0 at an end of a clip. */
    record UnaryGrad(ScalarFn fn) implements TrainOp {}

    /** x [N,H,W,C], g [N,H',W',C] → x's shape: g goes to the first of the largest elements under its window. */
    record MaxPoolGrad(Window window) implements TrainOp {}

    /** g [N,H',W',C] → [N,height,width,C]: g shared alike by the elements under its window that are not padding. */
    record AvgPoolGrad(Window window, int height, int width) implements TrainOp {}

    /** g [N,H',W',C] → [N,height,width,C]: the sum of the g of all results that repeat an element. */
    record ResizeNearestGrad(int height, int width) implements TrainOp {}

    /** y (the softmax's result), g → {@code y·(g − Σ g·y)}, the sum along the axis. */
    record SoftmaxGrad(int axis) implements TrainOp {}

    /** g → shape: sums over the axes along which the shape broadcasts to g's. */
    record SumTo(Shape shape) implements TrainOp {}

    /** x [..,C] → [2,C]: of each channel the mean, and the mean squared distance from it, over all other axes. */
    record Moments() implements TrainOp {}

    /**
     * x [..,C], gamma, beta [C], m [2,C] → {@code (x − m[0])·gamma/√(m[1] + epsilon) + beta}: batch normalization while training
     * (Ioffe and Szegedy 2015). m is {@link Moments} of x: the gradient by x goes through m too.
     */
    record Normalize(float epsilon) implements TrainOp {}

    /** x, m, g of {@link Normalize} → [2,C]: the gradients by gamma and by beta, {@code Σ g·(x − m[0])/√(m[1] + epsilon)} and Σ g. */
    record NormalizeScaleGrad(float epsilon) implements TrainOp {}

    /**
     * x, gamma, m, s, g, with s of {@link NormalizeScaleGrad} and n elements a channel → the gradient by x:
     * {@code gamma/√(m[1] + epsilon)·(g − s[1]/n − (x − m[0])/√(m[1] + epsilon)·s[0]/n)}.
     */
    record NormalizeInputGrad(float epsilon) implements TrainOp {}

    /**
     * x [N,K] (scores), t [N,K] (what they shall be: one-hot, smoothed, or a teacher's probabilities) → f32 []: the mean over N of
     * {@code −Σ t·log softmax(x)}.
     */
    record CrossEntropy() implements TrainOp {}

    /** x, t, g f32 [] → {@code g/N·(softmax(x)·Σ t − t)}: the gradient of {@link CrossEntropy} by x. */
    record CrossEntropyGrad() implements TrainOp {}

    /**
     * x, p [C,k] with k numbers for each of C channels along x's first axis, or C = 1; for some quantizers T f32 [] → x's shape: x
     * as its codes see it.
     *
     * @param lo the lowest code
     * @param hi the highest
     * @param factor what gradients by p are multiplied with: 1/√(elements a scale · hi) for LSQ and LSQ+ (elements of one
     *     item, for activations), else 1
     */
    record Quantized(Quantizer quantizer, int lo, int hi, float factor) implements TrainOp {}

    /** x, p, for some T, g → x's shape: the gradient of {@link Quantized} by x. */
    record QuantizedInputGrad(Quantizer quantizer, int lo, int hi) implements TrainOp {}

    /**
     * x, p, for some T, g → p's shape: the gradient of {@link Quantized} by p, times its {@code factor}.
     */
    record QuantizedParameterGrad(Quantizer quantizer, int lo, int hi, float factor) implements TrainOp {}
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Window;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.List;

/** Convolutions: integers with one multiplier a channel, or singles. */
final class Convolutions {
    private Convolutions() {}

    static void conv2d(Call c) {
        c.arity(2, 3, 1);
        Val x = image(c, 0);
        TensorDef w = c.in(1);
        Shape shape = filter(w);
        int channels = x.shape().dim(3);
        if (shape.dim(3) < 1 || channels % shape.dim(3) != 0) {
            throw new Unsupported("has filters of " + shape.dim(3) + " channels for " + channels);
        }
        Window window = window(c, x, shape, 4);
        convolve(c, x, window, channels / shape.dim(3), 0, shape, index -> index, c.byteOption(3, 0), 2, 6);
    }

    /** Fields 0 to 2 are padding and strides; the dilations, width first, are behind what else a kind has. */
    private static Window window(Call c, Val x, Shape filter, int dilations) {
        return Windows.of(
                c.byteOption(0, 0),
                x.shape().dim(1),
                x.shape().dim(2),
                filter.dim(1),
                filter.dim(2),
                c.option(2, 0),
                c.option(1, 0),
                c.option(dilations + 1, 1),
                c.option(dilations, 1));
    }

    static void depthwise(Call c) {
        c.arity(2, 3, 1);
        Val x = image(c, 0);
        Shape shape = filter(c.in(1));
        int channels = x.shape().dim(3);
        int out = shape.dim(3);
        if (shape.dim(0) != 1 || channels < 1 || out % channels != 0) {
            throw new Unsupported("has filters " + shape + " for " + channels + " channels");
        }
        Window window = window(c, x, shape, 5);
        // [1, h, w, out] → [out, h, w, 1].
        int taps = shape.dim(1) * shape.dim(2);
        Shape turned = Shape.of(out, shape.dim(1), shape.dim(2), 1);
        convolve(
                c,
                x,
                window,
                channels,
                3,
                turned,
                index -> index % taps * out + index / taps,
                c.byteOption(4, 0),
                2,
                -1);
    }

    /**
     * The gradient of a convolution: a convolution with stride 1 of the input with zeros between its elements, with each filter
     * turned around.
     */
    static void transposed(Call c) {
        c.arity(3, 4, 1);
        List<Integer> target = c.ints(0);
        Val x = image(c, 2);
        Shape shape = filter(c.in(1));
        if (target.size() != 4
                || shape.dim(3) != x.shape().dim(3)
                || target.get(3) != shape.dim(0)
                || (target.get(0) != x.shape().dim(0) && !x.shape().hasBatch())) {
            throw new Unsupported("gives " + target + " from " + x.shape() + " with filters " + shape);
        }
        int strideH = c.option(2, 0);
        int strideW = c.option(1, 0);
        if (strideH < 1 || strideW < 1) {
            throw new Unsupported("has a stride below 1");
        }
        int kernelH = shape.dim(1);
        int kernelW = shape.dim(2);
        int padding = c.byteOption(0, 0);
        int[] rows = margins(target.get(1), x.shape().dim(1), kernelH, strideH, padding);
        int[] columns = margins(target.get(2), x.shape().dim(2), kernelW, strideW, padding);
        float zero = x.isFloat() ? 0 : x.zero();
        Val spread = strideH == 1 && strideW == 1
                ? x
                : c.emit(new DataOp.Dilate(List.of(1, strideH, strideW, 1), zero), x.element(), x);
        Val padded = fitted(c, spread, rows, columns);
        Window window = new Window(
                kernelH,
                kernelW,
                1,
                1,
                1,
                1,
                Math.max(0, rows[0]),
                Math.max(0, columns[0]),
                Math.max(0, rows[1]),
                Math.max(0, columns[1]));
        int in = shape.dim(3);
        int taps = kernelH * kernelW;
        convolve(
                c,
                padded,
                window,
                1,
                0,
                shape,
                index -> {
                    int tap = index / in % taps;
                    return index + (taps - 1 - 2 * tap) * in;
                },
                c.byteOption(3, 0),
                3,
                4);
    }

    /** Zeros before and after the spread input, below 0 where its border takes no part. */
    private static int[] margins(int out, int in, int kernel, int stride, int padding) {
        // TFLite pads the convolution of which this is the gradient: its input is our output.
        int before = Windows.total(padding, out, kernel, stride, 1) / 2;
        long spread = (long) (in - 1) * stride + 1;
        long front = kernel - 1L - before;
        long back = out + kernel - 1L - spread - front;
        return new int[] {Math.toIntExact(front), Math.toIntExact(back)};
    }

    private static Val fitted(Call c, Val x, int[] rows, int[] columns) {
        if (rows[0] >= 0 && rows[1] >= 0 && columns[0] >= 0 && columns[1] >= 0) {
            return x;
        }
        Shape s = x.shape();
        int batch = s.hasBatch() ? 0 : s.dim(0);
        List<Integer> begin = List.of(0, Math.max(0, -rows[0]), Math.max(0, -columns[0]), 0);
        List<Integer> end =
                List.of(batch, s.dim(1) - Math.max(0, -rows[1]), s.dim(2) - Math.max(0, -columns[1]), s.dim(3));
        return c.emit(new DataOp.Slice(begin, end, List.of(1, 1, 1, 1)), x.element(), x);
    }

    /** Where the element at an index of the graph's weights lies in the file's. */
    @FunctionalInterface
    private interface Order {
        int at(int index);
    }

    /**
     * @param axis of the scales in the file
     * @param shape the weights' shape in the graph
     * @param bias the operand's index
     * @param biasType the option that says what accumulates, or -1
     */
    private static void convolve(
            Call c,
            Val x,
            Window window,
            int groups,
            int axis,
            Shape shape,
            Order order,
            int activation,
            int bias,
            int biasType) {
        int out = shape.dim(0);
        // Transposed convolutions have no such kernel in TFLite.
        if (bias == 2 && Hybrid.is(x, c.in(1))) {
            Quant weights = Call.weights(c.in(1), axis, out);
            Val w = c.constant(c.in(1), new Tensor.OfInt(shape, ordered(c.codes(1), order)), weights);
            IntOp sums = new IntOp.Conv2d(window, groups, Element.INT32, null);
            Val y = Hybrid.product(c, sums, x, w, Hybrid.symmetric(weights), bias);
            c.result(c.activated(activation, y));
            return;
        }
        if (x.isFloat()) {
            float[] values = ordered(Weights.real(c, 1), order);
            Val w = c.constant(c.in(1), new Tensor.OfFloat(shape, values), Element.FLOAT);
            Val y = c.has(bias)
                    ? c.real(new FloatOp.Conv2d(window, groups), x, w, c.x(bias))
                    : c.real(new FloatOp.Conv2d(window, groups), x, w);
            c.result(c.activated(activation, y));
            return;
        }
        Quant weights = Call.weights(c.in(1), axis, out);
        Val w = c.constant(c.in(1), new Tensor.OfInt(shape, ordered(c.codes(1), order)), weights);
        Accumulator acc = Accumulator.of(c, x, bias, biasType);
        Quant result = c.outCodes(0);
        IntOp op = new IntOp.Conv2d(
                window, groups, acc.element(), Weights.rescale(c, x, weights, result, activation, false));
        c.result(acc.bias() == null ? c.emit(op, result, x, w) : c.emit(op, result, x, w, acc.bias()));
    }

    private static int[] ordered(int[] values, Order order) {
        int[] result = new int[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[order.at(i)];
        }
        return result;
    }

    private static float[] ordered(float[] values, Order order) {
        float[] result = new float[values.length];
        for (int i = 0; i < result.length; i++) {
            result[i] = values[order.at(i)];
        }
        return result;
    }

    private static Val image(Call c, int operand) {
        Val x = c.x(operand);
        if (x.shape().rank() != 4) {
            throw new Unsupported("takes an image [batch, height, width, channels], found " + x.shape());
        }
        return x;
    }

    private static Shape filter(TensorDef w) {
        Shape s = Constants.shape(w);
        if (s.rank() != 4 || s.elements() == 0) {
            throw new Unsupported("takes filters with four extents, found " + s);
        }
        return s;
    }
}

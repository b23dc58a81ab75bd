package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Convolutions over one, two or three axes, as convolutions over two. */
final class ConvOps {
    private ConvOps() {}

    static void register(Operators ops) {
        ops.add("Conv", ConvOps::conv);
        ops.add("ConvTranspose", ConvOps::transposed);
    }

    /** A convolution of what is held as [N, ..., C] with weights [O, ..., C/groups] → held as [N, ..., O]. */
    interface Product {
        Val of(Val x, Val w, @Nullable Val bias, Window window, int groups);
    }

    private static void conv(Call c) {
        Build b = c.build();
        c.known(1, 2);
        Val x = c.real(0);
        Val w = c.real(1);
        check(c, x, w);
        int[] kernel = new int[x.rank() - 2];
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] = w.dim(i + 2);
        }
        int[] given = Frame.ints(c, "kernel_shape", kernel.length, 1);
        if (c.hasAttribute("kernel_shape") && !Arrays.equals(given, kernel)) {
            throw c.refuse("has weights of " + w.shape() + " for a kernel of " + Arrays.toString(given));
        }
        Frame frame = Frame.of(c, x, kernel);
        Val weights = b.as(w, Build.channelsLast(w.rank())).held();
        c.out(convolve(b, x, weights, c.in(2), frame, Math.toIntExact(c.integer("group", 1)), b::conv, 0));
    }

    static void check(Call c, Val x, Val w) {
        if (x.rank() < 3 || x.rank() > 5 || w.rank() != x.rank()) {
            throw c.refuse(
                    "convolves " + x.shape() + " with " + w.shape() + "; one to three spatial axes are supported");
        }
    }

    /**
     * A convolution over one to three axes.
     *
     * @param x [N, C, ...], in any layout
     * @param w [O, ..., C/groups], plain
     * @param zero what padding holds
     * @return [N, O, ...]
     */
    static Val convolve(Build b, Val x, Val w, @Nullable Val bias, Frame f, int groups, Product product, float zero) {
        List<Integer> layout = Build.channelsLast(x.rank());
        Val held = b.as(x, layout).held();
        Val result = switch (f.rank()) {
            case 1 -> {
                Shape s = held.shape();
                Val row = b.reshape(held, List.of(s.dim(0), 1, s.dim(1), s.dim(2)));
                Shape k = w.shape();
                Val wide = b.reshape(w, List.of(k.dim(0), 1, k.dim(1), k.dim(2)));
                Window window = new Window(
                        1, f.kernel()[0], 1, f.strides()[0], 1, f.dilations()[0], 0, f.begin()[0], 0, f.end()[0]);
                Val y = product.of(row, wide, bias, window, groups);
                yield b.reshape(y, List.of(s.dim(0), y.dim(2), y.dim(3)));
            }
            case 2 -> product.of(held, w, bias, window(f, 0, 1), groups);
            default -> deep(b, held, w, bias, f, groups, product, zero);
        };
        return result.in(layout);
    }

    /** A window over two of the axes. */
    static Window window(Frame f, int h, int w) {
        return new Window(
                f.kernel()[h],
                f.kernel()[w],
                f.strides()[h],
                f.strides()[w],
                f.dilations()[h],
                f.dilations()[w],
                f.begin()[h],
                f.begin()[w],
                f.end()[h] + f.extra()[h],
                f.end()[w] + f.extra()[w]);
    }

    /**
     * Three axes: the depths under the window lie side by side in the channels, and the depths of the result one below the
     * other in the rows, with as much padding between them as keeps them apart.
     */
    private static Val deep(
            Build b, Val x, Val w, @Nullable Val bias, Frame f, int groups, Product product, float zero) {
        int n = x.dim(0);
        int channels = x.dim(4);
        int depths = f.out(0, x.dim(1));
        int rows = f.out(1, x.dim(2));
        int strideH = f.strides()[1];
        int needed = (rows - 1) * strideH + f.span(1);
        int height = Math.max(needed, x.dim(2) + f.begin()[1]);
        height = (height + strideH - 1) / strideH * strideH;
        Val padded = b.pad(
                x,
                List.of(0, f.begin()[0], f.begin()[1], 0, 0),
                List.of(0, f.end()[0], height - x.dim(2) - f.begin()[1], 0, 0),
                zero);
        List<Val> taps = new ArrayList<>();
        int kd = f.kernel()[0];
        for (int k = 0; k < kd; k++) {
            int from = k * f.dilations()[0];
            int to = from + (depths - 1) * f.strides()[0] + 1;
            Val tap = b.slice(padded, 1, from, to, f.strides()[0]);
            taps.add(b.reshape(tap, List.of(n, depths, height, x.dim(3), groups, channels / groups)));
        }
        Val flat = b.reshape(b.concat(5, taps), List.of(n, depths * height, x.dim(3), kd * channels));
        Shape k = w.shape();
        Val inner = b.plain(b.transpose(w, List.of(0, 2, 3, 1, 4)));
        Val weights = b.reshape(inner, List.of(k.dim(0), k.dim(2), k.dim(3), kd * k.dim(4)));
        int strips = depths * height / strideH;
        Window window = new Window(
                f.kernel()[1],
                f.kernel()[2],
                strideH,
                f.strides()[2],
                f.dilations()[1],
                f.dilations()[2],
                0,
                f.begin()[2],
                Math.max(0, (strips - 1) * strideH + f.span(1) - depths * height),
                f.end()[2]);
        Val y = product.of(flat, weights, bias, window, groups);
        Val apart = b.reshape(y, List.of(n, depths, height / strideH, y.dim(2), y.dim(3)));
        return b.slice(apart, 2, 0, rows, 1);
    }

    /** A transposed convolution: the operand with zeros between its elements, convolved with the turned kernel. */
    private static void transposed(Call c) {
        Build b = c.build();
        c.known(1, 2);
        Val x = c.real(0);
        Val w = c.real(1);
        check(c, x, w);
        int n = x.rank() - 2;
        int groups = Math.toIntExact(c.integer("group", 1));
        int channels = x.dim(1);
        if (groups < 1 || w.dim(0) != channels || channels % groups != 0) {
            throw c.refuse("has weights of " + w.shape() + " for " + x.shape() + " in " + groups + " groups");
        }
        int[] kernel = new int[n];
        for (int i = 0; i < n; i++) {
            kernel[i] = w.dim(i + 2);
        }
        int[] strides = Frame.ints(c, "strides", n, 1);
        int[] dilations = Frame.ints(c, "dilations", n, 1);
        int[] pads = Frame.ints(c, "pads", 2 * n, 0);
        int[] room = Frame.ints(c, "output_padding", n, 0);
        long[] given = c.integers("output_shape");
        String auto = c.text("auto_pad", "NOTSET");
        int[] before = new int[n];
        int[] after = new int[n];
        List<Integer> factors = new ArrayList<>(List.of(1, 1));
        for (int i = 0; i < n; i++) {
            factors.add(strides[i]);
            int in = x.dim(i + 2);
            int span = (kernel[i] - 1) * dilations[i] + 1;
            int full = strides[i] * (in - 1) + room[i] + span;
            int begin = pads[i];
            int out = full - pads[i] - pads[n + i];
            if (given != null || auto.startsWith("SAME")) {
                out = given == null ? in * strides[i] : Math.toIntExact(given[given.length - n + i]);
                int total = Math.max(0, full - out);
                begin = auto.equals("SAME_UPPER") ? total / 2 : total - total / 2;
            } else if (auto.equals("VALID")) {
                begin = 0;
                out = full;
            }
            before[i] = span - 1 - begin;
            after[i] = out + span - 1 - ((in - 1) * strides[i] + 1) - before[i];
            if (out < 1) {
                throw c.refuse("has an output of " + out + " elements along axis " + (i + 2));
            }
        }
        Val spread = b.dilate(b.as(x, Build.channelsLast(x.rank())), factors);
        // What the padding takes away beyond the kernel's own is cut off.
        for (int i = 0; i < n; i++) {
            int from = Math.max(0, -before[i]);
            int to = spread.dim(i + 2) - Math.max(0, -after[i]);
            spread = b.slice(spread, i + 2, from, to, 1);
            before[i] = Math.max(0, before[i]);
            after[i] = Math.max(0, after[i]);
        }
        int[] ones = new int[n];
        Arrays.fill(ones, 1);
        Frame frame = new Frame(kernel, ones, dilations, before, after, new int[n]);
        c.out(convolve(b, spread, turned(b, w, groups), c.in(2), frame, groups, b::conv, 0));
    }

    /** Weights [C, O/groups, ...] as [O, ..., C/groups], the kernel turned about. */
    private static Val turned(Build b, Val w, int groups) {
        int rank = w.rank();
        int inputs = w.dim(0) / groups;
        int outputs = w.dim(1);
        List<Integer> dims = new ArrayList<>(List.of(groups, inputs, outputs));
        List<Integer> order = new ArrayList<>(List.of(0, 2));
        Val y = w;
        for (int i = 2; i < rank; i++) {
            int k = w.dim(i);
            dims.add(k);
            order.add(i + 1);
            int[] back = new int[k];
            Arrays.setAll(back, j -> k - 1 - j);
            y = b.pick(y, i, back);
        }
        order.add(1);
        Val split = b.plain(b.transpose(b.reshape(y, dims), order));
        List<Integer> merged = new ArrayList<>(split.shape().dims().subList(1, rank + 1));
        merged.set(0, groups * outputs);
        return b.reshape(split, merged);
    }

    /** A vector [C] as [C, 1, ...], to broadcast against [N, C, ...]. */
    static Val perChannel(Build b, Val v, int rank) {
        List<Integer> dims = new ArrayList<>(v.shape().dims());
        dims.addAll(Collections.nCopies(rank - 2, 1));
        return b.reshape(v, dims);
    }

    /** Zeros of a shape. */
    static Val zeros(Build b, Integer... dims) {
        return b.filled(Element.FLOAT, new Shape(List.of(dims)), 0);
    }
}

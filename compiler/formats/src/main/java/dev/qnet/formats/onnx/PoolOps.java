package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Pools over one, two or three axes. A pool is separable, so that pools over two axes do for all. */
final class PoolOps {
    /** Windows up to this size can say where their maximum lies. */
    private static final int MAX_TAPS = 256;

    private PoolOps() {}

    static void register(Operators ops) {
        ops.add("MaxPool", PoolOps::max);
        ops.add("AveragePool", PoolOps::average);
        ops.add("LpPool", PoolOps::norm);
        ops.add("GlobalAveragePool", c -> c.out(c.build().mean(image(c), spatial(c), true)));
        ops.add("GlobalMaxPool", c -> c.out(c.build().reduce(NumOp.Reduce.Fn.MAX, image(c), spatial(c), true)));
        ops.add("GlobalLpPool", c -> {
            Build b = c.build();
            float p = exponent(c);
            c.out(root(b, b.reduce(NumOp.Reduce.Fn.SUM, power(b, image(c), p), spatial(c), true), p));
        });
    }

    private static Val image(Call c) {
        Val x = c.need(0);
        if (x.rank() < 3) {
            throw c.refuse("pools [N, C, ...], found " + x.shape());
        }
        return x;
    }

    private static List<Integer> spatial(Call c) {
        return IntStream.range(2, c.need(0).rank()).boxed().toList();
    }

    private static Frame frame(Call c, Val x) {
        if (x.rank() < 3 || x.rank() > 5) {
            throw c.refuse("pools " + x.shape() + "; one to three spatial axes are supported");
        }
        int n = x.rank() - 2;
        if (!c.hasAttribute("kernel_shape")) {
            throw c.refuse("lacks its attribute 'kernel_shape'");
        }
        return Frame.of(c, x, Frame.ints(c, "kernel_shape", n, 1));
    }

    /** A pool over the spatial axes of [N, C, ...]. */
    private static Val pool(Build b, Val x, Frame f, Function<Window, Op> op) {
        List<Integer> layout = Build.channelsLast(x.rank());
        Val held = b.as(x, layout).held();
        Shape s = held.shape();
        Element e = x.element();
        Val result = switch (f.rank()) {
            case 1 -> {
                Val row = b.reshape(held, List.of(s.dim(0), 1, s.dim(1), s.dim(2)));
                Val y = b.emit(op.apply(line(f, 0)), e, row);
                yield b.reshape(y, List.of(s.dim(0), y.dim(2), y.dim(3)));
            }
            case 2 -> b.emit(op.apply(ConvOps.window(f, 0, 1)), e, held);
            default -> {
                Val lines = b.reshape(held, List.of(s.dim(0), s.dim(1) * s.dim(2), s.dim(3), s.dim(4)));
                Val across = b.emit(op.apply(line(f, 2)), e, lines);
                int width = across.dim(2);
                Val planes = b.reshape(across, List.of(s.dim(0), s.dim(1), s.dim(2), width * s.dim(4)));
                Val y = b.emit(op.apply(ConvOps.window(f, 0, 1)), e, planes);
                yield b.reshape(y, List.of(s.dim(0), y.dim(1), y.dim(2), width, s.dim(4)));
            }
        };
        return result.in(layout);
    }

    /** A window over the columns alone. */
    private static Window line(Frame f, int axis) {
        return new Window(
                1,
                f.kernel()[axis],
                1,
                f.strides()[axis],
                1,
                f.dilations()[axis],
                0,
                f.begin()[axis],
                0,
                f.end()[axis] + f.extra()[axis]);
    }

    private static void max(Call c) {
        Val x = image(c);
        Frame f = frame(c, x);
        c.out(pool(c.build(), x, f, DataOp.MaxPool::new));
        if (c.wants(1)) {
            c.out(1, places(c, x, f));
        }
    }

    /** Where the first maximum of each window lies in the flattened operand: tap by tap, a larger one takes over. */
    private static Val places(Call c, Val x, Frame f) {
        Build b = c.build();
        int n = f.rank();
        int taps = Arrays.stream(f.kernel()).reduce(1, Math::multiplyExact);
        if (x.shape().hasBatch() || taps > MAX_TAPS) {
            throw c.refuse("has its output Indices for "
                    + (taps > MAX_TAPS ? "windows of " + taps + " elements" : "a batch of open size")
                    + ", which is not supported");
        }
        Build.made((long) x.elements() * taps);
        List<Integer> before = new ArrayList<>(List.of(0, 0));
        List<Integer> after = new ArrayList<>(List.of(0, 0));
        int[] out = new int[n];
        int[] extents = new int[n];
        for (int i = 0; i < n; i++) {
            extents[i] = x.dim(i + 2);
            out[i] = f.out(i, extents[i]);
            before.add(f.begin()[i]);
            after.add(f.end()[i] + f.extra()[i]);
        }
        float lowest = x.element() instanceof Element.Int e ? e.min() : Float.NEGATIVE_INFINITY;
        Val padded = b.pad(x, before, after, lowest);
        boolean columns = c.flag("storage_order", false);
        Val best = null;
        Val place = null;
        for (int tap = 0; tap < taps; tap++) {
            int[] at = new int[n];
            Val seen = padded;
            for (int i = n - 1, rest = tap; i >= 0; rest /= f.kernel()[i], i--) {
                at[i] = rest % f.kernel()[i] * f.dilations()[i];
                seen = b.slice(seen, i + 2, at[i], at[i] + (out[i] - 1) * f.strides()[i] + 1, f.strides()[i]);
            }
            Val here = positions(b, f, at, out, extents, columns);
            if (best == null || place == null) {
                best = seen;
                place = b.broadcast(here, seen.shape());
            } else {
                Val larger = b.compare(NumOp.Compare.Fn.GT, seen, best);
                place = b.select(larger, here, place);
                best = b.select(larger, seen, best);
            }
        }
        if (place == null) {
            throw c.refuse("has a window without elements");
        }
        int plane = Arrays.stream(extents).reduce(1, Math::multiplyExact);
        long[] first = new long[x.dim(0) * x.dim(1)];
        Arrays.setAll(first, i -> (long) i * plane);
        List<Integer> dims = new ArrayList<>(List.of(x.dim(0), x.dim(1)));
        dims.addAll(Collections.nCopies(n, 1));
        return b.integer(NumOp.Binary.Fn.ADD, place, b.ints(Element.INT64, dims, first));
    }

    /** Positions within one channel of a tap of all windows. */
    private static Val positions(Build b, Frame f, int[] tap, int[] out, int[] extents, boolean columns) {
        int n = out.length;
        List<Integer> dims = new ArrayList<>(List.of(1, 1));
        IntStream.of(out).forEach(dims::add);
        long[] v = new long[IntStream.of(out).reduce(1, Math::multiplyExact)];
        for (int k = 0; k < v.length; k++) {
            long position = 0;
            int[] at = new int[n];
            for (int i = n - 1, rest = k; i >= 0; rest /= out[i], i--) {
                at[i] = rest % out[i] * f.strides()[i] + tap[i] - f.begin()[i];
            }
            for (int i = 0; i < n; i++) {
                int axis = columns ? n - 1 - i : i;
                position = position * extents[axis] + at[axis];
            }
            v[k] = position;
        }
        return b.ints(Element.INT64, dims, v);
    }

    private static void average(Call c) {
        Build b = c.build();
        Val x = image(c);
        c.real(0);
        Frame f = frame(c, x);
        if (c.flag("count_include_pad", false)) {
            x = pad(b, x, f.begin(), f.end());
            int[] none = new int[f.rank()];
            f = new Frame(f.kernel(), f.strides(), f.dilations(), none, none, f.extra());
        }
        c.out(pool(b, x, f, FloatOp.AvgPool::new));
    }

    private static Val pad(Build b, Val x, int[] begin, int[] end) {
        List<Integer> before = new ArrayList<>(List.of(0, 0));
        List<Integer> after = new ArrayList<>(List.of(0, 0));
        IntStream.of(begin).forEach(before::add);
        IntStream.of(end).forEach(after::add);
        return b.pad(b.as(x, Build.channelsLast(x.rank())), before, after, 0);
    }

    private static float exponent(Call c) {
        float p = c.opset() < 2 ? c.real("p", 2f) : c.integer("p", 2);
        if (!(p > 0)) {
            throw c.refuse("has the exponent " + p);
        }
        return p;
    }

    /** |x| to the power p. */
    private static Val power(Build b, Val x, float p) {
        return p == 2
                ? b.mul(x, x)
                : p == 1
                        ? b.unary(new ScalarFn.Abs(), x)
                        : b.binary(FloatOp.Binary.Fn.POW, b.unary(new ScalarFn.Abs(), x), b.scalar(p));
    }

    private static Val root(Build b, Val x, float p) {
        return p == 2
                ? b.unary(new ScalarFn.Sqrt(), x)
                : p == 1 ? x : b.binary(FloatOp.Binary.Fn.POW, x, b.scalar(1.0 / p));
    }

    private static void norm(Call c) {
        Build b = c.build();
        Val x = image(c);
        c.real(0);
        Frame f = frame(c, x);
        float p = exponent(c);
        int[] end = new int[f.rank()];
        Arrays.setAll(end, i -> f.end()[i] + f.extra()[i]);
        int count = Arrays.stream(f.kernel()).reduce(1, Math::multiplyExact);
        Val mean = pool(b, pad(b, power(b, x, p), f.begin(), end), f.bare(), FloatOp.AvgPool::new);
        c.out(root(b, b.mul(mean, b.scalar(count)), p));
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Type;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Sums of products of centred codes: every product and sum is exact in 64 bits or an error, and the final sum must fit the
 * accumulator that the node declares.
 */
final class IntProducts {
    private IntProducts() {}

    /**
     * @param types of x, of w, of the bias if there is one
     * @param weights the weights where they are constant, so that they are centred and transposed once
     */
    static Kernel conv(IntOp.Conv2d op, List<Type> types, @Nullable Value weights) {
        Function<Value, long[]> transposed =
                FloatProducts.memo(weights, w -> outputsLast(types.get(1).element(), w));
        return v -> {
            Shape w = v.get(1).shape();
            long[] x = Codes.centred(types.get(0).element(), v.get(0));
            return conv(op, x, v.get(0).shape(), w, transposed.apply(v.get(1)), bias(types, v, w.dim(0)));
        };
    }

    private static Value conv(IntOp.Conv2d op, long[] x, Shape shape, Shape w, long[] weights, long[] bias) {
        ConvLoop loop = ConvLoop.of(op.window(), shape);
        int out = w.dim(0);
        int in = w.dim(3);
        int outPerGroup = out / op.groups();
        long[] y = new long[loop.pixels() * out];
        long[] acc = new long[out];
        for (int p = 0; p < loop.pixels(); p++) {
            System.arraycopy(bias, 0, acc, 0, out);
            loop.taps(p, (pixel, tap) -> {
                for (int i = 0; i < in; i++) {
                    for (int g = 0; g < op.groups(); g++) {
                        multiplyAdd(
                                acc,
                                g * outPerGroup,
                                x[pixel + g * in + i],
                                weights,
                                (tap * in + i) * out + g * outPerGroup,
                                outPerGroup);
                    }
                }
            });
            store(acc, y, p * out, op.rescale(), op.acc());
        }
        return new Value.Ints(loop.outShape(out), y);
    }

    /** As {@link #conv}. */
    static Kernel dense(IntOp.Dense op, List<Type> types, @Nullable Value weights) {
        Function<Value, long[]> transposed =
                FloatProducts.memo(weights, w -> outputsLast(types.get(1).element(), w));
        return v -> {
            int out = v.get(1).shape().dim(0);
            int in = v.get(1).shape().dim(1);
            long[] x = Codes.centred(types.get(0).element(), v.get(0));
            long[] w = transposed.apply(v.get(1));
            long[] bias = bias(types, v, out);
            Shape shape = v.get(0).shape().with(-1, out);
            long[] y = new long[shape.elements()];
            long[] acc = new long[out];
            for (int row = 0; row * out < y.length; row++) {
                System.arraycopy(bias, 0, acc, 0, out);
                for (int i = 0; i < in; i++) {
                    multiplyAdd(acc, 0, x[row * in + i], w, i * out, out);
                }
                store(acc, y, row * out, op.rescale(), op.acc());
            }
            return new Value.Ints(shape, y);
        };
    }

    static Kernel matmul(IntOp.MatMul op, List<Type> types) {
        return v -> {
            long[] a = Codes.centred(types.get(0).element(), v.get(0));
            long[] b = Codes.centred(types.get(1).element(), v.get(1));
            MatMulLoop loop = MatMulLoop.of(v.get(0).shape(), v.get(1).shape());
            long[] y = new long[loop.shape().elements()];
            long[] acc = new long[loop.n()];
            for (int p = 0; p < loop.pairs(); p++) {
                for (int m = 0; m < loop.m(); m++) {
                    Arrays.fill(acc, 0);
                    for (int k = 0; k < loop.k(); k++) {
                        multiplyAdd(acc, 0, a[loop.left(p, m, k)], b, loop.right(p, k), loop.n());
                    }
                    store(acc, y, loop.out(p, m), op.rescale(), op.acc());
                }
            }
            return new Value.Ints(loop.shape(), y);
        };
    }

    static Kernel mul(IntOp.Mul op, List<Type> types) {
        return v -> {
            long[] a = Codes.centred(types.get(0).element(), v.get(0));
            long[] b = Codes.centred(types.get(1).element(), v.get(1));
            Shape shape = Shapes.broadcast(v.get(0).shape(), v.get(1).shape());
            Broadcast left = new Broadcast(v.get(0).shape(), shape);
            Broadcast right = new Broadcast(v.get(1).shape(), shape);
            long[] y = new long[shape.elements()];
            for (int i = 0; i < y.length; i++) {
                y[i] = Math.multiplyExact(a[left.index(i)], b[right.index(i)]);
            }
            return finish(shape, y, op.rescale(), op.acc());
        };
    }

    static Kernel sum(IntOp.Sum op, List<Type> types) {
        return v -> {
            long[] x = Codes.centred(types.getFirst().element(), v.getFirst());
            Reduction reduction = Reduction.of(v.getFirst().shape(), op.axes(), op.keepDims());
            long[] y = new long[reduction.shape().elements()];
            for (int i = 0; i < x.length; i++) {
                int to = reduction.target(i);
                y[to] = Math.addExact(y[to], x[i]);
            }
            return finish(reduction.shape(), y, op.rescale(), op.acc());
        };
    }

    private static void multiplyAdd(long[] acc, int at, long x, long[] w, int from, int n) {
        for (int j = 0; j < n; j++) {
            acc[at + j] = Math.addExact(acc[at + j], Math.multiplyExact(x, w[from + j]));
        }
    }

    /** Accumulators [..,C] to the node's codes, or to themselves. */
    private static Value finish(Shape shape, long[] acc, @Nullable Rescale rescale, Element.Int width) {
        int channels = shape.rank() == 0 ? 1 : shape.dim(-1);
        long[] y = new long[acc.length];
        for (int i = 0; i < y.length; i++) {
            y[i] = finish(acc[i], i % channels, rescale, width);
        }
        return new Value.Ints(shape, y);
    }

    private static void store(long[] acc, long[] y, int at, @Nullable Rescale rescale, Element.Int width) {
        for (int c = 0; c < acc.length; c++) {
            y[at + c] = finish(acc[c], c, rescale, width);
        }
    }

    private static long finish(long acc, int c, @Nullable Rescale rescale, Element.Int width) {
        return rescale == null ? Scaling.fit(acc, width.bits()) : Scaling.rescale(rescale, acc, c, width.bits());
    }

    private static long[] bias(List<Type> types, List<Value> operands, int out) {
        return operands.size() < 3 ? new long[out] : Codes.centred(types.get(2).element(), operands.get(2));
    }

    /** [O, rest] → [rest, O], centred. */
    private static long[] outputsLast(Element element, Value w) {
        long[] from = Codes.centred(element, w);
        int out = w.shape().dim(0);
        int rest = out == 0 ? 0 : from.length / out;
        long[] to = new long[from.length];
        for (int o = 0; o < out; o++) {
            for (int r = 0; r < rest; r++) {
                to[r * out + o] = from[o * rest + r];
            }
        }
        return to;
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.UnaryOperator;

/** Operations that only move elements, of singles and integers alike. */
final class DataKernels {
    private DataKernels() {}

    static Kernel transpose(DataOp.Transpose op) {
        return v -> gather(v.getFirst(), infer(op, v), at -> {
            int[] from = new int[at.length];
            for (int i = 0; i < at.length; i++) {
                from[op.permutation().get(i)] = at[i];
            }
            return from;
        });
    }

    /** @param batch whether the operand has N: its one item is taken, whatever the slice's entries say */
    static Kernel slice(DataOp.Slice op, boolean batch) {
        List<Integer> end = new ArrayList<>(op.end());
        if (batch) {
            end.set(0, 1);
        }
        DataOp.Slice item = new DataOp.Slice(op.begin(), end, op.step());
        return v -> gather(v.getFirst(), infer(item, v), at -> {
            int[] from = new int[at.length];
            for (int i = 0; i < at.length; i++) {
                from[i] = op.begin().get(i) + at[i] * op.step().get(i);
            }
            return from;
        });
    }

    static Kernel resize(DataOp.ResizeNearest op) {
        return v -> {
            Shape x = v.getFirst().shape();
            return gather(v.getFirst(), infer(op, v), at -> new int[] {
                at[0],
                (int) ((long) at[1] * x.dim(1) / op.height()),
                (int) ((long) at[2] * x.dim(2) / op.width()),
                at[3]
            });
        };
    }

    static Kernel pad(DataOp.Pad op) {
        return v -> {
            Value x = v.getFirst();
            Shape shape = infer(op, v);
            int n = shape.elements();
            int rank = shape.rank();
            int[] source = new int[n];
            int[] at = new int[rank];
            for (int i = 0; i < n; i++) {
                int from = 0;
                for (int axis = 0; axis < rank && from >= 0; axis++) {
                    int p = at[axis] - op.before().get(axis);
                    boolean inside = p >= 0 && p < x.shape().dim(axis);
                    from = inside ? from * x.shape().dim(axis) + p : -1;
                }
                source[i] = from;
                advance(at, shape);
            }
            return switch (x) {
                case Value.Floats f -> {
                    float[] y = new float[n];
                    for (int i = 0; i < n; i++) {
                        y[i] = source[i] < 0 ? op.value() : f.data()[source[i]];
                    }
                    yield new Value.Floats(shape, y);
                }
                case Value.Ints q -> {
                    if (op.value() != Math.rint(op.value())) {
                        throw new ArithmeticException("padding " + op.value() + " is no integer");
                    }
                    long[] y = new long[n];
                    for (int i = 0; i < n; i++) {
                        y[i] = source[i] < 0 ? (long) op.value() : q.data()[source[i]];
                    }
                    yield new Value.Ints(shape, y);
                }
            };
        };
    }

    static Kernel concat(DataOp.Concat op) {
        return v -> {
            Shape shape = infer(op, v);
            int outer = 1;
            for (int i = 0; i < op.axis(); i++) {
                outer *= shape.dim(i);
            }
            Object all =
                    v.getFirst() instanceof Value.Floats ? new float[shape.elements()] : new long[shape.elements()];
            int row = outer == 0 ? 0 : shape.elements() / outer;
            int offset = 0;
            for (Value x : v) {
                int part = outer == 0 ? 0 : x.shape().elements() / outer;
                Object from = elements(x);
                for (int o = 0; o < outer; o++) {
                    System.arraycopy(from, o * part, all, o * row + offset, part);
                }
                offset += part;
            }
            return value(shape, all);
        };
    }

    static Kernel maxPool(DataOp.MaxPool op) {
        return v -> {
            ConvLoop loop = ConvLoop.of(op.window(), v.getFirst().shape());
            int channels = loop.channels();
            Shape shape = loop.outShape(channels);
            return switch (v.getFirst()) {
                case Value.Floats f -> {
                    float[] y = new float[shape.elements()];
                    Arrays.fill(y, Float.NEGATIVE_INFINITY);
                    windows(loop, (pixel, to) -> {
                        for (int c = 0; c < channels; c++) {
                            y[to + c] = Math.max(y[to + c], f.data()[pixel + c]);
                        }
                    });
                    yield new Value.Floats(shape, y);
                }
                case Value.Ints q -> {
                    long[] y = new long[shape.elements()];
                    Arrays.fill(y, Long.MIN_VALUE);
                    windows(loop, (pixel, to) -> {
                        for (int c = 0; c < channels; c++) {
                            y[to + c] = Math.max(y[to + c], q.data()[pixel + c]);
                        }
                    });
                    yield new Value.Ints(shape, y);
                }
            };
        };
    }

    /** Called with each input pixel under each window, and the output pixel. */
    private static void windows(ConvLoop loop, ConvLoop.Tap visitor) {
        for (int oy = 0; oy < loop.outHeight(); oy++) {
            for (int ox = 0; ox < loop.outWidth(); ox++) {
                int to = (oy * loop.outWidth() + ox) * loop.channels();
                loop.taps(oy, ox, (pixel, tap) -> visitor.at(pixel, to));
            }
        }
    }

    private static Shape infer(DataOp op, List<Value> operands) {
        return Shapes.infer(op, operands.stream().map(Value::shape).toList());
    }

    /** The result at each position is x at {@code source(position)}. */
    private static Value gather(Value x, Shape shape, UnaryOperator<int[]> source) {
        int n = shape.elements();
        int[] at = new int[shape.rank()];
        Object from = elements(x);
        Object to = x instanceof Value.Floats ? new float[n] : new long[n];
        for (int i = 0; i < n; i++) {
            int[] position = source.apply(at);
            int index = 0;
            for (int axis = 0; axis < position.length; axis++) {
                index = index * x.shape().dim(axis) + position[axis];
            }
            System.arraycopy(from, index, to, i, 1);
            advance(at, shape);
        }
        return value(shape, to);
    }

    /** The next position in row-major order. */
    private static void advance(int[] at, Shape shape) {
        for (int axis = at.length - 1; axis >= 0; axis--) {
            if (++at[axis] < shape.dim(axis)) {
                return;
            }
            at[axis] = 0;
        }
    }

    private static Object elements(Value x) {
        return switch (x) {
            case Value.Floats f -> f.data();
            case Value.Ints i -> i.data();
        };
    }

    private static Value value(Shape shape, Object elements) {
        return elements instanceof float[] f ? new Value.Floats(shape, f) : new Value.Ints(shape, (long[]) elements);
    }
}

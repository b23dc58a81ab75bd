package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntUnaryOperator;
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
        return v -> fill(
                v.getFirst(),
                infer(op, v),
                op.value(),
                (axis, at) -> at - op.before().get(axis));
    }

    static Kernel dilate(DataOp.Dilate op) {
        return v -> fill(v.getFirst(), infer(op, v), op.value(), (axis, at) -> {
            int factor = op.factors().get(axis);
            return at % factor == 0 ? at / factor : -1;
        });
    }

    /** The operand's index along an axis for the result's, anything outside the operand where the result is filled. */
    @FunctionalInterface
    private interface Source {
        int at(int axis, int index);
    }

    /** The result at each position is x at its source, or a constant where that is outside. */
    private static Value fill(Value x, Shape shape, float value, Source source) {
        if (x instanceof Value.Ints && value != Math.rint(value)) {
            throw new ArithmeticException("filling with " + value + ", which is no integer");
        }
        int n = shape.elements();
        Object from = elements(x);
        Object to = x instanceof Value.Floats ? new float[n] : new long[n];
        Object filling = x instanceof Value.Floats ? new float[] {value} : new long[] {(long) value};
        int[] at = new int[shape.rank()];
        for (int i = 0; i < n; i++) {
            int index = 0;
            for (int axis = 0; axis < at.length && index >= 0; axis++) {
                int p = source.at(axis, at[axis]);
                boolean inside = p >= 0 && p < x.shape().dim(axis);
                index = inside ? index * x.shape().dim(axis) + p : -1;
            }
            System.arraycopy(index < 0 ? filling : from, Math.max(index, 0), to, i, 1);
            advance(at, shape);
        }
        return value(shape, to);
    }

    /** Takes the slices of the first operand that the second one names along an axis. */
    static Kernel take(DataOp.Gather op) {
        return v -> {
            Value x = v.get(0);
            int extent = x.shape().dim(op.axis());
            Shape shape = infer(op, v);
            int inner = 1;
            for (int axis = op.axis() + 1; axis < x.shape().rank(); axis++) {
                inner *= x.shape().dim(axis);
            }
            long[] indices = Kernel.ints(v.get(1));
            int slice = indices.length * inner;
            int outer = slice == 0 ? 0 : shape.elements() / slice;
            Object from = elements(x);
            Object to = x instanceof Value.Floats ? new float[shape.elements()] : new long[shape.elements()];
            for (int i = 0; i < indices.length; i++) {
                long index = indices[i] < 0 ? indices[i] + extent : indices[i];
                if (index < 0 || index >= extent) {
                    throw new ArithmeticException(
                            "index " + indices[i] + " is outside axis " + op.axis() + " of " + x.shape());
                }
                for (int o = 0; o < outer; o++) {
                    System.arraycopy(
                            from, (o * extent + (int) index) * inner, to, (o * indices.length + i) * inner, inner);
                }
            }
            return value(shape, to);
        };
    }

    /** @param to the result's shape, of one item */
    static Kernel broadcast(Shape to) {
        return v -> {
            Value x = v.getFirst();
            Broadcast map = new Broadcast(x.shape(), to);
            return pick(x, to, i -> x, map::index);
        };
    }

    static Kernel select() {
        return v -> {
            Shape shape = infer(new DataOp.Select(), v);
            List<Broadcast> maps =
                    v.stream().map(x -> new Broadcast(x.shape(), shape)).toList();
            long[] condition = Kernel.ints(v.getFirst());
            IntUnaryOperator chosen = i -> condition[maps.getFirst().index(i)] != 0 ? 1 : 2;
            return pick(
                    v.get(1),
                    shape,
                    i -> v.get(chosen.applyAsInt(i)),
                    i -> maps.get(chosen.applyAsInt(i)).index(i));
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
        for (int p = 0; p < loop.pixels(); p++) {
            int to = p * loop.channels();
            loop.taps(p, (pixel, tap) -> visitor.at(pixel, to));
        }
    }

    /** Each element of the result, of the kind of {@code like}, comes from some value at some place there. */
    private static Value pick(Value like, Shape shape, IntFunction<Value> from, IntUnaryOperator place) {
        int n = shape.elements();
        Object to = like instanceof Value.Floats ? new float[n] : new long[n];
        for (int i = 0; i < n; i++) {
            Value x = from.apply(i);
            System.arraycopy(elements(x), place.applyAsInt(i), to, i, 1);
        }
        return value(shape, to);
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

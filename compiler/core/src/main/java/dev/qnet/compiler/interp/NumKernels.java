package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Arithmetic of plain numbers: docs/numerics.md, "Plain numbers". */
final class NumKernels {
    private NumKernels() {}

    /**
     * The kernel of an operation.
     *
     * @param type of the result
     * @param operand the first operand's type
     */
    static Kernel of(NumOp op, Type type, Type operand) {
        return switch (op) {
            case NumOp.Binary b -> binary(b.fn(), type.element());
            case NumOp.Unary u -> unary(u.fn(), (Element.Int) type.element());
            case NumOp.Compare c -> compare(c.fn());
            case NumOp.Cast c -> v -> cast(v.getFirst(), type.element());
            case NumOp.Reinterpret r -> List::getFirst;
            case NumOp.Reduce r -> reduce(r, operand.element());
            case NumOp.TopK t -> topK(t);
        };
    }

    private static Kernel binary(NumOp.Binary.Fn fn, Element element) {
        return v -> {
            long[] a = Kernel.ints(v.get(0));
            long[] b = Kernel.ints(v.get(1));
            return ints(v, (i, j) -> {
                long y = binary(fn, a[i], b[j]);
                // Codes are only ordered, and stay as they are.
                return element instanceof Element.Int plain ? plain.wrap(y) : y;
            });
        };
    }

    private static long binary(NumOp.Binary.Fn fn, long x, long y) {
        if (y == 0 && (fn == NumOp.Binary.Fn.DIV || fn == NumOp.Binary.Fn.MOD)) {
            throw new ArithmeticException(x + " is divided by 0");
        }
        return switch (fn) {
            case ADD -> x + y;
            case SUB -> x - y;
            case MUL -> x * y;
            case DIV -> x / y;
            case MIN -> Math.min(x, y);
            case MAX -> Math.max(x, y);
            case POW -> power(x, y);
            case MOD -> Math.floorMod(x, y);
            case AND -> x & y;
            case OR -> x | y;
            case XOR -> x ^ y;
        };
    }

    private static long power(long x, long y) {
        if (y < 0) {
            // Of the integers only 1 and -1 have an inverse.
            return x == 1 ? 1 : x == -1 ? (y % 2 == 0 ? 1 : -1) : 0;
        }
        long result = 1;
        long square = x;
        for (long rest = y; rest > 0; rest >>= 1) {
            result = (rest & 1) == 1 ? result * square : result;
            square *= square;
        }
        return result;
    }

    private static Kernel unary(NumOp.Unary.Fn fn, Element.Int element) {
        return v -> {
            long[] x = Kernel.ints(v.getFirst());
            long[] y = new long[x.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = element.wrap(
                        switch (fn) {
                            case NEG -> -x[i];
                            case ABS -> Math.abs(x[i]);
                            case SIGN -> Long.signum(x[i]);
                            case NOT -> element.bits() == 1 ? 1 - x[i] : ~x[i];
                        });
            }
            return new Value.Ints(v.getFirst().shape(), y);
        };
    }

    private static Kernel compare(NumOp.Compare.Fn fn) {
        return v -> switch (v.getFirst()) {
            case Value.Ints left -> {
                long[] right = Kernel.ints(v.get(1));
                yield ints(v, (i, j) -> holds(fn, Long.compare(left.data()[i], right[j]), false));
            }
            case Value.Floats left -> {
                float[] right = Kernel.floats(v.get(1));
                yield ints(v, (i, j) -> {
                    float x = left.data()[i];
                    float y = right[j];
                    // Not Float.compare, which tells the zeros apart and gives NaN a place.
                    return holds(fn, x < y ? -1 : x > y ? 1 : 0, Float.isNaN(x) || Float.isNaN(y));
                });
            }
        };
    }

    private static int holds(NumOp.Compare.Fn fn, int order, boolean unordered) {
        boolean result = switch (fn) {
            case EQ -> !unordered && order == 0;
            case NE -> unordered || order != 0;
            case LT -> !unordered && order < 0;
            case LE -> !unordered && order <= 0;
            case GT -> !unordered && order > 0;
            case GE -> !unordered && order >= 0;
        };
        return result ? 1 : 0;
    }

    private static Value cast(Value x, Element to) {
        return switch (to) {
            case Element.F32 f ->
                switch (x) {
                    case Value.Floats same -> same;
                    case Value.Ints i -> {
                        float[] y = new float[i.data().length];
                        for (int k = 0; k < y.length; k++) {
                            y[k] = (float) i.data()[k];
                        }
                        yield new Value.Floats(i.shape(), y);
                    }
                };
            case Element.Int plain -> {
                long[] y = new long[x.shape().elements()];
                for (int k = 0; k < y.length; k++) {
                    y[k] = switch (x) {
                        case Value.Floats f -> truncate(f.data()[k], plain);
                        case Value.Ints i -> plain.wrap(i.data()[k]);
                    };
                }
                yield new Value.Ints(x.shape(), y);
            }
            case dev.qnet.compiler.ir.Quant q -> throw new IllegalArgumentException("a cast gives plain numbers");
        };
    }

    private static long truncate(float x, Element.Int to) {
        // Java's conversion truncates towards 0, saturates at 64 bits, and makes NaN 0.
        return to.bits() == 1 ? (x != 0 ? 1 : 0) : Scaling.clamp((long) x, to.min(), to.max());
    }

    private static Kernel reduce(NumOp.Reduce op, Element element) {
        return v -> {
            Reduction reduction = Reduction.of(v.getFirst().shape(), op.axes(), op.keepDims());
            int n = reduction.shape().elements();
            return switch (v.getFirst()) {
                case Value.Floats x -> {
                    double[] acc = new double[n];
                    Arrays.fill(
                            acc,
                            switch (op.fn()) {
                                case SUM -> 0;
                                case PROD -> 1;
                                case MIN -> Double.POSITIVE_INFINITY;
                                case MAX -> Double.NEGATIVE_INFINITY;
                            });
                    for (int i = 0; i < x.data().length; i++) {
                        int to = reduction.target(i);
                        double next = x.data()[i];
                        acc[to] = switch (op.fn()) {
                            case SUM -> acc[to] + next;
                            case PROD -> acc[to] * next;
                            case MIN -> Math.min(acc[to], next);
                            case MAX -> Math.max(acc[to], next);
                        };
                    }
                    float[] y = new float[n];
                    for (int i = 0; i < n; i++) {
                        y[i] = (float) acc[i];
                    }
                    yield new Value.Floats(reduction.shape(), y);
                }
                case Value.Ints x -> {
                    Element.Int plain = (Element.Int) element;
                    long[] acc = new long[n];
                    Arrays.fill(
                            acc,
                            switch (op.fn()) {
                                case SUM -> 0;
                                case PROD -> 1;
                                case MIN -> plain.max();
                                case MAX -> plain.min();
                            });
                    for (int i = 0; i < x.data().length; i++) {
                        int to = reduction.target(i);
                        long next = x.data()[i];
                        acc[to] = plain.wrap(
                                switch (op.fn()) {
                                    case SUM -> acc[to] + next;
                                    case PROD -> acc[to] * next;
                                    case MIN -> Math.min(acc[to], next);
                                    case MAX -> Math.max(acc[to], next);
                                });
                    }
                    yield new Value.Ints(reduction.shape(), acc);
                }
            };
        };
    }

    private static Kernel topK(NumOp.TopK op) {
        return v -> {
            Value x = v.getFirst();
            Shape shape = Shapes.infer(op, List.of(x.shape()));
            List<Lines.Line> from = Lines.along(x.shape(), op.axis());
            List<Lines.Line> to = Lines.along(shape, op.axis());
            int[] source = new int[shape.elements()];
            long[] index = new long[shape.elements()];
            for (int l = 0; l < from.size(); l++) {
                Lines.Line line = from.get(l);
                List<Integer> order = new ArrayList<>();
                for (int i = 0; i < x.shape().dim(op.axis()); i++) {
                    order.add(i);
                }
                Comparator<Integer> ascending = (i, j) -> compare(x, line.at(i), line.at(j));
                // The sort is stable, so that of equals the one with the lower index stays in front.
                order.sort(op.largest() ? ascending.reversed() : ascending);
                for (int k = 0; k < op.k(); k++) {
                    source[to.get(l).at(k)] = line.at(order.get(k));
                    index[to.get(l).at(k)] = order.get(k);
                }
            }
            if (op.indices()) {
                return new Value.Ints(shape, index);
            }
            return switch (x) {
                case Value.Ints i ->
                    new Value.Ints(
                            shape,
                            Arrays.stream(source).mapToLong(s -> i.data()[s]).toArray());
                case Value.Floats f -> {
                    float[] y = new float[source.length];
                    for (int i = 0; i < y.length; i++) {
                        y[i] = f.data()[source[i]];
                    }
                    yield new Value.Floats(shape, y);
                }
            };
        };
    }

    /** The order of two elements; the zeros are equal, and NaN is equal to itself and above all numbers. */
    private static int compare(Value x, int i, int j) {
        return switch (x) {
            case Value.Ints q -> Long.compare(q.data()[i], q.data()[j]);
            // Adding 0 makes -0 a 0.
            case Value.Floats f -> Float.compare(f.data()[i] + 0f, f.data()[j] + 0f);
        };
    }

    /** One integer of two elements' places. */
    @FunctionalInterface
    private interface Places {
        long of(int left, int right);
    }

    /** Integers computed of two operands, broadcast. */
    private static Value.Ints ints(List<Value> operands, Places f) {
        Shape left = operands.get(0).shape();
        Shape right = operands.get(1).shape();
        Shape shape = Shapes.broadcast(left, right);
        Broadcast a = new Broadcast(left, shape);
        Broadcast b = new Broadcast(right, shape);
        long[] y = new long[shape.elements()];
        for (int i = 0; i < y.length; i++) {
            y[i] = f.of(a.index(i), b.index(i));
        }
        return new Value.Ints(shape, y);
    }
}

package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How large the accumulators of integer operations can become, proved from the actual weights and the codes that the
 * operands can hold.
 *
 * <p>A term {@code e·x}, with the effective weight {@code e = m·(q − z)} and x in [a, b], lies in
 * [min(ea, eb), max(ea, eb)]. The bound is the larger of the sum of all positive parts and the sum of all negative parts,
 * so that it holds for every partial sum too, in any order, with padding or without: a backend may add as it likes. The
 * bias counts as one more term.
 */
public final class AccumulatorBounds {
    /**
     * What is known of one accumulator.
     *
     * @param maxAbs no partial sum has a larger magnitude; {@code Long.MAX_VALUE} if that is beyond 64 bits
     * @param bits the bits of a two's complement integer that holds it, sign included; 65 if none does
     * @param macs multiply-accumulates for one item (for a sum: additions)
     */
    public record Bound(long maxAbs, int bits, long macs) {
        static Bound of(long maxAbs, long macs) {
            int bits = maxAbs == Long.MAX_VALUE ? 65 : 65 - Long.numberOfLeadingZeros(maxAbs);
            return new Bound(maxAbs, bits, macs);
        }
    }

    private final Map<ValueId, Tensor.OfInt> constants = new HashMap<>();
    private final Map<ValueId, Bound> bounds = new LinkedHashMap<>();
    private final Map<ValueId, long[]> channels = new HashMap<>();
    private final CodeRanges ranges;

    private AccumulatorBounds(Graph graph) {
        ranges = new CodeRanges(graph);
        for (Node n : graph.nodes()) {
            long largest = n.op() instanceof IntOp op ? integer(n, op) : 0;
            ranges.visit(n, largest);
            if (n.op() instanceof DataOp.Constant(Tensor.OfInt t)) {
                constants.put(n.id(), t);
            }
        }
    }

    /** The bound of every value computed by an integer conv2d, dense, matmul, mul or sum, in the order of the graph. */
    public static Map<ValueId, Bound> of(Graph graph) {
        return new AccumulatorBounds(graph).bounds;
    }

    static AccumulatorBounds analyse(Graph graph) {
        return new AccumulatorBounds(graph);
    }

    @Nullable Bound bound(ValueId id) {
        return bounds.get(id);
    }

    /** The largest magnitude of an integer value as it takes part in arithmetic (centred, for codes). */
    long largest(ValueId id) {
        CodeRanges.Range r = ranges.centred(id);
        return Math.max(r.hi(), -r.lo());
    }

    /**
     * The bound of each index along the last axis of an accumulating operation's result, or one for all, or null if the
     * value is no such result.
     */
    long @Nullable [] channelBounds(ValueId id) {
        return channels.get(id);
    }

    private long integer(Node n, IntOp op) {
        return switch (op) {
            case IntOp.Conv2d c -> weighted(n);
            case IntOp.Dense d -> weighted(n);
            case IntOp.MatMul m -> matmul(n);
            case IntOp.Mul m -> {
                Sum sum = new Sum();
                sum.add(ranges.centred(n.operand(0)), ranges.centred(n.operand(1)), 1);
                yield put(n, new long[] {sum.bound()}, items(n.type()));
            }
            case IntOp.Sum s -> {
                Type x = ranges.type(n.operand(0));
                long terms = 1;
                for (int a : s.axes()) {
                    terms *= x.shape().dim(a);
                }
                Sum sum = new Sum();
                sum.add(ranges.centred(n.operand(0)), new CodeRanges.Range(1, 1), terms);
                yield put(n, new long[] {sum.bound()}, items(x));
            }
            case IntOp.Add a -> 0;
            case IntOp.Requantize r -> 0;
            case IntOp.AvgPool p -> 0;
            case IntOp.Clamp c -> 0;
            case IntOp.Table t -> 0;
            case IntOp.InterpolatedTable t -> 0;
            case IntOp.Softmax s -> 0;
            case IntOp.DynamicParams p -> 0;
            case IntOp.DynamicQuantize q -> 0;
            case IntOp.DynamicDequantize d -> 0;
            case IntOp.Softmax16 _, IntOp.ResizeBilinear _, IntOp.Thresholds _, IntOp.LstmGate _, IntOp.LstmCell _ -> 0;
        };
    }

    private long put(Node n, long[] perChannel, long macs) {
        long max = Arrays.stream(perChannel).max().orElse(0);
        channels.put(n.id(), perChannel);
        bounds.put(n.id(), Bound.of(max, macs));
        return max;
    }

    private static long items(Type t) {
        return t.shape().elements();
    }

    /** conv2d and dense: output channels are axis 0 of the weights, the rest is what they sum over. */
    private long weighted(Node n) {
        Type type = ranges.type(n.operand(1));
        int out = type.shape().dim(0);
        int row = type.shape().elements() / Math.max(1, out);
        CodeRanges.Range x = ranges.centred(n.operand(0));
        Tensor.OfInt weights = constants.get(n.operand(1));
        Tensor.OfInt bias = n.operands().size() > 2 ? constants.get(n.operand(2)) : null;
        long[] perChannel = new long[out];
        for (int o = 0; o < out; o++) {
            Sum sum = new Sum();
            if (weights != null) {
                row(sum, weights.values(), type.quant().scheme(), o, row, x);
            } else {
                sum.add(x, anyWeight(type.quant()), row);
            }
            if (bias != null) {
                sum.add(bias.values()[o]);
            } else if (n.operands().size() > 2) {
                sum.add(ranges.get(n.operand(2)), new CodeRanges.Range(1, 1), 1);
            }
            perChannel[o] = sum.bound();
        }
        return put(n, perChannel, items(n.type()) * row);
    }

    private static void row(Sum sum, int[] codes, Scheme scheme, int channel, int row, CodeRanges.Range x) {
        int base = channel * row;
        int zero = scheme.channelZero(channel);
        for (int k = 0; k < row; k++) {
            int m = scheme instanceof Scheme.PerGroup g ? g.multipliers().get(channel * g.groups() + k / g.size()) : 1;
            sum.add((long) m * (codes[base + k] - zero), x);
        }
    }

    /** What a weight that is no constant can be: any code, under any of the scheme's zero points and multipliers. */
    private static CodeRanges.Range anyWeight(Quant q) {
        CodeRanges.Range codes = new CodeRanges.Range(q.lo(), q.hi());
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> new CodeRanges.Range(codes.lo() - t.zero(), codes.hi() - t.zero());
            case Scheme.PerAxis a ->
                a.zeros().stream()
                        .map(z -> new CodeRanges.Range(codes.lo() - z, codes.hi() - z))
                        .reduce(codes, CodeRanges.Range::union);
            case Scheme.PerGroup g -> new CodeRanges.Range(codes.lo() * 255, codes.hi() * 255);
        };
    }

    /** Two activations, or one and a constant, whose columns (or rows) are then summed as they are. */
    private long matmul(Node n) {
        Type x = ranges.type(n.operand(0));
        Type y = ranges.type(n.operand(1));
        int depth = x.shape().dim(-1);
        int columns = y.shape().dim(-1);
        long macs = items(n.type()) * depth;
        Tensor.OfInt left = constants.get(n.operand(0));
        Tensor.OfInt right = constants.get(n.operand(1));
        if (right != null) {
            int zero = zero(y);
            long[] perColumn = new long[columns];
            for (int matrix = 0; matrix < right.values().length; matrix += depth * columns) {
                for (int c = 0; c < columns; c++) {
                    perColumn[c] = Math.max(
                            perColumn[c],
                            line(right.values(), matrix + c, columns, depth, zero, ranges.centred(n.operand(0))));
                }
            }
            return put(n, perColumn, macs);
        }
        if (left != null && depth > 0) {
            long largest = 0;
            for (int row = 0; row < left.values().length; row += depth) {
                largest = Math.max(largest, line(left.values(), row, 1, depth, zero(x), ranges.centred(n.operand(1))));
            }
            return put(n, new long[] {largest}, macs);
        }
        Sum sum = new Sum();
        sum.add(ranges.centred(n.operand(0)), ranges.centred(n.operand(1)), depth);
        return put(n, new long[] {sum.bound()}, macs);
    }

    private static long line(int[] codes, int from, int step, int count, int zero, CodeRanges.Range x) {
        Sum sum = new Sum();
        for (int k = 0; k < count; k++) {
            sum.add((long) codes[from + k * step] - zero, x);
        }
        return sum.bound();
    }

    private static int zero(Type t) {
        return t.element() instanceof Quant q ? q.perTensor().zero() : 0;
    }

    /** Sums of positive and of negative parts, saturating: {@code Long.MAX_VALUE} means "at least that". */
    private static final class Sum {
        private long positive;
        private long negative;

        void add(long term) {
            positive = plus(positive, Math.max(term, 0));
            negative = plus(negative, Math.max(-term, 0));
        }

        void add(long weight, CodeRanges.Range x) {
            add(times(weight, x.lo()), times(weight, x.hi()), 1);
        }

        /** {@code count} products of anything in one range and anything in another. */
        void add(CodeRanges.Range x, CodeRanges.Range y, long count) {
            long[] corners = {times(x.lo(), y.lo()), times(x.lo(), y.hi()), times(x.hi(), y.lo()), times(x.hi(), y.hi())
            };
            Arrays.sort(corners);
            add(corners[0], corners[3], count);
        }

        private void add(long one, long other, long count) {
            positive = plus(positive, times(count, Math.max(0, Math.max(one, other))));
            negative = plus(negative, times(count, Math.max(0, -Math.min(one, other))));
        }

        long bound() {
            return Math.max(positive, negative);
        }

        /** Of two numbers of at least 0. */
        private static long plus(long a, long b) {
            long sum = a + b;
            return sum < 0 ? Long.MAX_VALUE : sum;
        }

        private static long times(long a, long b) {
            long high = Math.multiplyHigh(a, b);
            long low = a * b;
            if (high == low >> 63 && low != Long.MIN_VALUE) {
                return low;
            }
            return (a < 0) == (b < 0) ? Long.MAX_VALUE : -Long.MAX_VALUE;
        }
    }
}

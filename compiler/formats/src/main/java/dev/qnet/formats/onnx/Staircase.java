package dev.qnet.formats.onnx;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Float operations of one variable, channel by channel, that end in a quantizer: a staircase. It is evaluated by the
 * oracle, so that a table or thresholds made of it give the codes that the float arithmetic gives.
 */
final class Staircase {
    /**
     * One operation.
     *
     * @param op of one variable; the other operands are known
     * @param variable which operand varies
     * @param known the others in order, each one number or one a channel
     */
    record Step(Op op, int variable, List<float[]> known) {
        /** Whether it means the same for every channel. */
        boolean uniform() {
            return !(op instanceof FloatOp.BatchNorm) && known.stream().allMatch(k -> k.length == 1);
        }

        /** A limit that does not round: what a clamp of codes can do. */
        boolean clamps() {
            return op instanceof FloatOp.Unary u
                    && (u.fn() instanceof ScalarFn.Relu || u.fn() instanceof ScalarFn.Clip);
        }

        /** Whether it is known to never turn back: rising or falling throughout in each channel. */
        boolean monotone() {
            return switch (op) {
                case FloatOp.Unary u -> monotone(u.fn());
                case FloatOp.BatchNorm b -> variable == 0;
                case FloatOp.Binary b ->
                    switch (b.fn()) {
                        case ADD, SUB, MUL, MIN, MAX -> true;
                        case DIV -> variable == 0;
                        case POW, MOD -> false;
                    };
                default -> false;
            };
        }

        /** Whether it is known to never fall. */
        boolean rising() {
            return monotone()
                    && switch (op) {
                        case FloatOp.Unary u -> !(u.fn() instanceof ScalarFn.Neg);
                        case FloatOp.Binary b ->
                            switch (b.fn()) {
                                case ADD, MIN, MAX -> true;
                                case SUB -> variable == 0;
                                case MUL, DIV -> {
                                    boolean positive = true;
                                    for (float k : known.getFirst()) {
                                        positive &= k >= 0;
                                    }
                                    yield positive;
                                }
                                case POW, MOD -> false;
                            };
                        default -> false;
                    };
        }

        private static boolean monotone(ScalarFn fn) {
            return switch (fn) {
                case ScalarFn.Relu f -> true;
                case ScalarFn.LeakyRelu f -> f.alpha() >= 0;
                case ScalarFn.Clip f -> true;
                case ScalarFn.Sigmoid f -> true;
                case ScalarFn.Tanh f -> true;
                case ScalarFn.Elu f -> f.alpha() >= 0;
                case ScalarFn.Selu f -> f.alpha() >= 0 && f.gamma() >= 0;
                case ScalarFn.Celu f -> f.alpha() > 0;
                case ScalarFn.HardSigmoid f -> f.alpha() >= 0;
                case ScalarFn.Softplus f -> true;
                case ScalarFn.Softsign f -> true;
                case ScalarFn.ThresholdedRelu f -> f.alpha() >= 0;
                case ScalarFn.Erf f -> true;
                case ScalarFn.Exp f -> true;
                case ScalarFn.Neg f -> true;
                case ScalarFn.Sign f -> true;
                case ScalarFn.Floor f -> true;
                case ScalarFn.Ceil f -> true;
                case ScalarFn.Round f -> true;
                default -> false;
            };
        }
    }

    /**
     * Thresholds for each channel.
     *
     * @param entries ascending codes
     * @param limits [channels][entries − 1]: the least number that gets each entry but the first
     * @param falls which channels fall as the number rises; their limits are for its opposite
     */
    @SuppressWarnings("ArrayRecordComponent") // made and read at once, never compared
    record Thresholds(List<Integer> entries, int[][] limits, boolean[] falls) {}

    /** The real number that an integer stands for in a channel. */
    interface Reading {
        float at(long integer, int channel);
    }

    private final List<Step> steps;
    private final Quant to;
    private final int channels;

    Staircase(List<Step> steps, Quant to, int channels) {
        this.steps = List.copyOf(steps);
        this.to = to;
        this.channels = channels;
    }

    /** Codes of rows of real numbers [rows][channels]. */
    private Runner runner(int rows) {
        List<Node> nodes = new ArrayList<>();
        ValueId x = new ValueId("x");
        Type type = new Type(Element.FLOAT, Shape.of(rows, channels));
        ValueId last = x;
        for (Step s : steps) {
            List<ValueId> operands = new ArrayList<>();
            int next = 0;
            for (int i = 0; i <= s.known().size(); i++) {
                if (i == s.variable()) {
                    operands.add(last);
                    continue;
                }
                float[] k = s.known().get(next++);
                Tensor t = new Tensor.OfFloat(k.length == 1 && s.uniform() ? Shape.SCALAR : Shape.of(k.length), k);
                ValueId id = new ValueId("c" + nodes.size());
                nodes.add(
                        new Node(id, new DataOp.Constant(t), List.of(), new Type(Element.FLOAT, t.shape()), Span.NONE));
                operands.add(id);
            }
            last = new ValueId("v" + nodes.size());
            nodes.add(new Node(last, s.op(), operands, type, Span.NONE));
        }
        ValueId y = new ValueId("y");
        nodes.add(new Node(y, new QuantOp.Quantize(Rounding.ONNX), List.of(last), type.withElement(to), Span.NONE));
        Graph g = new Graph(
                "staircase",
                List.of(new Graph.Param(x, type, null, Span.NONE)),
                nodes,
                List.of(new Graph.Result("y", y)));
        Interpreter ready = Interpreter.prepare(g);
        return v -> {
            Value codes =
                    ready.run(Map.of("x", new Value.Floats(type.shape(), v))).get("y");
            if (!(codes instanceof Value.Ints i)) {
                throw new IllegalStateException("a quantizer gives integers");
            }
            return i.data();
        };
    }

    private interface Runner {
        long[] codes(float[] x);
    }

    /**
     * The codes of all codes of an operand with one scale, in the order of its storage; one channel only.
     *
     * @param from the operand's element
     */
    List<Integer> table(Quant from) {
        int min = from.storage().min();
        int count = from.storage().max() - min + 1;
        int[] all = IntStream.range(0, count)
                .map(i -> from.storage() == Storage.BIPOLAR && min + i == 0 ? 1 : min + i)
                .toArray();
        float[] x = dequantize(from, new Tensor.OfInt(Shape.of(count), all));
        List<Integer> entries = new ArrayList<>();
        for (long code : runner(count).codes(x)) {
            entries.add((int) code);
        }
        return entries;
    }

    /** The code of one real number, after all steps; one channel only. */
    int code(float x) {
        return (int) runner(1).codes(new float[] {x})[0];
    }

    /**
     * The thresholds between the codes of integers in a range, or null where steps may turn back or 32 bits do not hold
     * them.
     *
     * @param least for each channel
     * @param most for each channel
     */
    @Nullable Thresholds thresholds(long[] least, long[] most, Reading reading) {
        if (!steps.stream().allMatch(Step::monotone)) {
            return null;
        }
        for (int c = 0; c < channels; c++) {
            if (least[c] < -Integer.MAX_VALUE || most[c] >= Integer.MAX_VALUE - 1) {
                return null;
            }
        }
        float[] ends = new float[2 * channels];
        for (int c = 0; c < channels; c++) {
            ends[c] = reading.at(least[c], c);
            ends[channels + c] = reading.at(most[c], c);
        }
        long[] end = runner(2).codes(ends);
        boolean[] falls = new boolean[channels];
        long lowest = Long.MAX_VALUE;
        long highest = Long.MIN_VALUE;
        for (int c = 0; c < channels; c++) {
            falls[c] = end[c] > end[channels + c];
            lowest = Math.min(lowest, Math.min(end[c], end[channels + c]));
            highest = Math.max(highest, Math.max(end[c], end[channels + c]));
        }
        List<Integer> entries = new ArrayList<>();
        for (long code = lowest; code <= highest; code++) {
            if (to.storage().holds(code)) {
                entries.add((int) code);
            }
        }
        int count = entries.size() - 1;
        if (count == 0) {
            // A constant: one threshold that is never reached.
            entries.add(entries.getFirst());
            count = 1;
        }
        return new Thresholds(entries, search(entries, count, least, most, falls, reading), falls);
    }

    /** Binary search for all thresholds of all channels side by side. */
    private int[][] search(
            List<Integer> entries, int count, long[] least, long[] most, boolean[] falls, Reading reading) {
        // Numbers n of a channel that falls are opposites: n stands for the integer −n.
        long[][] low = new long[count][channels];
        long[][] high = new long[count][channels];
        for (int k = 0; k < count; k++) {
            for (int c = 0; c < channels; c++) {
                low[k][c] = falls[c] ? -most[c] : least[c];
                high[k][c] = (falls[c] ? -least[c] : most[c]) + 1;
            }
        }
        Runner runner = runner(count);
        boolean open = true;
        while (open) {
            open = false;
            float[] x = new float[count * channels];
            for (int k = 0; k < count; k++) {
                for (int c = 0; c < channels; c++) {
                    long middle = Math.floorDiv(low[k][c] + high[k][c], 2);
                    x[k * channels + c] = reading.at(falls[c] ? -middle : middle, c);
                }
            }
            long[] codes = runner.codes(x);
            for (int k = 0; k < count; k++) {
                for (int c = 0; c < channels; c++) {
                    if (low[k][c] < high[k][c]) {
                        long middle = Math.floorDiv(low[k][c] + high[k][c], 2);
                        if (codes[k * channels + c] >= entries.get(k + 1)
                                && !entries.get(k + 1).equals(entries.get(k))) {
                            high[k][c] = middle;
                        } else {
                            low[k][c] = middle + 1;
                        }
                        open |= low[k][c] < high[k][c];
                    }
                }
            }
        }
        int[][] limits = new int[channels][count];
        for (int k = 0; k < count; k++) {
            for (int c = 0; c < channels; c++) {
                limits[c][k] = Math.toIntExact(low[k][c]);
            }
        }
        return limits;
    }

    /** The real numbers that codes stand for. */
    static float[] dequantize(Quant q, Tensor.OfInt codes) {
        ValueId c = new ValueId("c");
        ValueId x = new ValueId("x");
        Graph g = new Graph(
                "dequantize",
                List.of(),
                List.of(
                        new Node(c, new DataOp.Constant(codes), List.of(), new Type(q, codes.shape()), Span.NONE),
                        new Node(
                                x,
                                new QuantOp.Dequantize(),
                                List.of(c),
                                new Type(Element.FLOAT, codes.shape()),
                                Span.NONE)),
                List.of(new Graph.Result("x", x)));
        if (!(Interpreter.run(g, Map.of()).get("x") instanceof Value.Floats f)) {
            throw new IllegalStateException("a dequantizer gives real numbers");
        }
        return f.data();
    }
}

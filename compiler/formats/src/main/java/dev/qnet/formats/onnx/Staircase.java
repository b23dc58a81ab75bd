package dev.qnet.formats.onnx;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
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
     * Thresholds for each channel.
     *
     * @param entries ascending codes
     * @param limits [channels][entries − 1]: the least number that gets each entry but the first
     * @param falls which channels fall as the number rises; their limits are for its opposite
     */
    @SuppressWarnings("ArrayRecordComponent") // made and read at once, never compared
    record Thresholds(List<Integer> entries, int[][] limits, boolean[] falls) {
        boolean anyFalls() {
            for (boolean f : falls) {
                if (f) {
                    return true;
                }
            }
            return false;
        }

        /** The codes of integers x, the last axis its channels. */
        ValueId of(ValueId x, Quant q, Rewrite to) {
            int count = entries.size() - 1;
            boolean same = Arrays.stream(limits).allMatch(row -> Arrays.equals(row, limits[0]));
            int rows = same ? 1 : limits.length;
            int[] flat = new int[rows * count];
            for (int c = 0; c < rows; c++) {
                System.arraycopy(limits[c], 0, flat, c * count, count);
            }
            ValueId known = to.constant(new Tensor.OfInt(Shape.of(rows, count), flat), Element.INT32);
            to.fused(count + " thresholds" + (same ? "" : " for each of " + rows + " channels"));
            return to.emit(new IntOp.Thresholds(entries), q, x, known);
        }
    }

    /** The real number that an integer stands for in a channel. */
    interface Reading {
        float at(long integer, int channel);
    }

    /** Thresholds are made for results of at most so many codes. */
    private static final int MAX_CODES = 256;

    private final List<Step> steps;
    private final Quant to;
    private final int channels;

    Staircase(List<Step> steps, Quant to, int channels) {
        this.steps = List.copyOf(steps);
        this.to = to;
        this.channels = channels;
    }

    /** Whether results have so few codes that thresholds may lie between them. */
    static boolean fits(Quant q) {
        return (long) q.hi() - q.lo() < MAX_CODES;
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
            entries.add(inUse(code));
        }
        return entries;
    }

    /** The code of one real number, after all steps; one channel only. */
    int code(float x) {
        return inUse(runner(1).codes(new float[] {x})[0]);
    }

    /** What is no number has the code of 0, which need not be one in use. */
    private int inUse(long code) {
        return Math.clamp(code, to.lo(), to.hi());
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
        int[][] limits = search(entries, count, least, most, falls, reading);
        return new Thresholds(entries.stream().map(this::inUse).toList(), limits, falls);
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

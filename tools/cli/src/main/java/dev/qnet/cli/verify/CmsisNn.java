package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.FixedPointTables;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Unit tests of CMSIS-NN as graphs: a kernel is the operation, or the few operations, that compute the same. Their outputs
 * come from TensorFlow Lite's interpreter. The multipliers and shifts are those of the case, so that no real scale matters:
 * all are 1.
 */
final class CmsisNn {
    private static final Pattern LAYER =
            Pattern.compile("^((?:CONV|DEPTHWISE_CONV|DW_CONV|AVERAGE_POOL|FULLY_CONNECTED|SOFTMAX)(?:_2D)?_\\d+_).*$");
    /** The weights of a network's layer: {@code layer_1_conv_2d_weights}. */
    private static final Pattern LAYER_WEIGHTS = Pattern.compile("^(layer_(\\d+)_(?:\\w+_)?)weights$");

    private final CmsisCase c;
    private final GraphAssembler g = new GraphAssembler();

    private CmsisNn(CmsisCase c) {
        this.c = c;
    }

    /**
     * The graph of a case, its inputs and its expected output.
     *
     * @throws CompileException if nothing here computes the kernel
     * @throws CaseException if the case lacks what its kernel needs
     */
    static Subject subject(CmsisCase c) {
        return new CmsisNn(c).subject();
    }

    private Subject subject() {
        String kernel = c.kernel();
        switch (kernel) {
            case "convolve_s8",
                    "convolve_s16",
                    "convolve_s4",
                    "convolve_1_x_n_s8",
                    "convolve_1_x_n_s4",
                    "convolve_even_s4",
                    "convolve_1x1_s8",
                    "convolve_1x1_s8_fast",
                    "convolve_1x1_s4",
                    "convolve_1x1_s4_fast",
                    "grouped_convolve_s8" -> conv(false);
            case "depthwise_conv_s8",
                    "depthwise_conv_s8_opt",
                    "depthwise_conv_3x3_s8",
                    "depthwise_conv_s16",
                    "depthwise_conv_fast_s16",
                    "depthwise_conv_s4",
                    "depthwise_conv_s4_opt" -> conv(true);
            case "fully_connected_s8", "fully_connected_s16", "fully_connected_s4" -> dense();
            case "batch_matmul_s8", "batch_matmul_s16" -> matmul();
            case "avgpool_s8", "avgpool_s16" -> pool(true);
            case "max_pool_s8", "max_pool_s16" -> pool(false);
            case "elementwise_add_s8", "elementwise_add_s16" -> add();
            case "elementwise_mul_s8", "elementwise_mul_s16" -> mul();
            case "softmax_s8", "softmax_s8_s16" -> softmax();
            case "softmax_s16" -> softmax16();
            case "maximum_minimum_s8", "maximum_s8", "minimum_s8" -> extremum();
            case "transpose_conv_s8", "reverse_transpose_conv_s8" -> transposeConv();
            case "lstm_unidirectional_s8", "lstm_unidirectional_s16" -> new CmsisLstm(c, g).build();
            case "svdf_s8", "svdf_state_s16_s8" -> {
                return svdf();
            }
            case "pad_s8" -> pad();
            case "transpose_s8" -> transpose();
            case "ds_cnn_s_s8", "ds_cnn_l_s8" -> network();
            default ->
                throw new CompileException(Diagnostic.error(
                        "unsupported-operator", Span.NONE, "there is no equal of the kernel " + c.kernel()));
        }
        Graph graph = g.graph(kernel);
        Shape shape = g.type(graph.results().getFirst().value()).shape();
        long[] expected = c.tensor(c.output());
        int item = shape.elements();
        if (item == 0 || expected.length % item != 0) {
            throw new CaseException("the output has " + item + " elements, the case expects " + expected.length);
        }
        Value y = Value.of(shape.hasBatch() ? shape.with(0, expected.length / item) : shape, expected);
        return new Subject(
                graph, List.of(new Subject.Sample("", List.of(g.inputs()), List.of(List.of(y)))), Tolerance.EXACT);
    }

    private void conv(boolean depthwise) {
        Value value = images("input", c.param("INPUT_H"), c.param("INPUT_W"), c.param("IN_CH"));
        ValueId x = g.batch(activation("input", "INPUT_OFFSET"), value);
        conv(c, x, "", depthwise, result(c, c.ctype(c.output())));
    }

    /** A convolution whose macros are a layer's and whose arrays are {@code arrays…}. */
    private ValueId conv(CmsisCase layer, ValueId x, String arrays, boolean depthwise, Quant result) {
        int in = layer.param("IN_CH");
        int out = layer.param("OUT_CH");
        int kh = layer.param("FILTER_Y");
        int kw = layer.param("FILTER_X");
        int perGroup = depthwise ? 1 : layer.param("FILTER_CH", in);
        int size = out * kh * kw * perGroup;
        boolean packed = c.kernel().contains("_s4");
        String name = c.anyOf(arrays + "weights", arrays + "input_weights", arrays);
        long[] weights = packed ? c.nibbles(name, size) : c.tensor(name);
        if (depthwise) {
            weights = outputsFirst(weights, out);
        }
        ValueId w = g.constant(weightType(packed, 0), Shape.of(out, kh, kw, perGroup), weights);
        Window window = window(layer, kh, kw, "X", "Y", "PAD_");
        return linear(
                arrays,
                out,
                result,
                x,
                w,
                (acc) -> new IntOp.Conv2d(window, in / perGroup, acc, layer.rescale(arrays)));
    }

    /** What makes an operation for an accumulator. */
    private interface Linear {
        IntOp of(Element.Int acc);
    }

    private ValueId linear(String arrays, int out, Quant result, ValueId x, ValueId w, Linear op) {
        String name = c.anyOf(arrays + "biases", arrays + "bias", arrays + "input_bias");
        if (!c.hasTensor(name)) {
            // Only convolutions know sums of 32 bits beside 16-bit inputs.
            boolean always64 = c.kernel().endsWith("_s16") && !c.kernel().startsWith("convolve");
            return g.add(result, op.of(always64 ? Element.INT64 : Element.INT32), x, w);
        }
        // With 64-bit biases TensorFlow Lite accumulates in 64 bits.
        boolean wide = c.ctype(name).equals("int64_t");
        Element.Int acc = wide ? Element.INT64 : Element.INT32;
        return g.add(result, op.of(acc), x, w, g.constant(acc, Shape.of(out), c.tensor(name)));
    }

    private void dense() {
        int in = c.param("ACCUMULATION_DEPTH");
        int out = c.param("OUT_CH");
        ValueId x = g.batch(activation("input", "INPUT_OFFSET"), rows("input", in));
        boolean packed = c.kernel().contains("_s4");
        String name = c.anyOf("weights", "input_weights");
        long[] weights = packed ? c.nibbles(name, in * out) : c.tensor(name);
        ValueId w = g.constant(weightType(packed, -c.param("FILTER_OFFSET", 0)), Shape.of(out, in), weights);
        linear("", out, result(c, c.ctype(c.output())), x, w, acc -> new IntOp.Dense(acc, c.rescale("")));
    }

    private void matmul() {
        ValueId left = matrix("LHS", "lhs_input_tensor", c.param("ADJ_X") == 1);
        ValueId right = matrix("RHS", "rhs_input_tensor", c.param("ADJ_Y") == 1);
        boolean wide = c.kernel().equals("batch_matmul_s16");
        g.add(
                result(c, c.ctype(c.output())),
                new IntOp.MatMul(wide ? Element.INT64 : Element.INT32, c.rescale("")),
                left,
                right);
    }

    private ValueId matrix(String side, String array, boolean transposed) {
        Shape shape = Shape.of(
                c.param(side + "_BATCH"), c.param(side + "_HEIGHT"), c.param(side + "_ROWS"), c.param(side + "_COLS"));
        Quant type = activation(array, side + "_OFFSET");
        ValueId x = g.input(type, value(array, shape));
        return transposed ? g.add(type, new DataOp.Transpose(List.of(0, 1, 3, 2)), x) : x;
    }

    private void pool(boolean average) {
        Value value = images("input_tensor", c.param("INPUT_H"), c.param("INPUT_W"), c.param("INPUT_C"));
        Quant type = codes("input_tensor");
        ValueId x = g.batch(type, value);
        Window window = window(c, c.param("FILTER_H"), c.param("FILTER_W"), "W", "H", "PADDING_");
        ValueId y = average
                ? g.add(type, new IntOp.AvgPool(window, Rounding.TFLITE), x)
                : g.add(type, new DataOp.MaxPool(window), x);
        g.add(type, new IntOp.Clamp(c.lo(), c.hi()), y);
    }

    private void add() {
        ValueId x = vector("input1", "INPUT1_OFFSET");
        ValueId y = vector("input2", "INPUT2_OFFSET");
        IntOp op = new IntOp.Add(
                false,
                c.param("LEFT_SHIFT"),
                Rounding.TFLITE,
                List.of(
                        c.fixed("INPUT1_MULT", "INPUT1_SHIFT"),
                        c.fixed("INPUT2_MULT", "INPUT2_SHIFT"),
                        c.fixed("OUTPUT_MULT", "OUTPUT_SHIFT")),
                c.param("OUTPUT_OFFSET"),
                c.lo(),
                c.hi());
        g.add(result(c, c.ctype(c.output())), op, x, y);
    }

    private void mul() {
        ValueId x = vector("input1", "INPUT1_OFFSET");
        ValueId y = vector("input2", "INPUT2_OFFSET");
        g.add(result(c, c.ctype(c.output())), new IntOp.Mul(Element.INT32, c.rescale("")), x, y);
    }

    private ValueId vector(String array, String offset) {
        return g.input(activation(array, offset), value(array, Shape.of(c.tensor(array).length)));
    }

    private void softmax() {
        Shape shape = Shape.of(c.param("NUM_ROWS"), c.param("ROW_SIZE"));
        ValueId x = g.input(codes("input"), value("input", shape));
        IntOp op = new IntOp.Softmax(1, c.param("INPUT_MULT"), c.param("INPUT_LEFT_SHIFT"), c.param("DIFF_MIN"));
        boolean narrow = c.ctype(c.output()).equals("int8_t");
        g.add(narrow ? Quant.of(Storage.I8, 1f / 256, -128) : Quant.of(Storage.I16, 1f / 65536, -32768), op, x);
    }

    private void softmax16() {
        Shape shape = Shape.of(c.param("NUM_ROWS"), c.param("ROW_SIZE"));
        ValueId x = g.input(codes("input"), value("input", shape));
        IntOp op = new IntOp.Softmax16(
                1,
                c.param("INPUT_MULT"),
                c.param("INPUT_LEFT_SHIFT"),
                FixedPointTables.softmaxExp(),
                FixedPointTables.softmaxReciprocal());
        g.add(Quant.of(Storage.I16, 1f / 32768, 0), op, x);
    }

    /** The larger or the smaller of two, broadcast. Both have the parameters of the result. */
    private void extremum() {
        ValueId x = g.input(codes("input_tensor_1"), value("input_tensor_1", side("_1")));
        ValueId y = g.input(codes("input_tensor_2"), value("input_tensor_2", side("_2")));
        boolean max = c.has("LAYER_TYPE")
                ? c.rawParam("LAYER_TYPE").asText().equals("maximum")
                : c.kernel().startsWith("maximum");
        NumOp op = new NumOp.Binary(max ? NumOp.Binary.Fn.MAX : NumOp.Binary.Fn.MIN);
        g.add(codes("input_tensor_1"), op, x, y);
    }

    private Shape side(String suffix) {
        return new Shape(Stream.of("BATCH", "HEIGHT", "WIDTH", "CHANNEL")
                .map(axis -> c.param(axis + suffix))
                .toList());
    }

    /**
     * A transposed convolution as a convolution: of the input with stride − 1 zeros between its elements, with the kernel
     * turned round, padded by what the kernel reaches beyond the transposed padding.
     */
    private void transposeConv() {
        int in = c.param("IN_CH");
        int out = c.param("OUT_CH");
        int h = c.param("INPUT_H");
        int w = c.param("INPUT_W");
        int kh = c.param("FILTER_Y");
        int kw = c.param("FILTER_X");
        int sh = c.param("STRIDE_Y");
        int sw = c.param("STRIDE_X");
        Quant type = activation("input", "INPUT_OFFSET");
        ValueId x = g.batch(type, images("input", h, w, in));
        if (sh > 1 || sw > 1) {
            x = g.add(
                    type,
                    new DataOp.Dilate(List.of(1, sh, sw, 1), type.perTensor().zero()),
                    x);
        }
        int tall = (h - 1) * sh + 1;
        int wide = (w - 1) * sw + 1;
        int top = kh - 1 - c.param("PAD_Y");
        int left = kw - 1 - c.param("PAD_X");
        int bottom = c.param("OUTPUT_H") + kh - 1 - tall - top;
        int right = c.param("OUTPUT_W") + kw - 1 - wide - left;
        if (top < 0 || left < 0 || bottom < 0 || right < 0) {
            DataOp slice = new DataOp.Slice(
                    List.of(0, Math.max(0, -top), Math.max(0, -left), 0),
                    List.of(0, tall - Math.max(0, -bottom), wide - Math.max(0, -right), in),
                    List.of(1, 1, 1, 1));
            x = g.add(type, slice, x);
        }
        ValueId weights = g.constant(
                weightType(false, 0),
                Shape.of(out, kh, kw, in),
                turned(c.tensor(c.anyOf("weights", "input_weights")), out, kh * kw, in));
        Window window = new Window(
                kh, kw, 1, 1, 1, 1, Math.max(0, top), Math.max(0, left), Math.max(0, bottom), Math.max(0, right));
        Quant result = result(c, c.ctype(c.output()));
        linear("", out, result, x, weights, acc -> new IntOp.Conv2d(window, 1, acc, c.rescale("")));
    }

    /** [out][taps][in] with the taps in reverse. */
    private static long[] turned(long[] weights, int out, int taps, int in) {
        if (weights.length != out * taps * in) {
            throw new CaseException("the weights do not fit the macros");
        }
        long[] to = new long[weights.length];
        for (int o = 0; o < out; o++) {
            for (int t = 0; t < taps; t++) {
                System.arraycopy(weights, (o * taps + t) * in, to, (o * taps + taps - 1 - t) * in, in);
            }
        }
        return to;
    }

    /**
     * A filter over time, decomposed by rank: features of each step enter a state, which a filter each weighs. The input is
     * a sequence of steps, the output that of the last; the items of a batch have nothing to do with each other.
     */
    private Subject svdf() {
        int features = c.param("FEATURE_BATCHES");
        int units = features / c.param("RANK");
        int in = c.param("INPUT_SIZE");
        int batch = c.param("INPUT_BATCHES");
        long[] sequence = c.tensor("input_sequence");
        long[] expected = c.tensor(c.output());
        if (sequence.length % (in * batch) != 0 || expected.length != units * batch) {
            throw new CaseException("the arrays of inputs and outputs do not fit the macros");
        }
        if (Arrays.stream(c.tensor("state")).anyMatch(s -> s != 0)) {
            throw new CaseException("the state starts with other numbers than 0");
        }
        svdfStep(features, units, in);
        List<Subject.Sample> samples = new ArrayList<>();
        for (int b = 0; b < batch; b++) {
            List<List<Value>> steps = new ArrayList<>();
            for (int at = b * in; at < sequence.length; at += batch * in) {
                steps.add(List.of(Value.of(Shape.of(1, in), Arrays.copyOfRange(sequence, at, at + in))));
            }
            Value y = Value.of(Shape.of(units), Arrays.copyOfRange(expected, b * units, (b + 1) * units));
            samples.add(new Subject.Sample("item " + b, steps, List.of(List.of(y))));
        }
        return new Subject(g.graph("svdf"), samples, Tolerance.EXACT);
    }

    private void svdfStep(int features, int units, int in) {
        int times = c.param("TIME_BATCHES");
        // Here the macro is the zero point itself.
        Quant input = Quant.of(Storage.I8, 1, c.param("INPUT_OFFSET"));
        ValueId x = g.input(input, Value.of(Shape.of(1, in), new long[in]));
        Quant stateType = Quant.of(storage(c.ctype("state")), 1, 0);
        ValueId w = g.constant(weightType(false, 0), Shape.of(features, in), c.tensor("weights_feature"));
        Rescale toState = new Rescale(
                Rounding.TFLITE,
                List.of(c.fixed("MULTIPLIER_IN", "SHIFT_1")),
                0,
                c.param("IN_ACTIVATION_MIN"),
                c.param("IN_ACTIVATION_MAX"));
        ValueId feature = g.add(stateType, new IntOp.Dense(Element.INT32, toState), x, w);
        ValueId state = g.state(stateType, Shape.of(features, times));
        ValueId next = g.add(stateType, new DataOp.Reshape(Shape.of(features, 1)), feature);
        if (times > 1) {
            DataOp latest = new DataOp.Slice(List.of(0, 1), List.of(features, times), List.of(1, 1));
            next = g.add(stateType, new DataOp.Concat(1), g.add(stateType, latest, state), next);
        }
        g.next(state, next);
        Quant timeType = Quant.of(storage(c.ctype("weights_time")), 1, 0);
        ValueId t = g.constant(timeType, Shape.of(features, times), c.tensor("weights_time"));
        ValueId products = g.add(Element.INT32, new IntOp.Mul(Element.INT32, null), next, t);
        ValueId rows = g.add(Element.INT32, new DataOp.Reshape(Shape.of(units, features / units * times)), products);
        ValueId sum = g.add(Element.INT32, new IntOp.Sum(List.of(1), false, Element.INT32, null), rows);
        if (c.hasTensor("biases")) {
            ValueId bias = g.constant(Element.INT32, Shape.of(units), c.tensor("biases"));
            sum = g.add(Element.INT32, new NumOp.Binary(NumOp.Binary.Fn.ADD), sum, bias);
        }
        Rescale toOutput = new Rescale(
                Rounding.TFLITE,
                List.of(c.fixed("MULTIPLIER_OUT", "SHIFT_2")),
                c.param("OUTPUT_OFFSET"),
                c.lo(),
                c.hi());
        g.add(result(c, "int8_t"), new IntOp.Requantize(toOutput), sum);
    }

    private void pad() {
        List<String> axes = List.of("N", "H", "W", "C");
        Shape shape = new Shape(axes.stream().map(a -> c.param("INPUT_" + a)).toList());
        Quant type = codes("input_tensor");
        ValueId x = g.input(type, value("input_tensor", shape));
        DataOp op = new DataOp.Pad(
                axes.stream().map(a -> c.param("PRE_PAD_" + a)).toList(),
                axes.stream().map(a -> c.param("POST_PAD_" + a)).toList(),
                c.param("PAD_VALUE"));
        g.add(type, op, x);
    }

    private void transpose() {
        int rank = c.param("PERM_SIZE");
        Quant type = codes("input_tensor");
        ValueId x = g.input(type, value("input_tensor", new Shape(c.list("IN_DIM", rank))));
        g.add(type, new DataOp.Transpose(c.list("PERM", rank)), x);
    }

    /** A network of convolutions, one pool, one fully connected layer and a softmax: its macros number the layers. */
    private void network() {
        List<String> layers = new ArrayList<>();
        for (String macro : c.params()) {
            String layer = LAYER.matcher(macro).replaceFirst("$1");
            if (!layer.equals(macro) && !layers.contains(layer)) {
                layers.add(layer);
            }
        }
        if (layers.isEmpty()) {
            throw new CaseException("no macro names a layer");
        }
        layers.sort(Comparator.comparingInt(CmsisNn::number));
        CmsisCase first = c.layer(layers.getFirst());
        Value value = images("input", first.param("INPUT_H"), first.param("INPUT_W"), first.param("IN_CH"));
        ValueId x = g.batch(Quant.of(storage(c.ctype("input")), 1, -first.param("INPUT_OFFSET")), value);
        Map<Integer, String> weights = layerArrays();
        // Macros count layers from 0 or 1, arrays from 1.
        int ahead = weights.isEmpty() ? 0 : Collections.min(weights.keySet()) - number(layers.getFirst());
        for (String macros : layers) {
            CmsisCase layer = c.layer(macros);
            String arrays = weights.getOrDefault(number(macros) + ahead, "");
            String kind = macros.replaceAll("(?:_2D)?_\\d+_$", "");
            switch (kind) {
                case "CONV" -> x = conv(layer, x, arrays, false, result(layer, "int8_t"));
                case "DEPTHWISE_CONV", "DW_CONV" -> x = conv(layer, x, arrays, true, result(layer, "int8_t"));
                case "AVERAGE_POOL" -> {
                    Window window = window(layer, layer.param("FILTER_Y"), layer.param("FILTER_X"), "X", "Y", "PAD_");
                    x = g.add(g.type(x).element(), new IntOp.AvgPool(window, Rounding.TFLITE), x);
                    int n = g.type(x).shape().elements();
                    x = g.add(g.type(x).element(), new DataOp.Reshape(Shape.of(Shape.BATCH, n)), x);
                }
                case "FULLY_CONNECTED" -> x = layerDense(layer, arrays, x);
                default -> {
                    IntOp op = new IntOp.Softmax(1, layer.param("MULT"), layer.param("SHIFT"), layer.param("DIFF_MIN"));
                    x = g.add(Quant.of(Storage.I8, 1f / 256, -128), op, x);
                }
            }
        }
    }

    private ValueId layerDense(CmsisCase layer, String arrays, ValueId x) {
        int in = g.type(x).shape().dim(-1);
        long[] weights = c.tensor(arrays + "weights");
        // The macros of this layer name its channels the other way round; its multiplier is a macro.
        int out = weights.length / in;
        ValueId w = g.constant(weightType(false, 0), Shape.of(out, in), weights);
        return linear(arrays, out, result(layer, "int8_t"), x, w, acc -> new IntOp.Dense(acc, layer.rescaleOfMacros()));
    }

    /** What the names of the arrays of each layer with weights begin with, by the layer's number. */
    private Map<Integer, String> layerArrays() {
        Map<Integer, String> arrays = new HashMap<>();
        for (String name : c.tensors()) {
            Matcher m = LAYER_WEIGHTS.matcher(name);
            if (m.matches()) {
                arrays.put(Integer.valueOf(m.group(2)), m.group(1));
            }
        }
        return arrays;
    }

    private static int number(String layer) {
        return Integer.parseInt(layer.replaceAll("^.*_(\\d+)_$", "$1"));
    }

    /** CMSIS-NN pads implicitly behind: what the output's extent needs. */
    private static Window window(CmsisCase c, int kh, int kw, String x, String y, String padding) {
        int sh = c.param("STRIDE_" + y);
        int sw = c.param("STRIDE_" + x);
        int dh = c.param("DILATION_" + y, 1);
        int dw = c.param("DILATION_" + x, 1);
        int top = c.param(padding + y);
        int left = c.param(padding + x);
        int bottom = (c.param("OUTPUT_H") - 1) * sh + (kh - 1) * dh + 1 - top - c.param("INPUT_H");
        int right = (c.param("OUTPUT_W") - 1) * sw + (kw - 1) * dw + 1 - left - c.param("INPUT_W");
        return new Window(kh, kw, sh, sw, dh, dw, top, left, Math.max(0, bottom), Math.max(0, right));
    }

    /** An array as as many images as it holds. */
    private Value images(String array, int h, int w, int channels) {
        long[] data = c.tensor(array);
        int item = h * w * channels;
        if (item <= 0 || data.length % item != 0) {
            throw new CaseException("the array " + array + " of " + data.length + " elements holds no images of " + h
                    + " by " + w + " by " + channels);
        }
        return Value.of(Shape.of(data.length / item, h, w, channels), data);
    }

    private Value rows(String array, int width) {
        long[] data = c.tensor(array);
        if (width <= 0 || data.length % width != 0) {
            throw new CaseException("the array " + array + " of " + data.length + " elements has no rows of " + width);
        }
        return Value.of(Shape.of(data.length / width, width), data);
    }

    private Value value(String array, Shape shape) {
        long[] data = c.tensor(array);
        if (data.length != shape.elements()) {
            throw new CaseException(
                    "the array " + array + " of " + data.length + " elements has not the shape " + shape);
        }
        return Value.of(shape, data);
    }

    /** Codes of an input: its macro holds the negated zero point. */
    private Quant activation(String array, String offset) {
        return Quant.of(storage(c.ctype(array)), 1, -c.param(offset));
    }

    /** Codes that no arithmetic touches. */
    private Quant codes(String array) {
        return Quant.of(storage(c.ctype(array)), 1, 0);
    }

    private static Quant result(CmsisCase layer, String ctype) {
        return Quant.of(storage(ctype), 1, layer.param("OUTPUT_OFFSET"));
    }

    private static Quant weightType(boolean packed, int zero) {
        return Quant.of(packed ? Storage.I4 : Storage.I8, 1, zero);
    }

    private static Storage storage(String ctype) {
        return switch (ctype) {
            case "int8_t" -> Storage.I8;
            case "int16_t" -> Storage.I16;
            default -> throw new CaseException("there is no storage for " + ctype);
        };
    }

    /** [taps][out] → [out][taps]. */
    private static long[] outputsFirst(long[] weights, int out) {
        long[] to = new long[weights.length];
        int taps = weights.length / out;
        for (int t = 0; t < taps; t++) {
            for (int o = 0; o < out; o++) {
                to[o * taps + t] = weights[t * out + o];
            }
        }
        return to;
    }
}

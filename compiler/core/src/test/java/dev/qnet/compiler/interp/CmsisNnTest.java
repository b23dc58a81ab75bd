package dev.qnet.compiler.interp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.FixedPointTables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * The oracle against goldens that nobody here wrote: CMSIS-NN's unit tests, whose outputs TensorFlow Lite's interpreter
 * made. Each is built as IR and compared bit for bit.
 */
class CmsisNnTest {
    /** Kernels that take many operations to write, which {@code qnet verify} does. */
    private static final List<String> ELSEWHERE =
            List.of("lstm_unidirectional_s8", "lstm_unidirectional_s16", "svdf_s8", "svdf_state_s16_s8");

    @TestFactory
    Stream<DynamicTest> cases() throws IOException {
        String data = System.getProperty("qnet.data", "");
        Path folder = Path.of(data, "cmsis_nn");
        Assumptions.assumeTrue(
                !data.isEmpty() && Files.isDirectory(folder),
                "no CMSIS-NN cases: -Dqnet.data names no folder with cmsis_nn");
        List<Path> files;
        try (Stream<Path> all = Files.list(folder)) {
            files = all.filter(f -> f.toString().endsWith(".json")).sorted().toList();
        }
        assertThat(files).isNotEmpty();
        return files.stream()
                .map(CmsisCase::read)
                .filter(c -> !ELSEWHERE.contains(c.kernel()))
                .map(c -> DynamicTest.dynamicTest(c.name(), () -> check(c)));
    }

    private static void check(CmsisCase c) {
        Value.Ints found = (Value.Ints) compute(c);
        assertThat(found.data()).containsExactly(c.expected());
    }

    private static Value compute(CmsisCase c) {
        return switch (c.kernel()) {
            case "convolve_s8",
                    "convolve_s16",
                    "convolve_s4",
                    "convolve_1_x_n_s8",
                    "convolve_1x1_s8_fast",
                    "convolve_1x1_s4_fast",
                    "grouped_convolve_s8",
                    "grouped_convolve_s8(unused)" -> conv(c, false);
            case "depthwise_conv_s8",
                    "depthwise_conv_s8_opt",
                    "depthwise_conv_3x3_s8",
                    "depthwise_conv_s16",
                    "depthwise_conv_fast_s16",
                    "depthwise_conv_s4",
                    "depthwise_conv_s4_opt" -> conv(c, true);
            case "fully_connected_s8", "fully_connected_s16", "fully_connected_s4" -> dense(c);
            case "batch_matmul_s8", "batch_matmul_s16" -> matmul(c);
            case "avgpool_s8", "avgpool_s16" -> pool(c, true);
            case "max_pool_s8", "max_pool_s16" -> pool(c, false);
            case "elementwise_add_s8", "elementwise_add_s16" -> add(c);
            case "elementwise_mul_s8", "elementwise_mul_s16" -> mul(c);
            case "softmax_s8", "softmax_s8_s16" -> softmax(c);
            case "softmax_s16" -> softmax16(c);
            case "maximum_minimum_s8" -> extremes(c);
            case "transpose_conv_s8", "reverse_transpose_conv_s8" -> transposedConv(c);
            case "pad_s8" -> pad(c);
            case "transpose_s8" -> transpose(c);
            case "ds_cnn_s_s8" -> dsCnn(c);
            default ->
                throw new AssertionError("a new kernel, neither tested nor listed as tested elsewhere: " + c.kernel());
        };
    }

    private static Value conv(CmsisCase c, boolean depthwise) {
        Nodes n = new Nodes();
        Quant type = activation(c, "input", "INPUT_OFFSET");
        long[] data = c.tensor("input");
        int h = c.param("INPUT_H");
        int w = c.param("INPUT_W");
        int in = c.param("IN_CH");
        Value value = Value.of(Shape.of(data.length / (h * w * in), h, w, in), data);
        ValueId x = n.input(new Type(type, Shape.of(Shape.BATCH, h, w, in)), value);
        conv(n, c, x, "", depthwise, wideBias(c));
        return n.run();
    }

    /** Adds a convolution whose macros have the case's prefix and whose arrays are {@code arrays…}. */
    private static ValueId conv(Nodes n, CmsisCase c, ValueId x, String arrays, boolean depthwise, boolean wide) {
        int in = c.param("IN_CH");
        int out = c.param("OUT_CH");
        int kh = c.param("FILTER_Y");
        int kw = c.param("FILTER_X");
        int perGroup = depthwise ? 1 : c.param("FILTER_CH", in);
        String name = c.hasTensor(arrays + "weights") ? arrays + "weights" : arrays;
        int size = out * kh * kw * perGroup;
        boolean packed = c.kernel().contains("_s4");
        long[] weights = packed ? c.nibbles(name, size) : c.tensor(name);
        if (depthwise) {
            weights = outputsFirst(weights, out);
        }
        ValueId w = n.constant(
                Quant.of(packed ? Storage.I4 : Storage.I8, 1, 0), tensor(Shape.of(out, kh, kw, perGroup), weights));
        Window window = window(c, kh, kw, "X", "Y", "PAD_");
        IntOp op = new IntOp.Conv2d(window, in / perGroup, wide ? Element.INT64 : Element.INT32, c.rescale(arrays));
        Quant result = result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET"));
        String bias = arrays + (arrays.isEmpty() ? "biases" : "bias");
        return c.hasTensor(bias)
                ? n.add(result, op, x, w, n.constant(Element.INT32, tensor(Shape.of(out), c.tensor(bias))))
                : n.add(result, op, x, w);
    }

    /** With 64-bit biases TensorFlow Lite accumulates in 64 bits. */
    private static boolean wideBias(CmsisCase c) {
        return c.hasTensor("biases") && c.ctype("biases").equals("int64_t");
    }

    private static Value dense(CmsisCase c) {
        Nodes n = new Nodes();
        long[] data = c.tensor("input");
        int in = c.param("ACCUMULATION_DEPTH");
        int out = c.param("OUT_CH");
        Value value = Value.of(Shape.of(data.length / in, in), data);
        ValueId x = n.input(new Type(activation(c, "input", "INPUT_OFFSET"), Shape.of(Shape.BATCH, in)), value);
        boolean packed = c.kernel().contains("_s4");
        long[] weights = packed ? c.nibbles("weights", in * out) : c.tensor("weights");
        Quant weightType = Quant.of(packed ? Storage.I4 : Storage.I8, 1, -c.param("FILTER_OFFSET", 0));
        ValueId w = n.constant(weightType, tensor(Shape.of(out, in), weights));
        IntOp op = new IntOp.Dense(wideBias(c) ? Element.INT64 : Element.INT32, c.rescale(""));
        Quant result = result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET"));
        if (c.hasTensor("biases")) {
            n.add(result, op, x, w, n.constant(Element.INT32, tensor(Shape.of(out), c.tensor("biases"))));
        } else {
            n.add(result, op, x, w);
        }
        return n.run();
    }

    private static Value matmul(CmsisCase c) {
        Nodes n = new Nodes();
        ValueId left = matrix(n, c, "LHS", "lhs_input_tensor", c.param("ADJ_X") == 1);
        ValueId right = matrix(n, c, "RHS", "rhs_input_tensor", c.param("ADJ_Y") == 1);
        boolean wide = c.kernel().equals("batch_matmul_s16");
        n.add(
                result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET")),
                new IntOp.MatMul(wide ? Element.INT64 : Element.INT32, c.rescale("")),
                left,
                right);
        return n.run();
    }

    private static ValueId matrix(Nodes n, CmsisCase c, String side, String array, boolean transposed) {
        Shape shape = Shape.of(
                c.param(side + "_BATCH"), c.param(side + "_HEIGHT"), c.param(side + "_ROWS"), c.param(side + "_COLS"));
        Quant type = activation(c, array, side + "_OFFSET");
        ValueId x = n.input(type, Value.of(shape, c.tensor(array)));
        return transposed ? n.add(type, new DataOp.Transpose(List.of(0, 1, 3, 2)), x) : x;
    }

    private static Value pool(CmsisCase c, boolean average) {
        Nodes n = new Nodes();
        long[] data = c.tensor("input_tensor");
        int h = c.param("INPUT_H");
        int w = c.param("INPUT_W");
        int ch = c.param("INPUT_C");
        Quant type = Quant.of(storage(c.ctype("input_tensor")), 1, 0);
        Value value = Value.of(Shape.of(data.length / (h * w * ch), h, w, ch), data);
        ValueId x = n.input(new Type(type, Shape.of(Shape.BATCH, h, w, ch)), value);
        Window window = window(c, c.param("FILTER_H"), c.param("FILTER_W"), "W", "H", "PADDING_");
        ValueId y = average
                ? n.add(type, new IntOp.AvgPool(window, Rounding.TFLITE), x)
                : n.add(type, new DataOp.MaxPool(window), x);
        n.add(type, new IntOp.Clamp(c.lo(), c.hi()), y);
        return n.run();
    }

    private static Value add(CmsisCase c) {
        Nodes n = new Nodes();
        ValueId x = vector(n, c, "input1", "INPUT1_OFFSET");
        ValueId y = vector(n, c, "input2", "INPUT2_OFFSET");
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
        n.add(result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET")), op, x, y);
        return n.run();
    }

    private static Value mul(CmsisCase c) {
        Nodes n = new Nodes();
        ValueId x = vector(n, c, "input1", "INPUT1_OFFSET");
        ValueId y = vector(n, c, "input2", "INPUT2_OFFSET");
        IntOp op = new IntOp.Mul(Element.INT32, c.rescale(""));
        n.add(result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET")), op, x, y);
        return n.run();
    }

    private static ValueId vector(Nodes n, CmsisCase c, String array, String offset) {
        long[] data = c.tensor(array);
        return n.input(activation(c, array, offset), Value.of(Shape.of(data.length), data));
    }

    private static Value softmax(CmsisCase c) {
        Nodes n = new Nodes();
        Shape shape = Shape.of(c.param("NUM_ROWS"), c.param("ROW_SIZE"));
        ValueId x = n.input(Quant.of(Storage.I8, 1, 0), Value.of(shape, c.tensor("input")));
        IntOp op = new IntOp.Softmax(1, c.param("INPUT_MULT"), c.param("INPUT_LEFT_SHIFT"), c.param("DIFF_MIN"));
        n.add(
                c.ctypeOfOutput().equals("int16_t")
                        ? Quant.of(Storage.I16, 1f / 65536, -32768)
                        : Quant.of(Storage.I8, 1f / 256, -128),
                op,
                x);
        return n.run();
    }

    private static Value softmax16(CmsisCase c) {
        Nodes n = new Nodes();
        Shape shape = Shape.of(c.param("NUM_ROWS"), c.param("ROW_SIZE"));
        ValueId x = n.input(Quant.of(Storage.I16, 1, 0), Value.of(shape, c.tensor("input")));
        IntOp op = new IntOp.Softmax16(
                1,
                c.param("INPUT_MULT"),
                c.param("INPUT_LEFT_SHIFT"),
                FixedPointTables.softmaxExp(),
                FixedPointTables.softmaxReciprocal());
        n.add(Quant.of(Storage.I16, 1f / 32768, 0), op, x);
        return n.run();
    }

    private static Value extremes(CmsisCase c) {
        Nodes n = new Nodes();
        Quant type = Quant.of(Storage.I8, 1, 0);
        ValueId[] operands = new ValueId[2];
        for (int i = 0; i < 2; i++) {
            int side = i + 1;
            Shape shape = new Shape(Stream.of("BATCH_", "HEIGHT_", "WIDTH_", "CHANNEL_")
                    .map(axis -> c.param(axis + side))
                    .toList());
            operands[i] = n.input(type, Value.of(shape, c.tensor("input_tensor_" + side)));
        }
        boolean largest = c.rawParam("LAYER_TYPE").asText().equals("maximum");
        n.add(type, new NumOp.Binary(largest ? NumOp.Binary.Fn.MAX : NumOp.Binary.Fn.MIN), operands);
        return n.run();
    }

    /** A convolution of the dilated and padded input with the weights turned by half a turn, all images at once. */
    private static Value transposedConv(CmsisCase c) {
        Nodes n = new Nodes();
        int in = c.param("IN_CH");
        int out = c.param("OUT_CH");
        int h = c.param("INPUT_H");
        int w = c.param("INPUT_W");
        int kh = c.param("FILTER_Y");
        int kw = c.param("FILTER_X");
        int sh = c.param("STRIDE_Y");
        int sw = c.param("STRIDE_X");
        Quant type = activation(c, "input", "INPUT_OFFSET");
        int zero = type.perTensor().zero();
        ValueId x = n.input(type, Value.of(Shape.of(c.param("INPUT_BATCHES"), h, w, in), c.tensor("input")));
        ValueId dilated = n.add(type, new DataOp.Dilate(List.of(1, sh, sw, 1), zero), x);
        int top = kh - 1 - c.param("PAD_Y");
        int left = kw - 1 - c.param("PAD_X");
        int bottom = c.param("OUTPUT_H") - 1 + kh - top - ((h - 1) * sh + 1);
        int right = c.param("OUTPUT_W") - 1 + kw - left - ((w - 1) * sw + 1);
        // Padding with the zero point is padding with nothing.
        ValueId padded =
                n.add(type, new DataOp.Pad(List.of(0, top, left, 0), List.of(0, bottom, right, 0), zero), dilated);
        long[] weights = c.tensor("weights");
        long[] turned = new long[weights.length];
        for (int o = 0; o < out; o++) {
            for (int tap = 0; tap < kh * kw; tap++) {
                for (int i = 0; i < in; i++) {
                    turned[(o * kh * kw + tap) * in + i] = weights[(o * kh * kw + kh * kw - 1 - tap) * in + i];
                }
            }
        }
        ValueId k = n.constant(Quant.of(Storage.I8, 1, 0), tensor(Shape.of(out, kh, kw, in), turned));
        IntOp op = new IntOp.Conv2d(Window.of(kh, kw), 1, Element.INT32, c.rescale(""));
        Quant result = result(c, c.ctypeOfOutput(), c.param("OUTPUT_OFFSET"));
        if (c.hasTensor("biases")) {
            n.add(result, op, padded, k, n.constant(Element.INT32, tensor(Shape.of(out), c.tensor("biases"))));
        } else {
            n.add(result, op, padded, k);
        }
        return n.run();
    }

    private static Value pad(CmsisCase c) {
        Nodes n = new Nodes();
        List<String> axes = List.of("N", "H", "W", "C");
        Shape shape = new Shape(axes.stream().map(a -> c.param("INPUT_" + a)).toList());
        Quant type = Quant.of(Storage.I8, 1, 0);
        ValueId x = n.input(type, Value.of(shape, c.tensor("input_tensor")));
        DataOp op = new DataOp.Pad(
                axes.stream().map(a -> c.param("PRE_PAD_" + a)).toList(),
                axes.stream().map(a -> c.param("POST_PAD_" + a)).toList(),
                c.param("PAD_VALUE"));
        n.add(type, op, x);
        return n.run();
    }

    private static Value transpose(CmsisCase c) {
        Nodes n = new Nodes();
        int rank = c.param("PERM_SIZE");
        Shape shape = new Shape(IntStream.range(0, rank)
                .mapToObj(i -> c.rawParam("IN_DIM").get(i).asInt())
                .toList());
        Quant type = Quant.of(Storage.I8, 1, 0);
        ValueId x = n.input(type, Value.of(shape, c.tensor("input_tensor")));
        List<Integer> permutation = IntStream.range(0, rank)
                .mapToObj(i -> c.rawParam("PERM").get(i).asInt())
                .toList();
        n.add(type, new DataOp.Transpose(permutation), x);
        return n.run();
    }

    /** The keyword-spotting network of MLPerf Tiny, all 13 layers. */
    private static Value dsCnn(CmsisCase c) {
        Nodes n = new Nodes();
        Value value = Value.of(Shape.of(1, 49, 10, 1), c.tensor("input"));
        ValueId x = n.input(activation(c.layer("CONV_2D_1_"), "input", "INPUT_OFFSET"), value);
        for (int layer = 1; layer <= 9; layer++) {
            boolean depthwise = layer % 2 == 0;
            String macros = (depthwise ? "DEPTHWISE_CONV_2D_" : "CONV_2D_") + layer + "_";
            String arrays = "layer_" + layer + (depthwise ? "_depthwise_conv_2d_" : "_conv_2d_");
            x = conv(n, c.layer(macros), x, arrays, depthwise, false);
        }
        CmsisCase pool = c.layer("AVERAGE_POOL_2D_10_");
        Quant type = result(pool, "int8_t", -128);
        x = n.add(type, new IntOp.AvgPool(Window.of(25, 5), Rounding.TFLITE), x);
        x = n.add(type, new DataOp.Reshape(Shape.of(1, 64)), x);
        CmsisCase dense = c.layer("FULLY_CONNECTED_12_");
        ValueId w = n.constant(
                Quant.of(Storage.I8, 1, 0), tensor(Shape.of(12, 64), c.tensor("layer_12_fully_connected_weights")));
        ValueId b = n.constant(Element.INT32, tensor(Shape.of(12), c.tensor("layer_12_fully_connected_bias")));
        x = n.add(
                result(dense, "int8_t", dense.param("OUTPUT_OFFSET")),
                new IntOp.Dense(Element.INT32, dense.rescale("layer_12_")),
                x,
                w,
                b);
        CmsisCase softmax = c.layer("SOFTMAX_13_");
        IntOp op = new IntOp.Softmax(1, softmax.param("MULT"), softmax.param("SHIFT"), softmax.param("DIFF_MIN"));
        n.add(Quant.of(Storage.I8, 1f / 256, -128), op, x);
        return n.run();
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

    private static Quant activation(CmsisCase c, String array, String offset) {
        return Quant.of(storage(c.ctype(array)), 1, -c.param(offset));
    }

    private static Quant result(CmsisCase c, String ctype, int zero) {
        return new Quant(
                storage(ctype),
                c.lo(),
                c.hi(),
                Quant.of(storage(ctype), 1, zero).scheme());
    }

    private static Storage storage(String ctype) {
        return switch (ctype) {
            case "int8_t" -> Storage.I8;
            case "int16_t" -> Storage.I16;
            default -> throw new AssertionError("no storage for " + ctype);
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

    private static Tensor tensor(Shape shape, long[] values) {
        return new Tensor.OfInt(
                shape, Arrays.stream(values).mapToInt(Math::toIntExact).toArray());
    }
}

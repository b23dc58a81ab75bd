package dev.qnet.formats.onnx;

import static dev.qnet.formats.onnx.CodeModels.codes;
import static dev.qnet.formats.onnx.CodeModels.count;
import static dev.qnet.formats.onnx.CodeModels.fused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.formats.Report;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Dequantize, operation, quantize: as one integer operation and as written. Where all scales are powers of two the float
 * arithmetic is exact and both must agree to the last code, ties included.
 */
class QdqFusionTest {
    @TempDir
    Path dir;

    private final Random random = new Random(5);

    /** A model with the input x of u8 codes, dequantized as xf. */
    private Models start(float scale, int zero, Object... dims) {
        return new Models()
                .opset("", 13)
                .input("x", DataType.UINT8, dims)
                .constant("xs", List.of(), scale)
                .constant(codes("xz", DataType.UINT8, List.of(), zero))
                .node("DequantizeLinear", List.of("x", "xs", "xz"), List.of("xf"));
    }

    /** Quantizes a value to the result y. */
    private static Models finish(Models m, String value, float scale, DataType type, int zero) {
        return m.constant("ys", List.of(), scale)
                .constant(codes("yz", type, List.of(), zero))
                .node("QuantizeLinear", List.of(value, "ys", "yz"), List.of("y"))
                .output("y");
    }

    /** Weights of i8 codes, dequantized as wf, with a scale for each index of an axis. */
    private Models weights(Models m, List<Integer> dims, int axis, float... scales) {
        int n = dims.stream().reduce(1, (a, b) -> a * b);
        long[] zeros = new long[scales.length];
        List<Integer> shape = scales.length == 1 ? List.of() : List.of(scales.length);
        return m.constant(codes("w", DataType.INT8, dims, CodeModels.random(random, n, -127, 127)))
                .constant("ws", shape, scales)
                .constant(codes("wz", DataType.INT8, shape, zeros))
                .node("DequantizeLinear", List.of("w", "ws", "wz"), List.of("wf"), "axis", axis);
    }

    /** A bias of i32 codes in the product's scale, dequantized as bf. */
    private Models bias(Models m, float... scales) {
        List<Integer> shape = scales.length == 1 ? List.of() : List.of(scales.length);
        return m.constant(codes("b", DataType.INT32, List.of(4), CodeModels.random(random, 4, -9000, 9000)))
                .constant("bs", shape, scales)
                .node("DequantizeLinear", List.of("b", "bs"), List.of("bf"), "axis", 0);
    }

    private static void integers(Graph g) {
        assertThat(count(g, FloatOp.class)).as("float operations in %s", g).isZero();
        assertThat(count(g, QuantOp.class)).as("quantizers in %s", g).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void convolution(boolean relu) throws IOException {
        Models m = weights(start(0.5f, 120, 2, 3, 7, 6), List.of(4, 3, 3, 3), 0, 0.25f, 0.125f, 0.5f, 1);
        bias(m, 0.125f, 0.0625f, 0.25f, 0.5f);
        m.node("Conv", List.of("xf", "wf", "bf"), List.of("c"), "pads", new long[] {1, 0, 1, 2}, "strides", new long[] {
            2, 1
        });
        m.node("Relu", List.of("c"), List.of("r"));
        Graph g = fused(finish(m, relu ? "r" : "c", 64, DataType.INT8, 3), dir, 0);
        integers(g);
        Rescale r = g.nodes().stream()
                .filter(n -> n.op() instanceof IntOp.Conv2d)
                .map(n -> ((IntOp.Conv2d) n.op()).rescale())
                .findFirst()
                .orElseThrow();
        assertThat(r.scales()).hasSize(4);
        assertThat(r.lo()).isEqualTo(relu ? 3 : -128);
    }

    @Test
    void convolutionWithAnyScale() throws IOException {
        Models m = weights(start(0.0173f, 120, 1, 3, 7, 6), List.of(4, 3, 3, 3), 0, 0.0071f);
        bias(m, 0.0173f * 0.0071f);
        m.node("Conv", List.of("xf", "wf", "bf"), List.of("c"));
        integers(fused(finish(m, "c", 0.213f, DataType.UINT8, 99), dir, 1));
    }

    @Test
    void depthwiseOverOneAxis() throws IOException {
        Models m = weights(start(0.5f, 120, 1, 4, 9), List.of(4, 1, 3), 0, 0.25f);
        m.node("Conv", List.of("xf", "wf"), List.of("c"), "group", 4, "pads", new long[] {1, 1});
        integers(fused(finish(m, "c", 16, DataType.UINT8, 128), dir, 0));
    }

    @Test
    void gemmAndMatMul() throws IOException {
        Models m = weights(start(0.5f, 7, "n", 6), List.of(4, 6), 0, 0.25f);
        bias(m, 0.125f);
        m.node("Gemm", List.of("xf", "wf", "bf"), List.of("c"), "transB", 1);
        m.node("Clip", List.of("c", "low", "high"), List.of("k"));
        m.constant("low", List.of(), -64f).constant("high", List.of(), 96f);
        Graph g = fused(finish(m, "k", 2, DataType.INT8, 0), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Dense.class)).isOne();

        Models two = weights(start(0.5f, 7, "n", 3, 6), List.of(6, 4), 1, 0.25f, 0.5f, 1, 2);
        two.node("MatMul", List.of("xf", "wf"), List.of("c"));
        Graph h = fused(finish(two, "c", 32, DataType.INT8, 0), dir, 0);
        integers(h);
        assertThat(count(h, IntOp.Dense.class)).isOne();
    }

    @Test
    void theBiasOfAMatMulMayBeAdded() throws IOException {
        Models m = weights(start(0.5f, 7, "n", 6), List.of(6, 4), 1, 0.25f);
        bias(m, 0.125f);
        m.node("MatMul", List.of("xf", "wf"), List.of("p")).node("Add", List.of("p", "bf"), List.of("c"));
        Graph g = fused(finish(m, "c", 16, DataType.INT8, 0), dir, 0);
        integers(g);
        assertThat(g.nodes())
                .filteredOn(n -> n.op() instanceof IntOp.Dense)
                .first()
                .satisfies(n -> assertThat(n.operands()).hasSize(3));
    }

    /** A bias that is no whole number of accumulator units is not rounded: thresholds do exactly what is written. */
    @Test
    void aFloatBiasBecomesThresholds() throws IOException {
        Models m = weights(start(0.5f, 7, "n", 6), List.of(4, 6), 0, 0.25f);
        m.constant("b", List.of(4), 0.3f, -7.77f, 100.01f, 0.0625f);
        m.node("Gemm", List.of("xf", "wf", "b"), List.of("c"), "transB", 1);
        Graph g = fused(finish(m, "c", 16, DataType.INT8, 0), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Thresholds.class)).isOne();
    }

    @Test
    void aFloatBiasBeforeSixteenBitsStaysFloat() throws IOException {
        Models m = weights(start(0.5f, 7, "n", 6), List.of(4, 6), 0, 0.25f);
        m.constant("b", List.of(4), 0.3f, -7.77f, 100.01f, 0.0625f);
        m.node("Gemm", List.of("xf", "wf", "b"), List.of("c"), "transB", 1);
        finish(m, "c", 0.5f, DataType.INT16, 0);
        Graph g = fused(m, dir, 0);
        assertThat(count(g, FloatOp.Binary.class)).isPositive();
        assertThat(m.read(dir).report().notes()).anyMatch(n -> n.kind() == Report.Kind.FLOAT);
    }

    @Test
    void aProductOfTwoActivations() throws IOException {
        Models m = start(0.5f, 7, 2, 3, 6)
                .input("z", DataType.UINT8, 2, 6, 5)
                .node("DequantizeLinear", List.of("z", "xs", "xz"), List.of("zf"))
                .node("MatMul", List.of("xf", "zf"), List.of("c"));
        Graph g = fused(finish(m, "c", 512, DataType.UINT8, 10), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.MatMul.class)).isOne();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Add", "Sub", "Mul"})
    void elementwise(String op) throws IOException {
        Models m = start(0.5f, 7, "n", 6)
                .input("z", DataType.UINT8, "n", 6)
                .constant("zs", List.of(), 0.25f)
                .constant(codes("zz", DataType.UINT8, List.of(), 99))
                .node("DequantizeLinear", List.of("z", "zs", "zz"), List.of("zf"))
                .node(op, List.of("xf", "zf"), List.of("c"))
                .node("Relu", List.of("c"), List.of("r"));
        Graph g = fused(finish(m, "r", op.equals("Mul") ? 16 : 1, DataType.UINT8, 10), dir, 0);
        integers(g);
        assertThat(count(g, op.equals("Mul") ? IntOp.Mul.class : IntOp.Add.class))
                .isOne();
    }

    @ParameterizedTest
    @ValueSource(strings = {"Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Elu", "Softplus", "Neg", "Abs"})
    void functionsAreTables(String op) throws IOException {
        Models m = start(0.031f, 131, "n", 6).opset("", 14).node(op, List.of("xf"), List.of("c"));
        Graph g = fused(finish(m, "c", 0.0123f, DataType.INT8, -5), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Table.class)).isOne();
    }

    @Test
    void aChainOfFunctionsIsOneTable() throws IOException {
        Models m = start(0.031f, 131, "n", 6)
                .constant("three", List.of(), 3f)
                .node("Mul", List.of("xf", "three"), List.of("a"))
                .node("Sigmoid", List.of("a"), List.of("s"))
                .node("Mul", List.of("s", "three"), List.of("b"))
                .node("Sub", List.of("three", "b"), List.of("c"));
        Graph g = fused(finish(m, "c", 0.0123f, DataType.INT8, -5), dir, 0);
        integers(g);
        assertThat(g.nodes())
                .filteredOn(n -> !(n.op() instanceof DataOp))
                .filteredOn(n -> n.op() instanceof IntOp)
                .hasSize(1);
    }

    @Test
    void aReluOfCodesIsAClamp() throws IOException {
        Models m = start(0.031f, 131, "n", 6).node("Relu", List.of("xf"), List.of("c"));
        Graph g = fused(finish(m, "c", 0.031f, DataType.UINT8, 131), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Clamp.class)).isOne();
    }

    @Test
    void whatMovesCodesIsNoArithmetic() throws IOException {
        Models m = start(0.031f, 131, 1, 4, 6, 6)
                .node("MaxPool", List.of("xf"), List.of("p"), "kernel_shape", new long[] {2, 2}, "strides", new long[] {
                    2, 2
                })
                .node("Transpose", List.of("p"), List.of("t"), "perm", new long[] {0, 2, 3, 1})
                .constant("shape", List.of(2), 1L, 36L)
                .node("Reshape", List.of("t", "shape"), List.of("r"))
                .node("Concat", List.of("r", "r"), List.of("c"), "axis", 1);
        Graph g = fused(finish(m, "c", 0.031f, DataType.UINT8, 131), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.class)).isZero();
    }

    /** The quantizer's parameters differ from its operand's, and it lies behind what moves elements. */
    @Test
    void quantizersPassWhatMovesElements() throws IOException {
        Models m = weights(start(0.5f, 120, 1, 3, 8, 8), List.of(4, 3, 3, 3), 0, 0.25f);
        m.node("Conv", List.of("xf", "wf"), List.of("c"))
                .node("Relu", List.of("c"), List.of("r"))
                .node("MaxPool", List.of("r"), List.of("p"), "kernel_shape", new long[] {2, 2})
                .constant("shape", List.of(2), 1L, -1L)
                .node("Reshape", List.of("p", "shape"), List.of("f"));
        Graph g = fused(finish(m, "f", 64, DataType.UINT8, 0), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Conv2d.class)).isOne();
    }

    @Test
    void pools() throws IOException {
        Models same = start(0.5f, 120, 1, 3, 6, 6)
                .node(
                        "AveragePool",
                        List.of("xf"),
                        List.of("c"),
                        "kernel_shape",
                        new long[] {2, 2},
                        "pads",
                        new long[] {1, 1, 0, 0});
        Graph g = fused(finish(same, "c", 0.5f, DataType.UINT8, 120), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.AvgPool.class)).isOne();
        Models other = start(0.5f, 120, 1, 3, 6, 6)
                .node("AveragePool", List.of("xf"), List.of("c"), "kernel_shape", new long[] {2, 2});
        integers(fused(finish(other, "c", 0.25f, DataType.UINT8, 50), dir, 0));
        Models global = start(0.5f, 120, 1, 3, 4, 4).node("GlobalAveragePool", List.of("xf"), List.of("c"));
        Graph h = fused(finish(global, "c", 0.25f, DataType.UINT8, 50), dir, 0);
        integers(h);
        assertThat(count(h, IntOp.Sum.class)).isOne();
    }

    @Test
    void batchNormOfCodesBecomesThresholds() throws IOException {
        Models m = start(0.5f, 120, "n", 3)
                .constant("g", List.of(3), 0.3f, 1.7f, 0f)
                .constant("b", List.of(3), 5f, -8f, 2f)
                .constant("mu", List.of(3), 0.1f, 20f, -3f)
                .constant("v", List.of(3), 2f, 0.5f, 9f)
                .node("BatchNormalization", List.of("xf", "g", "b", "mu", "v"), List.of("c"));
        Graph g = fused(finish(m, "c", 0.37f, DataType.INT8, -3), dir, 0);
        integers(g);
        assertThat(count(g, IntOp.Thresholds.class)).isOne();
    }

    @Test
    void softmaxStaysFloatAndIsReported() throws IOException {
        Models m = start(0.031f, 131, "n", 6).node("Softmax", List.of("xf"), List.of("c"), "axis", 1);
        finish(m, "c", 1f / 256, DataType.UINT8, 0);
        Graph g = fused(m, dir, 0);
        assertThat(count(g, FloatOp.Softmax.class)).isOne();
        assertThat(m.read(dir).report().notes())
                .anyMatch(n -> n.kind() == Report.Kind.FLOAT && n.operator().equals("Softmax"));
    }

    /** Nothing quantizes the product: its integers are scaled as real numbers. */
    @Test
    void aProductThatStaysRealIsStillOfIntegers() throws IOException {
        Models m = weights(start(0.5f, 7, "n", 6), List.of(4, 6), 0, 0.25f, 0.5f, 1, 2);
        m.constant("b", List.of(4), 0.3f, -7.75f, 100.01f, 0.0625f);
        m.node("Gemm", List.of("xf", "wf", "b"), List.of("y"), "transB", 1).output("y");
        Graph g = fused(m, dir, 1e-4);
        assertThat(count(g, IntOp.Dense.class)).isOne();
        assertThat(count(g, FloatOp.Dense.class)).isZero();
    }

    /** Four-bit weights keep their storage. */
    @Test
    void narrowWeights() throws IOException {
        Models m = start(0.5f, 7, "n", 6).opset("", 21);
        m.constant(codes("w", DataType.INT4, List.of(4, 6), CodeModels.random(random, 24, -8, 7)))
                .constant("ws", List.of(), 0.25f)
                .node("DequantizeLinear", List.of("w", "ws"), List.of("wf"))
                .node("Gemm", List.of("xf", "wf"), List.of("c"), "transB", 1);
        Graph g = fused(finish(m, "c", 4, DataType.INT8, 0), dir, 0);
        integers(g);
        List<Storage> storages = new ArrayList<>();
        g.nodes().stream()
                .filter(n -> n.op() instanceof DataOp.Constant && n.type().isQuant())
                .forEach(n -> storages.add(n.type().quant().storage()));
        assertThat(storages).containsExactly(Storage.I4);
    }

    @Test
    void sixteenBitActivations() throws IOException {
        Models m = new Models()
                .opset("", 21)
                .input("x", DataType.INT16, "n", 6)
                .constant("xs", List.of(), 0.5f)
                .constant(codes("xz", DataType.INT16, List.of(), -77))
                .node("DequantizeLinear", List.of("x", "xs", "xz"), List.of("xf"));
        weights(m, List.of(4, 6), 0, 0.25f);
        m.node("Gemm", List.of("xf", "wf"), List.of("c"), "transB", 1);
        integers(fused(finish(m, "c", 256, DataType.INT16, 5), dir, 0));
    }

    @Test
    void quantizedAtRunTime() throws IOException {
        Models m = new Models()
                .opset("", 11)
                .input("x", DataType.FLOAT, 3, 6)
                .constant(codes("w", DataType.INT8, List.of(6, 4), CodeModels.random(random, 24, -127, 127)))
                .constant(codes("wz", DataType.INT8, List.of(), 3))
                .constant("ws", List.of(4), 0.1f, 0.2f, 0.3f, 0.4f)
                .constant("b", List.of(4), 1f, 2f, -3f, 0.5f)
                .node("DynamicQuantizeLinear", List.of("x"), List.of("q", "s", "z"))
                .node("MatMulInteger", List.of("q", "w", "z", "wz"), List.of("acc"))
                .node("Cast", List.of("acc"), List.of("f"), "to", 1)
                .node("Mul", List.of("s", "ws"), List.of("m"))
                .node("Mul", List.of("f", "m"), List.of("p"))
                .node("Add", List.of("p", "b"), List.of("y"))
                .output("y");
        Graph g = fused(m, dir, 0);
        assertThat(count(g, FloatOp.class)).isZero();
        assertThat(count(g, IntOp.DynamicDequantize.class)).isOne();
    }
}

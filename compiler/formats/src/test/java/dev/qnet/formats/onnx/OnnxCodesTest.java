package dev.qnet.formats.onnx;

import static dev.qnet.formats.onnx.CodeModels.MS;
import static dev.qnet.formats.onnx.CodeModels.code;
import static dev.qnet.formats.onnx.CodeModels.codes;
import static dev.qnet.formats.onnx.CodeModels.count;
import static dev.qnet.formats.onnx.CodeModels.floats;
import static dev.qnet.formats.onnx.CodeModels.highest;
import static dev.qnet.formats.onnx.CodeModels.ints;
import static dev.qnet.formats.onnx.CodeModels.lowest;
import static dev.qnet.formats.onnx.CodeModels.node;
import static dev.qnet.formats.onnx.CodeModels.random;
import static dev.qnet.formats.onnx.CodeModels.reals;
import static dev.qnet.formats.onnx.CodeModels.rescaled;
import static dev.qnet.formats.onnx.CodeModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Operators on codes, each against its definition computed here. */
class OnnxCodesTest {
    @TempDir
    Path dir;

    private final Random random = new Random(11);

    // QuantizeLinear, DequantizeLinear

    @ParameterizedTest
    @EnumSource(names = {"UINT8", "INT8", "UINT16", "INT16", "UINT4", "INT4", "UINT2", "INT2"})
    void quantizesAndDequantizesEveryType(DataType type) throws IOException {
        long z = (lowest(type) + highest(type)) / 2 + 1;
        float s = 0.3f;
        float[] x = floats(random, 60, 0.3 * highest(type));
        x[0] = 0.15f;
        x[1] = 0.45f;
        x[2] = Float.POSITIVE_INFINITY;
        x[3] = Float.NEGATIVE_INFINITY;
        Models m = new Models()
                .opset("", 25)
                .input("x", DataType.FLOAT, 60)
                .constant("s", List.of(), s)
                .constant(codes("z", type, List.of(), z))
                .node("QuantizeLinear", List.of("x", "s", "z"), List.of("q"))
                .node("DequantizeLinear", List.of("q", "s", "z"), List.of("y"))
                .output("q")
                .output("y");
        Map<String, Value> results = Interpreter.run(m.read(dir).graph(), Map.of("x", Value.of(Shape.of(60), x)));
        long[] q = ints(Objects.requireNonNull(results.get("q")));
        float[] y = reals(Objects.requireNonNull(results.get("y")));
        for (int i = 0; i < x.length; i++) {
            assertThat(q[i]).as("code of %s", x[i]).isEqualTo(code(x[i], s, z, type));
            assertThat(y[i]).isEqualTo((float) (q[i] - z) * s);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void quantizesAlongAnAxis(boolean known) throws IOException {
        float[] s = {0.1f, 0.2f, 0.7f};
        long[] z = {3, 100, 250};
        float[] x = floats(random, 2 * 3 * 5, 10);
        Models m = new Models().opset("", 13).input("x", DataType.FLOAT, 2, 3, 5);
        if (known) {
            m.constant("s", List.of(3), s).constant(codes("z", DataType.UINT8, List.of(3), z));
        } else {
            m.input("s", DataType.FLOAT, 3).input("z", DataType.UINT8, 3);
        }
        m.node("QuantizeLinear", List.of("x", "s", "z"), List.of("q"), "axis", 1)
                .node("DequantizeLinear", List.of("q", "s", "z"), List.of("y"), "axis", -2)
                .output("q")
                .output("y");
        Value in = Value.of(Shape.of(2, 3, 5), x);
        Map<String, Value> inputs =
                known ? Map.of("x", in) : Map.of("x", in, "s", Value.of(Shape.of(3), s), "z", Value.of(Shape.of(3), z));
        Map<String, Value> results = Interpreter.run(m.read(dir).graph(), inputs);
        long[] q = ints(Objects.requireNonNull(results.get("q")));
        float[] y = reals(Objects.requireNonNull(results.get("y")));
        for (int i = 0; i < x.length; i++) {
            int c = i / 5 % 3;
            assertThat(q[i]).isEqualTo(code(x[i], s[c], z[c], DataType.UINT8));
            assertThat(y[i]).isEqualTo((float) (q[i] - z[c]) * s[c]);
        }
    }

    /** The last block is shorter. */
    @Test
    void quantizesInBlocks() throws IOException {
        float[] s = {0.1f, 0.2f, 0.7f, 0.4f, 1f, 2f};
        float[] x = floats(random, 2 * 5, 10);
        Models m = new Models()
                .opset("", 21)
                .input("x", DataType.FLOAT, 2, 5)
                .constant("s", List.of(2, 3), s)
                .node("QuantizeLinear", List.of("x", "s"), List.of("q"), "block_size", 2, "output_dtype", 3)
                .node("DequantizeLinear", List.of("q", "s"), List.of("y"), "block_size", 2)
                .output("q")
                .output("y");
        Map<String, Value> results = Interpreter.run(m.read(dir).graph(), Map.of("x", Value.of(Shape.of(2, 5), x)));
        long[] q = ints(Objects.requireNonNull(results.get("q")));
        float[] y = reals(Objects.requireNonNull(results.get("y")));
        for (int i = 0; i < x.length; i++) {
            float scale = s[i / 5 * 3 + i % 5 / 2];
            assertThat(q[i]).isEqualTo(code(x[i], scale, 0, DataType.INT8));
            assertThat(y[i]).isEqualTo(q[i] * scale);
        }
    }

    @Test
    void dequantizesThirtyTwoBits() throws IOException {
        Models m = new Models().input("x", DataType.INT32, 3).constant("s", List.of(), 0.01f);
        Graph g = node(m, "", "DequantizeLinear", List.of("x", "s")).read(dir).graph();
        long[] x = {-70000, 3, 1 << 25};
        assertThat(reals(run(g, Map.of("x", Value.of(Shape.of(3), x)))))
                .containsExactly(-70000 * 0.01f, 3 * 0.01f, (1 << 25) * 0.01f);
    }

    @Test
    void quantizesAtRunTimeAsOnnxSays() throws IOException {
        Models m = new Models()
                .opset("", 11)
                .input("x", DataType.FLOAT, 12)
                .node("DynamicQuantizeLinear", List.of("x"), List.of("q", "s", "z"))
                .output("q")
                .output("s")
                .output("z");
        Graph g = m.read(dir).graph();
        for (double shift : new double[] {0, 20, -20}) {
            float[] x = floats(random, 12, 3);
            float lo = 0;
            float hi = 0;
            for (int i = 0; i < x.length; i++) {
                x[i] += (float) shift;
                lo = Math.min(lo, x[i]);
                hi = Math.max(hi, x[i]);
            }
            Map<String, Value> r = Interpreter.run(g, Map.of("x", Value.of(Shape.of(12), x)));
            float s = (hi - lo) / 255;
            long z = (long) Math.rint(Math.max(0, Math.min(255, -lo / s)));
            assertThat(reals(Objects.requireNonNull(r.get("s")))).containsExactly(s);
            assertThat(ints(Objects.requireNonNull(r.get("z")))).containsExactly(z);
            long[] q = ints(Objects.requireNonNull(r.get("q")));
            for (int i = 0; i < x.length; i++) {
                assertThat(q[i]).isEqualTo(code(x[i], s, z, DataType.UINT8));
            }
        }
    }

    // ONNX Runtime's operators between codes

    private Models parameters(Models m, String name, float scale, DataType type, long zero) {
        return m.constant(name + "s", List.of(), scale).constant(codes(name + "z", type, List.of(), zero));
    }

    @ParameterizedTest
    @ValueSource(strings = {"QLinearAdd", "QLinearMul"})
    void elementwise(String op) throws IOException {
        Models m = new Models().input("a", DataType.INT8, 2, 3).input("b", DataType.INT8, 3);
        parameters(m, "a", 0.5f, DataType.INT8, 3);
        parameters(m, "b", 0.25f, DataType.INT8, -9);
        parameters(m, "c", 1, DataType.INT8, 5);
        Graph g = node(m, MS, op, List.of("a", "as", "az", "b", "bs", "bz", "cs", "cz"))
                .read(dir)
                .graph();
        assertThat(count(g, FloatOp.class)).isZero();
        long[] a = random(random, 6, -128, 127);
        long[] b = random(random, 3, -128, 127);
        long[] y = ints(run(g, Map.of("a", Value.of(Shape.of(2, 3), a), "b", Value.of(Shape.of(3), b))));
        for (int i = 0; i < 6; i++) {
            float x = (a[i] - 3) * 0.5f;
            float z = (b[i % 3] + 9) * 0.25f;
            assertThat(y[i]).isEqualTo(code(op.equals("QLinearAdd") ? x + z : x * z, 1, 5, DataType.INT8));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax"})
    void functions(String op) throws IOException {
        Models m = new Models().input("x", DataType.UINT8, 1, 8);
        parameters(m, "x", 0.05f, DataType.UINT8, 100);
        parameters(m, "y", 1f / 64, DataType.UINT8, 20);
        Graph g = node(m, MS, op, List.of("x", "xs", "xz", "ys", "yz"), "axis", 1)
                .read(dir)
                .graph();
        assertThat(count(g, FloatOp.class)).isEqualTo(op.equals("QLinearSoftmax") ? 1 : 0);
        long[] x = random(random, 8, 0, 255);
        long[] y = ints(run(g, Map.of("x", Value.of(Shape.of(1, 8), x))));
        double sum = 0;
        for (long q : x) {
            sum += Math.exp((q - 100) * 0.05f);
        }
        for (int i = 0; i < 8; i++) {
            float v = (x[i] - 100) * 0.05f;
            double f = switch (op) {
                case "QLinearSigmoid" -> 1 / (1 + Math.exp(-v));
                case "QLinearLeakyRelu" -> v < 0 ? 0.01f * v : v;
                default -> Math.exp(v) / sum;
            };
            assertThat(y[i]).isEqualTo(code((float) f, 1f / 64, 20, DataType.UINT8));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void pools(boolean channelsLast) throws IOException {
        Models m = new Models().input("x", DataType.UINT8, 1, channelsLast ? 4 : 2, 4, channelsLast ? 2 : 4);
        parameters(m, "x", 0.5f, DataType.UINT8, 100);
        parameters(m, "y", 0.25f, DataType.UINT8, 20);
        Graph g = node(
                        m,
                        MS,
                        "QLinearGlobalAveragePool",
                        List.of("x", "xs", "xz", "ys", "yz"),
                        "channels_last",
                        channelsLast ? 1 : 0)
                .read(dir)
                .graph();
        assertThat(count(g, FloatOp.class)).isZero();
        long[] x = random(random, 32, 80, 120);
        Value y = run(g, Map.of("x", Value.of(g.params().getFirst().type().shape(), x)));
        assertThat(y.shape()).isEqualTo(channelsLast ? Shape.of(1, 1, 1, 2) : Shape.of(1, 2, 1, 1));
        long[] sum = new long[2];
        for (int i = 0; i < 32; i++) {
            sum[channelsLast ? i % 2 : i / 16] += x[i] - 100;
        }
        for (int c = 0; c < 2; c++) {
            assertThat(ints(y)[c]).isEqualTo(rescaled(sum[c], 0.5f / (16 * 0.25f), 20, DataType.UINT8));
        }
    }

    @Test
    void concat() throws IOException {
        Models m = new Models().input("a", DataType.UINT8, 1, 2).input("b", DataType.UINT8, 1, 3);
        parameters(m, "a", 0.5f, DataType.UINT8, 100);
        parameters(m, "b", 0.125f, DataType.UINT8, 0);
        parameters(m, "y", 0.25f, DataType.UINT8, 50);
        Graph g = node(m, MS, "QLinearConcat", List.of("ys", "yz", "a", "as", "az", "b", "bs", "bz"), "axis", 1)
                .read(dir)
                .graph();
        assertThat(count(g, FloatOp.class)).isZero();
        long[] y = ints(run(
                g,
                Map.of("a", Value.of(Shape.of(1, 2), new long[] {100, 130}), "b", Value.of(Shape.of(1, 3), new long[] {
                    1, 2, 255
                }))));
        assertThat(y).containsExactly(50, 110, 50, 51, 178);
    }

    @Test
    void fusedFloatOperators() throws IOException {
        float[] w = floats(random, 8, 1);
        float[] x = floats(random, 12, 1);
        Models m = new Models()
                .input("x", DataType.FLOAT, 3, 4)
                .constant("w", List.of(2, 4), w)
                .constant("b", List.of(2), 0.5f, -0.5f);
        Graph g = node(m, MS, "FusedGemm", List.of("x", "w", "b"), "transB", 1, "activation", "Relu")
                .read(dir)
                .graph();
        float[] y = reals(run(g, Map.of("x", Value.of(Shape.of(3, 4), x))));
        Models two = new Models().input("x", DataType.FLOAT, 3, 4).constant("w", List.of(2, 4), w);
        Graph h = node(two, MS, "FusedMatMul", List.of("x", "w"), "transB", 1, "alpha", 2f)
                .read(dir)
                .graph();
        float[] z = reals(run(h, Map.of("x", Value.of(Shape.of(3, 4), x))));
        for (int i = 0; i < 6; i++) {
            double sum = i % 2 == 0 ? 0.5 : -0.5;
            double plain = 0;
            for (int k = 0; k < 4; k++) {
                sum += (double) x[i / 2 * 4 + k] * w[i % 2 * 4 + k];
                plain += (double) x[i / 2 * 4 + k] * w[i % 2 * 4 + k];
            }
            assertThat(y[i]).isEqualTo((float) Math.max(0, sum));
            assertThat(z[i]).isEqualTo(2 * (float) plain);
        }
        Models conv =
                new Models().input("x", DataType.FLOAT, 1, 3, 1, 4).constant("w", List.of(1, 3, 1, 1), 1f, 2f, 3f);
        Graph k = node(
                        conv,
                        MS,
                        "FusedConv",
                        List.of("x", "w"),
                        "activation",
                        "LeakyRelu",
                        "activation_params",
                        new Proto.Attribute.Reals(List.of(0.5f)))
                .read(dir)
                .graph();
        float[] c = reals(run(k, Map.of("x", Value.of(Shape.of(1, 3, 1, 4), x))));
        for (int i = 0; i < 4; i++) {
            float v = (float) ((double) x[i] + 2.0 * x[i + 4] + 3.0 * x[i + 8]);
            assertThat(c[i]).isEqualTo(v >= 0 ? v : 0.5f * v);
        }
    }

    // What is refused

    private String refusal(Models m) {
        CompileException e = Objects.requireNonNull(catchThrowableOfType(CompileException.class, () -> m.read(dir)));
        return Objects.requireNonNull(e.getMessage());
    }

    @Test
    void whatMustBeKnownIsAskedFor() throws IOException {
        Models m = new Models()
                .input("x", DataType.UINT8, 1, 1, 3, 3)
                .input("xs", DataType.FLOAT)
                .input("w", DataType.INT8, 1, 1, 2, 2)
                .constant(codes("z", DataType.UINT8, List.of(), 0))
                .constant(codes("wz", DataType.INT8, List.of(), 0))
                .constant("s", List.of(), 1f);
        node(m, "", "QLinearConv", List.of("x", "xs", "z", "w", "s", "wz", "s", "z"));
        NeedsValues e = Objects.requireNonNull(catchThrowableOfType(NeedsValues.class, () -> m.read(dir)));
        assertThat(e.inputs()).containsExactlyInAnyOrder("xs", "w");
        ImportOptions fixed = new ImportOptions(
                Map.of(
                        "xs",
                        new Tensor.OfFloat(Shape.SCALAR, new float[] {1}),
                        "w",
                        new Tensor.OfInt(Shape.of(1, 1, 2, 2), new int[] {1, 2, 3, 4})),
                Map.of());
        Graph g = OnnxImporter.read(m.save(dir), fixed).graph();
        assertThat(ints(run(g, Map.of("x", Value.of(Shape.of(1, 1, 3, 3), 1, 1, 1, 1, 1, 1, 1, 1, 1)))))
                .containsExactly(10, 10, 10, 10);
    }

    @Test
    void eightBitFloatsAreRefusedByName() {
        Models m = new Models().opset("", 21).input("x", DataType.FLOAT, 2).constant("s", List.of(), 1f);
        assertThat(refusal(node(m, "", "QuantizeLinear", List.of("x", "s"), "output_dtype", 17)))
                .contains("QuantizeLinear")
                .contains("float8e4m3fn")
                .contains("not supported");
    }

    @Test
    void scalesThatDoNotFitAreRefused() {
        Models m = new Models().input("x", DataType.FLOAT, 2, 3).constant("s", List.of(2), 1f, 2f);
        assertThat(refusal(node(m, "", "QuantizeLinear", List.of("x", "s"), "axis", 1)))
                .contains("has scales of [2] for axis 1 of [2x3]");
        Models block =
                new Models().opset("", 21).input("x", DataType.FLOAT, 2, 3).constant("s", List.of(2, 1), 1f, 2f);
        assertThat(refusal(node(block, "", "QuantizeLinear", List.of("x", "s"), "axis", 1, "block_size", 2)))
                .contains("for blocks of 2");
    }

    @Test
    void aScaleOfZeroIsRefusedWhereARescaleNeedsIt() {
        Models m = new Models().input("a", DataType.INT8, 2, 3);
        parameters(m, "a", 0.5f, DataType.INT8, 3);
        parameters(m, "b", 0.25f, DataType.INT8, -9);
        parameters(m, "c", 0, DataType.INT8, 5);
        m.constant(codes("b", DataType.INT8, List.of(3, 2), 1, 2, 3, 4, 5, 6));
        assertThat(refusal(node(m, "", "QLinearMatMul", List.of("a", "as", "az", "b", "bs", "bz", "cs", "cz"))))
                .contains("needs one scale above zero");
    }

    @Test
    void activationsThatNobodyKnowsAreRefused() {
        Models m = new Models().input("x", DataType.FLOAT, 3, 4).constant("w", List.of(4, 2), new float[8]);
        assertThat(refusal(node(m, MS, "FusedGemm", List.of("x", "w"), "activation", "Wobble")))
                .contains("'Wobble'");
        assertThatThrownBy(() -> node(new Models().input("x", DataType.FLOAT, 3), "", "QuantizeLinear", List.of("x"))
                        .read(dir))
                .hasMessageContaining("lacks its operand 1");
    }
}

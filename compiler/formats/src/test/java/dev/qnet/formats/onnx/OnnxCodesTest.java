package dev.qnet.formats.onnx;

import static dev.qnet.formats.onnx.CodeModels.codes;
import static dev.qnet.formats.onnx.CodeModels.count;
import static dev.qnet.formats.onnx.CodeModels.floats;
import static dev.qnet.formats.onnx.CodeModels.ints;
import static dev.qnet.formats.onnx.CodeModels.random;
import static dev.qnet.formats.onnx.CodeModels.reals;
import static dev.qnet.formats.onnx.CodeModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Operators on codes, each against its definition computed here. */
class OnnxCodesTest {
    private static final String MS = "com.microsoft";

    @TempDir
    Path dir;

    private final Random random = new Random(11);

    private static Models node(Models m, String domain, String op, List<String> in, Object... attributes) {
        return m.opset(MS, 1)
                .node(Models.nodeOf(op, domain, in, List.of("y"), attributes))
                .output("y");
    }

    private static float[] real(Value v) {
        return reals(v);
    }

    private static long lowest(DataType t) {
        return t.toString().startsWith("u") ? 0 : -(1L << (t.bits() - 1));
    }

    private static long highest(DataType t) {
        return t.toString().startsWith("u") ? (1L << t.bits()) - 1 : (1L << (t.bits() - 1)) - 1;
    }

    /** clamp(round_half_even(x / s) + z). */
    private static long code(float x, float s, long z, DataType t) {
        double r = Math.rint(x / s);
        return (long) Math.clamp(r + z, (double) lowest(t), (double) highest(t));
    }

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
        float[] y = real(Objects.requireNonNull(results.get("y")));
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
        float[] y = real(Objects.requireNonNull(results.get("y")));
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
        float[] y = real(Objects.requireNonNull(results.get("y")));
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
        assertThat(real(run(g, Map.of("x", Value.of(Shape.of(3), x)))))
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
            assertThat(real(Objects.requireNonNull(r.get("s")))).containsExactly(s);
            assertThat(ints(Objects.requireNonNull(r.get("z")))).containsExactly(z);
            long[] q = ints(Objects.requireNonNull(r.get("q")));
            for (int i = 0; i < x.length; i++) {
                assertThat(q[i]).isEqualTo(code(x[i], s, z, DataType.UINT8));
            }
        }
    }

    // Products

    /** Σ (x − xz)·(w − wz[o]) over a window, in ONNX's layout: [N,C,H,W] by [O,C/g,KH,KW], stride 1. */
    private static long[] convolve(long[] x, int[] xs, long xz, long[] w, int[] ws, long[] wz, int groups, int pad) {
        int oh = xs[2] + 2 * pad - ws[2] + 1;
        int ow = xs[3] + 2 * pad - ws[3] + 1;
        long[] y = new long[xs[0] * ws[0] * oh * ow];
        int next = 0;
        for (int n = 0; n < xs[0]; n++) {
            for (int o = 0; o < ws[0]; o++) {
                int group = o / (ws[0] / groups);
                for (int i = 0; i < oh; i++) {
                    for (int j = 0; j < ow; j++, next++) {
                        for (int c = 0; c < ws[1]; c++) {
                            for (int a = 0; a < ws[2]; a++) {
                                for (int b = 0; b < ws[3]; b++) {
                                    int row = i + a - pad;
                                    int column = j + b - pad;
                                    if (row >= 0 && row < xs[2] && column >= 0 && column < xs[3]) {
                                        long q = x[((n * xs[1] + group * ws[1] + c) * xs[2] + row) * xs[3] + column];
                                        long k = w[((o * ws[1] + c) * ws[2] + a) * ws[3] + b];
                                        y[next] += (q - xz) * (k - wz[wz.length == 1 ? 0 : o]);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        return y;
    }

    @ParameterizedTest
    @CsvSource({"UINT8, UINT8, 1, 0", "UINT8, INT8, 2, 1", "INT8, INT8, 1, 1"})
    void convolvesIntegers(DataType x, DataType w, int groups, int pad) throws IOException {
        int[] xs = {2, 4, 5, 6};
        int[] ws = {6, 4 / groups, 3, 2};
        long[] weights = random(random, 6 * 4 / groups * 6, (int) lowest(w), (int) highest(w));
        long[] in = random(random, 240, (int) lowest(x), (int) highest(x));
        long[] wz = {3, 1, 4, 1, 5, 9};
        Models m = new Models()
                .input("x", x, 2, 4, 5, 6)
                .constant(codes("w", w, List.of(6, 4 / groups, 3, 2), weights))
                .constant(codes("xz", x, List.of(), 7))
                .constant(codes("wz", w, List.of(6), wz));
        Graph g = node(m, "", "ConvInteger", List.of("x", "w", "xz", "wz"), "group", groups, "pads", new long[] {
                    pad, pad, pad, pad
                })
                .read(dir)
                .graph();
        assertThat(ints(run(g, Map.of("x", Value.of(Shape.of(2, 4, 5, 6), in)))))
                .containsExactly(convolve(in, xs, 7, weights, ws, wz, groups, pad));
    }

    /** A zero point that is known at run time only. */
    @Test
    void convolvesWithAZeroPointOfRunTime() throws IOException {
        long[] weights = random(random, 2 * 3 * 4, -128, 127);
        long[] in = random(random, 3 * 5 * 5, 0, 255);
        Models m = new Models()
                .input("x", DataType.UINT8, 1, 3, 5, 5)
                .input("xz", DataType.UINT8)
                .constant(codes("w", DataType.INT8, List.of(2, 3, 2, 2), weights));
        Graph g = node(m, "", "ConvInteger", List.of("x", "w", "xz"), "pads", new long[] {1, 1, 1, 1})
                .read(dir)
                .graph();
        Value y =
                run(g, Map.of("x", Value.of(Shape.of(1, 3, 5, 5), in), "xz", Value.of(Shape.SCALAR, new long[] {77})));
        assertThat(ints(y))
                .containsExactly(convolve(
                        in, new int[] {1, 3, 5, 5}, 77, weights, new int[] {2, 3, 2, 2}, new long[] {0}, 1, 1));
    }

    private static long rescaled(long acc, float m, long z, DataType t) {
        return (long) Math.clamp(Math.rint((float) acc * m) + z, (double) lowest(t), (double) highest(t));
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void convolvesWithAScaleForEachFilter(boolean channelsLast) throws IOException {
        long[] weights = random(random, 2 * 3 * 4, -128, 127);
        long[] in = random(random, 3 * 5 * 5, 0, 255);
        float[] ws = {0.011f, 0.007f};
        long[] bias = {1000, -3000};
        Models m = new Models()
                .input("x", DataType.UINT8, 1, channelsLast ? 5 : 3, 5, channelsLast ? 3 : 5)
                .constant("xs", List.of(), 0.02f)
                .constant(codes("xz", DataType.UINT8, List.of(), 100))
                .constant(codes("w", DataType.INT8, List.of(2, 3, 2, 2), weights))
                .constant("ws", List.of(2), ws)
                .constant(codes("wz", DataType.INT8, List.of(2), 0, 0))
                .constant("ys", List.of(), 0.17f)
                .constant(codes("yz", DataType.UINT8, List.of(), 128))
                .constant(codes("b", DataType.INT32, List.of(2), bias));
        List<String> operands = List.of("x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b");
        node(m, channelsLast ? MS : "", "QLinearConv", operands, "channels_last", channelsLast ? 1 : 0);
        Graph g = m.read(dir).graph();
        assertThat(count(g, FloatOp.class)).isZero();
        long[] held = in;
        if (channelsLast) {
            held = new long[75];
            for (int i = 0; i < 75; i++) {
                held[i % 25 * 3 + i / 25] = in[i];
            }
        }
        long[] y = ints(run(g, Map.of("x", Value.of(g.params().getFirst().type().shape(), held))));
        long[] acc = convolve(in, new int[] {1, 3, 5, 5}, 100, weights, new int[] {2, 3, 2, 2}, new long[1], 1, 0);
        for (int i = 0; i < acc.length; i++) {
            int o = i / 16;
            float scale = 0.02f * ws[o] / 0.17f;
            int at = channelsLast ? i % 16 * 2 + o : i;
            assertThat(y[at]).isEqualTo(rescaled(acc[i] + bias[o], scale, 128, DataType.UINT8));
        }
    }

    @Test
    void convolvesOverOneAndThreeAxes() throws IOException {
        long[] w = random(random, 2 * 3 * 2, -128, 127);
        long[] x = random(random, 3 * 7, 0, 255);
        Models line = new Models()
                .input("x", DataType.UINT8, 1, 3, 7)
                .constant(codes("w", DataType.INT8, List.of(2, 3, 2), w))
                .constant(codes("xz", DataType.UINT8, List.of(), 9));
        Graph g = node(line, "", "ConvInteger", List.of("x", "w", "xz"), "pads", new long[] {0, 0})
                .read(dir)
                .graph();
        assertThat(ints(run(g, Map.of("x", Value.of(Shape.of(1, 3, 7), x)))))
                .containsExactly(
                        convolve(x, new int[] {1, 3, 1, 7}, 9, w, new int[] {2, 3, 1, 2}, new long[] {0}, 1, 0));
        // A depth of 1 with padding 1: the outer depths of the kernel see padding alone, which is real 0.
        long[] k = random(random, 2 * 3 * 3 * 2 * 2, -128, 127);
        long[] v = random(random, 3 * 5 * 5, 0, 255);
        Models deep = new Models()
                .input("x", DataType.UINT8, 1, 3, 1, 5, 5)
                .constant(codes("w", DataType.INT8, List.of(2, 3, 3, 2, 2), k))
                .constant(codes("xz", DataType.UINT8, List.of(), 9));
        Graph h = node(deep, "", "ConvInteger", List.of("x", "w", "xz"), "pads", new long[] {1, 0, 0, 1, 0, 0})
                .read(dir)
                .graph();
        long[] middle = new long[24];
        for (int i = 0; i < 24; i++) {
            middle[i] = k[i / 4 * 12 + 4 + i % 4];
        }
        assertThat(ints(run(h, Map.of("x", Value.of(Shape.of(1, 3, 1, 5, 5), v)))))
                .containsExactly(
                        convolve(v, new int[] {1, 3, 5, 5}, 9, middle, new int[] {2, 3, 2, 2}, new long[] {0}, 1, 0));
    }

    /** Zero points for each row and each column, known and not. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void multipliesIntegers(boolean known) throws IOException {
        long[] a = random(random, 3 * 4, 0, 255);
        long[] b = random(random, 4 * 2, -128, 127);
        long[] az = {1, 50, 200};
        long[] bz = {-3, 7};
        Models m = new Models()
                .input("a", DataType.UINT8, 3, 4)
                .constant(codes("b", DataType.INT8, List.of(4, 2), b))
                .constant(codes("bz", DataType.INT8, List.of(2), bz));
        if (known) {
            m.constant(codes("az", DataType.UINT8, List.of(3), az));
        } else {
            m.input("az", DataType.UINT8, 3);
        }
        Graph g = node(m, "", "MatMulInteger", List.of("a", "b", "az", "bz"))
                .read(dir)
                .graph();
        Value in = Value.of(Shape.of(3, 4), a);
        Value y = run(g, known ? Map.of("a", in) : Map.of("a", in, "az", Value.of(Shape.of(3), az)));
        long[] expected = new long[6];
        for (int i = 0; i < 24; i++) {
            int row = i / 8;
            int column = i / 4 % 2;
            int k = i % 4;
            expected[row * 2 + column] += (a[row * 4 + k] - az[row]) * (b[k * 2 + column] - bz[column]);
        }
        assertThat(ints(y)).containsExactly(expected);
    }

    /** Both operands vary, and so may the batch. */
    @Test
    void multipliesTwoActivations() throws IOException {
        Models m = new Models()
                .input("a", DataType.INT8, "n", 2, 3)
                .input("b", DataType.UINT8, "n", 3, 2)
                .constant(codes("az", DataType.INT8, List.of(), -5))
                .constant(codes("bz", DataType.UINT8, List.of(2), 100, 120));
        Graph g = node(m, "", "MatMulInteger", List.of("a", "b", "az", "bz"))
                .read(dir)
                .graph();
        long[] a = random(random, 6, -128, 127);
        long[] b = random(random, 6, 0, 255);
        long[] y = ints(run(g, Map.of("a", Value.of(Shape.of(1, 2, 3), a), "b", Value.of(Shape.of(1, 3, 2), b))));
        for (int i = 0; i < 4; i++) {
            long sum = 0;
            for (int k = 0; k < 3; k++) {
                sum += (a[i / 2 * 3 + k] + 5) * (b[k * 2 + i % 2] - (i % 2 == 0 ? 100 : 120));
            }
            assertThat(y[i]).isEqualTo(sum);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 2", "3, 1", "3, 2"})
    void multipliesWithScales(int rows, int columns) throws IOException {
        long[] a = random(random, 3 * 4, 0, 255);
        long[] b = random(random, 4 * 2, -128, 127);
        float[] as = Arrays.copyOf(new float[] {0.02f, 0.03f, 0.013f}, rows);
        float[] bs = Arrays.copyOf(new float[] {0.011f, 0.017f}, columns);
        long[] az = Arrays.copyOf(new long[] {100, 90, 80}, rows);
        long[] bz = Arrays.copyOf(new long[] {3, -4}, columns);
        List<Integer> left = rows == 1 ? List.of() : List.of(rows);
        List<Integer> right = columns == 1 ? List.of() : List.of(columns);
        Models m = new Models()
                .input("a", DataType.UINT8, 3, 4)
                .constant("as", left, as)
                .constant(codes("az", DataType.UINT8, left, az))
                .constant(codes("b", DataType.INT8, List.of(4, 2), b))
                .constant("bs", right, bs)
                .constant(codes("bz", DataType.INT8, right, bz))
                .constant("ys", List.of(), 0.05f)
                .constant(codes("yz", DataType.INT8, List.of(), 7));
        Graph g = node(m, "", "QLinearMatMul", List.of("a", "as", "az", "b", "bs", "bz", "ys", "yz"))
                .read(dir)
                .graph();
        long[] y = ints(run(g, Map.of("a", Value.of(Shape.of(3, 4), a))));
        for (int i = 0; i < 6; i++) {
            int r = rows == 1 ? 0 : i / 2;
            int c = columns == 1 ? 0 : i % 2;
            long sum = 0;
            for (int k = 0; k < 4; k++) {
                sum += (a[i / 2 * 4 + k] - az[r]) * (b[k * 2 + i % 2] - bz[c]);
            }
            float scale = as[r] * bs[c] / 0.05f;
            assertThat(y[i]).isEqualTo(rescaled(sum, scale, 7, DataType.INT8));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void quantizedGemm(boolean real) throws IOException {
        long[] a = random(random, 3 * 4, 0, 255);
        long[] b = random(random, 2 * 4, -128, 127);
        float[] bs = {0.011f, 0.017f};
        long[] bias = {500, -900};
        Models m = new Models()
                .input("a", DataType.UINT8, 3, 4)
                .constant("as", List.of(), 0.5f)
                .constant(codes("az", DataType.UINT8, List.of(), 100))
                .constant(codes("b", DataType.INT8, List.of(2, 4), b))
                .constant("bs", List.of(2), bs)
                .constant(codes("bz", DataType.INT8, List.of(2), 0, 0))
                .constant(codes("c", DataType.INT32, List.of(2), bias))
                .constant("ys", List.of(), 1.5f)
                .constant(codes("yz", DataType.UINT8, List.of(), 30));
        List<String> in = new ArrayList<>(List.of("a", "as", "az", "b", "bs", "bz", "c"));
        if (!real) {
            in.addAll(List.of("ys", "yz"));
        }
        Graph g = node(m, MS, "QGemm", in, "transB", 1, "alpha", 2f).read(dir).graph();
        Value y = run(g, Map.of("a", Value.of(Shape.of(3, 4), a)));
        for (int i = 0; i < 6; i++) {
            long sum = bias[i % 2];
            for (int k = 0; k < 4; k++) {
                sum += (a[i / 2 * 4 + k] - 100) * b[i % 2 * 4 + k];
            }
            if (real) {
                assertThat(real(y)[i]).isEqualTo(sum * (2f * 0.5f * bs[i % 2]));
            } else {
                float scale = 2f * 0.5f * bs[i % 2] / 1.5f;
                assertThat(ints(y)[i]).isEqualTo(rescaled(sum, scale, 30, DataType.UINT8));
            }
        }
    }

    @Test
    void integerProductsAsRealNumbers() throws IOException {
        long[] a = random(random, 3 * 4, 0, 255);
        long[] b = random(random, 4 * 2, -128, 127);
        Models m = new Models()
                .input("a", DataType.UINT8, 3, 4)
                .constant(codes("b", DataType.INT8, List.of(4, 2), b))
                .constant("as", List.of(), 0.5f)
                .constant("bs", List.of(2), 0.25f, 2f)
                .constant(codes("az", DataType.UINT8, List.of(), 100))
                .constant("c", List.of(2), 1f, -1f);
        Graph g = node(m, MS, "MatMulIntegerToFloat", List.of("a", "b", "as", "bs", "az", "", "c"))
                .read(dir)
                .graph();
        float[] y = real(run(g, Map.of("a", Value.of(Shape.of(3, 4), a))));
        for (int i = 0; i < 6; i++) {
            long sum = 0;
            for (int k = 0; k < 4; k++) {
                sum += (a[i / 2 * 4 + k] - 100) * b[k * 2 + i % 2];
            }
            assertThat(y[i]).isEqualTo(sum * (i % 2 == 0 ? 0.125f : 1f) + (i % 2 == 0 ? 1 : -1));
        }
    }

    @Test
    void aProductQuantizedAtRunTime() throws IOException {
        float[] a = floats(random, 12, 3);
        long[] b = random(random, 4 * 2, -128, 127);
        Models m = new Models()
                .input("a", DataType.FLOAT, 3, 4)
                .constant(codes("b", DataType.INT8, List.of(4, 2), b))
                .constant("bs", List.of(2), 0.25f, 2f)
                .constant("c", List.of(2), 1f, -1f);
        Graph g = node(m, MS, "DynamicQuantizeMatMul", List.of("a", "b", "bs", "", "c"))
                .read(dir)
                .graph();
        assertThat(count(g, IntOp.DynamicDequantize.class)).isOne();
        float[] y = real(run(g, Map.of("a", Value.of(Shape.of(3, 4), a))));
        float lo = 0;
        float hi = 0;
        for (float v : a) {
            lo = Math.min(lo, v);
            hi = Math.max(hi, v);
        }
        float s = (hi - lo) / 255;
        long z = (long) Math.rint(-lo / s);
        for (int i = 0; i < 6; i++) {
            long sum = 0;
            for (int k = 0; k < 4; k++) {
                sum += (code(a[i / 2 * 4 + k], s, z, DataType.UINT8) - z) * b[k * 2 + i % 2];
            }
            assertThat(y[i]).isEqualTo((float) sum * (s * (i % 2 == 0 ? 0.25f : 2f)) + (i % 2 == 0 ? 1 : -1));
        }
    }

    /** Blocks of 4 along rows of 6, low bits first, zero points packed too. */
    @ParameterizedTest
    @CsvSource({"2, true", "4, true", "4, false", "8, true", "8, false"})
    void weightsOfAFewBits(int bits, boolean zeros) throws IOException {
        int per = 8 / bits;
        int bytes = 4 * bits / 8;
        long[] packed = random(random, 3 * 2 * bytes, 0, 255);
        float[] scales = {0.5f, 0.25f, 1, 2, 0.125f, 4};
        int zeroRow = (2 * bits + 7) / 8;
        long[] z = random(random, 3 * zeroRow, 0, 255);
        float[] x = floats(random, 12, 1);
        Models m = new Models()
                .input("x", DataType.FLOAT, 2, 6)
                .constant(codes("w", DataType.UINT8, List.of(3, 2, bytes), packed))
                .constant("s", List.of(6), scales)
                .constant(codes("z", DataType.UINT8, List.of(3 * zeroRow), z));
        List<String> in = zeros ? List.of("x", "w", "s", "z") : List.of("x", "w", "s");
        Graph g = node(m, MS, "MatMulNBits", in, "K", 6, "N", 3, "bits", bits, "block_size", 4)
                .read(dir)
                .graph();
        float[] y = real(run(g, Map.of("x", Value.of(Shape.of(2, 6), x))));
        int mask = (1 << bits) - 1;
        for (int i = 0; i < 6; i++) {
            int n = i % 3;
            double sum = 0;
            for (int k = 0; k < 6; k++) {
                int block = n * 2 + k / 4;
                int in4 = k % 4;
                long q = packed[block * bytes + in4 / per] >> (in4 % per * bits) & mask;
                int at = k / 4;
                long zero = zeros ? z[n * zeroRow + at / per] >> (at % per * bits) & mask : 1 << (bits - 1);
                sum += (double) x[i / 3 * 6 + k] * ((q - zero) * scales[block]);
            }
            assertThat(y[i]).isEqualTo((float) sum);
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
        float[] y = real(run(g, Map.of("x", Value.of(Shape.of(3, 4), x))));
        Models two = new Models().input("x", DataType.FLOAT, 3, 4).constant("w", List.of(2, 4), w);
        Graph h = node(two, MS, "FusedMatMul", List.of("x", "w"), "transB", 1, "alpha", 2f)
                .read(dir)
                .graph();
        float[] z = real(run(h, Map.of("x", Value.of(Shape.of(3, 4), x))));
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
        float[] c = real(run(k, Map.of("x", Value.of(Shape.of(1, 3, 1, 4), x))));
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

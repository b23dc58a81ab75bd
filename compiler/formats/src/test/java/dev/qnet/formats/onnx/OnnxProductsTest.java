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

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Products of codes, each against its definition computed here. */
class OnnxProductsTest {
    @TempDir
    Path dir;

    private final Random random = new Random(11);

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
                assertThat(reals(y)[i]).isEqualTo(sum * (2f * 0.5f * bs[i % 2]));
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
        float[] y = reals(run(g, Map.of("a", Value.of(Shape.of(3, 4), a))));
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
        float[] y = reals(run(g, Map.of("a", Value.of(Shape.of(3, 4), a))));
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
        float[] y = reals(run(g, Map.of("x", Value.of(Shape.of(2, 6), x))));
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
}

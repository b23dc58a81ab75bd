package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single operators against results worked out by hand or by definition, beside ONNX's own cases. */
class OnnxOperatorsTest {
    @TempDir
    Path dir;

    private final Map<String, Value> inputs = new HashMap<>();
    private final List<String> names = new ArrayList<>();
    private Models model = new Models();

    private OnnxOperatorsTest in(List<Integer> dims, float... values) {
        String name = "i" + names.size();
        names.add(name);
        model.input(name, DataType.FLOAT, dims.toArray());
        inputs.put(name, Value.of(new Shape(dims), values));
        return this;
    }

    private OnnxOperatorsTest in(DataType type, List<Integer> dims, long... values) {
        String name = "i" + names.size();
        names.add(name);
        model.input(name, type, dims.toArray());
        inputs.put(name, Value.of(new Shape(dims), values));
        return this;
    }

    private OnnxOperatorsTest constant(List<Integer> dims, float... values) {
        names.add("c" + names.size());
        model.constant(names.getLast(), dims, values);
        return this;
    }

    private OnnxOperatorsTest constant(List<Integer> dims, long... values) {
        names.add("c" + names.size());
        model.constant(names.getLast(), dims, values);
        return this;
    }

    /** Runs one operator of all that was given so far. */
    private Value run(long opset, String op, Object... attributes) throws IOException {
        Graph g = model.opset("", opset)
                .node(op, List.copyOf(names), List.of("y"), attributes)
                .output("y")
                .read(dir)
                .graph();
        Value y = Objects.requireNonNull(Interpreter.run(g, inputs).get("y"));
        model = new Models();
        names.clear();
        inputs.clear();
        return y;
    }

    private static float[] floats(Value v) {
        return ((Value.Floats) v).data();
    }

    @Test
    void einsumContractsTransposesAndTakesDiagonals() throws IOException {
        assertThat(in(List.of(2, 3), 1, 2, 3, 4, 5, 6).run(13, "Einsum", "equation", "ij->ji"))
                .isEqualTo(Value.of(Shape.of(3, 2), 1f, 4, 2, 5, 3, 6));
        assertThat(in(List.of(2, 3), 1, 2, 3, 4, 5, 6).run(13, "Einsum", "equation", "ij->i"))
                .isEqualTo(Value.of(Shape.of(2), 6f, 15));
        assertThat(in(List.of(1, 2, 2), 1, 2, 3, 4).run(13, "Einsum", "equation", "...ii ->...i"))
                .isEqualTo(Value.of(Shape.of(1, 2), 1f, 4));
        assertThat(in(List.of(2), 1, 2).in(List.of(2), 3, 4).run(13, "Einsum", "equation", "i,i"))
                .isEqualTo(Value.of(Shape.SCALAR, 11f));
        assertThat(in(List.of(2), 1, 2).in(List.of(2), 3, 4).run(13, "Einsum", "equation", "i,j->ij"))
                .isEqualTo(Value.of(Shape.of(2, 2), 3f, 4, 6, 8));
        assertThat(in(List.of(1, 2, 2), 1, 2, 3, 4)
                        .in(List.of(1, 2, 1), 1, 10)
                        .run(13, "Einsum", "equation", "bij, bjk -> bik"))
                .isEqualTo(Value.of(Shape.of(1, 2, 1), 21f, 43));
    }

    @Test
    void castsToHalvesRoundAsHalvesDo() throws IOException {
        List<Float> x = new ArrayList<>(List.of(65504f, 65519.9f, 65520f, 1e9f, Float.POSITIVE_INFINITY, Float.NaN));
        Random random = new Random(7);
        for (int i = 0; i < 2000; i++) {
            // Whole numbers from 2048 to 8192 with ties among them, and all magnitudes down to the least.
            x.add((float) (2048 + i));
            x.add((float) (4096 + 2 * i + 1));
            x.add((float) Math.scalb(random.nextGaussian(), -random.nextInt(30)));
        }
        float[] values = new float[2 * x.size()];
        for (int i = 0; i < x.size(); i++) {
            values[2 * i] = x.get(i);
            values[2 * i + 1] = -x.get(i);
        }
        float[] halves = new float[values.length];
        for (int i = 0; i < halves.length; i++) {
            halves[i] = Float.float16ToFloat(Float.floatToFloat16(values[i]));
        }
        float[] y = floats(in(List.of(values.length), values).run(13, "Cast", "to", DataType.FLOAT16.code()));
        for (int i = 0; i < y.length; i++) {
            assertThat(y[i] == halves[i] || (Float.isNaN(y[i]) && Float.isNaN(halves[i])))
                    .as("%s: %s, not %s", values[i], y[i], halves[i])
                    .isTrue();
        }
    }

    @Test
    void oneHotCountsNegativeIndicesFromTheBack() throws IOException {
        Value y = in(DataType.INT64, List.of(3), 0, -1, 5)
                .constant(List.of(), 3L)
                .in(List.of(2), 2, 5)
                .run(11, "OneHot");
        assertThat(y).isEqualTo(Value.of(Shape.of(3, 3), 5f, 2, 2, 2, 2, 5, 2, 2, 2));
    }

    @Test
    void gatherElementsReadsAlongItsAxis() throws IOException {
        Value y = in(List.of(3, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9)
                .in(DataType.INT64, List.of(2, 3), -1, -2, 0, -2, 0, 0)
                .run(13, "GatherElements", "axis", 0);
        assertThat(y).isEqualTo(Value.of(Shape.of(2, 3), 7f, 5, 3, 4, 2, 3));
    }

    @Test
    void remaindersHaveTheSignOfTheDivisorUnlessTheyAreC() throws IOException {
        for (int fmod = 0; fmod < 2; fmod++) {
            Value y = in(DataType.INT32, List.of(4), -4, 7, -8, 3)
                    .in(DataType.INT32, List.of(4), 3, -3, 5, 5)
                    .run(13, "Mod", "fmod", fmod);
            assertThat(y)
                    .isEqualTo(fmod == 0 ? Value.of(Shape.of(4), 2L, -2, 2, 3) : Value.of(Shape.of(4), -1L, 1, -3, 3));
        }
    }

    @Test
    void powersTakeTheTypeOfTheBase() throws IOException {
        assertThat(in(DataType.INT32, List.of(2), 3, -2).in(List.of(2), 2, 3).run(13, "Pow"))
                .isEqualTo(Value.of(Shape.of(2), 9L, -8));
        assertThat(in(List.of(2), 3, -2).in(DataType.INT64, List.of(2), 2, 3).run(13, "Pow"))
                .isEqualTo(Value.of(Shape.of(2), 9f, -8));
    }

    @Test
    void castsToBfloat16KeepEightBits() throws IOException {
        float[] x = {1, 1 + 1 / 256f, 1 + 3 / 256f, -3.1415927f, 1e-30f, Float.POSITIVE_INFINITY, Float.MAX_VALUE};
        float[] y = floats(in(List.of(7), x).run(13, "Cast", "to", DataType.BFLOAT16.code()));
        assertThat(y).startsWith(1, 1, 1.015625f, -3.140625f).contains(Float.POSITIVE_INFINITY);
        assertThat(Float.floatToIntBits(y[4]) & 0xffff).isZero();
    }

    @Test
    void slicesRunBackwards() throws IOException {
        Value y = in(List.of(5), 0, 1, 2, 3, 4)
                .constant(List.of(1), -1L)
                .constant(List.of(1), Long.MIN_VALUE)
                .constant(List.of(1), 0L)
                .constant(List.of(1), -2L)
                .run(13, "Slice");
        assertThat(y).isEqualTo(Value.of(Shape.of(3), 4f, 2, 0));
    }

    @Test
    void padsMirrorWrapAndTakeAway() throws IOException {
        assertThat(pad("reflect", 2, 1)).containsExactly(3, 2, 1, 2, 3, 2);
        assertThat(pad("edge", 1, 2)).containsExactly(1, 1, 2, 3, 3, 3);
        assertThat(pad("wrap", 1, 2)).containsExactly(3, 1, 2, 3, 1, 2);
        assertThat(pad("constant", -1, 1)).containsExactly(2, 3, 0);
        assertThat(pad("reflect", 5, 0)).containsExactly(2, 1, 2, 3, 2, 1, 2, 3);
    }

    private float[] pad(String mode, long before, long after) throws IOException {
        return floats(
                in(List.of(3), 1, 2, 3).constant(List.of(2), before, after).run(19, "Pad", "mode", mode));
    }

    @Test
    void trainingNormalizesByTheBatch() throws IOException {
        Graph g = new Models()
                .opset("", 15)
                .input("x", DataType.FLOAT, 2, 1, 2)
                .constant("one", List.of(1), 1f)
                .constant("zero", List.of(1), 0f)
                .node(
                        "BatchNormalization",
                        List.of("x", "one", "zero", "zero", "one"),
                        List.of("y", "mean", "var"),
                        "training_mode",
                        1,
                        "momentum",
                        0.5f)
                .output("y")
                .output("mean")
                .output("var")
                .read(dir)
                .graph();
        Map<String, Value> r = Interpreter.run(g, Map.of("x", Value.of(Shape.of(2, 1, 2), 1f, 3, 5, 7)));
        assertThat(floats(Objects.requireNonNull(r.get("mean")))[0]).isEqualTo(2);
        assertThat(floats(Objects.requireNonNull(r.get("var")))[0]).isEqualTo(3);
        assertThat(floats(Objects.requireNonNull(r.get("y")))[0]).isCloseTo(-1.3416f, within(1e-3f));
    }

    @Test
    void cubicResizingIsExactWhereCoordinatesMeetElements() throws IOException {
        Value y = in(List.of(1, 1, 1, 4), 1, 2, 4, 8)
                .constant(List.of(0), new float[0])
                .constant(List.of(4), 1f, 1, 1, 2)
                .run(13, "Resize", "mode", "cubic", "coordinate_transformation_mode", "asymmetric");
        float[] v = floats(y);
        assertThat(List.of(v[0], v[2], v[4], v[6])).containsExactly(1f, 2f, 4f, 8f);
        // Keys' weights at one half for a = -0.75: -3/32, 19/32, 19/32, -3/32.
        assertThat(v[3]).isCloseTo((-3 * 1 + 19 * 2 + 19 * 4 - 3 * 8) / 32f, within(1e-6f));
    }

    /** The weights of a dense layer take the order of the image, so that the image is not transposed. */
    @Test
    void aFlattenedImageKeepsItsOrder() throws IOException {
        Random random = new Random(3);
        float[] w = new float[2 * 3 * 3 * 5];
        for (int i = 0; i < w.length; i++) {
            w[i] = random.nextInt(9) - 4;
        }
        Graph g = new Models()
                .input("x", DataType.FLOAT, "n", 2, 4, 4)
                .constant("k", List.of(2, 1, 2, 2), 1f, 0, 0, 0, 0, 0, 0, 1)
                .constant("w", List.of(18, 5), w)
                .node("Conv", List.of("x", "k"), List.of("c"), "group", 2)
                .node("Flatten", List.of("c"), List.of("f"))
                .node("Gemm", List.of("f", "w"), List.of("y"))
                .output("y")
                .read(dir)
                .graph();
        assertThat(g.nodes().stream().filter(n -> n.op() instanceof DataOp.Transpose))
                .hasSize(1);
        float[] x = new float[32];
        for (int i = 0; i < 32; i++) {
            x[i] = random.nextInt(9) - 4;
        }
        float[] y = floats(Objects.requireNonNull(Interpreter.run(g, Map.of("x", Value.of(Shape.of(1, 2, 4, 4), x)))
                .get("y")));
        for (int o = 0; o < 5; o++) {
            float sum = 0;
            for (int i = 0; i < 18; i++) {
                // The kernels pick an element: channel 0 as it is, channel 1 one down and right.
                int at = i < 9 ? i / 3 * 4 + i % 3 : 16 + ((i - 9) / 3 + 1) * 4 + (i - 9) % 3 + 1;
                sum += x[at] * w[i * 5 + o];
            }
            assertThat(y[o]).isEqualTo(sum);
        }
    }

    @Test
    void reductionsOfNothingAreTheirNeutralElements() throws IOException {
        assertThat(in(List.of(2, 0)).constant(List.of(1), 1L).run(20, "ReduceMax"))
                .isEqualTo(Value.of(Shape.of(2, 1), Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY));
        assertThat(in(List.of(2, 0)).constant(List.of(1), 1L).run(18, "ReduceProd"))
                .isEqualTo(Value.of(Shape.of(2, 1), 1f, 1));
        assertThat(in(List.of(2, 0)).constant(List.of(1), 1L).run(18, "ReduceLogSumExp"))
                .isEqualTo(Value.of(Shape.of(2, 1), Float.NEGATIVE_INFINITY, Float.NEGATIVE_INFINITY));
    }

    @Test
    void largeExponentsDoNotOverflow() throws IOException {
        assertThat(floats(in(List.of(2), 1000, 1000).run(13, "ReduceLogSumExp"))[0])
                .isCloseTo(1000.6931f, within(1e-3f));
        assertThat(floats(in(List.of(1, 2), 10_000, 10_001).run(13, "LogSoftmax"))[0])
                .isCloseTo(-1.3132617f, within(1e-5f));
    }
}

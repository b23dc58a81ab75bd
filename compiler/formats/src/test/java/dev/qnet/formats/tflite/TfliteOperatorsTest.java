package dev.qnet.formats.tflite;

import static dev.qnet.formats.tflite.SmallModels.count;
import static dev.qnet.formats.tflite.SmallModels.gives;
import static dev.qnet.formats.tflite.SmallModels.of;
import static dev.qnet.formats.tflite.SmallModels.read;
import static dev.qnet.formats.tflite.SmallModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.tflite.ModelFile.Options;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Small models of one operator each: those that move elements give what the operator's definition says. */
class TfliteOperatorsTest {
    private static final int[] NONE = {};

    /** The result of one operator on one f32 tensor 0, 1, 2, …, with constants behind it. */
    private static Value moved(int code, Options options, int[] shape, int[] result, int[]... constants) {
        ModelFile m = new ModelFile();
        int[] in = new int[1 + constants.length];
        in[0] = m.tensor("x", TensorType.FLOAT32, shape);
        for (int i = 0; i < constants.length; i++) {
            in[i + 1] = m.tensor(
                    "c" + i,
                    TensorType.INT32,
                    new int[] {constants[i].length},
                    ModelFile.spec().ints(constants[i]));
        }
        int y = m.tensor("y", TensorType.FLOAT32, result);
        m.operator(code, in, new int[] {y}, options);
        return run(read(m.inputs(in[0]).outputs(y).bytes()).graph(), count(shape));
    }

    @Test
    void reshapeFillsOneOpenExtent() {
        Value y = moved(22, ModelFile.options(), of(2, 3), of(3, 2), of(3, -1));
        assertThat(y.shape()).isEqualTo(Shape.of(3, 2));
        gives(y, 0, 1, 2, 3, 4, 5);
        assertThat(moved(22, ModelFile.options().list(0, 6), of(2, 3), of(6)).shape())
                .isEqualTo(Shape.of(6));
    }

    @Test
    void squeezeAndExpandDimsChangeShapesAlone() {
        assertThat(moved(43, ModelFile.options().list(0, -1), of(1, 3, 1), of(1, 3))
                        .shape())
                .isEqualTo(Shape.of(1, 3));
        assertThat(moved(43, ModelFile.options(), of(1, 3, 1), of(3)).shape()).isEqualTo(Shape.of(3));
        assertThat(moved(70, ModelFile.options(), of(2, 3), of(2, 1, 3), of(1)).shape())
                .isEqualTo(Shape.of(2, 1, 3));
    }

    @Test
    void transposeAndPadMoveElements() {
        gives(moved(39, ModelFile.options(), of(2, 3), of(3, 2), of(1, 0)), 0, 3, 1, 4, 2, 5);
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 2));
        int sizes =
                m.tensor("sizes", TensorType.INT32, of(2, 2), ModelFile.spec().ints(0, 1, 1, 0));
        int value =
                m.tensor("value", TensorType.FLOAT32, of(1), ModelFile.spec().floats(9));
        int y = m.tensor("y", TensorType.FLOAT32, of(2, 3));
        m.operator(60, of(x, sizes, value), of(y));
        gives(run(read(m.inputs(x).outputs(y).bytes()).graph(), count(1, 2)), 9, 0, 1, 9, 9, 9);
    }

    @Test
    void stridedSliceGoesBothWaysAndKnowsItsMasks() {
        gives(moved(45, ModelFile.options(), of(5), of(3), of(4), of(-6), of(-2)), 4, 2, 0);
        gives(moved(45, ModelFile.options(), of(5), of(2), of(-2), of(5), of(1)), 3, 4);
        gives(
                moved(45, ModelFile.options().number(0, 1).number(1, 1), of(5), of(5), of(3), of(1), of(-1)),
                4,
                3,
                2,
                1,
                0);
        // x[1, ..., 0:1] of a 2x2x3
        Value y = moved(
                45,
                ModelFile.options().number(2, 2).number(4, 1),
                of(2, 2, 3),
                of(2, 1),
                of(1, 0, 0),
                of(2, 0, 1),
                of(1, 1, 1));
        assertThat(y.shape()).isEqualTo(Shape.of(2, 1));
        gives(y, 6, 9);
        // x[newaxis, 1:]
        Value z = moved(45, ModelFile.options().number(3, 1), of(3), of(1, 2), of(0, 1), of(0, 3), of(1, 1));
        assertThat(z.shape()).isEqualTo(Shape.of(1, 2));
        gives(z, 1, 2);
    }

    @Test
    void sliceSplitAndConcatenationTakeAndJoinParts() {
        gives(moved(65, ModelFile.options(), of(2, 3), of(2, 2), of(0, 1), of(-1, 2)), 1, 2, 4, 5);
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(2, 4));
        int axis = m.tensor("axis", TensorType.INT32, of(1), ModelFile.spec().ints(-1));
        int a = m.tensor("a", TensorType.FLOAT32, of(2, 2));
        int b = m.tensor("b", TensorType.FLOAT32, of(2, 2));
        int y = m.tensor("y", TensorType.FLOAT32, of(4, 2));
        m.operator(49, of(axis, x), of(a, b), ModelFile.options().number(0, 2));
        m.operator(2, of(b, a), of(y), ModelFile.options().number(0, 0));
        gives(run(read(m.inputs(x).outputs(y).bytes()).graph(), count(2, 4)), 2, 3, 6, 7, 0, 1, 4, 5);
    }

    @Test
    void packUnpackAndGatherIndexAnAxis() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(2, 3));
        int a = m.tensor("a", TensorType.FLOAT32, of(3));
        int b = m.tensor("b", TensorType.FLOAT32, of(3));
        int y = m.tensor("y", TensorType.FLOAT32, of(3, 2));
        m.operator(88, of(x), of(a, b), ModelFile.options().number(0, 2).number(1, 0));
        m.operator(83, of(b, a), of(y), ModelFile.options().number(0, 2).number(1, 1));
        gives(run(read(m.inputs(x).outputs(y).bytes()).graph(), count(2, 3)), 3, 0, 4, 1, 5, 2);
        gives(moved(36, ModelFile.options().number(0, 1), of(2, 3), of(2, 2), of(2, 0)), 2, 0, 5, 3);
    }

    @Test
    void nearestNeighboursFollowCornersAndCenters() {
        gives(moved(97, ModelFile.options(), of(1, 1, 2, 1), of(1, 1, 4, 1), of(1, 4)), 0, 0, 1, 1);
        gives(moved(97, ModelFile.options().bool(0, true), of(1, 1, 3, 1), of(1, 1, 4, 1), of(1, 4)), 0, 1, 1, 2);
        gives(moved(97, ModelFile.options().bool(1, true), of(1, 1, 5, 1), of(1, 1, 2, 1), of(1, 2)), 1, 3);
    }

    @Test
    void bilinearResizingFollowsCornersAndCenters() {
        gives(moved(23, ModelFile.options(), of(1, 1, 2, 1), of(1, 1, 4, 1), of(1, 4)), 0, 0.5f, 1, 1);
        gives(moved(23, ModelFile.options().bool(2, true), of(1, 1, 2, 1), of(1, 1, 3, 1), of(1, 3)), 0, 0.5f, 1);
        gives(
                moved(23, ModelFile.options().bool(3, true), of(1, 1, 2, 1), of(1, 1, 4, 1), of(1, 4)),
                0,
                0.25f,
                0.75f,
                1);
    }

    /** 6/7 of 255 and 1/7 of 0 lie so that TFLite's 10 bits of i8 would give another code. */
    @ParameterizedTest
    @EnumSource(
            value = TensorType.class,
            names = {"UINT8", "INT8"})
    void bilinearResizingOfUnsignedCodesIsDoneInSingles(TensorType type) {
        ModelFile m = new ModelFile();
        int zero = type == TensorType.UINT8 ? 0 : -128;
        int x = m.tensor("x", type, of(1, 1, 2, 1), ModelFile.spec().scale(1, zero));
        int size = m.tensor("size", TensorType.INT32, of(2), ModelFile.spec().ints(1, 341));
        int y = m.tensor("y", type, of(1, 1, 341, 1), ModelFile.spec().scale(1, zero));
        m.operator(23, new int[] {x, size}, new int[] {y}, ModelFile.options());
        Graph g = read(m.inputs(x).outputs(y).bytes()).graph();
        Value.Ints out = (Value.Ints) run(g, new Value.Ints(Shape.of(1, 1, 2, 1), new long[] {zero, zero + 255}));
        long different = IntStream.range(0, 341)
                .filter(i -> out.data()[i] - zero != (long) (Math.min(1, i * (2f / 341)) * 255 + 0.5f))
                .count();
        if (type == TensorType.UINT8) {
            assertThat(different).isZero();
        } else {
            assertThat(different).isPositive();
        }
    }

    @Test
    void blocksMoveBetweenSpaceAndDepth() {
        gives(moved(5, ModelFile.options().number(0, 2), of(1, 1, 2, 4), of(1, 2, 4, 1)), 0, 1, 4, 5, 2, 3, 6, 7);
        gives(moved(26, ModelFile.options().number(0, 2), of(1, 2, 4, 1), of(1, 1, 2, 4)), 0, 1, 4, 5, 2, 3, 6, 7);
    }

    @Test
    void mirrorsAndRepeats() {
        gives(moved(100, ModelFile.options(), of(3), of(6), of(2, 1)), 2, 1, 0, 1, 2, 1);
        gives(moved(100, ModelFile.options().enumeration(0, 1), of(3), of(6), of(2, 1)), 1, 0, 0, 1, 2, 2);
        gives(moved(105, ModelFile.options(), of(2, 2), of(2, 2), of(1)), 1, 0, 3, 2);
        gives(moved(130, ModelFile.options(), of(1, 2), of(2, 2), of(2, 2)), 0, 1, 0, 1);
    }

    @Test
    void functionsAndReductionsOfSingles() {
        gives(moved(92, ModelFile.options(), of(3), of(3)), 0, 1, 4);
        gives(moved(76, ModelFile.options(), of(2), of(2)), Float.POSITIVE_INFINITY, 1);
        gives(moved(74, ModelFile.options(), of(2, 3), of(2), of(-1)), 3, 12);
        gives(moved(82, ModelFile.options().bool(0, true), of(2, 3), of(1, 3), of(0)), 3, 4, 5);
    }

    @Test
    void theFirstOfTheLargestIsFound() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.INT8, of(1, 4), ModelFile.spec().scale(0.1, 5));
        int axis = m.tensor("axis", TensorType.INT32, NONE, ModelFile.spec().ints(-1));
        int y = m.tensor("y", TensorType.INT32, of(1));
        m.operator(56, of(x, axis), of(y), ModelFile.options().enumeration(0, 2));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        Value z = run(graph, new Value.Ints(Shape.of(1, 4), new long[] {-3, 9, 9, 1}));
        assertThat(((Value.Ints) z).data()).containsExactly(1);
    }

    @Test
    void comparisonsChoose() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(3));
        int one = m.tensor("one", TensorType.FLOAT32, of(1), ModelFile.spec().floats(1));
        int c = m.tensor("c", TensorType.BOOL, of(3));
        int y = m.tensor("y", TensorType.FLOAT32, of(3));
        m.operator(61, of(x, one), of(c));
        m.operator(123, of(c, x, one), of(y));
        gives(run(read(m.inputs(x).outputs(y).bytes()).graph(), count(3)), 1, 1, 2);
    }

    @Test
    void shapesAreKnownWhileImporting() {
        // Flatten as Keras writes it: reshape(x, [shape(x)[0], -1]), with an open batch.
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 2, 3), ModelFile.spec().signature(-1, 2, 3));
        int shape = m.tensor("shape", TensorType.INT32, of(3));
        int zero = m.tensor("zero", TensorType.INT32, of(1), ModelFile.spec().ints(0));
        int one = m.tensor("one", TensorType.INT32, of(1), ModelFile.spec().ints(1));
        int first = m.tensor("first", TensorType.INT32, NONE);
        int six = m.tensor("six", TensorType.INT32, NONE, ModelFile.spec().ints(6));
        int to = m.tensor("to", TensorType.INT32, of(2));
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 6), ModelFile.spec().signature(-1, 6));
        m.operator(77, of(x), of(shape));
        m.operator(45, of(shape, zero, one, one), of(first), ModelFile.options().number(4, 1));
        m.operator(83, of(first, six), of(to), ModelFile.options().number(0, 2));
        m.operator(22, of(x, to), of(y));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        assertThat(graph.params().getFirst().type().shape().hasBatch()).isTrue();
        assertThat(run(graph, count(4, 2, 3)).shape()).isEqualTo(Shape.of(4, 6));
    }

    @Test
    void itemsThatMixKeepTheBatchTheyHave() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 3), ModelFile.spec().signature(-1, 3));
        int order = m.tensor("order", TensorType.INT32, of(2), ModelFile.spec().ints(1, 0));
        int y = m.tensor("y", TensorType.FLOAT32, of(3, 1), ModelFile.spec().signature(3, -1));
        m.operator(39, of(x, order), of(y));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        assertThat(graph.params().getFirst().type().shape()).isEqualTo(Shape.of(1, 3));
    }

    @Test
    void anInputThatDecidesAShapeHasToBeKnown() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(2, 3));
        int to = m.tensor("to", TensorType.INT32, of(2));
        int y = m.tensor("y", TensorType.FLOAT32, of(3, 2));
        m.operator(22, of(x, to), of(y));
        byte[] bytes = m.inputs(x, to).outputs(y).bytes();
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOfSatisfying(
                        NeedsValues.class, e -> assertThat(e.inputs()).containsExactly("to"));
        ImportOptions given = new ImportOptions(Map.of("to", new Tensor.OfInt(Shape.of(2), of(3, 2))), Map.of());
        Graph graph = TfliteImporter.read("m", ByteBuffer.wrap(bytes), given).graph();
        assertThat(run(graph, count(2, 3)).shape()).isEqualTo(Shape.of(3, 2));
    }

    @Test
    void openExtentsCanBeGiven() {
        ModelFile m = new ModelFile();
        int x = m.tensor(
                "x", TensorType.FLOAT32, of(1, 1, 1, 1), ModelFile.spec().signature(-1, -1, -1, 1));
        int y = m.tensor(
                "y", TensorType.FLOAT32, of(1, 1, 1, 1), ModelFile.spec().signature(-1, -1, -1, 1));
        m.operator(
                17,
                of(x),
                of(y),
                ModelFile.options()
                        .enumeration(0, 1)
                        .number(1, 2)
                        .number(2, 2)
                        .number(3, 2)
                        .number(4, 2));
        ImportOptions given = new ImportOptions(Map.of(), Map.of("x", List.of(-1, 2, 4, 1)));
        Graph graph = TfliteImporter.read(
                        "m", ByteBuffer.wrap(m.inputs(x).outputs(y).bytes()), given)
                .graph();
        gives(run(graph, count(1, 2, 4, 1)), 5, 7);
    }
}

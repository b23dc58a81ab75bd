package dev.qnet.formats.tflite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.offset;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.tflite.ModelFile.Options;
import dev.qnet.formats.tflite.ModelFile.Spec;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Small models of one operator each. Those that move elements give what the operator's definition says; integer arithmetic gives
 * what the same operator gives for the real numbers, to within what rounding does (that it is exact, TensorFlow's own outputs
 * show: {@link TfliteConformanceTest}).
 */
class TfliteOperatorsTest {
    private static final int[] NONE = {};

    private static Imported read(byte[] bytes) {
        return TfliteImporter.read("model.tflite", ByteBuffer.wrap(bytes), ImportOptions.NONE);
    }

    private static Value run(Graph graph, Value... inputs) {
        Map<String, Value> given = new HashMap<>();
        for (int i = 0; i < inputs.length; i++) {
            given.put(graph.params().get(i).id().name(), inputs[i]);
        }
        return Objects.requireNonNull(Interpreter.prepare(graph)
                .run(given)
                .get(graph.results().getFirst().name()));
    }

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

    private static Value.Floats count(int... shape) {
        float[] values = new float[Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return new Value.Floats(Shape.of(shape), values);
    }

    private static void gives(Value y, float... expected) {
        assertThat(((Value.Floats) y).data()).containsExactly(expected);
    }

    private static int[] of(int... values) {
        return values;
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

    // Arithmetic: each operator once in singles and once in codes.

    /** The codes that a test uses. */
    enum Codes {
        INT8(TensorType.INT8, -128, 127, 3),
        UINT8(TensorType.UINT8, 0, 255, 131),
        INT16(TensorType.INT16, -32768, 32767, 0);

        private final TensorType type;
        private final int lo;
        private final int hi;
        private final int zero;

        Codes(TensorType type, int lo, int hi, int zero) {
            this.type = type;
            this.lo = lo;
            this.hi = hi;
            this.zero = zero;
        }

        /** The scale with which codes reach to about ±limit. */
        double scale(double limit) {
            return limit / Math.min(hi - zero, zero - lo);
        }

        Spec spec(double limit) {
            return ModelFile.spec().scale((float) scale(limit), zero);
        }
    }

    /** An operator with one or two inputs. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Case(int code, Options options, int[] x, int[] y, int[] result, double limit, double outLimit) {}

    /** Both forms of an operator on the same numbers, within a number of the result's codes. */
    private static void agrees(Case k, Codes codes, double within) {
        Spec out = codes.spec(k.outLimit());
        agrees(k, codes, within, out);
    }

    private static void agrees(Case k, Codes codes, double within, Spec out) {
        ModelFile real = new ModelFile();
        ModelFile integer = new ModelFile();
        int rx = real.tensor("x", TensorType.FLOAT32, k.x());
        int ix = integer.tensor("x", codes.type, k.x(), codes.spec(k.limit()));
        int[] rin = {rx};
        int[] iin = {ix};
        if (k.y().length > 0) {
            rin = of(rx, real.tensor("y", TensorType.FLOAT32, k.y()));
            iin = of(ix, integer.tensor("y", codes.type, k.y(), codes.spec(k.limit())));
        }
        int rz = real.tensor("z", TensorType.FLOAT32, k.result());
        int iz = integer.tensor("z", codes.type, k.result(), out);
        real.operator(k.code(), rin, of(rz), k.options());
        integer.operator(k.code(), iin, of(iz), k.options());
        compare(
                read(real.inputs(rin).outputs(rz).bytes()).graph(),
                read(integer.inputs(iin).outputs(iz).bytes()).graph(),
                within);
    }

    /** Random codes through the one, their real numbers through the other. */
    private static void compare(Graph real, Graph integer, double within) {
        Random random = new Random(7);
        Value[] reals = new Value[real.params().size()];
        Value[] integers = new Value[reals.length];
        for (int i = 0; i < reals.length; i++) {
            Quant q = integer.params().get(i).type().quant();
            Shape shape = integer.params().get(i).type().shape();
            long[] c = new long[shape.elements()];
            float[] r = new float[c.length];
            for (int k = 0; k < c.length; k++) {
                c[k] = (long) q.lo() + random.nextInt(q.hi() - q.lo() + 1);
                r[k] = (c[k] - q.perTensor().zero()) * q.perTensor().scale();
            }
            reals[i] = new Value.Floats(shape, r);
            integers[i] = new Value.Ints(shape, c);
        }
        float[] expected = ((Value.Floats) run(real, reals)).data();
        Value.Ints found = (Value.Ints) run(integer, integers);
        Quant q = Objects.requireNonNull(
                        integer.types().get(integer.results().getFirst().value()))
                .quant();
        assertThat(found.data()).hasSize(expected.length);
        for (int i = 0; i < expected.length; i++) {
            double code = expected[i] / q.perTensor().scale() + q.perTensor().zero();
            double limited = Math.max(q.lo(), Math.min(q.hi(), code));
            assertThat((double) found.data()[i])
                    .as("element %d of %s", i, integer.nodes().getLast().op())
                    .isCloseTo(limited, offset(within));
        }
    }

    @ParameterizedTest
    @EnumSource
    void sumsAndProductsOfTwo(Codes codes) {
        Options relu6 = ModelFile.options().enumeration(0, 3);
        agrees(new Case(0, ModelFile.options(), of(1, 4, 4, 2), of(1, 4, 4, 2), of(1, 4, 4, 2), 2, 3), codes, 1.01);
        agrees(new Case(0, relu6, of(1, 4, 4, 2), of(2), of(1, 4, 4, 2), 5, 8), codes, 1.01);
        agrees(new Case(41, ModelFile.options(), of(1, 4, 4, 2), of(1, 1, 4, 1), of(1, 4, 4, 2), 2, 3), codes, 1.01);
        agrees(new Case(18, ModelFile.options(), of(1, 4, 4, 2), of(2), of(1, 4, 4, 2), 2, 3), codes, 1.01);
        Spec same = codes.spec(2);
        agrees(new Case(55, ModelFile.options(), of(3, 4), of(4), of(3, 4), 2, 2), codes, 0.001, same);
        agrees(new Case(57, ModelFile.options(), of(3, 4), of(4), of(3, 4), 2, 2), codes, 0.001, codes.spec(2));
    }

    @ParameterizedTest
    @EnumSource
    void pools(Codes codes) {
        Options pool =
                ModelFile.options().number(1, 2).number(2, 2).number(3, 3).number(4, 3);
        agrees(new Case(1, pool, of(1, 5, 5, 2), NONE, of(1, 3, 3, 2), 2, 2), codes, 0.51, codes.spec(2));
        agrees(new Case(17, pool, of(1, 5, 5, 2), NONE, of(1, 3, 3, 2), 2, 2), codes, 0.001, codes.spec(2));
        Options relu = ModelFile.options()
                .enumeration(0, 1)
                .number(1, 2)
                .number(2, 2)
                .number(3, 2)
                .number(4, 2)
                .enumeration(5, 1);
        agrees(new Case(1, relu, of(1, 4, 4, 2), NONE, of(1, 2, 2, 2), 2, 2), codes, 0.51, codes.spec(2));
    }

    @ParameterizedTest
    @EnumSource
    void means(Codes codes) {
        for (boolean keep : new boolean[] {false, true}) {
            ModelFile real = new ModelFile();
            ModelFile integer = new ModelFile();
            int[] shape = keep ? of(1, 1, 1, 3) : of(1, 3);
            for (ModelFile m : List.of(real, integer)) {
                boolean is = m == integer;
                TensorType type = is ? codes.type : TensorType.FLOAT32;
                int x = m.tensor("x", type, of(1, 3, 5, 3), is ? codes.spec(2) : ModelFile.spec());
                int axes = m.tensor(
                        "axes", TensorType.INT32, of(2), ModelFile.spec().ints(-2, 1));
                int y = m.tensor("y", type, shape, is ? codes.spec(1) : ModelFile.spec());
                m.operator(40, of(x, axes), of(y), ModelFile.options().bool(0, keep));
                m.inputs(x).outputs(y);
            }
            compare(read(real.bytes()).graph(), read(integer.bytes()).graph(), 1.01);
        }
    }

    @ParameterizedTest
    @EnumSource
    void functionsOfOne(Codes codes) {
        Options none = ModelFile.options();
        int[] s = of(1, 64);
        boolean wide = codes == Codes.INT16;
        agrees(new Case(98, ModelFile.options().real(0, 0.3f), s, NONE, s, 4, 3), codes, 1.01);
        agrees(new Case(98, ModelFile.options().real(0, -0.7f), s, NONE, s, 4, 3), codes, 1.01);
        agrees(new Case(19, none, s, NONE, s, 4, 3), codes, 1.01);
        agrees(new Case(21, none, s, NONE, s, 9, 7), codes, 1.01);
        agrees(new Case(20, none, s, NONE, s, 4, 3), codes, 1.01);
        if (!wide) {
            agrees(new Case(117, none, s, NONE, s, 5, 5), codes, 2.01);
            int zero = codes == Codes.INT8 ? -128 : 0;
            agrees(
                    new Case(14, none, s, NONE, s, 6, 1),
                    codes,
                    1.01,
                    ModelFile.spec().scale(1.0 / 256, zero));
            agrees(
                    new Case(28, none, s, NONE, s, 4, 1),
                    codes,
                    1.01,
                    ModelFile.spec().scale(1.0 / 128, zero + 128));
            agrees(
                    new Case(25, ModelFile.options().real(0, 1), s, NONE, s, 6, 1),
                    codes,
                    1.01,
                    ModelFile.spec().scale(1.0 / 256, zero));
        } else {
            Spec q15 = ModelFile.spec().scale(1.0 / 32768, 0);
            agrees(new Case(14, none, s, NONE, s, 6, 1), codes, 8, q15);
            agrees(
                    new Case(28, none, s, NONE, s, 4, 1),
                    codes,
                    24,
                    ModelFile.spec().scale(1.0 / 32768, 0));
            agrees(
                    new Case(25, ModelFile.options().real(0, 1), s, NONE, s, 6, 1),
                    codes,
                    24,
                    ModelFile.spec().scale(1.0 / 32768, 0));
        }
    }

    @ParameterizedTest
    @EnumSource
    void layersWithWeights(Codes codes) {
        Random random = new Random(11);
        // Convolution with a stride and channels, depthwise with two filters a channel, transposed, fully connected.
        Options conv = ModelFile.options()
                .number(1, 2)
                .number(2, 1)
                .enumeration(3, 1)
                .number(4, 1)
                .number(5, 2);
        layer(codes, 3, conv, of(1, 6, 5, 2), of(3, 2, 3, 2), 0, 3, of(1, 6, 3, 3), random);
        Options depthwise =
                ModelFile.options().number(1, 1).number(2, 2).number(3, 2).enumeration(4, 3);
        layer(codes, 4, depthwise, of(1, 6, 5, 2), of(1, 3, 2, 4), 3, 4, of(1, 3, 5, 4), random);
        layer(codes, 9, ModelFile.options(), of(2, 8), of(5, 8), 0, 5, of(2, 5), random);
        Options transposed = ModelFile.options().number(1, 2).number(2, 2);
        for (int padding = 0; padding < 2; padding++) {
            int[] result = padding == 0 ? of(1, 6, 6, 3) : of(1, 7, 7, 3);
            layer(codes, 67, transposed.enumeration(0, padding), of(1, 3, 3, 2), of(3, 3, 3, 2), 0, 3, result, random);
        }
    }

    /** A layer with random weights and biases, once in singles and once in codes. */
    private static void layer(
            Codes codes, int code, Options options, int[] x, int[] w, int axis, int out, int[] result, Random random) {
        double sx = codes.scale(2);
        boolean perChannel = codes != Codes.UINT8 && code != 9;
        float[] scales = new float[perChannel ? out : 1];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = 0.004f + 0.001f * i;
        }
        int size = Arrays.stream(w).reduce(1, (a, b) -> a * b);
        int inner = axis == 0 ? size / out : 1;
        int[] weights = new int[size];
        float[] real = new float[size];
        int zero = codes == Codes.UINT8 ? 120 : 0;
        for (int i = 0; i < size; i++) {
            weights[i] = random.nextInt(255) - 127;
            real[i] = weights[i] * scales[perChannel ? i / inner % out : 0];
            weights[i] += zero;
            if (codes == Codes.UINT8) {
                weights[i] = Math.min(255, Math.max(0, weights[i]));
                real[i] = (weights[i] - zero) * scales[0];
            }
        }
        long[] bias = new long[out];
        float[] realBias = new float[out];
        for (int i = 0; i < out; i++) {
            bias[i] = random.nextInt(2001) - 1000L;
            realBias[i] = (float) (bias[i] * sx * scales[perChannel ? i : 0]);
        }
        ModelFile reals = new ModelFile();
        ModelFile integers = new ModelFile();
        for (ModelFile m : List.of(reals, integers)) {
            boolean is = m == integers;
            TensorType weightType = codes == Codes.UINT8 ? TensorType.UINT8 : TensorType.INT8;
            int in = m.tensor("x", is ? codes.type : TensorType.FLOAT32, x, is ? codes.spec(2) : ModelFile.spec());
            Spec spec = perChannel
                    ? ModelFile.spec().scales(axis, scales)
                    : ModelFile.spec().scale(scales[0], zero);
            int weight = is
                    ? m.tensor("w", weightType, w, spec.bytes(weights))
                    : m.tensor("w", TensorType.FLOAT32, w, ModelFile.spec().floats(real));
            int b = !is
                    ? m.tensor(
                            "b", TensorType.FLOAT32, of(out), ModelFile.spec().floats(realBias))
                    : codes == Codes.INT16
                            ? m.tensor(
                                    "b",
                                    TensorType.INT64,
                                    of(out),
                                    ModelFile.spec().longs(bias))
                            : m.tensor(
                                    "b",
                                    TensorType.INT32,
                                    of(out),
                                    ModelFile.spec()
                                            .ints(IntStream.range(0, out)
                                                    .map(i -> (int) bias[i])
                                                    .toArray()));
            int y = m.tensor("y", is ? codes.type : TensorType.FLOAT32, result, is ? codes.spec(4) : ModelFile.spec());
            if (code == 67) {
                int shape = m.tensor(
                        "shape", TensorType.INT32, of(4), ModelFile.spec().ints(result));
                m.operator(code, of(shape, weight, in, b), of(y), options);
            } else {
                m.operator(code, of(in, weight, b), of(y), options);
            }
            m.inputs(in).outputs(y);
        }
        // 64-bit sums are scaled by 16-bit multipliers.
        compare(read(reals.bytes()).graph(), read(integers.bytes()).graph(), codes == Codes.INT16 ? 3 : 1.01);
    }

    @Test
    void weightsOfFourBitsAreUnpackedLowNibbleFirst() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.INT8, of(1, 3), ModelFile.spec().scale(1, 0));
        int w = m.tensor(
                "w", TensorType.INT4, of(1, 3), ModelFile.spec().scale(1, 0).bytes(0xF7, 0x08));
        int y = m.tensor("y", TensorType.INT8, of(1, 1), ModelFile.spec().scale(1, 0));
        m.operator(9, of(x, w, -1), of(y));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        Value z = run(graph, new Value.Ints(Shape.of(1, 3), new long[] {3, 5, 2}));
        assertThat(((Value.Ints) z).data()).containsExactly(3 * 7 + 5 * -1 + 2 * -8);
    }

    @Test
    void productsOfMatricesTurnTheirOperands() {
        agrees(
                new Case(126, ModelFile.options().bool(1, true), of(2, 3, 4), of(2, 5, 4), of(2, 3, 5), 2, 12),
                Codes.INT8,
                1.01);
        agrees(
                new Case(126, ModelFile.options().bool(0, true), of(2, 4, 3), of(2, 4, 5), of(2, 3, 5), 2, 12),
                Codes.INT16,
                4);
    }

    @Test
    void slopesOfPreluAreOneOrOneAChannel() {
        for (int n : of(1, 3)) {
            ModelFile real = new ModelFile();
            ModelFile integer = new ModelFile();
            int[] slopes = n == 1 ? of(40) : of(40, -90, 127);
            float[] reals = new float[n];
            for (int i = 0; i < n; i++) {
                reals[i] = slopes[i] * 0.01f;
            }
            for (ModelFile m : List.of(real, integer)) {
                boolean is = m == integer;
                TensorType type = is ? TensorType.INT8 : TensorType.FLOAT32;
                int x = m.tensor("x", type, of(1, 4, 4, 3), is ? Codes.INT8.spec(3) : ModelFile.spec());
                int a = m.tensor(
                        "a",
                        type,
                        of(1, 1, n),
                        is
                                ? ModelFile.spec().scale(0.01, 0).bytes(slopes)
                                : ModelFile.spec().floats(reals));
                int y = m.tensor("y", type, of(1, 4, 4, 3), is ? Codes.INT8.spec(3) : ModelFile.spec());
                m.operator(54, of(x, a), of(y));
                m.inputs(x).outputs(y);
            }
            compare(read(real.bytes()).graph(), read(integer.bytes()).graph(), 1.01);
        }
    }

    @Test
    void imagesOfCodesAreResized() {
        for (int code : of(23, 97)) {
            ModelFile real = new ModelFile();
            ModelFile integer = new ModelFile();
            for (ModelFile m : List.of(real, integer)) {
                boolean is = m == integer;
                TensorType type = is ? TensorType.INT8 : TensorType.FLOAT32;
                int x = m.tensor("x", type, of(1, 3, 4, 2), is ? Codes.INT8.spec(3) : ModelFile.spec());
                int size = m.tensor(
                        "size", TensorType.INT32, of(2), ModelFile.spec().ints(7, 5));
                int y = m.tensor("y", type, of(1, 7, 5, 2), is ? Codes.INT8.spec(3) : ModelFile.spec());
                m.operator(code, of(x, size), of(y), ModelFile.options().bool(code == 23 ? 3 : 1, true));
                m.inputs(x).outputs(y);
            }
            compare(read(real.bytes()).graph(), read(integer.bytes()).graph(), 0.75);
        }
    }

    @Test
    void floatBordersAreQuantizedAwayFromZero() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(4));
        int q = m.tensor("q", TensorType.INT8, of(4), ModelFile.spec().scale(0.5, 1));
        int y = m.tensor("y", TensorType.FLOAT32, of(4));
        m.operator(114, of(x), of(q));
        m.operator(6, of(q), of(y));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        gives(run(graph, new Value.Floats(Shape.of(4), new float[] {0.25f, -0.25f, 100, -1})), 0.5f, -0.5f, 63, -1);
    }

    @Test
    void codesOfOtherScalesAreJoinedInSingles() {
        ModelFile m = new ModelFile();
        int a = m.tensor("a", TensorType.UINT8, of(2), ModelFile.spec().scale(0.5, 10));
        int b = m.tensor("b", TensorType.UINT8, of(2), ModelFile.spec().scale(1, 0));
        int y = m.tensor("y", TensorType.UINT8, of(4), ModelFile.spec().scale(1, 20));
        m.operator(2, of(a, b), of(y));
        Graph graph = read(m.inputs(a, b).outputs(y).bytes()).graph();
        Value z = run(graph, ints(12, 10), ints(3, 250));
        assertThat(((Value.Ints) z).data()).containsExactly(21, 20, 23, 255);
    }

    private static Value ints(long... values) {
        return new Value.Ints(Shape.of(values.length), values);
    }

    // Memory.

    @Test
    void svdfRemembersItsPast() {
        // One filter that adds up what it saw now and before: y = 2·x(t) + x(t − 1).
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 1));
        int features = m.tensor(
                "features", TensorType.FLOAT32, of(1, 1), ModelFile.spec().floats(1));
        int times =
                m.tensor("times", TensorType.FLOAT32, of(1, 2), ModelFile.spec().floats(1, 2));
        int state =
                m.tensor("state", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 1));
        m.operator(
                27,
                of(x, features, times, -1, state),
                of(y),
                ModelFile.options().number(0, 1));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        assertThat(graph.states()).hasSize(1);
        Interpreter oracle = Interpreter.prepare(graph);
        Interpreter.State past = oracle.newState();
        float[] seen = new float[3];
        for (int t = 0; t < 3; t++) {
            Value given = new Value.Floats(Shape.of(1, 1), new float[] {t + 1});
            Value found =
                    Objects.requireNonNull(oracle.run(Map.of("x", given), past).get("y"));
            seen[t] = ((Value.Floats) found).data()[0];
        }
        assertThat(seen).containsExactly(2, 5, 8);
    }

    @Test
    void svdfOfIntegersAddsUpTheFiltersOfAUnit() {
        // Two filters, one unit: y = 11·x(t − 1) + 22·x(t).
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.INT8, of(1, 1), ModelFile.spec().scale(1, 0));
        int features = m.tensor(
                "features",
                TensorType.INT8,
                of(2, 1),
                ModelFile.spec().scale(1, 0).bytes(1, 1));
        int times = m.tensor(
                "times",
                TensorType.INT16,
                of(2, 2),
                ModelFile.spec().scale(1, 0).shorts(1, 2, 10, 20));
        int state = m.tensor(
                "state",
                TensorType.INT16,
                of(1, 4),
                ModelFile.spec().scale(1, 0).variable());
        int y = m.tensor("y", TensorType.INT8, of(1, 1), ModelFile.spec().scale(1, 0));
        m.operator(
                27,
                of(x, features, times, -1, state),
                of(y),
                ModelFile.options().number(0, 2));
        Graph graph = read(m.inputs(x).outputs(y).bytes()).graph();
        Interpreter oracle = Interpreter.prepare(graph);
        Interpreter.State past = oracle.newState();
        int[] given = {1, 2, 1, -3};
        long[] seen = new long[given.length];
        for (int t = 0; t < given.length; t++) {
            Value v = Value.of(Shape.of(1, 1), new long[] {given[t]});
            Value found =
                    Objects.requireNonNull(oracle.run(Map.of("x", v), past).get("y"));
            seen[t] = ((Value.Ints) found).data()[0];
        }
        assertThat(seen).containsExactly(22, 55, 44, -55);
    }

    @Test
    void lstmWithAndWithoutAClipAreTheSameBelowIt() {
        Value[] results = new Value[2];
        for (int clipped = 0; clipped < 2; clipped++) {
            Graph graph = read(lstm(clipped == 1 ? 10f : 0f)).graph();
            assertThat(graph.states()).hasSize(2);
            results[clipped] = run(graph, new Value.Floats(Shape.of(1, 3, 1), new float[] {1, -2, 0.5f}));
        }
        float[] a = ((Value.Floats) results[0]).data();
        float[] b = ((Value.Floats) results[1]).data();
        assertThat(a).hasSize(6);
        for (int i = 0; i < a.length; i++) {
            assertThat(b[i]).isCloseTo(a[i], offset(1e-6f));
        }
        // The first step by hand: all gates are functions of x = 1 alone.
        double i = sigmoid(0.1);
        double g = Math.tanh(0.3);
        double o = sigmoid(0.4);
        assertThat(a[0]).isCloseTo((float) (o * Math.tanh(i * g)), offset(1e-6f));
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    private static byte[] lstm(float clip) {
        ModelFile m = new ModelFile();
        int[] in = new int[24];
        Arrays.fill(in, -1);
        in[0] = m.tensor("x", TensorType.FLOAT32, of(1, 3, 1));
        float[] of = {0.1f, 0.2f, 0.3f, 0.4f};
        for (int k = 0; k < 4; k++) {
            in[1 + k] = m.tensor(
                    "w" + k, TensorType.FLOAT32, of(2, 1), ModelFile.spec().floats(of[k], -of[k]));
            in[5 + k] = m.tensor(
                    "r" + k, TensorType.FLOAT32, of(2, 2), ModelFile.spec().floats(of[k], 1, -1, of[k] * 2));
            in[12 + k] = m.tensor(
                    "b" + k, TensorType.FLOAT32, of(2), ModelFile.spec().floats(0, 0.5f));
        }
        in[18] = m.tensor("h", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        in[19] = m.tensor("c", TensorType.FLOAT32, of(1, 2), ModelFile.spec().variable());
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 3, 2));
        m.operator(44, in, of(y), ModelFile.options().enumeration(0, 4).real(1, clip));
        return m.inputs(in[0]).outputs(y).bytes();
    }

    @Test
    void dynamicRangeLayersMultiplyIntegers() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, of(1, 3));
        int w = m.tensor(
                "w", TensorType.INT8, of(2, 3), ModelFile.spec().scale(0.01, 0).bytes(100, -50, 25, 1, 2, 3));
        int b = m.tensor("b", TensorType.FLOAT32, of(2), ModelFile.spec().floats(1, -1));
        int y = m.tensor("y", TensorType.FLOAT32, of(1, 2));
        m.operator(9, of(x, w, b), of(y));
        Imported imported = read(m.inputs(x).outputs(y).bytes());
        Value z = run(imported.graph(), new Value.Floats(Shape.of(1, 3), new float[] {1.27f, 0.5f, -0.3f}));
        float[] found = ((Value.Floats) z).data();
        assertThat(found[0]).isCloseTo(1 + 1.27f - 0.25f - 0.075f, offset(1e-5f));
        assertThat(found[1]).isCloseTo(-1 + 0.0127f + 0.01f - 0.009f, offset(1e-5f));
        assertThat(imported.report().notes())
                .anySatisfy(n -> assertThat(n.text()).contains("at run time"));
    }
}

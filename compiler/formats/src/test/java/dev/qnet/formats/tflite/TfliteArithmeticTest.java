package dev.qnet.formats.tflite;

import static dev.qnet.formats.tflite.SmallModels.gives;
import static dev.qnet.formats.tflite.SmallModels.ints;
import static dev.qnet.formats.tflite.SmallModels.of;
import static dev.qnet.formats.tflite.SmallModels.read;
import static dev.qnet.formats.tflite.SmallModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.offset;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.Imported;
import dev.qnet.formats.tflite.ModelFile.Options;
import dev.qnet.formats.tflite.ModelFile.Spec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Arithmetic, each operator once in singles and once in codes: integers give what the same operator gives for the real numbers, to
 * within what rounding does (that it is exact, TensorFlow's own outputs show: {@link TfliteConformanceTest}).
 */
class TfliteArithmeticTest {
    private static final int[] NONE = {};

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

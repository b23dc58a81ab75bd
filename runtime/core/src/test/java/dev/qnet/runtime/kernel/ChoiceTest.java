package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which vector kernel a layer gets: all give the same bytes, so a wrong choice shows in nothing but time. */
class ChoiceTest {
    private static final Window THREE = new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1);

    @BeforeEach
    void vectors() {
        assumeTrue(Simd.HAS_BYTES, "vectors of 128 bits take another way");
    }

    private static Output codes() {
        return Output.codes(Kind.S32, RowSteps.sample(Rounding.TOSA, 1), Kind.U8);
    }

    private static ConvSpec conv(
            Operand x, int height, int width, int c, int o, Window w, int groups, int weight, int bias, Output out) {
        int[] weights = new int[o * w.kernelH() * w.kernelW() * (c / groups)];
        Arrays.fill(weights, weight);
        // Of one digit only weights would be packed into less than 8 bits.
        for (int i = 0; i < weights.length && weight == 127; i++) {
            weights[i] -= i % 255;
        }
        int[] biases = new int[o];
        if (o > 0) {
            biases[o - 1] = bias;
        }
        return ConvSpec.of(x, height, width, c, o, w, groups, weights, biases, out);
    }

    private static ConvSpec dense(int rows, int k, int n, int weight) {
        Operand x = Operand.codes(Kind.U8, 3);
        return conv(x, 1, rows, k, n, Window.POINT, 1, weight, 0, codes());
    }

    /** Of bytes with their zero point, the largest partial sum may be 2^24 − 1. */
    @ParameterizedTest
    @ValueSource(ints = {1, -1})
    void stripsAsFarAsSinglesAreExact(int sign) {
        Operand x = Operand.codes(Kind.U8, 5);
        int rest = (1 << 24) - 1 - 9 * 7 * (255 + 5);
        Output out = Output.codes(
                Kind.S32, Rescale.fixed(Rounding.TOSA, new int[] {1 << 30}, new int[] {-8}, 0, 0, 255), Kind.U8);
        ConvSpec exact = conv(x, 20, 20, 64, 64, THREE, 64, 7, sign * rest, out);
        assertThat(SimdConv.of(exact)).isInstanceOf(SimdStripConv.class);
        ConvSpec beyond = conv(x, 20, 20, 64, 64, THREE, 64, 7, sign * (rest + 1), out);
        assertThat(SimdConv.of(beyond)).isInstanceOf(SimdDepthwise.class);
    }

    @Test
    void pixelsOfFewFiltersAreTakenTogether() {
        Operand x = Operand.codes(Kind.U8, 3);
        Window five = new Window(5, 5, 1, 1, 1, 1, 0, 0, 0, 0);
        ConvSpec few = SimdPixels.together(conv(x, 28, 28, 1, 8, five, 1, 7, 0, codes()));
        assertThat(few.filters()).isGreaterThan(8).isLessThanOrEqualTo(SimdPanels.COLUMNS);
        assertThat(few.filters() * few.outWidth()).isEqualTo(8 * 24);
        ConvSpec many = conv(x, 28, 28, 1, SimdPanels.COLUMNS, five, 1, 7, 0, codes());
        assertThat(SimdPixels.together(many)).isSameAs(many);
    }

    /** Whether the image is copied before windows are gathered from it. */
    private static boolean copied(Window w, int c) {
        ConvSpec spec = conv(Operand.codes(Kind.U8, 3), 16, 16, c, 8, w, 1, 7, 0, codes());
        Banks b = new Banks(1 << 16, 0, 0, 0, 0);
        SimdPatch patch = new SimdPatch(spec);
        patch.forget(b);
        patch.bring(b, 5, 0, 0, 11);
        return b.byteImage(0).length > 0;
    }

    @Test
    void imagesWithoutEdgesAreReadWhereTheyAre() {
        assertThat(copied(new Window(3, 3, 1, 1, 1, 1, 0, 0, 0, 0), 64)).isFalse();
        assertThat(copied(THREE, 64)).isTrue();
    }

    /** Which windows share columns, by their sides, step, distance of taps, channels and groups. */
    @ParameterizedTest
    @CsvSource(textBlock = """
                    3, 3, 1, 1,  64, 1, U8,  true
                    3, 3, 1, 1,  64, 1, S8,  true
                    3, 3, 2, 1,  64, 1, U8,  true
                    3, 3, 1, 2,  64, 1, U8,  true
                    3, 3, 1, 1, 128, 2, U8,  true
                    1, 3, 1, 1, 128, 1, U8,  true
                    3, 3, 3, 1,  64, 1, U8,  false
                    3, 3, 1, 1,  64, 1, U16, false
                    3, 3, 1, 1,  32, 1, U8,  false
                    3, 3, 1, 1,  72, 1, U8,  false
                    3, 3, 1, 1,  64, 2, U8,  false
                    3, 1, 1, 1,  64, 1, U8,  false
                    1, 1, 1, 1, 256, 1, U8,  false
                    """)
    void longColumnsAreShared(int kh, int kw, int step, int apart, int c, int groups, Kind kind, boolean shared) {
        Window w = new Window(kh, kw, step, step, apart, apart, 0, 0, 0, 0);
        ConvSpec spec = conv(Operand.codes(kind, 3), 20, 20, c, 32, w, groups, 7, 0, codes());
        assertThat(SimdColumns.of(spec) != null).isEqualTo(shared);
    }

    @Test
    void sharedColumnsAreReadWhereTheyAre() {
        for (int c : new int[] {64, 72}) {
            ConvSpec spec = conv(Operand.codes(Kind.U8, 3), 8, 8, c, 32, THREE, 1, 7, 0, codes());
            Banks b = new Banks(1 << 14, 0, 0, 0, 0);
            Objects.requireNonNull(SimdConv.of(spec)).run(b, 0, 1 << 13);
            assertThat(b.byteImage(0).length > 0).as("%d channels", c).isEqualTo(c == 72);
        }
    }

    /** Columns that each tap brings for 24 pixels: all at first, then what comes from the right and where lines end. */
    @ParameterizedTest
    @CsvSource(textBlock = """
                    56, 1, 23 1 1
                    12, 1, 22 2 0
                    14, 1, 22 2 1
                    24, 2, 24 23 1
                    """)
    void tapsBringWhatIsNotThere(int outWidth, int step, String brought) {
        Window w = new Window(3, 3, step, step, 1, 1, 1, 1, 1, 1);
        int width = outWidth * step;
        ConvSpec spec = conv(Operand.codes(Kind.U8, 3), width, width, 64, 32, w, 1, 7, 0, codes());
        SimdColumns columns = Objects.requireNonNull(SimdColumns.of(spec));
        Banks b = new Banks(width * width * 64 + 64, 0, 0, 0, 0);
        float[] a = new float[columns.size(2)];
        List<String> found = new ArrayList<>();
        for (int part = 0; part < columns.parts(); part++) {
            found.add("" + columns.bring(b, 5, 0, 0, 24, part, a));
        }
        assertThat(String.join(" ", found)).isEqualTo(brought);
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
                    1, 256, 256, 127, true
                    4, 256, 256, 127, true
                    5, 256, 256, 127, false
                    8, 256, 256,   7, true
                    9, 256, 256,   7, false
                    1,  64,  64, 127, false
                    1, 512,  63, 127, false
                    """)
    void weightsOfFewRowsStayPacked(int rows, int k, int n, int weight, boolean packed) {
        Class<?> kernel = packed ? Gemv.class : SimdConv.class;
        assertThat(SimdConv.of(dense(rows, k, n, weight))).isInstanceOf(kernel);
    }

    /** Found out by trying, so the processor is asked here in another way. */
    @Test
    void tablesAreLookedUpInRegistersWhereTheMachineCan() throws IOException {
        Path cpu = Path.of("/proc/cpuinfo");
        assumeTrue(Simd.BITS >= 512 && Files.exists(cpu), "no vectors of 512 bits, or no telling what there is");
        assumeTrue(Files.readString(cpu).contains("avx512vbmi"), "this processor has no tables of bytes");
        byte[] table = new byte[256];
        byte[] x = new byte[64];
        byte[] y = new byte[64];
        for (int i = 0; i < 50_000_000 && !SimdTables.fast(); i++) {
            SimdTables.look(table, x, 0, y, 0, 64);
        }
        assertThat(SimdTables.fast()).isTrue();
    }

    /** A program that runs for weeks has more calls than ints. */
    @Test
    void trialsAreOverOnce() {
        assertThat(SimdTables.next(1)).isEqualTo(2);
        assertThat(SimdTables.next(Integer.MAX_VALUE)).isGreaterThanOrEqualTo(SimdTables.TRIALS);
    }

    /** Not a chosen kernel at all: plain ones give biases, or zeros. */
    @ParameterizedTest
    @CsvSource({"0, 300", "300, 0"})
    void nothingToMultiplyStaysPlain(int k, int n) {
        assertThat(SimdConv.of(dense(1, k, n, 7))).isNull();
        Operand x = Operand.codes(Kind.U8, 3);
        assertThat(SimdMatMul.of(new MatMulSpec(x, x, 13, k, n, codes()))).isNull();
    }
}

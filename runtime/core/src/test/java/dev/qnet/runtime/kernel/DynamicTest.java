package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Quantization with parameters found at run time. */
class DynamicTest {
    private static Banks banks(float... x) {
        Banks b = new Banks(0, 64, 64, 64, 128);
        System.arraycopy(x, 0, b.floats, 0, x.length);
        return b;
    }

    private static float[] params(int min, int max, boolean symmetric, float... x) {
        Banks b = banks(x);
        DynamicParams.of(Backend.SCALAR, x.length, min, max, symmetric).run(b, 0, 100);
        return new float[] {b.floats[100], b.floats[101]};
    }

    /** The example of ONNX's DynamicQuantizeLinear. */
    @Test
    void onnxExample() {
        float[] x = {0, 2, -3, -2.5f, 1.34f, 0.5f};
        float[] p = params(0, 255, false, x);
        assertThat(p).containsExactly(5f / 255, 153);
        Banks b = banks(x);
        System.arraycopy(p, 0, b.floats, 100, 2);
        DynamicQuantize.of(Backend.SCALAR, 6, 0, 255).run(b, 0, 100, 3);
        // The codes 153, 255, 0, 26, 221, 179, less the zero point.
        assertThat(Arrays.copyOfRange(b.shorts, 3, 9)).containsExactly(0, 102, -153, -127, 68, 26);
    }

    @Test
    void rangesIncludeZero() {
        assertThat(params(0, 255, false, 2, 3)).containsExactly(3f / 255, 0);
        assertThat(params(0, 255, false, -2, -3)).containsExactly(3f / 255, 255);
        assertThat(params(-128, 127, false, 0, 0)).containsExactly(1, -128);
        assertThat(params(-128, 127, true, -2.54f, 1)).containsExactly(2.54f / 127, 0);
        assertThat(params(-128, 127, true, Float.NaN, 1)).containsExactly(1f / 127, 0);
    }

    @Property(tries = 50, edgeCases = EdgeCasesMode.NONE)
    void centredCodesStayWithinTheStorage(@ForAll long seed) {
        Random r = new Random(seed);
        float[] x = new float[40];
        for (int i = 0; i < 40; i++) {
            x[i] = (float) r.nextGaussian() * 10;
        }
        boolean symmetric = r.nextBoolean();
        float[] p = params(-128, 127, symmetric, x);
        Banks b = banks(x);
        System.arraycopy(p, 0, b.floats, 100, 2);
        DynamicQuantize.of(Backend.SCALAR, 40, -128, 127).run(b, 0, 100, 0);
        for (int i = 0; i < 40; i++) {
            int code = b.shorts[i] + (int) p[1];
            assertThat(code).isBetween(-128, 127);
            assertThat(b.shorts[i] * p[0]).isCloseTo(x[i], within(p[0]));
            assertThat((long) b.shorts[i] + (int) p[1])
                    .isEqualTo(Definitions.quantize(x[i], p[0], (int) p[1], -128, 127, false));
        }
    }

    @Test
    void dequantizeRoundsEachOperation() {
        Banks b = banks();
        b.floats[100] = 0.1f;
        b.ints[0] = 16_777_217; // not a single
        b.ints[1] = -3;
        DynamicDequantize.of(Backend.SCALAR, Kind.S32, 1, 2, new float[] {0.3f, 0.7f}, new float[] {1, 2})
                .run(b, 0, 100, 0);
        assertThat(b.floats[0]).isEqualTo(16_777_216f * (0.1f * 0.3f) + 1);
        assertThat(b.floats[1]).isEqualTo(-3f * (0.1f * 0.7f) + 2);
        b.longs[0] = 1L << 40;
        DynamicDequantize.of(Backend.SCALAR, Kind.S64, 1, 1, new float[] {0.5f}, null)
                .run(b, 0, 100, 0);
        assertThat(b.floats[0]).isEqualTo((1L << 40) * (0.1f * 0.5f));
    }
}

package dev.qnet.formats.onnx;

import static dev.qnet.formats.onnx.CodeModels.count;
import static dev.qnet.formats.onnx.CodeModels.floats;
import static dev.qnet.formats.onnx.CodeModels.fused;
import static dev.qnet.formats.onnx.CodeModels.reals;
import static dev.qnet.formats.onnx.CodeModels.run;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.source.CompileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** QONNX's quantizers against their definitions, and networks of them against what is written. */
class QonnxTest {
    private static final String DOMAIN = "qonnx.custom_op.general";

    @TempDir
    Path dir;

    private final Random random = new Random(3);

    private static Models start(Object... dims) {
        return new Models().opset(DOMAIN, 1).opset("onnx.brevitas", 1).input("x", DataType.FLOAT, dims);
    }

    private static Models quant(
            Models m, String x, String y, float scale, float zero, float bits, boolean signed, boolean narrow) {
        return m.constant(y + "_s", List.of(), scale)
                .constant(y + "_z", List.of(), zero)
                .constant(y + "_b", List.of(), bits)
                .node(Models.nodeOf(
                        "Quant",
                        "onnx.brevitas",
                        List.of(x, y + "_s", y + "_z", y + "_b"),
                        List.of(y),
                        "signed",
                        signed ? 1 : 0,
                        "narrow",
                        narrow ? 1 : 0,
                        "rounding_mode",
                        "ROUND"));
    }

    private static float expected(float x, float scale, float zero, int lo, int hi, DoubleUnaryOperator rounding) {
        float y = x / scale + zero;
        y = Math.min(Math.max(y, lo), hi);
        return ((float) rounding.applyAsDouble(y) - zero) * scale;
    }

    private static DoubleUnaryOperator rounding(String mode) {
        return switch (mode) {
            case "ROUND", "HALF_EVEN" -> Math::rint;
            case "CEIL" -> Math::ceil;
            case "FLOOR" -> Math::floor;
            case "UP" -> v -> Math.signum(v) * Math.ceil(Math.abs(v));
            case "DOWN" -> v -> Math.signum(v) * Math.floor(Math.abs(v));
            case "HALF_UP" -> v -> Math.signum(v) * Math.floor(Math.abs(v) + 0.5);
            case "HALF_DOWN" -> v -> Math.signum(v) * Math.ceil(Math.abs(v) - 0.5);
            default -> throw new IllegalArgumentException(mode);
        };
    }

    @ParameterizedTest
    @CsvSource({
        "ROUND, 4, true, true, 0",
        "ROUND, 4, false, false, 3",
        "ROUND, 3, true, false, 1",
        "ROUND, 2, false, true, 0",
        "ROUND, 1, false, false, 0",
        "ROUND, 12, true, false, 0",
        "ROUND, 4, true, false, 0.5",
        "CEIL, 4, true, false, 0",
        "FLOOR, 4, true, false, 0",
        "UP, 4, true, false, 0",
        "DOWN, 4, true, false, 0",
        "HALF_UP, 4, true, false, 0",
        "HALF_DOWN, 4, false, false, 0",
        "HALF_EVEN, 5, false, true, 7"
    })
    void quantizes(String mode, int bits, boolean signed, boolean narrow, float zero) throws IOException {
        Models m = start(40)
                .constant("s", List.of(), 0.25f)
                .constant("z", List.of(), zero)
                .constant("b", List.of(), (float) bits)
                .node(Models.nodeOf(
                        "IntQuant",
                        DOMAIN,
                        List.of("x", "s", "z", "b"),
                        List.of("y"),
                        "signed",
                        signed ? 1 : 0,
                        "narrow",
                        narrow ? 1 : 0,
                        "rounding_mode",
                        mode))
                .output("y");
        int lo = signed ? (narrow ? 1 : 0) - (1 << (bits - 1)) : 0;
        int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - (narrow ? 2 : 1);
        float[] x = floats(random, 40, 1.5);
        for (int i = 0; i < 10; i++) {
            x[i] = (i - 5) * 0.125f;
        }
        float[] y = reals(run(m.read(dir).graph(), Map.of("x", Value.of(Shape.of(40), x))));
        for (int i = 0; i < x.length; i++) {
            assertThat(y[i])
                    .as("%s bits of %s", bits, x[i])
                    .isEqualTo(expected(x[i], 0.25f, zero, lo, hi, rounding(mode)) + 0f);
        }
    }

    @Test
    void quantizesToSigns() throws IOException {
        Models m = start(4).constant("s", List.of(1), 0.5f)
                .node(Models.nodeOf("BipolarQuant", "onnx.brevitas", List.of("x", "s"), List.of("y")))
                .output("y");
        assertThat(reals(run(m.read(dir).graph(), Map.of("x", Value.of(Shape.of(4), -0.1f, 0, -0f, 3)))))
                .containsExactly(-0.5f, 0.5f, 0.5f, 0.5f);
    }

    @Test
    void truncates() throws IOException {
        Models first = start(5).constant("s", List.of(), 0.25f)
                .constant("z", List.of(), 0f)
                .constant("in", List.of(), 8f)
                .constant("out", List.of(), 6f)
                .node(Models.nodeOf("Trunc", DOMAIN, List.of("x", "s", "z", "in", "out"), List.of("y")))
                .output("y");
        Value x = Value.of(Shape.of(5), 2.75f, -2.75f, 0.25f, 25, -25);
        assertThat(reals(run(first.read(dir).graph(), Map.of("x", x)))).containsExactly(0.5f, -0.75f, 0, 6.25f, -6.25f);
        Models second = start(5).constant("s", List.of(), 0.25f)
                .constant("z", List.of(), 0f)
                .constant("in", List.of(), 8f)
                .constant("os", List.of(), 1f)
                .constant("out", List.of(), 5f)
                .node(Models.nodeOf(
                        "Trunc",
                        DOMAIN,
                        List.of("x", "s", "z", "in", "os", "out"),
                        List.of("y"),
                        "rounding_mode",
                        "ROUND"))
                .output("y");
        assertThat(reals(run(second.read(dir).graph(), Map.of("x", x)))).containsExactly(3, -3, 0, 15, -16);
    }

    /** Weights that go through a quantizer become constants of as many bits. */
    @ParameterizedTest
    @CsvSource({
        "1, true, BIPOLAR",
        "2, true, TERNARY",
        "2, false, I2",
        "3, false, I3",
        "4, true, I4",
        "6, false, I8",
        "8, true, I8"
    })
    void weightsOfAFewBits(float bits, boolean narrow, Storage storage) throws IOException {
        Models m = start(2, 6).constant("w", List.of(6, 4), floats(random, 24, 0.5));
        quant(m, "x", "xq", 0.5f, 0, 4, true, false);
        quant(m, "w", "wq", 0.25f, 0, bits, true, narrow);
        m.node("MatMul", List.of("xq", "wq"), List.of("y")).output("y");
        Graph g = fused(m, dir, 0);
        assertThat(g.nodes())
                .filteredOn(n -> n.op() instanceof DataOp.Constant && n.type().isQuant())
                .singleElement()
                .satisfies(n -> assertThat(n.type().quant().storage()).isEqualTo(storage));
        assertThat(count(g, IntOp.Dense.class)).isOne();
    }

    /** Two layers; batch norms whose gamma is negative in some channels fall there. */
    @ParameterizedTest
    @ValueSource(strings = {"bipolar", "two", "four", "eight"})
    void networksBecomeThresholds(String kind) throws IOException {
        float bits = kind.equals("bipolar") ? 1 : kind.equals("two") ? 2 : kind.equals("four") ? 4 : 8;
        Models m = start("n", 6)
                .constant("w", List.of(6, 5), floats(random, 30, 0.5))
                .constant("v", List.of(5, 3), floats(random, 15, 0.5))
                .constant("g", List.of(5), 0.5f, -1.5f, 0.25f, -0.125f, 2)
                .constant("b", List.of(5), 0.1f, 0.2f, -0.3f, 0.4f, 0)
                .constant("mu", List.of(5), 0.5f, -0.5f, 1, 2, -2)
                .constant("var", List.of(5), 1f, 2, 3, 0.5f, 0.25f)
                .constant("shift", List.of(), 0.75f);
        quant(m, "x", "xq", 0.5f, 0, Math.max(2, bits), true, true);
        quant(m, "w", "wq", 0.25f, 0, bits, true, true);
        quant(m, "v", "vq", 0.25f, 0, bits, true, true);
        m.node("MatMul", List.of("xq", "wq"), List.of("p"))
                .node("BatchNormalization", List.of("p", "g", "b", "mu", "var"), List.of("n"))
                .node("Mul", List.of("n", "shift"), List.of("k"));
        quant(m, "k", "h", 0.5f, 0, bits, true, true);
        m.node("MatMul", List.of("h", "vq"), List.of("y")).output("y");
        Graph g = fused(m, dir, 0);
        assertThat(count(g, IntOp.Dense.class)).isEqualTo(2);
        assertThat(count(g, IntOp.Thresholds.class)).isOne();
        assertThat(count(g, FloatOp.BatchNorm.class)).isZero();
        assertThat(count(g, QuantOp.Quantize.class)).isOne();
    }

    @Test
    void convolutionsWithAScaleForEachFilter() throws IOException {
        Models m = start(1, 2, 5, 5)
                .constant("w", List.of(3, 2, 3, 3), floats(random, 54, 0.5))
                .constant("s", List.of(3, 1, 1, 1), 0.25f, 0.125f, 0.5f)
                .constant("z", List.of(), 0f)
                .constant("b", List.of(), 4f)
                .constant("bias", List.of(3), 0.3f, -0.7f, 1.1f);
        quant(m, "x", "xq", 0.5f, 0, 4, true, false);
        m.node(Models.nodeOf("Quant", DOMAIN, List.of("w", "s", "z", "b"), List.of("wq"), "signed", 1, "narrow", 1))
                .node("Conv", List.of("xq", "wq", "bias"), List.of("c"), "pads", new long[] {1, 1, 1, 1})
                .node("Relu", List.of("c"), List.of("r"));
        quant(m, "r", "y", 0.5f, 0, 4, false, false);
        m.output("y");
        Graph g = fused(m, dir, 0);
        assertThat(count(g, IntOp.Conv2d.class)).isOne();
        assertThat(count(g, IntOp.Thresholds.class)).isOne();
        assertThat(count(g, FloatOp.class)).isZero();
    }

    /** What turns back is no staircase that thresholds could climb. */
    @Test
    void functionsThatTurnBackStayFloat() throws IOException {
        Models m = start("n", 6).constant("w", List.of(6, 5), floats(random, 30, 0.5));
        quant(m, "x", "xq", 0.5f, 0, 4, true, false);
        quant(m, "w", "wq", 0.25f, 0, 4, true, true);
        m.node("MatMul", List.of("xq", "wq"), List.of("p")).node("Abs", List.of("p"), List.of("a"));
        quant(m, "a", "y", 0.5f, 0, 4, false, false);
        m.output("y");
        Graph g = fused(m, dir, 0);
        assertThat(count(g, IntOp.Thresholds.class)).isZero();
        assertThat(count(g, FloatOp.Unary.class)).isOne();
        assertThat(count(g, IntOp.Dense.class)).isOne();
    }

    private String refusal(Models m) {
        CompileException e = Objects.requireNonNull(
                catchThrowableOfType(CompileException.class, () -> m.output("y").read(dir)));
        return Objects.requireNonNull(e.getMessage());
    }

    @Test
    void whatCannotBeReadIsRefused() {
        assertThat(refusal(quant(start(4), "x", "y", 0.5f, 0, 2.5f, true, false)))
                .contains("onnx.brevitas.Quant")
                .contains("2.5 bits");
        assertThat(refusal(quant(start(4), "x", "y", 0.5f, 0, 40, true, false))).contains("40.0 bits");
        assertThat(refusal(start(4).constant("s", List.of(2), 0.5f, 1f)
                        .node(Models.nodeOf("BipolarQuant", DOMAIN, List.of("x", "s"), List.of("y")))))
                .contains("one scale above zero");
        Models mode = start(4).constant("s", List.of(), 0.5f)
                .constant("z", List.of(), 0f)
                .constant("b", List.of(), 4f)
                .node(Models.nodeOf(
                        "Quant", DOMAIN, List.of("x", "s", "z", "b"), List.of("y"), "rounding_mode", "SIDEWAYS"));
        assertThat(refusal(mode)).contains("rounds by 'SIDEWAYS'");
        assertThat(refusal(start(4).node(Models.nodeOf("FloatQuant", DOMAIN, List.of("x"), List.of("y")))))
                .contains("FloatQuant")
                .contains("not a supported operator");
    }
}

package dev.qnet.cli.verify;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Shape;
import org.junit.jupiter.api.Test;

class ToleranceTest {
    private static Value floats(float... x) {
        return Value.of(Shape.of(x.length), x);
    }

    private static Value ints(long... x) {
        return Value.of(Shape.of(x.length), x);
    }

    @Test
    void integersAreComparedBitForBit() {
        assertThat(Tolerance.ONNX.difference(ints(1, 2, 1000), ints(1, 2, 1000)))
                .isEmpty();
        assertThat(Tolerance.ONNX.difference(ints(1, 2, 1000), ints(1, 2, 1001)))
                .hasValue("at [2]: expected 1000, found 1001 (1 of 3 differ, the most by 1)");
    }

    @Test
    void floatsMayDifferByATenthOfAPercent() {
        assertThat(Tolerance.ONNX.difference(floats(1000, 0), floats(1000.9f, 0.5e-7f)))
                .isEmpty();
        assertThat(Tolerance.ONNX.difference(floats(1000, 0), floats(1001.1f, 0)))
                .isPresent();
        assertThat(Tolerance.ONNX.difference(floats(0), floats(2e-7f))).isPresent();
        assertThat(Tolerance.EXACT.difference(floats(1), floats(Math.nextUp(1f))))
                .isPresent();
    }

    @Test
    void whatIsNoNumberEqualsItself() {
        float inf = Float.POSITIVE_INFINITY;
        assertThat(Tolerance.ONNX.difference(floats(Float.NaN, inf, -inf), floats(Float.NaN, inf, -inf)))
                .isEmpty();
        assertThat(Tolerance.ONNX.difference(floats(Float.NaN), floats(0))).isPresent();
        assertThat(Tolerance.ONNX.difference(floats(0), floats(Float.NaN))).isPresent();
        assertThat(Tolerance.ONNX.difference(floats(inf), floats(-inf))).isPresent();
        assertThat(Tolerance.ONNX.difference(floats(1e30f), floats(inf))).isPresent();
    }

    @Test
    void shapesAndKindsCount() {
        Value column = Value.of(Shape.of(2, 1), 1f, 2f);
        assertThat(Tolerance.ONNX.difference(floats(1, 2), column)).hasValue("expected shape [2], found [2x1]");
        assertThat(Tolerance.ONNX.difference(floats(1), ints(1))).hasValue("expected f32, found integers");
        Value matrix = Value.of(Shape.of(2, 2), 1L, 2, 3, 4);
        assertThat(Tolerance.ONNX.difference(matrix, Value.of(Shape.of(2, 2), 1L, 2, 9, 4)))
                .hasValue("at [1, 0]: expected 3, found 9 (1 of 4 differ, the most by 6)");
        assertThat(Tolerance.ONNX.difference(Value.of(Shape.SCALAR, 5L), Value.of(Shape.SCALAR, 4L)))
                .hasValue("at []: expected 5, found 4");
    }
}

package dev.qnet.compiler.ir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.source.CompileException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GraphTextTest {
    private static final String FLOAT = """
            graph @net {
              policy weights(i8(symmetric, narrow, per_channel(0), mse)) activations(u8(asymmetric, per_tensor, percentile(99.99))) rounding(tosa)
              param %image : f32[Nx4x4x2] activations(u8(asymmetric, per_tensor, fixed(0.0, 255.0)))
              %w = constant [1.0, -2.5, NaN, 4.0] : f32[2x1x1x2]
              %conv = conv2d %image, %w {window=window([1, 1], [2, 2], [1, 1], [0, 1, 0, 0]), groups=1} : f32[Nx2x3x2] weights(i4(symmetric, per_group(32), minmax)) float
              %relu = relu %conv : f32[Nx2x3x2] activations(u4(asymmetric, per_tensor, given([0.5], [3]), dynamic))
              %q = fake_quant %relu {spec=u8(asymmetric, per_tensor, minmax), rounding=tosa, to=u8<scale=0.1, zero=7>} : f32[Nx2x3x2]
              %slice = slice %q {begin=[0, 0, 1, 0], end=[0, 2, 3, 2], step=[1, 1, 2, 1]} : f32[Nx2x1x2]
              %"a b" = reshape %slice {shape=[N, 4]} : f32[Nx4]
              return y = %"a b", z = %q
            }
            """;

    private static final String INTEGER = """
            graph @int {
              arena 192
              param %x : u8<scale=0.5, zero=3>[Nx4] at 0
              %w = constant [1, -2, 3, 4, -127, 6, 7, 127] : i8<-127:127, axis=0, {0.25, 1.0E-4}>[2x4]
              %g = constant [1, 1, 1, -1, -8, 7, 0, 0] : i4<group=2, {0.5, 0.25}, {1, 255, 3, 4}>[2x4]
              %b = constant [10, -20] : i32[2]
              %d = int.dense %x, %w, %b {acc=i32, rescale=tosa([q31(1073741824, -3), q31(0, 0)], 128, 128, 255)} : u8<scale=0.125, zero=128>[Nx2] at 64
              %e = int.dense %x, %g {acc=i64} : i64[Nx2] at 128
              %r = int.requantize %e {rescale=onnx([0.01], 0, -8, 7)} : i4<scale=2.0, zero=0>[Nx2]
              %c = concat %d, %d {axis=1} : u8<scale=0.125, zero=128>[Nx4]
              return a = %c, b = %r
            }
            """;

    @Test
    void printsWhatItParses() {
        assertThat(GraphPrinter.print(GraphParser.parse(FLOAT))).isEqualTo(FLOAT);
        assertThat(GraphPrinter.print(GraphParser.parse(INTEGER))).isEqualTo(INTEGER);
    }

    @Test
    void parsesWhatItPrints() {
        Graph g = GraphParser.parse(INTEGER);
        assertThat(GraphParser.parse(GraphPrinter.print(g))).isEqualTo(g);
    }

    @Test
    void largeConstantsKeepEveryBit() {
        float[] values = new float[1000];
        for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(i * 0x9E3779B1);
        }
        String text = "graph @g {\n  %w = constant " + Arrays.toString(values) + " : f32[1000]\n  return w = %w\n}\n";
        Graph g = GraphParser.parse(text);
        String printed = GraphPrinter.print(g);
        assertThat(printed).contains("base64(");
        assertThat(GraphParser.parse(printed)).isEqualTo(g);
    }

    @Test
    void readableFormCutsLongParts() {
        assertThat(GraphPrinter.print(GraphParser.parse(INTEGER), GraphPrinter.Detail.READABLE))
                .contains("// <text>:3:");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    [Nx4] at 0 | [Nx5] at 0 | weight of dense is [units, features]: expected [2x5]
                    %b = constant [10, -20] : i32[2] | %b = constant [10] : i32[1] | expected [2], found [1]
                    -127, 6 | -128, 6 | the code -128, outside i8 -127:127
                    %d, %d {axis=1} | %d, %z {axis=1} | operand %z is not defined
                    q31(0, 0)], 128, | q31(0, 0)], 100, | rescales to zero point 100
                    %r = int.req | %d = int.req | value %d is defined twice
                    int.dense %x, %g | int.danse %x, %g | there is no operation 'int.danse'
                    {axis=1} | {axes=1} | needs an attribute 'axis'
                    {axis=1} | {axis=1, b=2} | has no attribute 'b'
                    at 128 | at 190 | outside the arena
                    a = %c | a = %c2 | which is not defined
                    """)
    void tellsWhatIsWrong(String part, String broken, String message) {
        assertThat(INTEGER).contains(part);
        assertThatThrownBy(() -> GraphParser.parse(INTEGER.replace(part, broken)))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void truncatedTextIsRefused() {
        for (String text : new String[] {FLOAT, INTEGER}) {
            for (int i = 0; i < text.length() - 2; i++) {
                String cut = text.substring(0, i);
                assertThatThrownBy(() -> GraphParser.parse(cut)).isInstanceOf(CompileException.class);
            }
        }
    }
}

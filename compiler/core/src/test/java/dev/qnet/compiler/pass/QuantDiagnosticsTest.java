package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.DiagnosticRenderer;
import dev.qnet.compiler.source.Diagnostics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the user reads when quantization goes wrong or to waste: whole, as the terminal shows it. */
class QuantDiagnosticsTest {
    private static final String SCHEME = """
            qnet 1
            scheme s {
              weights     i8 symmetric per_channel
              activations u8 asymmetric per_tensor
            }
            """;

    @TempDir
    private Path folder = Path.of(".");

    /** Everything said about a source, by the front end and all passes. */
    private String say(String source, Map<String, RangeMethod> ranges) throws IOException {
        Path file = folder.resolve("net.qnet");
        Files.writeString(file, SCHEME + source);
        Map<ValueId, RangeMethod> known = new TreeMap<>();
        ranges.forEach((name, range) -> known.put(new ValueId(name), range));
        Diagnostics diagnostics = new Diagnostics();
        try {
            BoundModel model = Frontend.load(file);
            Graph graph = model.graph();
            for (Pass p : Passes.all()) {
                graph = Pipeline.step(graph, p, new PassContext(diagnostics, new Calibration(known)));
            }
        } catch (CompileException e) {
            if (!diagnostics.hasErrors()) {
                e.diagnostics().forEach(diagnostics::add);
            }
        }
        return DiagnosticRenderer.plain().render(diagnostics.all()).replace(file.toString(), "net.qnet");
    }

    private static RangeMethod range(double lo, double hi) {
        return new RangeMethod.Fixed((float) lo, (float) hi);
    }

    @Test
    void concatOfMismatchedScales() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2], y: f32[N, 2]) -> f32[N, 4] quantized s {
                          input x range(0, 2.55)
                          input y range(0, 25.5)
                          return concat(x, y, axis: 1)
                        }
                        """, Map.of())).isEqualTo("""
                        warning[mismatched-scales]: concat needs one scale, but its operand 'x' is u8 with scale 0.01, zero point 0 and its result u8 with scale 0.1, zero point 0: a requantize of 'x' is inserted
                         --> net.qnet:9:10
                          |
                        9 |   return concat(x, y, axis: 1)
                          |          ^^^^^^^^^^^^^^^^^^^^^ scale 0.01 joined with scale 0.1
                        fix: give 'x' and what it is joined with the same range: @activations(range(0.0, 25.5))
                        """);
    }

    @Test
    void additionOfAnOperandThatDisappears() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2], y: f32[N, 2]) -> f32[N, 2] quantized s {
                          input x range(0, 1)
                          input y range(0, 1000)
                          return add(x, y)
                        }
                        """, Map.of("add_1", range(0, 1000)))).isEqualTo("""
                        warning[mismatched-scales]: add adds 'x', u8 with scale 0.003921569, zero point 0, to a result with scale 3.9215686: all its codes together move the result by 0.25 codes
                         --> net.qnet:9:10
                          |
                        9 |   return add(x, y)
                          |          ^^^^^^^^^ operand lost in rounding
                        fix: drop it, or use a wider storage for the result: @activations(i16)
                        """);
    }

    @Test
    void biasOfAnotherScale() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          input x u8 scale(0.5) zero(0)
                          const w: i8[1, 2] scale(0.25) = [1, 2]
                          const b: i16[1] scale(0.5) = [7]
                          return dense(x, 1, weight: w, bias: b)
                        }
                        """, Map.of("dense_1", range(0, 10)))).isEqualTo("""
                        error[bias-scale]: the bias 'dense_1.bias.codes' of dense has scale 0.5 for channel 0, but it is added to products of codes, whose scale is 0.125 (input 0.5 times weights 0.25)
                          --> net.qnet:10:39
                           |
                        10 |   return dense(x, 1, weight: w, bias: b)
                           |                                       ^ not the scale of the input times that of the weights
                        note: added here
                          --> net.qnet:10:10
                           |
                        10 |   return dense(x, 1, weight: w, bias: b)
                           |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                        fix: give the bias in f32 and let it be quantized, or give it with that scale
                        """);
    }

    @Test
    void biasThatOverflows() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          input x range(0, 0.0000000255)
                          const w: f32[1, 2] = [0.0001, 0.0002]
                          const b: f32[1] = [1000.0]
                          return dense(x, 1, weight: w, bias: b) @weights(i8, per_tensor, scale(0.000001))
                        }
                        """, Map.of("dense_1", range(0, 10)))).isEqualTo("""
                        error[bias-overflow]: the bias 1000.0 of channel 0 of dense is 1.00e+19 steps of its scale 1.0E-16, more than an i32 holds
                          --> net.qnet:10:39
                           |
                        10 |   return dense(x, 1, weight: w, bias: b) @weights(i8, per_tensor, scale(0.000001))
                           |                                       ^
                        note: added here
                          --> net.qnet:10:10
                           |
                        10 |   return dense(x, 1, weight: w, bias: b) @weights(i8, per_tensor, scale(0.000001))
                           |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                        fix: widen the range of the input or of the weights of that channel
                        """);
    }

    @Test
    void rangeFarTooWide() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          input x range(0, 255)
                          const w: f32[1, 2] = [0.1, 0.2]
                          return dense(x, 1, weight: w, bias: false) @weights(range(-100, 100))
                        }
                        """, Map.of("x", range(0, 1), "dense_1", range(0, 10)))).isEqualTo("""
                        warning[unused-codes]: the weights 'dense_1.weight' of dense: of the 255 codes of i8 only 0 to 0 are used, so that 7 bits carry nothing
                         --> net.qnet:9:10
                          |
                        9 |   return dense(x, 1, weight: w, bias: false) @weights(range(-100, 100))
                          |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ range far too wide
                        fix: narrow the range, or leave it out: it is then found from the data

                        warning[unused-codes]: the value 'x': of the 256 codes of u8 only 0 to 1 are used, so that 7 bits carry nothing
                         --> net.qnet:6:9
                          |
                        6 | model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          |         ^^^^^^^^^^^^ range far too wide
                        fix: narrow the range, or leave it out: it is then found from the data
                        """);
    }

    @Test
    void layersThatWouldStayInFloat() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2]) -> f32[N, 2] quantized s {
                          input x range(0, 255)
                          h = tanh(x) @activations(i16)
                          return softmax(h)
                        }
                        """, Map.of("tanh_1", range(-1, 1)))).isEqualTo("""
                        error[float-island]: softmax would be left in float inside an integer graph: integer softmax takes codes of 8 bits or fewer, and its input is i16
                         --> net.qnet:9:10
                          |
                        9 |   return softmax(h)
                          |          ^^^^^^^^^^ has no integer form here
                        fix: write @float at it to keep it in f32, with its operands dequantized
                        """);
    }

    @Test
    void valuesWithoutARange() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          const w: f32[1, 2] = [0.1, 0.2]
                          return dense(x, 1, weight: w, bias: false) |> relu
                        }
                        """, Map.of())).isEqualTo("""
                        error[not-calibrated]: the ranges of 2 values of m are not known, the first of them 'x'
                         --> net.qnet:6:9
                          |
                        6 | model m(x: f32[N, 2]) -> f32[N, 1] quantized s {
                          |         ^^^^^^^^^^^^
                        note: nor is that of 'relu_1'
                         --> net.qnet:8:49
                          |
                        8 |   return dense(x, 1, weight: w, bias: false) |> relu
                          |                                                 ^^^^
                        fix: run `qnet calibrate` with some typical inputs, or write @activations(range(lo, hi))
                        """);
    }

    @Test
    void groupsThatDoNotFit() throws IOException {
        assertThat(say("""
                        model m(x: f32[N, 5]) -> f32[N, 1] quantized s {
                          input x range(0, 255)
                          const w: f32[1, 5] = [0.1, 0.2, 0.3, 0.4, 0.5]
                          return dense(x, 1, weight: w, bias: false) @weights(i4, per_group(4))
                        }
                        """, Map.of("dense_1", range(0, 10)))).isEqualTo("""
                        warning[group-size]: groups of 4 do not divide the 5 inputs of an output channel of dense: the last group of each channel has only 1
                         --> net.qnet:9:10
                          |
                        9 |   return dense(x, 1, weight: w, bias: false) @weights(i4, per_group(4))
                          |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
                        fix: choose a group size that divides 5
                        """);
    }
}

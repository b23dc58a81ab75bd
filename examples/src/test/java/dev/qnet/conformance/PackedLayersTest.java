package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.StringJoiner;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Programs with dense layers whose weights have few bits, from their source to bytes: as many weights as stay packed, and
 * fewer; as few rows as read them packed, and more; each rounding contract; on every backend as the oracle.
 */
class PackedLayersTest {
    private static final String[] ROUNDINGS = {"tosa", "tflite", "onnx", "xnnpack"};

    /** Rows of x an item, inputs, units. */
    private static final int[][] SIZES = {{1, 300, 130}, {4, 131, 160}, {8, 300, 67}, {13, 256, 64}, {2, 40, 24}};

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "i8 symmetric narrow per_channel, u8 asymmetric",
        "u8 asymmetric per_tensor, u8 asymmetric",
        "i4 symmetric per_channel, u8 asymmetric",
        "i4 symmetric full per_group(32), i8 symmetric",
        "i4 symmetric per_tensor, u4 asymmetric",
        "i3 symmetric per_channel, u8 asymmetric",
        "i2 symmetric per_channel, u8 asymmetric",
        "i2 symmetric full per_group(16), i8 asymmetric",
        "ternary symmetric per_channel, u8 asymmetric",
        "ternary symmetric per_tensor, ternary symmetric",
        "bipolar symmetric per_channel, u8 asymmetric",
        "bipolar symmetric per_channel, i8 symmetric",
        "bipolar symmetric per_tensor, ternary symmetric",
    })
    void givesTheOraclesBytes(String weights, String activations) throws IOException {
        Random r = new Random(weights.hashCode() * 31L + activations.hashCode());
        for (int[] size : SIZES) {
            for (String rounding : ROUNDINGS) {
                check(weights, activations, rounding, size[0], size[1], size[2], r);
            }
        }
    }

    /** Signs against signs are counted, not multiplied. */
    @ParameterizedTest
    @ValueSource(strings = {"tosa", "tflite", "onnx", "xnnpack"})
    void signsAgainstSigns(String rounding) throws IOException {
        Random r = new Random(rounding.hashCode());
        for (int[] size : SIZES) {
            int rows = size[0];
            int inputs = size[1];
            int units = size[2];
            StringJoiner w = new StringJoiner("], [", "[[", "]]");
            for (int u = 0; u < units; u++) {
                w.add(r.ints(inputs, 0, 2).mapToObj(b -> b == 0 ? "-1" : "1").collect(Collectors.joining(", ")));
            }
            String source = """
                    qnet 1

                    model signs(x: f32[N, %1$d, %2$d])
                        -> (codes: u8[N, %1$d, %3$d] scale(0.75) zero(100), sums: i32[N, %1$d, %3$d]) {
                      const w: bipolar[%3$d, %2$d] scale(0.5) = %4$s
                      s: bipolar[N, %1$d, %2$d] scale(1.0) = quantize(x, rounding: %5$s)
                      h: u8[N, %1$d, %3$d] scale(0.75) zero(100) = int.dense(s, w, acc: i32, rescale: %5$s())
                      plain: i32[N, %1$d, %3$d] = int.dense(s, w, acc: i32)
                      return codes: h, sums: plain
                    }
                    """.formatted(rows, inputs, units, w, rounding);
            Graph graph = Frontend.load(Files.writeString(folder.resolve("signs.qnet"), source))
                    .graph();
            compare(source, graph, Calibration.NONE, noise(r, 2 * rows * inputs));
        }
    }

    private void check(String weights, String activations, String rounding, int rows, int inputs, int units, Random r)
            throws IOException {
        float[] w = new float[units * inputs];
        for (int i = 0; i < w.length; i++) {
            // Now and then far out, so that most of a row is small.
            w[i] = (float) (r.nextGaussian() * (r.nextInt(200) == 0 ? 0.5 : 0.1));
        }
        float[] bias = new float[units];
        for (int i = 0; i < units; i++) {
            bias[i] = (float) r.nextGaussian();
        }
        write(folder.resolve("weights.safetensors"), w, units, inputs, bias);
        String source = """
                qnet 1

                scheme s {
                  weights     %s
                  activations %s per_tensor range(minmax)
                  rounding    %s
                }

                model packed(x: f32[N, %d, %d]) -> (y: f32[N, %d, %d]) quantized s {
                  parameters "weights.safetensors"
                  return y: x |> dense(%d, weight: param("w"), bias: param("b"))
                }
                """.formatted(weights, activations, rounding, rows, inputs, rows, units, units);
        Graph graph = Frontend.load(Files.writeString(folder.resolve("packed.qnet"), source))
                .graph();
        Calibration calibration = Calibrating.on(graph, noise(r, 4 * rows * inputs), 4);
        compare(source, graph, calibration, noise(r, 2 * rows * inputs));
    }

    private static void compare(String source, Graph graph, Calibration calibration, float[] x) {
        Diagnostics diagnostics = new Diagnostics();
        Graph integers = Pipeline.run(graph, Passes.all(), new PassContext(diagnostics, calibration), (p, g) -> {});
        assertThat(integers.nodes()).anyMatch(n -> n.op() instanceof IntOp.Dense);
        try {
            ConformanceTest.compare(integers, x, 2, 1);
        } catch (AssertionError e) {
            throw new AssertionError(source.lines().limit(20).collect(Collectors.joining("\n")), e);
        }
    }

    private static float[] noise(Random r, int n) {
        float[] x = new float[n];
        for (int i = 0; i < n; i++) {
            x[i] = (float) (r.nextGaussian() * 1.5 + 0.25);
        }
        return x;
    }

    private static void write(Path to, float[] w, int units, int inputs, float[] bias) throws IOException {
        byte[] header = """
                {"w":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]},\
                "b":{"dtype":"F32","shape":[%d],"data_offsets":[%d,%d]}}""".formatted(units, inputs, 4 * w.length, units, 4 * w.length, 4 * (w.length + units))
                .getBytes(StandardCharsets.UTF_8);
        ByteBuffer b =
                ByteBuffer.allocate(8 + header.length + 4 * (w.length + units)).order(ByteOrder.LITTLE_ENDIAN);
        b.putLong(header.length).put(header);
        for (float v : w) {
            b.putFloat(v);
        }
        for (float v : bias) {
            b.putFloat(v);
        }
        Files.write(to, b.array());
    }
}

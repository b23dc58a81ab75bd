package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LearnedWordsComeBackTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    private static Path source() {
        Path module = Path.of("src/test/resources/bind/graphs/learned.qnet");
        return Files.exists(module) ? module : Path.of("compiler/core").resolve(module);
    }

    @Test
    void writtenAndBoundAgainTheyAreTheSame() throws IOException {
        ComingBack.check(Frontend.load(source()).graph());
    }

    /** Without training a codebook has the entries that k-means finds, and runs in integers. */
    @Test
    void codebooksLowerToCodesOfTheirEntries() throws IOException {
        Path file = temp.resolve("book.qnet");
        Files.writeString(file, """
                qnet 1
                scheme s { weights codebook(3) per_tensor activations i8 }
                model m(x: f32[N, 2]) -> f32[N, 3] quantized s {
                  const w: f32[3, 2] = [0.99, -2.0, 1.01, 0.5, 1.0, -2.0]
                  input x i8 scale(1.0) zero(0)
                  return x |> dense(3, weight: w, bias: false) @activations(scale(0.125), zero(0))
                }
                """);
        Graph graph = Frontend.load(file).graph();
        Diagnostics diagnostics = new Diagnostics();
        Graph integers =
                Pipeline.run(graph, Passes.all(), new PassContext(diagnostics, Calibration.NONE), (pass, after) -> {});
        int[] weights = integers.nodes().stream()
                .filter(n ->
                        n.op() instanceof DataOp.Constant && n.type().shape().equals(Shape.of(3, 2)))
                .map(n -> ((Tensor.OfInt) ((DataOp.Constant) n.op()).value()).values())
                .findFirst()
                .orElseThrow();
        // The entries are -2, 0.5 and 1, in 127th parts of 2.
        assertThat(weights).containsExactly(64, -127, 64, 32, 64, -127);
        Value x = Value.of(Shape.of(1, 2), new long[] {1, 2});
        assertThat(Interpreter.run(integers, Map.of("x", x)))
                .containsValue(Value.of(Shape.of(1, 3), new long[] {-24, 16, -24}));
    }
}

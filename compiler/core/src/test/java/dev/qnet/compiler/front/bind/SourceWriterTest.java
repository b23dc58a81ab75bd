package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class SourceWriterTest {
    @TempDir
    static Path temp;

    /** What the binder gives, written and bound again, is the same graph. */
    @TestFactory
    Stream<DynamicTest> boundGraphsComeBack() throws IOException {
        List<Path> sources = new ArrayList<>();
        Path module = Path.of("src/test/resources/bind/graphs");
        try (Stream<Path> s = Files.list(
                Files.isDirectory(module) ? module : Path.of("compiler/core").resolve(module))) {
            s.filter(f -> f.toString().endsWith(".qnet")).sorted().forEach(sources::add);
        }
        Path examples = Path.of(System.getProperty("qnet.root", ".")).resolve("examples");
        sources.add(examples.resolve("edges/edges.qnet"));
        if (Files.isDirectory(Path.of(System.getProperty("qnet.data", "absent"), "weights"))) {
            sources.add(examples.resolve("resnet8/resnet8.qnet"));
            sources.add(examples.resolve("mnist_cnn/mnist_cnn.qnet"));
        }
        return sources.stream()
                .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> {
                    Path source = file;
                    if (!file.startsWith(examples)) {
                        TestWeights.write(temp);
                        source = Files.writeString(temp.resolve(file.getFileName()), Files.readString(file));
                    }
                    BoundModel model = Frontend.load(source);
                    Path written = temp.resolve("written_" + file.getFileName());
                    SourceWriter.save(model.graph(), model.calibration(), written);
                    BoundModel back = Frontend.load(written);
                    assertThat(GraphPrinter.print(back.graph())).isEqualTo(GraphPrinter.print(model.graph()));
                    assertThat(back.graph()).isEqualTo(model.graph());
                    assertThat(back.calibration()).isEqualTo(model.calibration());
                    String text = Files.readString(written);
                    assertThat(Formatter.format(new SourceFile("written.qnet", text)))
                            .isEqualTo(text);
                }));
    }

    @Test
    void namesThatTheLanguageCannotSayAreChanged() throws IOException {
        Graph graph = GraphParser.parse("""
                graph @"a graph" {
                  param %"data/in:0" : f32[Nx2]
                  %"node 1" = relu %"data/in:0" : f32[Nx2]
                  %"node/1" = tanh %"node 1" : f32[Nx2]
                  %N = relu %"node/1" : f32[Nx2]
                  %shape = constant [2.0, 3.0] : f32[2]
                  %mul_1 = mul %N, %shape : f32[Nx2]
                  return "prob:0" = %mul_1, model = %N
                }
                """);
        SourceWriter.Written written = SourceWriter.write(graph, Calibration.NONE, "none.safetensors");
        assertThat(written.parameters()).isEmpty();
        assertThat(written.text()).isEqualTo("""
                qnet 1

                model a_graph(data_in_0: f32[N, 2] @name("data/in:0")) -> (
                  prob_0: f32[N, 2] @name("prob:0"),
                  model_: f32[N, 2] @name("model"),
                ) {
                  node_1 = relu(data_in_0) @name("node_1")
                  node_1_2 = tanh(node_1) @name("node_1_2")
                  N_ = relu(node_1_2) @name("N")
                  mul_1 = mul(N_, [2.0, 3.0])
                  return prob_0: mul_1, model_: N_
                }
                """);
        Path file = temp.resolve("names.qnet");
        Files.writeString(file, written.text());
        Graph back = Frontend.load(file).graph();
        assertThat(back.nodes()).hasSameSizeAs(graph.nodes());
        assertThat(back.params()).isEqualTo(graph.params());
        assertThat(back.results().getFirst()).isEqualTo(graph.results().getFirst());
    }

    @Test
    void aCalibrationIncludesItsModel() throws IOException {
        Path model = temp.resolve("m.qnet");
        Files.writeString(model, """
                qnet 1
                scheme s { weights i8 }
                model m(x: f32[N, 2]) -> f32[N, 2] quantized s { return relu(x) }
                """);
        Calibration measured = new Calibration(Map.of(
                new ValueId("relu_1"), new Spec.RangeMethod.Fixed(0, 1e-7f),
                new ValueId("x"), new Spec.RangeMethod.Given(List.of(0.5f), List.of(3))));
        String text = SourceWriter.calibration("m.qnet", "m", measured);
        assertThat(text).isEqualTo("""
                qnet 1

                include "m.qnet"

                calibration m {
                  relu_1: range(0.0, 1.0E-7)
                  x: scale(0.5) zero(3)
                }
                """);
        Path file = temp.resolve("calibrated.qnet");
        Files.writeString(file, text);
        assertThat(Frontend.load(file).calibration()).isEqualTo(measured);
    }
}

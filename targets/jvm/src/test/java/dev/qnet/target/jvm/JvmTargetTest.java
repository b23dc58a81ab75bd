package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.SourceFile;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the target accepts, and how it names things. */
final class JvmTargetTest {
    @Test
    void refusesWhatItCannotRun() {
        Graph graph = GraphParser.parse(new SourceFile("net.qir", """
                graph @net {
                  param %x : u8<scale=0.5, zero=3>[Nx4]
                  param %w : i8<scale=0.5, zero=0>[2x4]
                  param %f : f32[Nx4]
                  %y = int.dense %x, %w {acc=i32} : i32[Nx2]
                  %k = constant [1.0, 2.0, 3.0, 4.0] : f32[1x4]
                  %g = fake_quant %k {spec=i8(symmetric, per_tensor, minmax), rounding=tosa} : f32[1x4]
                  %z = dense %f, %g : f32[Nx1]
                  return y = %y, z = %z
                }
                """));
        assertThatThrownBy(() -> JvmTarget.compile(graph))
                .isInstanceOf(CompileException.class)
                .hasMessage("""
                        net.qir:5:3: operand 2 of 'y', 'w', must be a constant: weights are packed when a model is loaded
                        net.qir:7:3: 'g' is fake quantization; lower the graph to integers first
                        net.qir:8:3: operand 2 of 'z', 'g', must be a constant: weights are packed when a model is loaded""");
    }

    @Test
    void methodsCarryNamesAndLinesOfTheSource() {
        CompiledArtifact artifact = JvmTarget.compile(GraphParser.parse(new SourceFile("some/where/net.qir", """
                graph @net {
                  param %x : u8<scale=0.5, zero=3>[Nx4]
                  %block.clamp_1 = int.clamp %x {lo=3, hi=9} : u8<scale=0.5, zero=3>[Nx4]
                  return y = %block.clamp_1
                }
                """)));
        byte[] program = Objects.requireNonNull(artifact.classes().get("dev/qnet/generated/Net$Program"));
        assertThat(ClassFile.of().parse(program).methods())
                .map(MethodModel::methodName)
                .map(Object::toString)
                .contains("layer_0_block_clamp_1", "prepare_0_block_clamp_1", "run", "prepare");
        assertThat(new String(program, StandardCharsets.ISO_8859_1)).contains("net.qir");
    }

    @Test
    void namesAreMadeLegal() {
        assertThat(List.of("resnet8", "mnist_cnn", "8bit", "", "a b/c;[", "ü", "class", "__x__"))
                .map(Names::className)
                .containsExactly("Resnet8", "MnistCnn", "Model8bit", "Model", "ABC", "Model", "Class", "X");
        assertThat(List.of("input_1", "class", "1", "", "record", "_"))
                .map(Names::parameter)
                .containsExactly("input1", "_class", "_1", "tensor", "record", "tensor");
        Set<String> taken = new HashSet<>();
        assertThat(List.of("a", "a", "a_2", "a"))
                .map(n -> Names.unique(n, taken))
                .containsExactly("a", "a_2", "a_2_2", "a_3");
        assertThat(Names.plain("residual_1.conv/ü" + "x".repeat(100)))
                .startsWith("residual_1_conv__x")
                .hasSize(60);
    }

    @Test
    void oddNamesOfModelsAndTensorsRun() {
        for (String name : List.of("m odel", "\ud83d\ude00", "String", "Object", "java.lang.String")) {
            Graph simple = GraphParser.parse("""
                    graph @m {
                      param %class : u8<scale=0.5, zero=3>[Nx2]
                      param %Class : u8<scale=0.5, zero=3>[Nx2]
                      param %f : f32[Nx2]
                      %y = int.clamp %class {lo=3, hi=9} : u8<scale=0.5, zero=3>[Nx2]
                      return class = %y, wait = %Class, toString = %f, notify = %f
                    }
                    """);
            Graph graph =
                    new Graph(name, simple.params(), simple.nodes(), simple.results(), simple.policy(), simple.plan());
            CompiledArtifact artifact = JvmTarget.compile(graph);
            LargeNetworkTest.check(artifact);
            Judge.compare(graph, artifact, 2, 1);
            assertThat(artifact.load().name()).isEqualTo(name);
        }
    }
}

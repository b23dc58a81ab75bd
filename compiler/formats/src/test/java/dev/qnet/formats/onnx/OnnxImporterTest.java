package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.Report;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxImporterTest {
    @TempDir
    Path dir;

    private static long count(Graph g, Class<?> op) {
        return g.nodes().stream().filter(n -> op.isInstance(n.op())).count();
    }

    /** A result of a network with the one input x. */
    private static Value.Floats run(Graph g, String result, Value x) {
        return (Value.Floats)
                Objects.requireNonNull(Interpreter.run(g, Map.of("x", x)).get(result));
    }

    private static Shape shape(Graph g, Graph.Result result) {
        return Objects.requireNonNull(g.types().get(result.value())).shape();
    }

    private static float[] random(Random random, int n) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = (float) random.nextGaussian();
        }
        return v;
    }

    @Test
    void aValueIsComputedOnce() {
        assertThatThrownBy(() -> new Models()
                        .input("x", DataType.FLOAT, 1, 3)
                        .node("Relu", List.of("x"), List.of("y"))
                        .node("Abs", List.of("x"), List.of("y"))
                        .output("y")
                        .read(dir))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("computes 'y', which there is already");
    }

    @Test
    void everyRefusalComesWithAFix() {
        Models unknown = new Models()
                .input("x", DataType.FLOAT, 1, 3)
                .node("Frobnicate", List.of("x"), List.of("y"))
                .output("y");
        Models open = new Models()
                .input("x", DataType.FLOAT, "n", "h")
                .node("Relu", List.of("x"), List.of("y"))
                .output("y");
        assertThat(fix(unknown)).contains("docs/formats.md");
        assertThat(fix(open)).isEqualTo("give its shape, in numbers: --input-shape x=n,h");
    }

    private @Nullable String fix(Models model) {
        CompileException e = catchThrowableOfType(CompileException.class, () -> model.read(dir));
        return e.diagnostics().getLast().fix();
    }

    /** Two convolutions, an addition around one, a pool, a concatenation: all but the borders is channels last. */
    @Test
    void onlyTheBordersOfAnImageNetworkAreTransposed() throws IOException {
        Random random = new Random(1);
        Graph g = new Models()
                .input("x", DataType.FLOAT, "n", 3, 8, 6)
                .constant("w1", List.of(4, 3, 3, 3), random(random, 108))
                .constant("b1", List.of(4), random(random, 4))
                .constant("w2", List.of(4, 4, 1, 1), random(random, 16))
                .constant("shift", List.of(4, 1, 1), random(random, 4))
                .node("Conv", List.of("x", "w1", "b1"), List.of("c"), "pads", new long[] {1, 1, 1, 1})
                .node("Relu", List.of("c"), List.of("r"))
                .node("Conv", List.of("r", "w2"), List.of("d"))
                .node("Add", List.of("d", "r"), List.of("s"))
                .node("Mul", List.of("s", "shift"), List.of("t"))
                .node("Concat", List.of("t", "r"), List.of("k"), "axis", 1)
                .node("MaxPool", List.of("k"), List.of("y"), "kernel_shape", new long[] {2, 2}, "strides", new long[] {
                    2, 2
                })
                .output("y")
                .read(dir)
                .graph();
        assertThat(count(g, DataOp.Transpose.class)).isEqualTo(2);
        assertThat(g.params().getFirst().type().shape()).isEqualTo(Shape.of(Shape.BATCH, 3, 8, 6));
        assertThat(shape(g, g.results().getFirst())).isEqualTo(Shape.of(Shape.BATCH, 8, 4, 3));
    }

    /** Conv in ONNX's layout, computed here by its definition. */
    @Test
    void aConvolutionKeepsItsMeaningAcrossLayouts() throws IOException {
        Random random = new Random(2);
        float[] w = random(random, 2 * 3 * 2 * 2);
        float[] x = random(random, 3 * 4 * 5);
        Graph g = new Models()
                .input("x", DataType.FLOAT, 1, 3, 4, 5)
                .constant("w", List.of(2, 3, 2, 2), w)
                .node("Conv", List.of("x", "w"), List.of("y"))
                .output("y")
                .read(dir)
                .graph();
        Value.Floats y = run(g, "y", Value.of(Shape.of(1, 3, 4, 5), x));
        assertThat(y.shape()).isEqualTo(Shape.of(1, 2, 3, 4));
        float[] found = y.data();
        for (int o = 0; o < 2; o++) {
            for (int r = 0; r < 3; r++) {
                for (int c = 0; c < 4; c++) {
                    double sum = 0;
                    for (int i = 0; i < 3; i++) {
                        for (int k = 0; k < 4; k++) {
                            sum += (double) w[(o * 3 + i) * 4 + k] * x[(i * 4 + r + k / 2) * 5 + c + k % 2];
                        }
                    }
                    assertThat(found[(o * 3 + r) * 4 + c]).isEqualTo((float) sum);
                }
            }
        }
    }

    /** The classic export of a view: the batch goes through Shape, Gather, Unsqueeze and Concat into Reshape. */
    @Test
    void arithmeticOnShapesLeavesNoTraceAndKeepsTheBatch() throws IOException {
        Graph g = new Models()
                .input("x", DataType.FLOAT, "batch", 3, 4)
                .constant("zero", List.of(), 0L)
                .constant("axes", List.of(1), 0L)
                .constant("rest", List.of(1), -1L)
                .node("Shape", List.of("x"), List.of("s"))
                .node("Gather", List.of("s", "zero"), List.of("n"))
                .node("Unsqueeze", List.of("n", "axes"), List.of("u"))
                .node("Concat", List.of("u", "rest"), List.of("to"), "axis", 0)
                .node("Reshape", List.of("x", "to"), List.of("y"))
                .output("y")
                .read(dir)
                .graph();
        assertThat(g.nodes()).hasSize(1);
        assertThat(g.nodes().getFirst().op()).isEqualTo(new DataOp.Reshape(Shape.of(Shape.BATCH, 12)));
    }

    @Test
    void aBatchThatIsInTheWayIsAskedFor() throws IOException {
        Models m = new Models()
                .input("x", DataType.FLOAT, "n", 3)
                .node("ReduceMean", List.of("x"), List.of("y"), "axes", new long[] {0})
                .output("y");
        Path file = m.save(dir);
        CompileException e =
                catchThrowableOfType(CompileException.class, () -> OnnxImporter.read(file, ImportOptions.NONE));
        assertThat(e).hasMessageContaining("ReduceMean").hasMessageContaining("leaves open");
        assertThat(e.diagnostics().getFirst().fix()).contains("x");
        Graph g = OnnxImporter.read(file, new ImportOptions(Map.of(), Map.of("x", List.of(5, 3))))
                .graph();
        assertThat(shape(g, g.results().getFirst())).isEqualTo(Shape.of(1, 3));
    }

    @Test
    void openExtentsBehindTheFirstAreAskedFor() throws IOException {
        Path file = new Models()
                .input("x", DataType.FLOAT, "n", 3, "height", "width")
                .node("Relu", List.of("x"), List.of("y"))
                .output("y")
                .save(dir);
        assertThatThrownBy(() -> OnnxImporter.read(file, ImportOptions.NONE))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("'x'")
                .hasMessageContaining("[n, 3, height, width]");
        assertThatThrownBy(() ->
                        OnnxImporter.read(file, new ImportOptions(Map.of(), Map.of("x", List.of(-1, 4, 8, 8)))))
                .hasMessageContaining("does not fit");
        Graph g = OnnxImporter.read(file, new ImportOptions(Map.of(), Map.of("x", List.of(-1, 3, 8, 8))))
                .graph();
        assertThat(g.params().getFirst().type().shape()).isEqualTo(Shape.of(-1, 3, 8, 8));
    }

    @Test
    void allThatIsNotSupportedIsListedAtOnce() throws IOException {
        assertThatThrownBy(() -> new Models()
                        .input("x", DataType.FLOAT, 2, 3)
                        .node("Frobnicate", List.of("x"), List.of("a"))
                        .node("Relu", List.of("a"), List.of("b"))
                        .node("Loop", List.of("b"), List.of("c"))
                        .node("Mod", List.of("x", "x"), List.of("d"))
                        .node("Unwanted", List.of("x"), List.of("e"))
                        .node("Sum", List.of("c", "d"), List.of("y"))
                        .output("y")
                        .read(dir))
                .isInstanceOfSatisfying(
                        CompileException.class, e -> assertThat(e.diagnostics()).hasSize(3))
                .hasMessageContaining("Loop 'loop_of_[c]'")
                .hasMessageContaining("Frobnicate 'frobnicate_of_[a]'")
                .hasMessageContaining("Mod 'mod_of_[d]' needs fmod")
                .hasMessageNotContaining("Unwanted");
    }

    @Test
    void elementTypesWithoutAnEqualAreNamed() {
        assertThatThrownBy(() -> new Models()
                        .input("x", DataType.FLOAT8E4M3FN, 2)
                        .input("z", DataType.STRING, 2)
                        .node("Identity", List.of("x"), List.of("y"))
                        .output("y")
                        .read(dir))
                .hasMessageContaining("'x' has the element type float8e4m3fn")
                .hasMessageContaining("'z' has the element type string");
    }

    @Test
    void whatMustBeKnownIsAskedForAllAtOnce() throws IOException {
        Path file = new Models()
                .input("x", DataType.FLOAT, 2, 6)
                .input("to", DataType.INT64, 2)
                .input("offset", DataType.INT64, 2)
                .input("low", DataType.INT64, 1)
                .input("high", DataType.INT64, 1)
                .node("Add", List.of("to", "offset"), List.of("target"))
                .node("Reshape", List.of("x", "target"), List.of("r"))
                .node("Slice", List.of("x", "low", "high"), List.of("s"))
                .output("r")
                .output("s")
                .save(dir);
        NeedsValues e = catchThrowableOfType(NeedsValues.class, () -> OnnxImporter.read(file, ImportOptions.NONE));
        assertThat(e.inputs()).containsExactlyInAnyOrder("to", "offset", "low", "high");
        Map<String, Tensor> fixed = Map.of(
                "to", ints(2, 2),
                "offset", ints(2, 1),
                "low", ints(1),
                "high", ints(2));
        Graph g = OnnxImporter.read(file, new ImportOptions(fixed, Map.of())).graph();
        assertThat(g.params()).hasSize(1);
        assertThat(g.results().stream().map(r -> shape(g, r))).containsExactly(Shape.of(4, 3), Shape.of(1, 6));
        assertThatThrownBy(() -> OnnxImporter.read(file, new ImportOptions(Map.of("nothing", ints(1)), Map.of())))
                .hasMessageContaining("no input 'nothing'");
    }

    private static Tensor ints(int... values) {
        return new Tensor.OfInt(Shape.of(values.length), values);
    }

    @Test
    void functionsOfTheModelAreInlinedWithTheirAttributes() throws IOException {
        Proto.Function leaky = new Proto.Function(
                "mine",
                "Leaky",
                "",
                List.of("a", "unused"),
                List.of("b"),
                List.of("slope"),
                Map.of(),
                Map.of("", 13L),
                List.of(Models.nodeOf(
                        "LeakyRelu",
                        "",
                        List.of("a"),
                        List.of("b"),
                        "alpha",
                        new Proto.Attribute.Reference("slope", 1))));
        Graph g = new Models()
                .opset("mine", 1)
                .function(leaky)
                .input("x", DataType.FLOAT, 2)
                .node(Models.nodeOf("Leaky", "mine", List.of("x"), List.of("m"), "slope", 0.5f))
                .node(Models.nodeOf("Leaky", "mine", List.of("m"), List.of("y"), "slope", 0.25f))
                .output("y")
                .read(dir)
                .graph();
        Value.Floats y = run(g, "y", Value.of(Shape.of(2), -8f, 3f));
        assertThat(y).isEqualTo(Value.of(Shape.of(2), -1f, 3f));
    }

    @Test
    void functionsThatCallThemselvesAreRefused() {
        Proto.Function loop = new Proto.Function(
                "mine",
                "Loop",
                "",
                List.of("a"),
                List.of("b"),
                List.of(),
                Map.of(),
                Map.of(),
                List.of(
                        Models.nodeOf("Loop", "mine", List.of("a"), List.of("c")),
                        Models.nodeOf("Loop", "mine", List.of("c"), List.of("b"))));
        assertThatThrownBy(() -> new Models()
                        .opset("mine", 1)
                        .function(loop)
                        .input("x", DataType.FLOAT, 2)
                        .node(Models.nodeOf("Loop", "mine", List.of("x"), List.of("y")))
                        .output("y")
                        .read(dir))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("deep");
    }

    @Test
    void aBranchWithAKnownConditionIsTaken() throws IOException {
        Proto.Graph yes =
                new Models().node("Neg", List.of("x"), List.of("p")).output("p").graph();
        Proto.Graph no = new Models()
                .node("Frobnicate", List.of("x"), List.of("q"))
                .output("q")
                .graph();
        Models m = new Models()
                .input("x", DataType.FLOAT, 1)
                .constant(Models.raw("c", DataType.BOOL, List.of(), (byte) 1))
                .node("If", List.of("c"), List.of("y"), "then_branch", yes, "else_branch", no)
                .output("y");
        Value.Floats y = run(m.read(dir).graph(), "y", Value.of(Shape.of(1), 4f));
        assertThat(y).isEqualTo(Value.of(Shape.of(1), -4f));
    }

    @Test
    void nodesMayComeInAnyOrderButNotInACycle() throws IOException {
        Graph g = new Models()
                .input("x", DataType.FLOAT, 1)
                .node("Neg", List.of("m"), List.of("y"))
                .node("Exp", List.of("x"), List.of("m"))
                .output("y")
                .read(dir)
                .graph();
        assertThat(g.nodes()).hasSize(2);
        assertThatThrownBy(() -> new Models()
                        .input("x", DataType.FLOAT, 1)
                        .node("Add", List.of("m", "x"), List.of("y"))
                        .node("Exp", List.of("y"), List.of("m"))
                        .output("y")
                        .read(dir))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("nothing defines before it");
    }

    @Test
    void halvesAndDoublesAreComputedInSinglesAndSaidSo() throws IOException {
        var imported = new Models()
                .input("x", DataType.FLOAT16, 2)
                .constant(Models.raw("h", DataType.FLOAT16, List.of(), (byte) 0, (byte) 0x3e))
                .node("Mul", List.of("x", "h"), List.of("y"))
                .output("y")
                .read(dir);
        assertThat(imported.report().notes())
                .anySatisfy(n -> assertThat(n.text()).contains("float16").contains("f32"))
                .allSatisfy(n -> assertThat(n.kind()).isEqualTo(Report.Kind.REMARK));
        Value.Floats y = run(imported.graph(), "y", Value.of(Shape.of(2), 1f, 2f));
        assertThat(y).isEqualTo(Value.of(Shape.of(2), 1.5f, 3f));
    }

    @Test
    void externalDataMustLieBesideTheModel() throws IOException {
        Path inner = Files.createDirectory(dir.resolve("model"));
        Files.write(inner.resolve("w.bin"), new byte[] {0, 0, 0, 0, 0, 0, (byte) 0x80, 0x3f});
        Files.write(dir.resolve("secret.bin"), new byte[8]);
        Graph g = external("w.bin", "4").read(inner).graph();
        Value.Floats y = run(g, "y", Value.of(Shape.of(1), 2f));
        assertThat(y).isEqualTo(Value.of(Shape.of(1), 3f));
        assertThatThrownBy(() -> external("../secret.bin", "0").read(inner)).hasMessageContaining("model's folder");
        assertThatThrownBy(() -> external("absent.bin", "0").read(inner)).hasMessageContaining("model's folder");
        assertThatThrownBy(() -> external("w.bin", "5").read(inner)).hasMessageContaining("holds 8");
        Files.createSymbolicLink(inner.resolve("link.bin"), dir.resolve("secret.bin"));
        assertThatThrownBy(() -> external("link.bin", "0").read(inner)).hasMessageContaining("model's folder");
    }

    private static Models external(String location, String offset) {
        return new Models()
                .input("x", DataType.FLOAT, 1)
                .constant(new Proto.TensorData(
                        "w",
                        1,
                        List.of(1L),
                        null,
                        new float[0],
                        new double[0],
                        new long[0],
                        0,
                        Map.of("location", location, "offset", offset, "length", "4")))
                .node("Add", List.of("x", "w"), List.of("y"))
                .output("y");
    }

    @Test
    void operatorSetsFromTheFutureAreRefused() {
        assertThatThrownBy(() -> new Models()
                        .opset("", 99)
                        .input("x", DataType.FLOAT, 1)
                        .node("Neg", List.of("x"), List.of("y"))
                        .output("y")
                        .read(dir))
                .hasMessageContaining("operator set 99")
                .hasMessageContaining("28");
    }

    @Test
    void meaningFollowsTheVersionOfTheOperatorSet() throws IOException {
        // Until 13, softmax ran over all axes from the given one on.
        for (long opset : new long[] {12, 13}) {
            Graph g = new Models()
                    .opset("", opset)
                    .input("x", DataType.FLOAT, 1, 2, 2)
                    .node("Softmax", List.of("x"), List.of("y"), "axis", 1)
                    .output("y")
                    .read(dir)
                    .graph();
            float[] y = run(g, "y", Value.of(Shape.of(1, 2, 2), 0f, 0f, 0f, 0f)).data();
            assertThat(y).containsOnly(opset < 13 ? 0.25f : 0.5f);
        }
    }

    @Test
    void recurrentLayersGiveTheirLastStates() throws IOException {
        Graph g = new Models()
                .input("x", DataType.FLOAT, 3, 1, 2)
                .constant("w", List.of(1, 4, 2), 1, 0, 0, 1, 1, 1, 0.5f, 2)
                .constant("r", List.of(1, 4, 1), 0f, 0f, 0f, 0f)
                .node("LSTM", List.of("x", "w", "r"), List.of("y", "h", "c"), "hidden_size", 1)
                .output("y")
                .output("h")
                .output("c")
                .read(dir)
                .graph();
        assertThat(count(g, FloatOp.Recurrent.class)).isEqualTo(1);
        Value x = Value.of(Shape.of(3, 1, 2), 1f, 2f, 0f, 1f, -1f, 0.5f);
        Value.Floats y = run(g, "y", x);
        Value.Floats h = run(g, "h", x);
        assertThat(y.shape()).isEqualTo(Shape.of(3, 1, 1, 1));
        assertThat(h.shape()).isEqualTo(Shape.of(1, 1, 1));
        assertThat(h.data()[0]).isEqualTo(y.data()[2]);
        assertThat(run(g, "c", x).data()[0]).isNotEqualTo(y.data()[2]);
    }
}

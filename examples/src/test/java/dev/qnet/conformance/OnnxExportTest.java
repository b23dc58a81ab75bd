package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.qnet.compiler.data.Idx;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.pass.LowerToIntegers;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.formats.onnx.OnnxExporter;
import dev.qnet.formats.onnx.OnnxModel;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Exported models, judged by ONNX Runtime: what docs/export.md says of equal answers. "Fused" is ONNX Runtime as users run it, which
 * replaces dequantize, operator, quantize by integer kernels; "plain" computes the file as it stands, in floats.
 */
class OnnxExportTest {
    private static final Path EXAMPLES = Path.of(System.getProperty("qnet.root", ".."), "examples");
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));
    private static final int NETWORKS = Math.min(80, Integer.getInteger("qnet.random.graphs", 80));
    private static final OptLevel FUSED = OptLevel.ALL_OPT;
    private static final OptLevel PLAIN = OptLevel.NO_OPT;

    @BeforeEach
    void onnxRuntime() {
        OnnxRuntime.assumePresent();
    }

    // The examples, on real pictures.

    @Test
    void mnistAnswersBitForBit() throws IOException, OrtException {
        Path images = DATA.resolve("datasets/mnist/images-idx3-ubyte.gz");
        assumeTrue(
                Files.isRegularFile(images) && Files.isRegularFile(DATA.resolve("weights/mnist_cnn.safetensors")),
                () -> "no MNIST digits or weights below " + DATA);
        Example e = Example.of("mnist_cnn", Idx.read(images).bytes(), 1000, 28, 28, 1);
        assertThat(e.onnx(FUSED)).isEqualTo(e.integers());
    }

    @Test
    void resnet8AnswersAlike() throws IOException, OrtException {
        Path images = DATA.resolve("datasets/cifar10_jpeg/images.bin");
        assumeTrue(
                Files.isRegularFile(images) && Files.isRegularFile(DATA.resolve("weights/resnet8.safetensors")),
                () -> "no CIFAR-10 pictures or weights below " + DATA);
        Example e = Example.of("resnet8", Files.readAllBytes(images), 500, 32, 32, 3);
        for (OptLevel level : List.of(PLAIN, FUSED)) {
            float[] found = e.onnx(level);
            int same = 0;
            for (int i = 0; i < e.items(); i++) {
                same += best(found, i, 10) == best(e.integers(), i, 10) ? 1 : 0;
            }
            System.out.printf("resnet8 by ONNX Runtime, %s: %d of %d classes as ours%n", level, same, e.items());
            assertThat(same).isGreaterThanOrEqualTo(e.items() * 98 / 100);
        }
    }

    private static int best(float[] scores, int item, int classes) {
        int best = 0;
        for (int c = 1; c < classes; c++) {
            best = scores[item * classes + c] > scores[item * classes + best] ? c : best;
        }
        return best;
    }

    /** An example calibrated as shipped, under ONNX Runtime's contract, with answers for the first pictures. */
    private record Example(OnnxModel model, List<Integer> shape, List<Float> pixels, List<Float> answers) {
        static Example of(String name, byte[] images, int items, int... shape) {
            BoundModel bound = Frontend.load(EXAMPLES.resolve(name).resolve("calibrated.qnet"));
            Graph graph = rounding(bound.graph(), Rounding.ONNX);
            float[] x = new float[items * shape[0] * shape[1] * shape[2]];
            for (int i = 0; i < x.length; i++) {
                x[i] = images[i] & 0xff;
            }
            Model integers = JvmTarget.compile(run(graph, bound.calibration(), Passes.all()))
                    .load();
            float[] y = integers.run(Map.of("image", Tensor.ofFloats(x, items, shape[0], shape[1], shape[2])))
                    .values()
                    .iterator()
                    .next()
                    .floats();
            OnnxModel model = OnnxExporter.export(run(graph, bound.calibration(), untilLowering()), "test");
            return new Example(model, List.of(items, shape[0], shape[1], shape[2]), list(x), list(y));
        }

        int items() {
            return shape.getFirst();
        }

        float[] integers() {
            return array(answers);
        }

        float[] onnx(OptLevel level) throws OrtException {
            int[] dims = shape.stream().mapToInt(i -> i).toArray();
            try (OrtSession session = OnnxRuntime.session(model.bytes(), level)) {
                return OnnxRuntime.run(session, Map.of("image", array(pixels)), Map.of("image", dims))
                        .values()
                        .iterator()
                        .next();
            }
        }

        private static List<Float> list(float[] values) {
            List<Float> list = new ArrayList<>(values.length);
            for (float v : values) {
                list.add(v);
            }
            return list;
        }

        private static float[] array(List<Float> values) {
            float[] array = new float[values.size()];
            for (int i = 0; i < array.length; i++) {
                array[i] = values.get(i);
            }
            return array;
        }
    }

    // Operator by operator.

    /**
     * One operation between an input and an output.
     *
     * @param fused the most codes that are one off where ONNX Runtime fuses, of a thousand
     * @param plain the same where it computes in floats
     */
    record Single(String name, Op op, Shape in, boolean twice, List<Shape> constants, int fused, int plain) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Single> singles() {
        Window same = new Window(3, 3, 1, 1, 1, 1, 1, 1, 1, 1);
        Shape image = Shape.of(Shape.BATCH, 9, 8, 6);
        Shape row = Shape.of(Shape.BATCH, 60);
        List<Shape> none = List.of();
        return Stream.of(
                new Single(
                        "conv2d",
                        new FloatOp.Conv2d(same, 1),
                        image,
                        false,
                        List.of(Shape.of(16, 3, 3, 6), Shape.of(16)),
                        0,
                        1),
                new Single(
                        "conv2d in groups, without bias",
                        new FloatOp.Conv2d(new Window(3, 2, 2, 1, 1, 2, 0, 1, 1, 0), 2),
                        image,
                        false,
                        List.of(Shape.of(4, 3, 2, 3)),
                        0,
                        1),
                new Single(
                        "depthwise",
                        new FloatOp.Conv2d(same, 6),
                        image,
                        false,
                        List.of(Shape.of(6, 3, 3, 1), Shape.of(6)),
                        0,
                        1),
                new Single("dense", new FloatOp.Dense(), row, false, List.of(Shape.of(24, 60), Shape.of(24)), 0, 1),
                new Single(
                        "dense of three axes",
                        new FloatOp.Dense(),
                        Shape.of(Shape.BATCH, 5, 40),
                        false,
                        List.of(Shape.of(24, 40), Shape.of(24)),
                        0,
                        1),
                new Single("matmul", new FloatOp.MatMul(), Shape.of(Shape.BATCH, 8, 8), true, none, 0, 1),
                new Single("mul", new FloatOp.Binary(FloatOp.Binary.Fn.MUL), row, true, none, 0, 1),
                new Single("add", new FloatOp.Binary(FloatOp.Binary.Fn.ADD), row, true, none, 1, 1),
                new Single("sub", new FloatOp.Binary(FloatOp.Binary.Fn.SUB), row, true, none, 1, 1),
                new Single("mean", new FloatOp.Mean(List.of(1, 2), false), image, false, none, 0, 1),
                // A plain average of codes ends in the middle between two codes often, and floats fall to either side.
                new Single("avg_pool", new FloatOp.AvgPool(Window.of(2, 2)), image, false, none, 0, 250),
                new Single("max_pool", new DataOp.MaxPool(same), image, false, none, 0, 0),
                new Single("relu", new FloatOp.Unary(new ScalarFn.Relu()), row, false, none, 0, 0),
                new Single("clip", new FloatOp.Unary(new ScalarFn.Clip(-1, 1.5f)), row, false, none, 0, 0),
                new Single("sigmoid", new FloatOp.Unary(new ScalarFn.Sigmoid()), row, false, none, 1, 1),
                new Single("tanh", new FloatOp.Unary(new ScalarFn.Tanh()), row, false, none, 1, 1),
                new Single("hard_swish", new FloatOp.Unary(new ScalarFn.HardSwish()), row, false, none, 1, 1),
                new Single("gelu", new FloatOp.Unary(new ScalarFn.Gelu()), row, false, none, 1, 1),
                new Single("leaky_relu", new FloatOp.Unary(new ScalarFn.LeakyRelu(0.1f)), row, false, none, 1, 1),
                new Single("softmax", new FloatOp.Softmax(1), row, false, none, 5, 5),
                new Single("softmax of one", new FloatOp.Softmax(1), Shape.of(Shape.BATCH, 1), false, none, 0, 0),
                new Single("concat", new DataOp.Concat(1), row, true, none, 0, 0),
                new Single("transpose", new DataOp.Transpose(List.of(0, 3, 1, 2)), image, false, none, 0, 0),
                new Single("resize", new DataOp.ResizeNearest(7, 16), image, false, none, 0, 0),
                new Single("resize by whole factors", new DataOp.ResizeNearest(18, 16), image, false, none, 0, 0));
    }

    @ParameterizedTest
    @MethodSource("singles")
    void operatorsAnswerAsDocumented(Single s) throws OrtException {
        for (Storage storage : List.of(Storage.U8, Storage.I8)) {
            int codes = 0;
            int[] off = new int[2];
            for (long seed = 0; seed < 6; seed++) {
                Graph g = graph(s, storage, seed);
                int items = 40;
                float[] x = RandomNetwork.input(g, seed, items);
                Calibration calibration = Calibrating.on(g, x, items);
                Graph integers = run(g, calibration, Passes.all());
                int[] shape = g.params().getFirst().type().shape().toArray();
                shape[0] = items;
                float[] expected = Objects.requireNonNull(JvmTarget.compile(integers)
                                .load()
                                .run(Map.of("x", Tensor.ofFloats(x, shape)))
                                .get("y"))
                        .floats();
                float scale = scale(integers);
                byte[] model = OnnxExporter.export(run(g, calibration, untilLowering()), "test")
                        .bytes();
                codes += expected.length;
                for (OptLevel level : List.of(FUSED, PLAIN)) {
                    try (OrtSession session = OnnxRuntime.session(model, level)) {
                        float[] found =
                                Objects.requireNonNull(OnnxRuntime.run(session, Map.of("x", x), Map.of("x", shape))
                                        .get("y"));
                        off[level == FUSED ? 0 : 1] += off(expected, found, scale, 1);
                    }
                }
            }
            assertThat(off[0])
                    .as("%s fused, of %d codes of %s", s, codes, storage)
                    .isLessThanOrEqualTo(limit(codes, s.fused()));
            assertThat(off[1])
                    .as("%s plain, of %d codes of %s", s, codes, storage)
                    .isLessThanOrEqualTo(limit(codes, s.plain()));
        }
    }

    private static int limit(int codes, int thousandths) {
        return (int) Math.ceil(codes * thousandths / 1000.0);
    }

    /** How many codes differ; more than {@code most} steps apart is wrong. */
    private static int off(float[] expected, float[] found, float scale, int most) {
        assertThat(found).hasSameSizeAs(expected);
        int off = 0;
        for (int i = 0; i < found.length; i++) {
            if (found[i] != expected[i]) {
                assertThat(Math.abs(found[i] - expected[i])).as("at %d", i).isLessThan((most + 0.1f) * scale);
                off++;
            }
        }
        return off;
    }

    private static float scale(Graph integers) {
        Element e = Objects.requireNonNull(
                        integers.types().get(integers.results().getFirst().value()))
                .element();
        return ((Quant) e).perTensor().scale();
    }

    private static Graph graph(Single s, Storage storage, long seed) {
        Random random = new Random(seed);
        List<Node> nodes = new ArrayList<>();
        ValueId x = new ValueId("x");
        List<ValueId> operands = new ArrayList<>(List.of(x));
        List<Shape> shapes = new ArrayList<>(List.of(s.in()));
        if (s.twice()) {
            operands.add(x);
            shapes.add(s.in());
        }
        for (Shape c : s.constants()) {
            float[] values = new float[c.elements()];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * 0.4);
            }
            ValueId id = new ValueId("c" + nodes.size());
            nodes.add(new Node(
                    id,
                    new DataOp.Constant(new dev.qnet.compiler.ir.Tensor.OfFloat(c, values)),
                    List.of(),
                    new Type(Element.FLOAT, c),
                    Span.NONE));
            operands.add(id);
            shapes.add(c);
        }
        ValueId y = new ValueId("op");
        nodes.add(new Node(y, s.op(), operands, new Type(Element.FLOAT, Shapes.infer(s.op(), shapes)), Span.NONE));
        Spec weights = new Spec(Storage.I8, true, true, new Granularity.PerChannel(0), new RangeMethod.MinMax(), false);
        Spec activations =
                new Spec(storage, false, false, new Granularity.PerTensor(), new RangeMethod.MinMax(), false);
        return new Graph(
                "single",
                List.of(new Graph.Param(x, new Type(Element.FLOAT, s.in()), null, Span.NONE)),
                nodes,
                List.of(new Graph.Result("y", y)),
                new Spec.Policy(weights, activations, Rounding.ONNX),
                null);
    }

    // Random networks.

    /** Whatever the language can say: ONNX Runtime takes it, and answers as our integers, but for codes that lie between two. */
    @Test
    void randomNetworksAnswerAlike(@TempDir Path folder) throws IOException {
        int values = 0;
        int[] off = new int[3];
        int ran = 0;
        for (long seed = 0; seed < NETWORKS; seed++) {
            Graph drawn = rounding(RandomNetwork.of(seed), Rounding.ONNX);
            Graph fake;
            Graph integers;
            try {
                Calibration calibration = Calibrating.on(drawn, RandomNetwork.input(drawn, seed + 1, 4), 4);
                fake = run(drawn, calibration, untilLowering());
                integers = run(drawn, calibration, Passes.all());
            } catch (CompileException e) {
                continue; // rightly refused before there is anything to export
            }
            try {
                OnnxModel model = OnnxExporter.export(fake, "test");
                float[] x = RandomNetwork.input(drawn, seed + 2, 3);
                int[] shape = drawn.params().getFirst().type().shape().toArray();
                shape[0] = 3;
                Map<String, Tensor> expected =
                        JvmTarget.compile(integers).load().run(Map.of("x", Tensor.ofFloats(x, shape)));
                List<Map<String, float[]>> found = new ArrayList<>();
                for (OptLevel level : List.of(FUSED, PLAIN)) {
                    try (OrtSession session = OnnxRuntime.session(model.bytes(), level)) {
                        found.add(OnnxRuntime.run(session, Map.of("x", x), Map.of("x", shape)));
                    }
                }
                found.add(again(Files.write(folder.resolve("again.onnx"), model.bytes()), x, shape));
                for (Map.Entry<String, Tensor> e : expected.entrySet()) {
                    float[] wanted = e.getValue().floats();
                    values += wanted.length;
                    for (int i = 0; i < off.length; i++) {
                        off[i] += unlike(
                                wanted, Objects.requireNonNull(found.get(i).get(e.getKey())));
                    }
                }
                ran++;
            } catch (RuntimeException | AssertionError | OrtException e) {
                throw new AssertionError("seed " + seed + ": " + e + "\n" + GraphPrinter.print(fake), e);
            }
        }
        System.out.printf(
                "%d of %d random networks exported; of %d values %d differ in ONNX Runtime (%d unfused), %d imported again%n",
                ran, NETWORKS, values, off[0], off[1], off[2]);
        assertThat(ran).isGreaterThan(NETWORKS * 8 / 10);
        assertThat(off[0]).as("fused").isLessThanOrEqualTo(values / 1000);
        assertThat(off[1]).as("plain").isLessThanOrEqualTo(values / 200);
        assertThat(off[2]).as("imported again").isLessThanOrEqualTo(values / 1000);
    }

    /** The file read again and run by the oracle. */
    private static Map<String, float[]> again(Path file, float[] x, int[] shape) throws IOException {
        // With N known: a dense layer of more than two axes flattens the batch with the others.
        List<Integer> dims = Arrays.stream(shape).boxed().toList();
        Graph read = Importer.read(file, new ImportOptions(Map.of(), Map.of("x", dims)))
                .graph();
        Map<String, float[]> found = new java.util.HashMap<>();
        Interpreter.run(read, Map.of("x", Value.of(Shape.of(shape), x)))
                .forEach((name, v) -> found.put(name, ((Value.Floats) v).data()));
        return found;
    }

    private static int unlike(float[] wanted, float[] found) {
        assertThat(found).hasSameSizeAs(wanted);
        int off = 0;
        for (int i = 0; i < wanted.length; i++) {
            if (!(Math.abs(wanted[i] - found[i]) <= 1e-4f * Math.max(1, Math.abs(wanted[i])))) {
                off++;
            }
        }
        return off;
    }

    // Common.

    private static List<Pass> untilLowering() {
        List<Pass> all = Passes.all();
        return all.subList(0, all.stream().map(Pass::name).toList().indexOf(LowerToIntegers.NAME));
    }

    private static Graph run(Graph graph, Calibration calibration, List<Pass> passes) {
        return Pipeline.run(graph, passes, new PassContext(new Diagnostics(), calibration), (p, g) -> {});
    }

    private static Graph rounding(Graph g, Rounding rounding) {
        Spec.Policy p = Objects.requireNonNull(g.policy());
        return new Graph(
                g.name(),
                g.params(),
                g.nodes(),
                g.results(),
                new Spec.Policy(p.weights(), p.activations(), rounding),
                g.plan(),
                g.states());
    }
}

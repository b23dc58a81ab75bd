package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.classfile.ClassFile;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.util.CheckClassAdapter;

/** Networks of any size become classes that the JVM accepts and HotSpot compiles. */
final class LargeNetworkTest {
    private static final int WIDTH = 3;
    private static final Quant CODES = Quant.of(Storage.U8, 1f, 3);
    private static final Spec SPEC =
            new Spec(Storage.U8, false, false, new Spec.Granularity.PerTensor(), new Spec.RangeMethod.MinMax(), false);
    private static final Spec.Policy POLICY = new Spec.Policy(SPEC, SPEC, Rounding.TOSA);

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 500, 501, 1_000, 10_000})
    void anyDepth(int layers) {
        Graph graph = chain(layers, new Random(layers));
        CompiledArtifact artifact = JvmTarget.compile(graph);
        check(artifact);
        assertThat(programClasses(artifact) > 1).isEqualTo(layers == 10_000);
        Judge.compare(graph, artifact, 2, layers);
    }

    private static long programClasses(CompiledArtifact artifact) {
        return artifact.classes().keySet().stream()
                .filter(name -> name.contains("$Program"))
                .count();
    }

    @Test
    void wideConcat() {
        Type x = new Type(CODES, Shape.of(Shape.BATCH, 2));
        ValueId id = new ValueId("x");
        Graph graph = new Graph(
                "wide",
                List.of(new Graph.Param(id, x, null, Span.NONE)),
                List.of(new Node(
                        new ValueId("y"),
                        new DataOp.Concat(1),
                        Collections.nCopies(5_000, id),
                        x.withShape(Shape.of(Shape.BATCH, 10_000)),
                        Span.NONE)),
                List.of(new Graph.Result("y", new ValueId("y"))),
                POLICY,
                null);
        CompiledArtifact artifact = JvmTarget.compile(graph);
        check(artifact);
        Judge.compare(graph, artifact, 1, 1);
    }

    @Test
    void manyInputsAndOutputs() {
        List<Graph.Param> params = IntStream.range(0, 1_000)
                .mapToObj(i -> new Graph.Param(
                        new ValueId("in" + i), new Type(CODES, Shape.of(Shape.BATCH, 2)), null, Span.NONE))
                .toList();
        List<Graph.Result> results = params.stream()
                .map(p -> new Graph.Result("out_" + p.id().name(), p.id()))
                .toList();
        Graph graph = new Graph("ports", params, List.of(), results, POLICY, null);
        CompiledArtifact artifact = JvmTarget.compile(graph);
        check(artifact);
        Judge.compare(graph, artifact, 2, 1);
    }

    /** Dense layers one after another, each with its own weights and a scale for each unit. */
    static Graph chain(int layers, Random random) {
        List<Node> nodes = new ArrayList<>();
        Type type = new Type(CODES, Shape.of(Shape.BATCH, WIDTH));
        ValueId last = new ValueId("x");
        for (int i = 0; i < layers; i++) {
            Quant weightCodes = Quant.of(Storage.I8, 1f, 0)
                    .withScheme(new Scheme.PerAxis(0, Collections.nCopies(WIDTH, 1f), Collections.nCopies(WIDTH, 0)));
            ValueId w = constant(nodes, "w" + i, new Type(weightCodes, Shape.of(WIDTH, WIDTH)), random, 127);
            ValueId b = constant(nodes, "b" + i, new Type(Element.INT32, Shape.of(WIDTH)), random, 10_000);
            List<Rescale.Scale> scales = IntStream.range(0, WIDTH)
                    .<Rescale.Scale>mapToObj(c -> new Rescale.Scale.Fixed((1 << 30) + random.nextInt(1 << 30), -6))
                    .toList();
            Op dense = new IntOp.Dense(Element.INT32, new Rescale(Rounding.TOSA, scales, 3, 0, 255));
            ValueId y = new ValueId("block_" + i / 10 + ".dense_" + i % 10);
            nodes.add(new Node(y, dense, List.of(last, w, b), type, Span.NONE));
            last = y;
        }
        Graph.Param x = new Graph.Param(new ValueId("x"), type, null, Span.NONE);
        return new Graph("chain", List.of(x), nodes, List.of(new Graph.Result("y", last)), POLICY, null);
    }

    private static ValueId constant(List<Node> nodes, String name, Type type, Random random, int most) {
        int[] values = random.ints(type.shape().elements(), -most, most + 1).toArray();
        ValueId id = new ValueId(name);
        nodes.add(
                new Node(id, new DataOp.Constant(new Tensor.OfInt(type.shape(), values)), List.of(), type, Span.NONE));
        return id;
    }

    /** Verifies each class, and that no method is too large for HotSpot. */
    static void check(CompiledArtifact artifact) {
        for (Map.Entry<String, byte[]> e : artifact.classes().entrySet()) {
            ClassReader reader = new ClassReader(e.getValue());
            assertThat(reader.getClassName()).isEqualTo(e.getKey());
            assertThat(reader.getItemCount())
                    .as("constant pool of %s", e.getKey())
                    .isLessThan(60_000);
            checkMethods(e.getValue());
            StringWriter problems = new StringWriter();
            CheckClassAdapter.verify(
                    reader, LargeNetworkTest.class.getClassLoader(), false, new PrintWriter(problems, true));
            assertThat(problems.toString()).isEmpty();
        }
    }

    private static void checkMethods(byte[] classFile) {
        for (MethodModel m : ClassFile.of().parse(classFile).methods()) {
            if (m.code().orElse(null) instanceof CodeAttribute code) {
                assertThat(code.codeLength())
                        .as("bytes of %s", m.methodName().stringValue())
                        .isLessThan(8_000);
            }
        }
    }
}

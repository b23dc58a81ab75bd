package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every operation, compiled, against the oracle. */
final class OperationsTest {
    static Stream<String> cases() {
        return Stream.of(
                "arithmetic", "conv2d", "data", "dense", "dynamic", "float", "interpolated", "pooling", "quantize");
    }

    static Graph graph(String name) {
        try (InputStream in = OperationsTest.class.getResourceAsStream("/operations/" + name + ".qir")) {
            return GraphParser.parse(
                    new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void equalsTheOracle(String name) {
        Graph graph = graph(name);
        for (int seed = 0; seed < 20; seed++) {
            Judge.compare(graph, 1 + seed % 3, seed);
        }
    }

    @Test
    void everyOperationOccurs() {
        Set<Class<?>> expected = new HashSet<>();
        Stream.of(DataOp.class, FloatOp.class, QuantOp.class, NumOp.class, IntOp.class, ScalarFn.class)
                .forEach(family -> expected.addAll(Arrays.asList(family.getPermittedSubclasses())));
        expected.remove(QuantOp.FakeQuant.class);
        Set<Class<?>> found = new HashSet<>();
        Stream.concat(cases().map(OperationsTest::graph), RandomOperationsTest.graphs())
                .forEach(g -> g.nodes().forEach(n -> add(n, found)));
        assertThat(found).isEqualTo(expected);
    }

    private static void add(Node n, Set<Class<?>> to) {
        to.add(n.op().getClass());
        if (n.op() instanceof FloatOp.Unary u) {
            to.add(u.fn().getClass());
        }
    }
}

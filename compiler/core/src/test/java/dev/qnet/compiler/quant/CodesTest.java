package dev.qnet.compiler.quant;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import dev.qnet.compiler.testing.RandomGraphs;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The compiler's own arithmetic on constants against the oracle's, which shares none of it. */
class CodesTest {
    private static Value oracle(Op op, Type in, Type out, Value x) {
        ValueId id = new ValueId("x");
        Node n = new Node(new ValueId("y"), op, List.of(id), out, Span.NONE);
        Graph g = new Graph(
                "g",
                List.of(new Graph.Param(id, in, null, Span.NONE)),
                List.of(n),
                List.of(new Graph.Result("y", n.id())));
        return Objects.requireNonNull(Interpreter.run(g, Map.of("x", x)).get("y"));
    }

    private static List<Quant> quants() {
        return List.of(
                Quant.of(Storage.U8, 0.1f, 3),
                Quant.of(Storage.I4, 0.5f, -2),
                new Quant(Storage.I8, -127, 127, new Scheme.PerAxis(0, List.of(0.1f, 0.03f), List.of(0, 0))),
                new Quant(
                        Storage.I8,
                        -128,
                        127,
                        new Scheme.PerAxis(1, List.of(0.1f, 0.3f, 1f, 2f, 0.01f), List.of(1, 2, 3, 4, 5))),
                new Quant(
                        Storage.I4,
                        -8,
                        7,
                        new Scheme.PerGroup(2, List.of(0.01f, 0.002f), List.of(255, 1, 20, 3, 77, 9))),
                Quant.of(Storage.BIPOLAR, 0.7f, 0),
                Quant.of(Storage.TERNARY, 0.7f, 0),
                Quant.of(Storage.I16, 1e-4f, 0));
    }

    @ParameterizedTest
    @EnumSource
    void quantizesAsTheOracle(Rounding rounding) {
        Shape shape = Shape.of(2, 5);
        Random random = new Random(1);
        for (Quant q : quants()) {
            for (int i = 0; i < 200; i++) {
                float[] v = RandomGraphs.values(random, shape.elements());
                v[0] = Float.POSITIVE_INFINITY;
                v[1] = -1e38f;
                v[2] = Float.NaN;
                v[3] = 2.5f * q.scheme().channelScale(0);
                v[4] = -1.5f * q.scheme().channelScale(0);
                Value.Ints expected = (Value.Ints) oracle(
                        new QuantOp.Quantize(rounding),
                        new Type(Element.FLOAT, shape),
                        new Type(q, shape),
                        Value.of(shape, v));
                Tensor.OfInt codes = Codes.quantize(new Tensor.OfFloat(shape, v), q, rounding);
                assertThat(Value.of(codes)).as(q.toString()).isEqualTo(expected);
                Value back =
                        oracle(new QuantOp.Dequantize(), new Type(q, shape), new Type(Element.FLOAT, shape), expected);
                assertThat(Value.of(Codes.dequantize(codes, q.scheme()))).isEqualTo(back);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void tablesAreTheFunctionInFloat(Rounding rounding) {
        Quant in = Quant.of(Storage.I8, 0.05f, 7);
        Quant out = Quant.of(Storage.U8, 0.031f, 20);
        Shape shape = Shape.of(256);
        float[] reals = new float[256];
        for (int q = -128; q < 128; q++) {
            reals[q + 128] = Codes.dequantize(q, 0.05f, 7);
        }
        List<ScalarFn> functions = List.of(
                new ScalarFn.Sigmoid(),
                new ScalarFn.Tanh(),
                new ScalarFn.Gelu(),
                new ScalarFn.HardSwish(),
                new ScalarFn.LeakyRelu(0.2f),
                new ScalarFn.Relu(),
                new ScalarFn.Clip(-1, 2));
        for (ScalarFn fn : functions) {
            Type f32 = new Type(Element.FLOAT, shape);
            Value y = oracle(new FloatOp.Unary(fn), f32, f32, Value.of(shape, reals));
            Value.Ints codes = (Value.Ints) oracle(new QuantOp.Quantize(rounding), f32, new Type(out, shape), y);
            List<Integer> table = Codes.table(fn, in, out, rounding);
            assertThat(Value.of(shape, table.stream().mapToInt(e -> e).toArray()))
                    .as(fn.toString())
                    .isEqualTo(codes);
        }
    }
}

package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each operation of the IR, in a graph of its own, written as a source and bound again. */
class EveryOperationComesBackTest {
    private static final Quant I8 = Quant.of(Storage.I8, 0.5f, -3);
    private static final Quant I16 = Quant.of(Storage.I16, 0.001f, 0);

    static Stream<String> mnemonics() {
        return OpText.forms().keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("mnemonics")
    void comesBack(String mnemonic) throws IOException {
        Op op = Objects.requireNonNull(OpText.forms().get(mnemonic)).example();
        for (List<Type> operands : operands(op)) {
            Graph graph = graph(op, operands);
            Verifier.verify(graph);
            ComingBack.check(graph);
        }
    }

    /** What is in the table is all there is, but for operations of training, which no source has. */
    @Test
    void theTableIsComplete() {
        Set<Object> listed = new HashSet<>();
        OpText.forms().values().forEach(f -> listed.add(key(f.example())));
        Set<Object> all = new HashSet<>();
        operations(Op.class).filter(c -> !TrainOp.class.isAssignableFrom(c)).forEach(c -> {
            if (c.equals(FloatOp.Unary.class)) {
                all.addAll(List.of(ScalarFn.class.getPermittedSubclasses()));
            } else if (!c.equals(DataOp.Constant.class)) {
                boolean enums = c.getRecordComponents().length > 0
                        && c.getRecordComponents()[0].getType().isEnum()
                        && !c.equals(QuantOp.Quantize.class)
                        && !c.equals(IntOp.DynamicParams.class)
                        && !c.equals(IntOp.DynamicQuantize.class);
                if (enums) {
                    for (Object e : c.getRecordComponents()[0].getType().getEnumConstants()) {
                        all.add(e);
                    }
                } else {
                    all.add(c);
                }
            }
        });
        assertThat(listed).isEqualTo(all);
    }

    private static Object key(Op op) {
        return switch (op) {
            case FloatOp.Unary u -> u.fn().getClass();
            case FloatOp.Binary b -> b.fn();
            case FloatOp.Recurrent r -> r.cell();
            case NumOp.Binary b -> b.fn();
            case NumOp.Unary u -> u.fn();
            case NumOp.Compare c -> c.fn();
            case NumOp.Reduce r -> r.fn();
            case Op other -> other.getClass();
        };
    }

    private static Stream<Class<?>> operations(Class<?> c) {
        return c.isSealed() ? Arrays.stream(c.getPermittedSubclasses()).flatMap(x -> operations(x)) : Stream.of(c);
    }

    /** A graph of one operation. The second operand of what has weights is a constant, the others are inputs. */
    private static Graph graph(Op op, List<Type> types) {
        List<Graph.Param> params = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        List<ValueId> operands = new ArrayList<>();
        boolean weighted = op instanceof IntOp.Conv2d
                || op instanceof IntOp.Dense
                || op instanceof IntOp.LstmGate
                || op instanceof FloatOp.Conv2d
                || op instanceof FloatOp.Dense
                || op instanceof FloatOp.BatchNorm
                || op instanceof IntOp.Thresholds;
        for (int i = 0; i < types.size(); i++) {
            ValueId id = new ValueId("in/" + i + ":0");
            operands.add(id);
            Type t = types.get(i);
            if (weighted && i > 0 && !t.shape().hasBatch() && !(op instanceof IntOp.LstmGate && i == 1)) {
                nodes.add(new Node(id, new DataOp.Constant(constant(t)), List.of(), t, Span.NONE));
            } else {
                params.add(new Graph.Param(id, t, null, Span.NONE));
            }
        }
        Shape shape = Shapes.infer(op, types.stream().map(Type::shape).toList());
        ValueId y = new ValueId("y");
        nodes.add(new Node(y, op, operands, new Type(element(op, types), shape), Span.NONE));
        return new Graph("g", params, nodes, List.of(new Graph.Result("out put", y)));
    }

    private static Tensor constant(Type t) {
        int n = t.shape().elements();
        if (t.isFloat()) {
            float[] v = new float[n];
            Arrays.fill(v, 0.1f);
            return new Tensor.OfFloat(t.shape(), v);
        }
        return new Tensor.OfInt(t.shape(), IntStream.range(0, n).map(i -> i % 7).toArray());
    }

    private static Element element(Op op, List<Type> in) {
        Element x = in.getFirst().element();
        return switch (op) {
            case DataOp.Select _ -> in.get(1).element();
            case DataOp _ -> x;
            case FloatOp _, QuantOp.Dequantize _, QuantOp.FakeQuant _ -> Element.FLOAT;
            case QuantOp.Quantize _ -> new Quant(Storage.U8, 1, 200, new Scheme.PerTensor(0.1f, 7));
            case NumOp.Compare _ -> Element.BOOL;
            case NumOp.Cast _ -> x.equals(Element.FLOAT) ? Element.INT64 : Element.FLOAT;
            case NumOp.Reinterpret _ -> x.equals(Element.INT8) ? I8 : Element.INT8;
            case NumOp _ -> x;
            case IntOp.AvgPool _, IntOp.Clamp _, IntOp.ResizeBilinear _ -> x;
            case IntOp.Softmax _ -> Quant.of(Storage.I8, 1f / 256, -128);
            case IntOp.Softmax16 _ -> Quant.of(Storage.I16, 1f / 32768, 0);
            case IntOp.DynamicParams _, IntOp.DynamicDequantize _ -> Element.FLOAT;
            case IntOp.DynamicQuantize _ -> Element.INT16;
            case IntOp.InterpolatedTable _, IntOp.LstmGate _, IntOp.LstmCell _ -> I16;
            case IntOp _ -> Quant.of(Storage.I8, 0.25f, 0);
            case TrainOp _ -> throw new IllegalArgumentException("no source has " + op);
        };
    }

    private static Type t(Element e, int... dims) {
        return new Type(e, Shape.of(dims));
    }

    /** Types of operands that the example of an operation takes; several where elements differ. */
    private static List<List<Type>> operands(Op op) {
        Element f = Element.FLOAT;
        int n = Shape.BATCH;
        return switch (op) {
            case DataOp.Reshape _ -> each(e -> List.of(t(e, n, 2, 2)));
            case DataOp.Transpose _ -> each(e -> List.of(t(e, n, 2, 3)));
            case DataOp.Concat _ -> each(e -> List.of(t(e, n, 2), t(e, n, 3)));
            case DataOp.Slice _, DataOp.Pad _ -> each(e -> List.of(t(e, 2, 3)));
            case DataOp.MaxPool _, DataOp.ResizeNearest _ -> each(e -> List.of(t(e, n, 4, 5, 2)));
            case DataOp.Gather _ -> each(e -> List.of(t(e, 3, 2), t(e.equals(f) ? Element.INT64 : Element.UINT8, 4)));
            case DataOp.Broadcast _ -> each(e -> List.of(t(e, 1, 3)));
            case DataOp.Dilate _ -> each(e -> List.of(t(e, n, 2, 2, 1)));
            case DataOp.Select _ -> each(e -> List.of(t(Element.BOOL, 3), t(e, n, 3), t(e, 1)));
            case DataOp.Constant _ -> throw new IllegalArgumentException();
            case FloatOp.Conv2d _ -> List.of(List.of(t(f, n, 4, 4, 2), t(f, 5, 3, 3, 2), t(f, 5)));
            case FloatOp.Dense _ -> List.of(List.of(t(f, n, 4), t(f, 5, 4), t(f, 5)));
            case FloatOp.MatMul _ -> List.of(List.of(t(f, n, 4, 2), t(f, n, 2, 3)));
            case FloatOp.Binary _ -> List.of(List.of(t(f, n, 4), t(f, 4)));
            case FloatOp.Unary _, FloatOp.Softmax _ -> List.of(List.of(t(f, n, 4)), List.of(t(f, 2, 3)));
            case FloatOp.AvgPool _, FloatOp.Mean _ -> List.of(List.of(t(f, n, 4, 4, 2)));
            case FloatOp.BatchNorm _ -> List.of(List.of(t(f, n, 4), t(f, 4), t(f, 4), t(f, 4), t(f, 4)));
            case FloatOp.Recurrent r -> {
                int rows = r.cell().gates() * 3;
                List<Type> in = new ArrayList<>(
                        List.of(t(f, 1, 5, 2), t(f, rows, 2), t(f, rows, 3), t(f, 2 * rows), t(f, 1, 3)));
                if (r.cell() == FloatOp.Recurrent.Cell.LSTM) {
                    in.addAll(List.of(t(f, 1, 3), t(f, 9)));
                }
                yield List.of(in);
            }
            case QuantOp.Dequantize _ -> List.of(List.of(t(I8, n, 4)));
            case QuantOp _ -> List.of(List.of(t(f, n, 4)));
            case NumOp.Binary b -> {
                List<List<Type>> all = new ArrayList<>(plain(e -> List.of(t(e, n, 4), t(e, 4))));
                if (b.fn() == NumOp.Binary.Fn.MIN) {
                    all.add(List.of(t(I8, n, 4), t(I8, 4)));
                }
                yield all;
            }
            case NumOp.Unary _ -> plain(e -> List.of(t(e, n, 4)));
            case NumOp.Compare _ -> each(e -> e instanceof Quant ? List.of() : List.of(t(e, n, 4), t(e, 4)));
            case NumOp.Cast _ -> List.of(List.of(t(f, 4)), List.of(t(Element.BOOL, 4)));
            case NumOp.Reinterpret _ -> List.of(List.of(t(I8, 4)), List.of(t(Element.INT8, 4)));
            case NumOp.Reduce _, NumOp.TopK _ -> each(e -> e instanceof Quant ? List.of() : List.of(t(e, n, 4)));
            case IntOp.Conv2d _ ->
                weights(5, 3, 3, 2)
                        .map(w -> List.of(t(I8, n, 4, 4, 2), w, t(Element.INT32, 5)))
                        .toList();
            case IntOp.Dense _ ->
                weights(5, 4)
                        .map(w -> List.of(t(I8, n, 4), w, t(Element.INT32, 5)))
                        .toList();
            case IntOp.MatMul _ -> List.of(List.of(t(I8, n, 4, 2), t(I8, n, 2, 3)));
            case IntOp.Mul _, IntOp.Add _ -> List.of(List.of(t(I8, n, 4), t(I16, 4)));
            case IntOp.Sum _, IntOp.AvgPool _, IntOp.ResizeBilinear _ -> List.of(List.of(t(I8, n, 4, 4, 2)));
            case IntOp.InterpolatedTable _, IntOp.Softmax16 _ -> List.of(List.of(t(I16, n, 4)));
            case IntOp.DynamicParams _ -> List.of(List.of(t(f, n, 4)));
            case IntOp.DynamicQuantize _ -> List.of(List.of(t(f, n, 4), t(f, n, 2)));
            case IntOp.DynamicDequantize _ -> List.of(List.of(t(Element.INT64, n, 4), t(f, n, 2), t(f, 4)));
            case IntOp.Thresholds _ -> List.of(List.of(t(Element.INT32, n, 4), t(Element.INT32, 4, 1)));
            case IntOp.LstmGate _ ->
                List.of(List.of(t(I8, 1, 2), t(I8, 1, 3), t(I8, 3, 2), t(I8, 3, 3), t(Element.INT32, 3)));
            case IntOp.LstmCell _ -> List.of(Collections.nCopies(4, t(I16, 1, 3)));
            case IntOp _ -> List.of(List.of(t(I8, n, 4)));
            case TrainOp _ -> throw new IllegalArgumentException("no source has " + op);
        };
    }

    private static Stream<Type> weights(int... dims) {
        List<Float> scales = new ArrayList<>();
        List<Integer> multipliers = new ArrayList<>();
        for (int c = 0; c < dims[0]; c++) {
            scales.add(0.01f * (c + 1));
        }
        int row = Shape.of(dims).elements() / dims[0];
        for (int i = 0; i < dims[0] * ((row + 2) / 3); i++) {
            multipliers.add(i % 255 + 1);
        }
        return Stream.of(
                        Quant.of(Storage.I8, 0.01f, 0),
                        Quant.of(Storage.U8, 0.01f, 128),
                        new Quant(
                                Storage.I8, -127, 127, new Scheme.PerAxis(0, scales, Collections.nCopies(dims[0], 0))),
                        new Quant(
                                Storage.I16,
                                -1000,
                                1000,
                                new Scheme.PerAxis(0, scales, Collections.nCopies(dims[0], 3))),
                        new Quant(Storage.I4, -8, 7, new Scheme.PerGroup(3, scales, multipliers)))
                .map(q -> t(q, dims));
    }

    private interface Types {
        List<Type> of(Element e);
    }

    private static List<List<Type>> each(Types types) {
        List<List<Type>> all = new ArrayList<>(plain(types));
        all.add(types.of(Element.FLOAT));
        all.add(types.of(I8));
        all.removeIf(List::isEmpty);
        return all;
    }

    private static List<List<Type>> plain(Types types) {
        return Stream.of(
                        Element.BOOL,
                        Element.INT8,
                        Element.UINT8,
                        Element.INT16,
                        Element.UINT16,
                        Element.INT32,
                        Element.INT64)
                .map(e -> types.of(e))
                .toList();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                // Constants of every kind, large ones, and results and states that are constants, inputs or states.
                """
                graph @m {
                  param %"a b" : i64[2]
                  state %s_1 : i16<scale=0.001, zero=0>[1x2] becomes %s_1
                  %big = constant [9223372036854775807, -5] : i64[2]
                  %t = constant [1, 0] : bool[2]
                  %z = constant [] : f32[0]
                  %c = constant [7] : i32[]
                  %sum = num.add %"a b", %big : i64[2]
                  %sum2 = num.add %sum, %big : i64[2]
                  %less = num.lt %"a b", %sum2 : bool[2]
                  %both = num.and %less, %t : bool[2]
                  return "0" = %both, z = %z, c = %c, input = %"a b", "s" = %s_1
                }
                """,
                // A constant made real: used once by a call of the language, twice, and by a typed statement.
                """
                graph @m {
                  param %x : f32[Nx2]
                  %q = constant [1, 2] : i8<scale=0.5, zero=1>[2]
                  %r = dequantize %q : f32[2]
                  %a = add %x, %r : f32[Nx2]
                  %q2 = constant [1, 2, 3, 4] : i4<scale=0.5, zero=1>[2x2]
                  %r2 = dequantize %q2 : f32[2x2]
                  %d = dense %a, %r2 : f32[Nx2]
                  %e = dense %d, %r2 : f32[Nx2]
                  %q3 = constant [1, 2] : i8<scale=0.5, zero=1>[2]
                  %r3 = dequantize %q3 : f32[2]
                  %l = num.lt %e, %r3 : bool[Nx2]
                  %f = constant [NaN, -Infinity] : f32[2]
                  %k = relu %f : f32[2]
                  return y = %l, k = %k
                }
                """,
                // Attributes that are not finite, names that count calls, names with dots.
                """
                graph @m {
                  param %relu_1 : f32[Nx2]
                  %relu_2 = relu %relu_1 : f32[Nx2]
                  %block.relu = relu %relu_2 : f32[Nx2]
                  %p = pad %relu_2 {before=[0, 1], after=[0, 0], value=-Infinity} : f32[Nx3]
                  %c = clip %p {lo=0.0, hi=Infinity} : f32[Nx3]
                  %block.lt = num.lt %c, %c : bool[Nx3]
                  %relu_3 = num.not %block.lt : bool[Nx3]
                  return y = %block.relu, relu_4 = %relu_3
                }
                """,
                // Intents on operations without words of their own, under a policy.
                """
                graph @m {
                  policy weights(i8(symmetric, narrow, per_channel(0), mse)) activations(u8(asymmetric, per_tensor, minmax)) rounding(onnx)
                  param %x : f32[Nx3] activations(u8(asymmetric, per_tensor, fixed(0.0, 255.0)))
                  %w = constant [1.0, 2.0, 3.0] : f32[1x3]
                  %d = dense %x, %w : f32[Nx1] weights(i4(symmetric, per_tensor, minmax)) activations(u4(asymmetric, per_tensor, minmax))
                  %v = relu %w : f32[1x3]
                  %e = dense %x, %v : f32[Nx1] float
                  %q = quantize %e {rounding=tflite} : i8<-100:100, scale=0.5, zero=3>[Nx1]
                  %f = fake_quant %d {spec=i8(symmetric, narrow, per_tensor, percentile(99.9)), rounding=tosa, to=i8<-127:127, scale=0.1, zero=0>} : f32[Nx1]
                  return y = %f, q = %q
                }
                """
            })
    void specialGraphsComeBack(String text) throws IOException {
        ComingBack.check(GraphParser.parse(text));
    }
}

package dev.qnet.training.run;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import java.util.List;

/** The kernel of each operation, bound to the arrays of its operands and its result. */
final class Kernels {
    private Kernels() {}

    static Runnable of(Node n, List<Type> types, List<float[]> in, float[] y, Crew crew) {
        List<Shape> shapes = types.stream().map(Type::shape).toList();
        Shape out = n.type().shape();
        return switch (n.op()) {
            case FloatOp f -> real(f, n, shapes, in, y, out, crew);
            case TrainOp t -> train(t, shapes, in, y, out, crew);
            case DataOp d -> data(d, n, shapes, in, y, out);
            case NumOp.Reduce r
            when r.fn() == NumOp.Reduce.Fn.SUM -> {
                Shape kept = shapes.getFirst();
                for (int a : r.axes()) {
                    kept = kept.with(a, 1);
                }
                yield Elementwise.sumTo(in.getFirst(), shapes.getFirst(), kept, y);
            }
            case QuantOp.FakeQuant q when q.chosen() == null -> copy(in.getFirst(), y);
            case QuantOp.FakeQuant q -> Quantizing.fixed(q, shapes.getFirst(), in.getFirst(), y, crew);
            case NumOp.Compare c -> Elementwise.compare(c.fn(), shapes, in, out, y);
            case QuantOp _, NumOp _, IntOp _ -> throw refused(n);
        };
    }

    static IllegalArgumentException refused(Node n) {
        return new IllegalArgumentException("'" + n.id().name() + "' cannot be trained through: there is no kernel for "
                + OpText.of(n.op()).mnemonic());
    }

    static Runnable copy(float[] x, float[] y) {
        return () -> System.arraycopy(x, 0, y, 0, y.length);
    }

    private static Runnable real(
            FloatOp op, Node n, List<Shape> shapes, List<float[]> in, float[] y, Shape out, Crew crew) {
        return switch (op) {
            case FloatOp.Conv2d c -> {
                Convolution conv = new Convolution(
                        c.window(), c.groups(), shapes.get(0), shapes.get(1).dim(0), crew);
                float[] bias = in.size() > 2 ? in.get(2) : null;
                yield () -> conv.forward(in.get(0), in.get(1), bias, y);
            }
            case FloatOp.Dense _ -> Products.dense(shapes, in, y, crew);
            case FloatOp.MatMul _ -> Products.matmul(shapes, in, out, y, crew);
            case FloatOp.Binary b -> Elementwise.binary(b.fn(), shapes, in, out, y, crew);
            case FloatOp.Unary u -> Elementwise.unary(u.fn(), in.getFirst(), y, crew);
            case FloatOp.AvgPool p -> SimdPools.average(p.window(), shapes.getFirst(), in.getFirst(), y);
            case FloatOp.Mean m -> {
                Shape kept = shapes.getFirst();
                for (int a : m.axes()) {
                    kept = kept.with(a, 1);
                }
                Runnable sum = Elementwise.sumTo(in.getFirst(), shapes.getFirst(), kept, y);
                float count = in.getFirst().length / (float) Math.max(1, y.length);
                yield () -> {
                    sum.run();
                    for (int i = 0; i < y.length; i++) {
                        y[i] /= count;
                    }
                };
            }
            case FloatOp.BatchNorm b -> Normalizing.fixed(b.epsilon(), in, y, crew);
            case FloatOp.Softmax s -> Losses.softmax(s.axis(), out, in.getFirst(), y);
            case FloatOp.Recurrent _ -> throw refused(n);
        };
    }

    private static Runnable train(TrainOp op, List<Shape> shapes, List<float[]> in, float[] y, Shape out, Crew crew) {
        return switch (op) {
            case TrainOp.ConvInputGrad c -> {
                Convolution conv = new Convolution(
                        c.window(), c.groups(), out, shapes.get(1).dim(0), crew);
                yield () -> conv.byInput(in.get(0), in.get(1), y);
            }
            case TrainOp.ConvWeightGrad c -> {
                Convolution conv = new Convolution(c.window(), c.groups(), shapes.get(0), out.dim(0), crew);
                yield () -> conv.byWeights(in.get(0), in.get(1), y);
            }
            case TrainOp.UnaryGrad u -> Elementwise.unaryGrad(u.fn(), in.get(0), in.get(1), y, crew);
            case TrainOp.MaxPoolGrad p -> SimdPools.largestGrad(p.window(), shapes.getFirst(), in.get(0), in.get(1), y);
            case TrainOp.AvgPoolGrad p -> SimdPools.averageGrad(p.window(), out, in.getFirst(), y);
            case TrainOp.ResizeNearestGrad _ -> Moves.resizeGrad(shapes.getFirst(), out, in.getFirst(), y);
            case TrainOp.SoftmaxGrad s -> Losses.softmaxGrad(s.axis(), out, in.get(0), in.get(1), y);
            case TrainOp.SumTo _ -> Elementwise.sumTo(in.getFirst(), shapes.getFirst(), out, y);
            case TrainOp.Moments _ -> Normalizing.moments(in.getFirst(), out.dim(1), y);
            case TrainOp.Normalize n -> Normalizing.normalize(n.epsilon(), in, y, crew);
            case TrainOp.NormalizeScaleGrad n -> Normalizing.scaleGrad(n.epsilon(), in, y);
            case TrainOp.NormalizeInputGrad n -> Normalizing.inputGrad(n.epsilon(), in, y, crew);
            case TrainOp.CrossEntropy _ -> Losses.crossEntropy(shapes.getFirst(), in.get(0), in.get(1), y);
            case TrainOp.CrossEntropyGrad _ ->
                Losses.crossEntropyGrad(shapes.getFirst(), in.get(0), in.get(1), in.get(2), y);
            case TrainOp.Quantized q -> Quantizing.forward(q, shapes.get(1), in, y, crew);
            case TrainOp.QuantizedInputGrad q -> Quantizing.byInput(q, shapes.get(1), in, y, crew);
            case TrainOp.QuantizedParameterGrad q -> Quantizing.byParameters(q, shapes.get(1), in, y);
        };
    }

    private static Runnable data(DataOp op, Node n, List<Shape> shapes, List<float[]> in, float[] y, Shape out) {
        return switch (op) {
            case DataOp.Transpose t -> Moves.transpose(t.permutation(), shapes.getFirst(), out, in.getFirst(), y);
            case DataOp.Concat c -> Moves.concat(c.axis(), shapes, in, out, y);
            case DataOp.Slice s -> Moves.slice(s, shapes.getFirst(), out, in.getFirst(), y);
            case DataOp.Pad p -> Moves.pad(p, shapes.getFirst(), out, in.getFirst(), y);
            case DataOp.Dilate d -> Moves.dilate(d, shapes.getFirst(), out, in.getFirst(), y);
            case DataOp.MaxPool p -> SimdPools.largest(p.window(), shapes.getFirst(), in.getFirst(), y);
            case DataOp.ResizeNearest _ -> Moves.resize(shapes.getFirst(), out, in.getFirst(), y);
            case DataOp.Broadcast _ -> Elementwise.broadcast(in.getFirst(), shapes.getFirst(), out, y);
            case DataOp.Reshape _ -> copy(in.getFirst(), y);
            case DataOp.Select _ -> Elementwise.select(shapes, in, out, y);
            case DataOp.Constant _, DataOp.Gather _ -> throw refused(n);
        };
    }
}

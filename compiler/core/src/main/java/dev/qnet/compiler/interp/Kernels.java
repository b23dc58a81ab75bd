package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The kernel of each operation. */
final class Kernels {
    private Kernels() {}

    /**
     * The kernel of a node that is no constant.
     *
     * @param types of the operands
     * @param known the operands that are constants, null for others
     */
    static Kernel of(Node node, List<Type> types, List<@Nullable Value> known) {
        Op op = node.op();
        return switch (op) {
            case DataOp d -> data(d, node.type(), types);
            case FloatOp f -> real(f, known);
            case QuantOp q -> quant(q, node.type(), types);
            case NumOp n -> NumKernels.of(n, node.type(), types.getFirst());
            case IntOp i -> integer(i, node.type(), types, known);
            case TrainOp t -> TrainKernels.of(t);
        };
    }

    private static Kernel data(DataOp op, Type type, List<Type> types) {
        return switch (op) {
            case DataOp.Constant c -> {
                Value value = Value.of(c.value());
                yield v -> value;
            }
            case DataOp.Reshape r -> v -> v.getFirst().reshaped(r.shape().item());
            case DataOp.Transpose t -> DataKernels.transpose(t);
            case DataOp.Concat c -> DataKernels.concat(c);
            case DataOp.Slice s -> DataKernels.slice(s, types.getFirst().shape().hasBatch());
            case DataOp.Pad p -> DataKernels.pad(p);
            case DataOp.MaxPool p -> DataKernels.maxPool(p);
            case DataOp.ResizeNearest r -> DataKernels.resize(r);
            case DataOp.Gather g -> DataKernels.take(g);
            case DataOp.Broadcast b -> DataKernels.broadcast(type.shape().item());
            case DataOp.Dilate d -> DataKernels.dilate(d);
            case DataOp.Select s -> DataKernels.select();
        };
    }

    private static Kernel real(FloatOp op, List<@Nullable Value> known) {
        return switch (op) {
            case FloatOp.Conv2d c -> FloatProducts.conv(c, known.get(1));
            case FloatOp.Dense d -> FloatProducts.dense(known.get(1));
            case FloatOp.MatMul m -> FloatProducts.matmul();
            case FloatOp.Binary b -> FloatKernels.binary(b);
            case FloatOp.Unary u -> FloatKernels.unary(u.fn());
            case FloatOp.AvgPool p -> FloatKernels.avgPool(p);
            case FloatOp.Mean m -> FloatKernels.mean(m);
            case FloatOp.BatchNorm b -> FloatKernels.batchNorm(b);
            case FloatOp.Softmax s -> FloatKernels.softmax(s);
            case FloatOp.Recurrent r -> RecurrentKernel.of(r);
        };
    }

    private static Kernel quant(QuantOp op, Type type, List<Type> types) {
        return switch (op) {
            case QuantOp.Quantize q -> v -> Codes.quantize(type.quant(), q.rounding(), (Value.Floats) v.getFirst());
            case QuantOp.Dequantize d -> v -> Codes.dequantize(types.getFirst().quant(), (Value.Ints) v.getFirst());
            case QuantOp.FakeQuant f -> {
                var chosen = f.chosen();
                Spec.Steps steps = f.spec().steps();
                yield chosen == null
                        ? List::getFirst
                        : steps != null
                                ? v -> Codes.dequantize(chosen, Codes.steps(steps, (Value.Floats) v.getFirst()))
                                : v -> Codes.dequantize(
                                        chosen, Codes.quantize(chosen, f.rounding(), (Value.Floats) v.getFirst()));
            }
        };
    }

    private static Kernel integer(IntOp op, Type type, List<Type> types, List<@Nullable Value> known) {
        return switch (op) {
            case IntOp.Conv2d c -> IntProducts.conv(c, types, known.get(1));
            case IntOp.Dense d -> IntProducts.dense(d, types, known.get(1));
            case IntOp.MatMul m -> IntProducts.matmul(m, types);
            case IntOp.Mul m -> IntProducts.mul(m, types);
            case IntOp.Sum s -> IntProducts.sum(s, types);
            case IntOp.Add a -> IntKernels.add(a, types);
            case IntOp.Requantize r -> IntKernels.requantize(r.rescale(), types.getFirst());
            case IntOp.AvgPool p -> IntKernels.avgPool(p);
            case IntOp.Clamp c -> IntKernels.clamp(c);
            case IntOp.Table t -> IntKernels.table(t, types.getFirst().quant());
            case IntOp.InterpolatedTable t -> IntKernels.interpolatedTable(t, type.quant());
            case IntOp.Softmax s -> FixedSoftmax.kernel(s, type.quant());
            case IntOp.DynamicParams p -> DynamicKernels.params(p, type.shape().item());
            case IntOp.DynamicQuantize q -> DynamicKernels.quantize(q);
            case IntOp.DynamicDequantize d -> DynamicKernels.dequantize();
            case IntOp.Softmax16 s -> TableSoftmax.kernel(s);
            case IntOp.ResizeBilinear r -> Bilinear.kernel(r, type.quant().storage());
            case IntOp.Thresholds t -> IntKernels.thresholds(t, types.getFirst());
            case IntOp.LstmGate g -> LstmKernels.gate(g, types);
            case IntOp.LstmCell c -> LstmKernels.cell(c);
        };
    }
}

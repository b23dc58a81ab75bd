package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Rescale;
import org.jspecify.annotations.Nullable;

/**
 * What conv2d, dense, matmul, mul and sum on integers have in common: an accumulator and perhaps a rescale.
 *
 * @param acc the accumulator
 * @param rescale how it becomes a code, or null if the operation gives it as it is
 */
public record Accumulating(Element.Int acc, @Nullable Rescale rescale) {
    /** The parts of an accumulating operation, or null for others. */
    public static @Nullable Accumulating of(Op op) {
        if (!(op instanceof IntOp i)) {
            return null;
        }
        return switch (i) {
            case IntOp.Conv2d c -> new Accumulating(c.acc(), c.rescale());
            case IntOp.Dense d -> new Accumulating(d.acc(), d.rescale());
            case IntOp.MatMul m -> new Accumulating(m.acc(), m.rescale());
            case IntOp.Mul m -> new Accumulating(m.acc(), m.rescale());
            case IntOp.Sum s -> new Accumulating(s.acc(), s.rescale());
            case IntOp.Add _,
                    IntOp.Requantize _,
                    IntOp.AvgPool _,
                    IntOp.Clamp _,
                    IntOp.Table _,
                    IntOp.InterpolatedTable _,
                    IntOp.Softmax _,
                    IntOp.DynamicParams _,
                    IntOp.DynamicQuantize _,
                    IntOp.DynamicDequantize _,
                    IntOp.Softmax16 _,
                    IntOp.ResizeBilinear _,
                    IntOp.Thresholds _,
                    IntOp.LstmGate _,
                    IntOp.LstmCell _ -> null;
        };
    }

    /** The same operation with these parts; throws for operations that do not accumulate. */
    public Op on(Op op) {
        return switch (op) {
            case IntOp.Conv2d c -> new IntOp.Conv2d(c.window(), c.groups(), acc, rescale);
            case IntOp.Dense d -> new IntOp.Dense(acc, rescale);
            case IntOp.MatMul m -> new IntOp.MatMul(acc, rescale);
            case IntOp.Mul m -> new IntOp.Mul(acc, rescale);
            case IntOp.Sum s -> new IntOp.Sum(s.axes(), s.keepDims(), acc, rescale);
            default -> throw new IllegalArgumentException("no accumulator: " + op);
        };
    }

    public Accumulating withAcc(Element.Int other) {
        return new Accumulating(other, rescale);
    }

    public Accumulating withRescale(Rescale other) {
        return new Accumulating(acc, other);
    }
}

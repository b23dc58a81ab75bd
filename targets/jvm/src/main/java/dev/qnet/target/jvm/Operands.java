package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.TrainOp;

/** Which operands kernels read from the banks, and which go into a kernel when it is prepared and must be constants. */
final class Operands {
    private Operands() {}

    /** Whether operand i is read from the banks. */
    static boolean inBanks(Node n, int i) {
        // Of a recurrent layer the sequence and the initial states.
        return n.op() instanceof FloatOp.Recurrent ? i == 0 || i == 4 || i == 5 : i < banked(n);
    }

    /** How many operands, from the first, are read from the banks. */
    private static int banked(Node n) {
        int all = n.operands().size();
        return switch (n.op()) {
            case FloatOp.Conv2d _, FloatOp.Dense _, FloatOp.BatchNorm _, IntOp.Conv2d _, IntOp.Dense _ -> 1;
            case IntOp.DynamicDequantize _ -> 2;
            case DataOp _, QuantOp _, FloatOp.MatMul _, FloatOp.Binary _, FloatOp.Unary _, FloatOp.AvgPool _ -> all;
            case FloatOp.Mean _, FloatOp.Softmax _, IntOp.MatMul _, IntOp.Mul _, IntOp.Add _, IntOp.Sum _ -> all;
            case IntOp.Requantize _, IntOp.AvgPool _, IntOp.Clamp _, IntOp.Table _, IntOp.InterpolatedTable _ -> all;
            case IntOp.Softmax _, IntOp.DynamicParams _, IntOp.DynamicQuantize _ -> all;
            case NumOp _, IntOp.Softmax16 _, IntOp.ResizeBilinear _, IntOp.LstmCell _ -> all;
            case IntOp.Thresholds _ -> 1;
            case FloatOp.Recurrent _ -> all;
            case IntOp.LstmGate _ -> 2;
            case TrainOp _ -> all;
        };
    }
}

package dev.qnet.compiler.target;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.TrainOp;
import java.util.Optional;

/** The rounding contract of a whole graph, which models state. */
public final class Contract {
    private Contract() {}

    /** The contract that the graph asks for, else the first that an operation follows; empty if none does. */
    public static Optional<Rounding> of(Graph graph) {
        if (graph.policy() != null) {
            return Optional.of(graph.policy().rounding());
        }
        return graph.nodes().stream().flatMap(n -> contract(n).stream()).findFirst();
    }

    private static Optional<Rounding> contract(Node n) {
        return switch (n.op()) {
            case IntOp.Conv2d c -> Optional.ofNullable(c.rescale()).map(Rescale::rounding);
            case IntOp.Dense d -> Optional.ofNullable(d.rescale()).map(Rescale::rounding);
            case IntOp.MatMul m -> Optional.ofNullable(m.rescale()).map(Rescale::rounding);
            case IntOp.Mul m -> Optional.ofNullable(m.rescale()).map(Rescale::rounding);
            case IntOp.Sum s -> Optional.ofNullable(s.rescale()).map(Rescale::rounding);
            case IntOp.Requantize r -> Optional.of(r.rescale().rounding());
            case IntOp.Add a -> Optional.of(a.rounding());
            case IntOp.AvgPool p -> Optional.of(p.rounding());
            case QuantOp.Quantize q -> Optional.of(q.rounding());
            case QuantOp.FakeQuant q -> Optional.of(q.rounding());
            case QuantOp.Dequantize _, IntOp.Clamp _, IntOp.Table _, IntOp.InterpolatedTable _ -> Optional.empty();
            case IntOp.LstmGate _ -> Optional.of(Rounding.TFLITE);
            case TrainOp _ -> Optional.empty();
            case IntOp.Softmax16 _, IntOp.ResizeBilinear _, IntOp.LstmCell _ -> Optional.of(Rounding.TFLITE);
            case IntOp.Softmax _, IntOp.DynamicParams _, IntOp.Thresholds _, NumOp _ -> Optional.empty();
            case IntOp.DynamicQuantize _, IntOp.DynamicDequantize _, DataOp _, FloatOp _ -> Optional.empty();
        };
    }
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.formats.Report;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes integer operations of float operations between codes: dequantize, operation, quantize becomes one operation on
 * codes, under the {@code onnx} contract; a chain of functions of one value becomes a table or thresholds; data operations
 * move codes. docs/numerics.md, "Quantize and dequantize around float operations", says what that means to the bit. What
 * is not of such a form stays float arithmetic, as the model has it.
 */
final class QdqFusion {
    private final CodeMoves moves;
    private final QuantizedForms forms;
    private final DynamicProducts dynamic;

    private QdqFusion(Rewrite to) {
        this.moves = new CodeMoves(to);
        this.forms = new QuantizedForms(to);
        this.dynamic = new DynamicProducts(to);
    }

    /**
     * The graph with integer operations.
     *
     * @param notes takes what became of which value
     */
    static Graph run(Graph graph, List<Report.Note> notes) {
        boolean codes = graph.nodes().stream()
                .anyMatch(n -> n.op() instanceof QuantOp
                        || n.op() instanceof IntOp
                        || n.type().isQuant());
        if (!codes) {
            return graph;
        }
        Rewrite first = new Rewrite(graph, notes);
        Graph fused = first.run(new QdqFusion(first)::simplified);
        Rewrite second = new Rewrite(fused, notes);
        Graph products = second.run(new LinearProducts(second)::real);
        Rewrite third = new Rewrite(products, notes);
        Graph known = third.run(n -> constant(n, third));
        for (Node n : known.nodes()) {
            if (n.op() instanceof FloatOp) {
                notes.add(new Report.Note(
                        Report.Kind.FLOAT,
                        n.id().name(),
                        n.op().getClass().getSimpleName(),
                        "stays in float arithmetic"));
            }
        }
        return known;
    }

    private @Nullable ValueId simplified(Node n) {
        return switch (n.op()) {
            case NumOp.Reinterpret r -> moves.reinterpreted(n);
            case DataOp.Constant c -> null;
            case DataOp.Concat c -> moves.joined(n);
            case DataOp.Pad p -> moves.padded(n, p);
            case DataOp d -> moves.moved(n, d);
            case NumOp.Reduce r -> moves.reduced(n, r);
            case QuantOp.Quantize q ->
                q.rounding() == Rounding.ONNX && n.type().quant().scheme() instanceof Scheme.PerTensor
                        ? forms.quantized(n.operand(0), n.type().quant())
                        : null;
            case FloatOp.Binary b -> dynamic.of(n, b);
            default -> null;
        };
    }

    /** Known codes that are used as real numbers only become those numbers. */
    private static @Nullable ValueId constant(Node n, Rewrite to) {
        float[] v = n.op() instanceof QuantOp.Dequantize ? to.dequantized(n.operand(0)) : null;
        return v == null ? null : to.constant(new Tensor.OfFloat(n.type().shape(), v), Element.FLOAT);
    }
}

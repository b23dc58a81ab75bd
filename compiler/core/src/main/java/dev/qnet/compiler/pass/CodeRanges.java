package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.HashMap;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Which stored integers each value can hold: no more than its type allows, and less behind a clamp (a fused relu), a
 * constant or a table. One walk; floats have none.
 */
final class CodeRanges {
    /** The integers lo to hi. */
    record Range(long lo, long hi) {
        Range union(Range other) {
            return new Range(Math.min(lo, other.lo), Math.max(hi, other.hi));
        }

        Range clamp(long low, long high) {
            return new Range(Math.clamp(lo, low, high), Math.clamp(hi, low, high));
        }

        /** As it takes part in arithmetic: less the zero point of a type with one scale. */
        Range centred(Type type) {
            int zero = type.element() instanceof Quant q ? q.perTensor().zero() : 0;
            return new Range(lo - zero, hi - zero);
        }
    }

    private final Map<ValueId, Range> ranges = new HashMap<>();
    private final Map<ValueId, IntOp.DynamicParams> dynamic = new HashMap<>();

    private final Map<ValueId, Type> types;

    CodeRanges(Graph graph) {
        types = graph.types();
        graph.params().forEach(p -> put(p.id(), ofType(p.type())));
        graph.states().forEach(s -> put(s.id(), ofType(s.type())));
    }

    /** The range of a value that {@link #visit} has met; throws for floats. */
    Range get(ValueId id) {
        return Objects.requireNonNull(ranges.get(id), () -> id + " holds no integers");
    }

    /** The range of a value as it takes part in arithmetic. */
    Range centred(ValueId id) {
        return get(id).centred(type(id));
    }

    Type type(ValueId id) {
        return Objects.requireNonNull(types.get(id));
    }

    /**
     * Learns the range of a node after those of its operands.
     *
     * @param accumulator the largest magnitude of the node's plain accumulator, if it gives one
     */
    void visit(Node n, long accumulator) {
        Range type = ofType(n.type());
        Range r = switch (n.op()) {
            case DataOp d -> type == null ? null : data(n, d);
            case IntOp i -> type == null ? remember(n, i) : integer(n, i, type, accumulator);
            case NumOp m -> type == null ? null : numbers(n, m, type);
            case FloatOp _, QuantOp _, TrainOp _ -> type;
        };
        put(n.id(), r);
    }

    private void put(ValueId id, @Nullable Range r) {
        if (r != null) {
            ranges.put(id, r);
        }
    }

    private @Nullable Range remember(Node n, IntOp op) {
        if (op instanceof IntOp.DynamicParams p) {
            dynamic.put(n.id(), p);
        }
        return null;
    }

    private Range data(Node n, DataOp op) {
        if (op instanceof DataOp.Constant(Tensor t)) {
            return t instanceof Tensor.OfInt i ? of(i) : Objects.requireNonNull(ofType(n.type()));
        }
        List<ValueId> moved = switch (op) {
            case DataOp.Gather _ -> n.operands().subList(0, 1);
            case DataOp.Select _ -> n.operands().subList(1, 3);
            default -> n.operands();
        };
        Range r = get(moved.getFirst());
        for (ValueId o : moved) {
            r = r.union(get(o));
        }
        return switch (op) {
            case DataOp.Pad p -> r.union(new Range((long) p.value(), (long) p.value()));
            case DataOp.Dilate d -> r.union(new Range((long) d.value(), (long) d.value()));
            default -> r;
        };
    }

    /** Nothing is proved of plain numbers but what their element holds, except where they only change their name. */
    private Range numbers(Node n, NumOp op, Range type) {
        return switch (op) {
            case NumOp.Reinterpret _ -> get(n.operand(0));
            case NumOp.Cast _ -> {
                Range x = type(n.operand(0)).isFloat() ? type : get(n.operand(0));
                yield x.lo() >= type.lo() && x.hi() <= type.hi() ? x : type;
            }
            case NumOp.Binary _, NumOp.Unary _, NumOp.Compare _, NumOp.Reduce _, NumOp.TopK _ -> type;
        };
    }

    private Range integer(Node n, IntOp op, Range type, long accumulator) {
        return switch (op) {
            case IntOp.Conv2d c -> accumulated(c.rescale(), accumulator);
            case IntOp.Dense d -> accumulated(d.rescale(), accumulator);
            case IntOp.MatMul m -> accumulated(m.rescale(), accumulator);
            case IntOp.Mul m -> accumulated(m.rescale(), accumulator);
            case IntOp.Sum s -> accumulated(s.rescale(), accumulator);
            case IntOp.Add a -> new Range(a.lo(), a.hi());
            case IntOp.Requantize r -> new Range(r.rescale().lo(), r.rescale().hi());
            case IntOp.AvgPool p -> get(n.operand(0));
            case IntOp.Clamp c -> get(n.operand(0)).clamp(c.lo(), c.hi());
            case IntOp.Table t -> table(n, t);
            case IntOp.DynamicQuantize q -> centredCodes(n, q);
            case IntOp.InterpolatedTable t -> type;
            case IntOp.Softmax s -> type;
            case IntOp.DynamicParams p -> type;
            case IntOp.DynamicDequantize d -> type;
            case IntOp.Softmax16 _, IntOp.ResizeBilinear _, IntOp.Thresholds _, IntOp.LstmGate _, IntOp.LstmCell _ ->
                type;
        };
    }

    private static Range accumulated(@Nullable Rescale rescale, long accumulator) {
        return rescale == null ? new Range(-accumulator, accumulator) : new Range(rescale.lo(), rescale.hi());
    }

    private Range table(Node n, IntOp.Table t) {
        Range x = get(n.operand(0));
        int first = type(n.operand(0)).quant().storage().min();
        IntSummaryStatistics reached = new IntSummaryStatistics();
        t.entries().subList((int) x.lo() - first, (int) x.hi() - first + 1).forEach(reached::accept);
        return new Range(reached.getMin(), reached.getMax());
    }

    private Range centredCodes(Node n, IntOp.DynamicQuantize q) {
        int min = q.storage().min();
        int max = q.storage().max();
        IntOp.DynamicParams p = dynamic.get(n.operand(1));
        return p != null && p.symmetric() ? new Range(min, max) : new Range(min - max, max - min);
    }

    private static Range of(Tensor.OfInt t) {
        long lo = Long.MAX_VALUE;
        long hi = Long.MIN_VALUE;
        for (int v : t.values()) {
            lo = Math.min(lo, v);
            hi = Math.max(hi, v);
        }
        return lo > hi ? new Range(0, 0) : new Range(lo, hi);
    }

    private static @Nullable Range ofType(Type type) {
        return switch (type.element()) {
            case Element.F32 f -> null;
            case Element.Int i -> new Range(i.min(), i.max());
            case Quant q -> new Range(q.lo(), q.hi());
        };
    }
}

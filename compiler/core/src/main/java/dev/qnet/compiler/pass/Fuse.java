package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes one operation of two where the result stays the same to the last bit:
 *
 * <ul>
 *   <li>an accumulator that only a requantize reads gets its rescale;
 *   <li>a clamp narrows the bounds of what it clamps, also from behind a move of elements or a max pool;
 *   <li>tables, requantizes and clamps of 8-bit codes in a row become one table where one of them is a table;
 *   <li>a requantize by exactly 1 is a clamp, and a clamp that changes no code goes.
 * </ul>
 *
 * The fused operation has the name of the last value of the row, the place in the source of the first.
 */
public final class Fuse implements Pass {
    public static final String NAME = "fuse";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(BoundAccumulators.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        return Rewriter.rewriteWhileShrinking(graph, Fuse::fuse);
    }

    /** Promises that no requantize and no clamp is left that the operation in front could have taken in. */
    @Override
    public void check(Graph graph) {
        Set<ValueId> single = Rewriter.usedOnce(graph);
        Map<ValueId, Node> definitions = graph.definitions();
        for (Node n : graph.nodes()) {
            Node x = n.operands().isEmpty() || !single.contains(n.operand(0)) ? null : definitions.get(n.operand(0));
            if (x == null) {
                continue;
            }
            boolean rescales = n.op() instanceof IntOp.Requantize && isBare(x.op());
            boolean clamps = n.op() instanceof IntOp.Clamp c && clamped(x, c.lo(), c.hi()) != null;
            boolean maps = n.op() instanceof IntOp.Table && x.op() instanceof IntOp.Table;
            if (rescales || clamps || maps) {
                throw new IllegalStateException(n.id() + " could be one with " + x.id());
            }
        }
    }

    private static ValueId fuse(Node n, Rewriter to) {
        if (n.op() instanceof IntOp.Requantize r) {
            return requantize(n, r, to);
        }
        if (n.op() instanceof IntOp.Clamp c) {
            return clamp(n, c, to);
        }
        return n.op() instanceof IntOp.Table t ? table(n, t, to) : to.emit(n);
    }

    /** The intent for the weights comes from the operation, the one for the result from what ends the row. */
    private static Node merged(Node first, Node last, Op op) {
        Spec.Intent intent = new Spec.Intent(
                first.intent().weights(),
                last.intent().activations(),
                first.intent().keepFloat() || last.intent().keepFloat());
        return new Node(last.id(), op, first.operands(), last.type(), intent, first.span());
    }

    private static ValueId requantize(Node n, IntOp.Requantize r, Rewriter to) {
        ValueId x = n.operand(0);
        if (keepsCodes(r.rescale(), to.type(x), n.type())) {
            IntOp.Clamp clamp = new IntOp.Clamp(r.rescale().lo(), r.rescale().hi());
            return clamp(n.withOp(clamp), clamp, to);
        }
        Node def = to.definition(x);
        if (def == null || !to.soleUse(x)) {
            return to.emit(n);
        }
        Accumulating bare = isBare(def.op()) ? Accumulating.of(def.op()) : null;
        if (bare != null) {
            return to.emit(merged(to.take(x), n, bare.withRescale(r.rescale()).on(def.op())));
        }
        if (def.op() instanceof IntOp.Table t && bits(n) <= 8 && bits(def) <= 8) {
            List<Integer> second =
                    Evaluator.table(r, def.type().quant(), n.type().quant());
            return to.emit(merged(to.take(x), n, new IntOp.Table(composed(t.entries(), def.type(), second))));
        }
        return to.emit(n);
    }

    private static int bits(Node n) {
        return n.type().quant().storage().bits();
    }

    private static boolean isBare(Op op) {
        Accumulating a = Accumulating.of(op);
        return a != null && a.rescale() == null;
    }

    /** Whether a rescale only clamps codes. */
    private static boolean keepsCodes(Rescale r, Type from, Type to) {
        if (!(from.element() instanceof Quant q)
                || !q.equals(to.element())
                || q.storage().bits() > 16) {
            return false;
        }
        // A multiplier of exactly 1 gives a itself in every contract, as far as singles hold it and shifts do not
        // saturate.
        return r.scales().stream().allMatch(s -> switch (s) {
            case Rescale.Scale.Fixed f -> f.multiplier() == 1 << 30 && f.shift() == 1;
            case Rescale.Scale.Real x -> x.factor() == 1;
        });
    }

    private static ValueId clamp(Node n, IntOp.Clamp c, Rewriter to) {
        ValueId x = n.operand(0);
        Quant q = n.type().quant();
        if (c.lo() <= q.lo() && c.hi() >= q.hi()) {
            return x;
        }
        Node def = to.definition(x);
        if (def == null || !to.soleUse(x)) {
            return to.emit(n);
        }
        Op narrowed = clamped(def, c.lo(), c.hi());
        if (narrowed != null) {
            return to.emit(merged(to.take(x), n, narrowed));
        }
        return throughMoves(n, c, to);
    }

    /** An operation whose result is clamped in addition, or null if it has no bounds of its own. */
    private static @Nullable Op clamped(Node n, int lo, int hi) {
        Accumulating a = Accumulating.of(n.op());
        if (a != null) {
            return a.rescale() == null
                    ? null
                    : a.withRescale(clamped(a.rescale(), lo, hi)).on(n.op());
        }
        if (!(n.op() instanceof IntOp op)) {
            return null;
        }
        return switch (op) {
            case IntOp.Requantize r -> new IntOp.Requantize(clamped(r.rescale(), lo, hi));
            case IntOp.Clamp c -> new IntOp.Clamp(Math.clamp(c.lo(), lo, hi), Math.clamp(c.hi(), lo, hi));
            case IntOp.Add s ->
                new IntOp.Add(
                        s.subtract(),
                        s.leftShift(),
                        s.rounding(),
                        s.scales(),
                        s.zero(),
                        Math.clamp(s.lo(), lo, hi),
                        Math.clamp(s.hi(), lo, hi));
            case IntOp.Table t ->
                new IntOp.Table(
                        t.entries().stream().map(e -> Math.clamp(e, lo, hi)).toList());
            case IntOp.Conv2d _,
                    IntOp.Dense _,
                    IntOp.MatMul _,
                    IntOp.Mul _,
                    IntOp.Sum _,
                    IntOp.AvgPool _,
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

    private static Rescale clamped(Rescale r, int lo, int hi) {
        return r.withClamp(Math.clamp(r.lo(), lo, hi), Math.clamp(r.hi(), lo, hi));
    }

    /**
     * Lets a clamp pass moves of elements and max pools (both commute with monotone functions of single codes), if an
     * operation with bounds is behind them that nothing else reads.
     */
    private static ValueId throughMoves(Node n, IntOp.Clamp c, Rewriter to) {
        ValueId at = n.operand(0);
        Node def = to.definition(at);
        while (def != null && commutes(def.op())) {
            at = def.operand(0);
            def = to.definition(at);
            Op narrowed = def != null && to.usedOnce(at) ? clamped(def, c.lo(), c.hi()) : null;
            if (narrowed != null) {
                to.update(at, narrowed);
                return n.operand(0);
            }
            if (!to.usedOnce(at)) {
                break;
            }
        }
        return to.emit(n);
    }

    private static boolean commutes(Op op) {
        return op instanceof DataOp d
                && switch (d) {
                    case DataOp.Reshape _,
                            DataOp.Transpose _,
                            DataOp.Slice _,
                            DataOp.MaxPool _,
                            DataOp.Broadcast _,
                            DataOp.ResizeNearest _ -> true;
                    case DataOp.Constant _, DataOp.Concat _, DataOp.Pad _, DataOp.Gather _ -> false;
                    case DataOp.Dilate _, DataOp.Select _ -> false;
                };
    }

    private static ValueId table(Node n, IntOp.Table t, Rewriter to) {
        Node fused = n;
        List<Integer> entries = t.entries();
        while (to.soleUse(fused.operand(0))) {
            Node def = to.definition(fused.operand(0));
            List<Integer> first = def == null ? null : tableOf(def, to);
            if (def == null || first == null) {
                break;
            }
            entries = composed(first, def.type(), entries);
            fused = merged(to.take(def.id()), n, new IntOp.Table(entries));
        }
        return to.emit(fused);
    }

    /** The codes that a function of single 8-bit codes gives, lowest operand first; null for other operations. */
    private static @Nullable List<Integer> tableOf(Node n, Rewriter to) {
        if (n.op() instanceof IntOp.Table t) {
            return t.entries();
        }
        boolean maps = n.op() instanceof IntOp.Clamp || n.op() instanceof IntOp.Requantize;
        return maps
                        && to.type(n.operand(0)).element() instanceof Quant from
                        && from.storage().bits() <= 8
                        && from.scheme() instanceof Scheme.PerTensor
                ? Evaluator.table(n.op(), from, n.type().quant())
                : null;
    }

    /** First one table, whose results have a type, then another. */
    private static List<Integer> composed(List<Integer> first, Type between, List<Integer> second) {
        int lowest = between.quant().storage().min();
        return first.stream().map(e -> second.get(e - lowest)).toList();
    }
}

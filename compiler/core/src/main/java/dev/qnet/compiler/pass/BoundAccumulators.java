package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Diagnostic;
import java.util.List;
import java.util.Map;

/**
 * Proves that no accumulator overflows ({@link AccumulatorBounds}): i32 becomes i64 where 32 bits may not hold the sum; what
 * 64 bits may not hold, or a fixed-point rescale may not scale, is an error. An accumulator that is i64 already stays: its
 * rounding differs from that of an i32, and whoever chose it may want that.
 */
public final class BoundAccumulators implements Pass {
    public static final String NAME = "accumulator-bounds";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(LowerToIntegers.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        if (graph.policy() == null) {
            // Read as integers from another system, whose accumulators are part of its arithmetic.
            return graph;
        }
        AccumulatorBounds bounds = AccumulatorBounds.analyse(graph);
        Graph widened = Rewriter.rewrite(graph, (n, to) -> to.emit(widened(n, to, bounds, context)));
        context.diagnostics().throwIfErrors();
        Map<ValueId, Type> types = widened.types();
        for (Node n : widened.nodes()) {
            scaling(n, types, bounds, context);
        }
        return widened;
    }

    @Override
    public void check(Graph graph) {
        if (graph.policy() == null) {
            return;
        }
        AccumulatorBounds bounds = AccumulatorBounds.analyse(graph);
        for (Node n : graph.nodes()) {
            AccumulatorBounds.Bound b = bounds.bound(n.id());
            Accumulating op = Accumulating.of(n.op());
            if (op != null && b != null && b.bits() > op.acc().bits()) {
                throw new IllegalStateException(n.id() + " accumulates " + b.bits() + " bits in " + op.acc());
            }
        }
    }

    private static Node widened(Node n, Rewriter to, AccumulatorBounds bounds, PassContext context) {
        AccumulatorBounds.Bound b = bounds.bound(n.id());
        Accumulating op = Accumulating.of(n.op());
        if (b == null || op == null) {
            // What only moves plain integers follows its operand.
            boolean moves = n.op() instanceof DataOp
                    && !(n.op() instanceof DataOp.Select)
                    && !n.operands().isEmpty()
                    && n.type().element() instanceof Element.Int;
            return moves ? to.retyped(n) : n;
        }
        if (b.bits() > 64) {
            context.diagnostics()
                    .add(Diagnostic.error(
                                    "accumulator-overflow",
                                    n.span(),
                                    "the accumulator of " + text(n) + " can exceed 64 bits")
                            .withFix("use narrower storage for its weights or activations"));
            return n;
        }
        if (b.bits() <= 32 || op.acc().bits() == 64) {
            return n;
        }
        context.diagnostics()
                .add(new Diagnostic(
                        Diagnostic.Severity.NOTE,
                        "accumulator-wide",
                        n.span(),
                        "the accumulator of " + text(n) + " can reach " + b.maxAbs() + ", which takes " + b.bits()
                                + " bits: it is an i64",
                        null,
                        List.of(),
                        "narrower weights or activations let it be an i32, which is faster"));
        Node wide = n.withOp(op.withAcc(Element.INT64).on(n.op()));
        return op.rescale() == null ? wide.withType(n.type().withElement(Element.INT64)) : wide;
    }

    /** The user's operation: its place says which; what no source stands for says its name. */
    private static String text(Node n) {
        return n.span().isNone()
                ? n.id().toString()
                : "this " + (n.op() instanceof IntOp.Sum ? "mean" : Role.name(n.op()));
    }

    /** Whether fixed-point scaling stays within the integers that its contract uses. */
    private static void scaling(Node n, Map<ValueId, Type> types, AccumulatorBounds bounds, PassContext context) {
        Accumulating op = Accumulating.of(n.op());
        boolean fits = true;
        if (op != null && op.rescale() != null) {
            fits = fits(op.rescale(), op.acc().bits(), channels(n.id(), bounds));
        } else if (n.op() instanceof IntOp.Requantize r) {
            ValueId x = n.operand(0);
            int bits = types.get(x) instanceof Type(Element.Int i, Shape _) ? i.bits() : 32;
            fits = fits(r.rescale(), bits, channels(x, bounds));
        } else if (n.op() instanceof IntOp.Add a && a.rounding().fixedPoint()) {
            fits = fits(a, bounds.largest(n.operand(0)), bounds.largest(n.operand(1)));
        }
        if (!fits) {
            context.diagnostics()
                    .add(
                            Diagnostic.error(
                                            "accumulator-overflow",
                                            n.span(),
                                            "scaling the accumulator of " + text(n)
                                                    + " to its result can overflow 32 bits")
                                    .withFix(
                                            "the result's scale is far too fine for what the result can reach: give it a wider range"));
        }
    }

    private static long[] channels(ValueId id, AccumulatorBounds bounds) {
        long[] perChannel = bounds.channelBounds(id);
        return perChannel != null ? perChannel : new long[] {bounds.largest(id)};
    }

    private static boolean fits(Rescale r, int bits, long[] channels) {
        for (int c = 0; c < Math.max(channels.length, r.scales().size()); c++) {
            long a = channels[channels.length == 1 ? 0 : c];
            if (r.scale(c) instanceof Rescale.Scale.Fixed f
                    && !(bits == 64 ? fits64(f, a) : fits32(r.rounding(), f, (double) a))) {
                return false;
            }
        }
        return true;
    }

    /** A product with a 16-bit multiplier in 64 bits, shifted right by 14 − s. */
    private static boolean fits64(Rescale.Scale.Fixed f, long a) {
        return f.shift() <= 14 && a < 1L << 47;
    }

    /** The result in 32 bits, and before it, where the contract shifts left first, the shifted accumulator. */
    private static boolean fits32(Rounding rounding, Rescale.Scale.Fixed f, double a) {
        double shifted = rounding == Rounding.TFLITE ? Math.scalb(a, Math.max(f.shift(), 0)) : a;
        return shifted <= Integer.MAX_VALUE && scaled(f, a) <= Integer.MAX_VALUE;
    }

    /** The largest magnitude after scaling, rounding included. */
    private static double scaled(Rescale.Scale.Fixed f, double a) {
        return Math.scalb(a * f.multiplier(), f.shift() - 31) + 1;
    }

    private static boolean fits(IntOp.Add a, long x, long y) {
        Rescale.Scale.Fixed fx = (Rescale.Scale.Fixed) a.scales().get(0);
        Rescale.Scale.Fixed fy = (Rescale.Scale.Fixed) a.scales().get(1);
        double shiftedX = Math.scalb((double) x, a.leftShift());
        double shiftedY = Math.scalb((double) y, a.leftShift());
        double sum = scaled(fx, shiftedX) + scaled(fy, shiftedY);
        return fits32(a.rounding(), fx, shiftedX)
                && fits32(a.rounding(), fy, shiftedY)
                && sum <= Integer.MAX_VALUE
                && fits32(a.rounding(), (Rescale.Scale.Fixed) a.scales().get(2), sum);
    }
}

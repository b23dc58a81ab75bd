package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.IntToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Folds batch normalization, and multiplication, addition and subtraction of constants per channel, into the weights and
 * bias of the conv2d or dense before or after. With {@code y = f[c]·x + t[c]}:
 *
 * <ul>
 *   <li>behind: {@code w'[o] = f[o]·w[o]}, {@code b'[o] = f[o]·b[o] + t[o]};
 *   <li>in front: {@code w'[o,..,c] = w[o,..,c]·f[c]}, {@code b'[o] = b[o] + Σ w[o,..,c]·t[c]}, where t = 0 or nothing is
 *       padded, since padding is 0 behind the shift, not in front of it.
 * </ul>
 *
 * Computed in double and rounded to single once. What is between must have no other reader and no request for its
 * quantization; weights whose range or scales are given in the source, or that are codes already, stay as they are.
 *
 * <p>A batch normalization that remains becomes a depthwise 1x1 conv2d where its input is [N,H,W,C]: quantized per channel,
 * that is one exact multiplication and one rounding. Elsewhere it becomes a multiplication and an addition.
 */
public final class FoldBatchNorm implements Pass {
    public static final String NAME = "fold-batch-norm";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(Canonicalize.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Graph folded = Rewriter.rewrite(graph, (n, to) -> fold(n, to, context));
        context.diagnostics().throwIfErrors();
        return Rewriter.rewrite(folded, (n, to) -> expand(n, to));
    }

    /** Promises that no batch normalization with constant parameters is left. */
    @Override
    public void check(Graph graph) {
        Rewriter.rewrite(graph, (n, to) -> {
            if (n.op() instanceof FloatOp.BatchNorm && ChannelAffine.of(n, to) != null) {
                throw new IllegalStateException(n.id() + " is still a batch_norm");
            }
            return to.emit(n);
        });
    }

    private static ValueId fold(Node n, Rewriter to, PassContext context) {
        ChannelAffine behind = ChannelAffine.of(n, to);
        if (behind != null) {
            if (n.op() instanceof FloatOp.BatchNorm b && !behind.isFinite()) {
                context.diagnostics().add(noRoot(n, b, to));
                return to.emit(n);
            }
            Node weighted = to.definition(behind.input());
            if (weighted != null && weighted(weighted) && to.soleUse(weighted.id()) && between(weighted, n)) {
                if (foldable(weighted, to)) {
                    return to.emit(behind(to.take(weighted.id()), n, behind, to));
                }
                Node weights = to.definition(weighted.operand(1));
                if (n.op() instanceof FloatOp.BatchNorm
                        && weights != null
                        && weights.op() instanceof QuantOp.Dequantize) {
                    context.diagnostics().add(notFolded(n, weighted));
                }
            }
            return to.emit(n);
        }
        Node now = n;
        while (weighted(now) && foldable(now, to)) {
            Node before = inFront(now, to);
            ChannelAffine affine = before == null ? null : ChannelAffine.of(before, to);
            if (before == null || affine == null) {
                break;
            }
            to.take(before.id());
            now = inFront(now, affine, to);
        }
        return to.emit(now);
    }

    private static boolean weighted(Node n) {
        return n.op() instanceof FloatOp.Conv2d || n.op() instanceof FloatOp.Dense;
    }

    /** Whether weights and bias are singles that may change. */
    private static boolean foldable(Node n, Rewriter to) {
        Spec weights = n.intent().weights();
        boolean given = weights != null
                && (weights.range() instanceof RangeMethod.Given || weights.range() instanceof RangeMethod.Fixed);
        return !given
                && to.singles(n.operand(1)) != null
                && (n.operands().size() < 3 || to.singles(n.operand(2)) != null);
    }

    /** Whether nobody asks for the value between two operations, and both are quantized or both are not. */
    private static boolean between(Node first, Node second) {
        return first.intent().activations() == null
                && first.intent().keepFloat() == second.intent().keepFloat();
    }

    /** The operation in front of a conv2d or dense that it can take in, or null. */
    private static @Nullable Node inFront(Node n, Rewriter to) {
        ValueId x = n.operand(0);
        Node before = to.definition(x);
        if (before == null || !to.soleUse(x) || !between(before, n)) {
            return null;
        }
        ChannelAffine affine = ChannelAffine.of(before, to);
        boolean pads = n.op() instanceof FloatOp.Conv2d(Window w, int groups)
                && w.top() + w.left() + w.bottom() + w.right() > 0;
        return affine == null || !affine.isFinite() || (pads && affine.shifts()) ? null : before;
    }

    private static Node behind(Node weighted, Node last, ChannelAffine f, Rewriter to) {
        Type type = to.type(weighted.operand(1));
        float[] w = singles(weighted.operand(1), to);
        int out = type.shape().dim(0);
        int row = w.length / Math.max(1, out);
        float[] scaled = new float[w.length];
        for (int i = 0; i < w.length; i++) {
            scaled[i] = (float) (w[i] * f.factor(i / row));
        }
        ValueId bias = bias(weighted, to, last, out, f.shifts(), (o, b) -> b * f.factor(o) + f.shift(o));
        Spec.Intent intent = new Spec.Intent(
                weighted.intent().weights(),
                last.intent().activations(),
                last.intent().keepFloat());
        return new Node(
                last.id(),
                weighted.op(),
                operands(
                        weighted.operand(0),
                        to.replaceConstant(weighted.operand(1), new Tensor.OfFloat(type.shape(), scaled), type),
                        bias),
                last.type(),
                intent,
                weighted.span());
    }

    private static Node inFront(Node n, ChannelAffine f, Rewriter to) {
        Type type = to.type(n.operand(1));
        float[] w = singles(n.operand(1), to);
        int out = type.shape().dim(0);
        int row = w.length / Math.max(1, out);
        int inner = type.shape().dim(-1);
        int outPerGroup = n.op() instanceof FloatOp.Conv2d(Window window, int groups) ? out / groups : Math.max(1, out);
        float[] scaled = new float[w.length];
        double[] shifted = new double[out];
        for (int i = 0; i < w.length; i++) {
            int o = i / row;
            int channel = o / outPerGroup * inner + i % inner;
            scaled[i] = (float) (w[i] * f.factor(channel));
            shifted[o] += w[i] * f.shift(channel);
        }
        ValueId bias = bias(n, to, n, out, f.shifts(), (o, b) -> b + shifted[o]);
        ValueId weights = to.replaceConstant(n.operand(1), new Tensor.OfFloat(type.shape(), scaled), type);
        return n.withOperands(operands(f.input(), weights, bias));
    }

    private static List<ValueId> operands(ValueId x, ValueId w, @Nullable ValueId bias) {
        List<ValueId> all = new ArrayList<>(List.of(x, w));
        if (bias != null) {
            all.add(bias);
        }
        return all;
    }

    private static float[] singles(ValueId id, Rewriter to) {
        return Objects.requireNonNull(to.singles(id));
    }

    /** What becomes of the bias of channel o. */
    @FunctionalInterface
    private interface BiasFunction {
        double of(int o, double b);
    }

    /** The new bias, or null where there was none and need be none. */
    private static @Nullable ValueId bias(
            Node weighted, Rewriter to, Node named, int out, boolean needed, BiasFunction f) {
        if (weighted.operands().size() < 3) {
            return needed
                    ? to.constant(named.id().name() + ".bias", vector(out, o -> f.of(o, 0)), Type.f32(out), named)
                    : null;
        }
        ValueId old = weighted.operand(2);
        float[] b = singles(old, to);
        return to.replaceConstant(old, vector(out, o -> f.of(o, b[o])), to.type(old));
    }

    private static Tensor vector(int length, IntToDoubleFunction f) {
        float[] values = new float[length];
        for (int i = 0; i < length; i++) {
            values[i] = (float) f.applyAsDouble(i);
        }
        return new Tensor.OfFloat(Shape.of(length), values);
    }

    /** What is left as batch normalization, in operations that have an integer form. */
    private static ValueId expand(Node n, Rewriter to) {
        ChannelAffine f = n.op() instanceof FloatOp.BatchNorm ? ChannelAffine.of(n, to) : null;
        if (f == null) {
            return to.emit(n);
        }
        int channels = n.type().shape().dim(-1);
        String name = n.id().name();
        Tensor factor = vector(channels, f::factor);
        Tensor shift = vector(channels, f::shift);
        if (n.type().shape().rank() == 4) {
            Shape depthwise = Shape.of(channels, 1, 1, 1);
            ValueId w = to.constant(name + ".weight", factor.reshaped(depthwise), Type.f32(channels, 1, 1, 1), n);
            ValueId b = to.constant(name + ".bias", shift, Type.f32(channels), n);
            return to.emit(
                    n.withOp(new FloatOp.Conv2d(Window.of(1, 1), channels)).withOperands(List.of(f.input(), w, b)));
        }
        ValueId x = f.input();
        if (f.scales() || !f.shifts()) {
            ValueId k = to.constant(name + ".factor", factor, Type.f32(channels), n);
            Node mul = n.withOp(new FloatOp.Binary(FloatOp.Binary.Fn.MUL)).withOperands(List.of(x, k));
            if (!f.shifts()) {
                return to.emit(mul);
            }
            x = to.emit(mul.withId(to.fresh(name + ".scaled"))
                    .withIntent(new Spec.Intent(null, null, n.intent().keepFloat())));
        }
        ValueId t = to.constant(name + ".shift", shift, Type.f32(channels), n);
        return to.emit(n.withOp(new FloatOp.Binary(FloatOp.Binary.Fn.ADD)).withOperands(List.of(x, t)));
    }

    private static Diagnostic noRoot(Node n, FloatOp.BatchNorm b, Rewriter to) {
        float[] variance = singles(n.operand(4), to);
        for (int c = 0; c < variance.length; c++) {
            double under = (double) variance[c] + b.epsilon();
            if (!(under > 0) || Double.isInfinite(under)) {
                return Diagnostic.error(
                                "batch-norm-variance",
                                n.span(),
                                "batch_norm divides by the square root of variance + epsilon, which is " + (float) under
                                        + " in channel " + c)
                        .withFix("check the parameter " + n.operand(4) + ", or give a larger epsilon");
            }
        }
        return Diagnostic.error("batch-norm-variance", n.span(), "the parameters of batch_norm are not finite numbers")
                .withFix("check the parameters " + n.operands().subList(1, 5));
    }

    private static Diagnostic notFolded(Node n, Node weighted) {
        return new Diagnostic(
                Diagnostic.Severity.NOTE,
                "batch-norm-not-folded",
                n.span(),
                "batch_norm stays an operation of its own: the weights of " + weighted.id() + " are given as codes",
                null,
                List.of(),
                "fold it before quantizing the weights, which is faster and rounds once less");
    }
}

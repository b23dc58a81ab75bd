package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.compiler.quant.RangeException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.List;
import java.util.Locale;

/**
 * What the quantization passes tell the user. Errors where it is wrong, warnings where it is wasteful, notes where it was
 * asked for. docs/language.md lists the codes.
 */
final class QuantDiagnostics {
    private QuantDiagnostics() {}

    /** A layer that must stay in f32 although nobody asked for it. */
    static Diagnostic floatIsland(Node n, String why) {
        return Diagnostic.error(
                        "float-island",
                        n.span(),
                        Role.name(n.op()) + " would be left in float inside an integer graph: " + why)
                .labelled("has no integer form here")
                .withFix("write @float at it to keep it in f32, with its operands dequantized");
    }

    /** A layer that stays in f32 because the source asks for it. */
    static Diagnostic askedFloat(Node n) {
        return new Diagnostic(
                Diagnostic.Severity.NOTE,
                "float-island",
                n.span(),
                Role.name(n.op()) + " " + name(n.id()) + " stays in f32, as @float asks",
                null,
                List.of(),
                null);
    }

    /** A range or parameters that cannot be. */
    static Diagnostic badParameters(Span span, String what, RangeException e) {
        Diagnostic d = Diagnostic.error(e.code(), span, what + ": " + e.getMessage());
        return switch (e.code()) {
            case "per-channel-axis" -> d.withFix("write per_channel for axis 0, or per_tensor");
            case "per-group" -> d.withFix("write symmetric per_group(size) for weights of conv2d and dense only");
            case "zero-point-range" -> d.withFix("choose a zero point among the codes, or a storage that has it");
            case "thresholds" ->
                d.withFix(
                        "give its thresholds levels that are codes of it, or it the storage that they were found with:"
                                + " run `qnet train` or `qnet calibrate` anew where the scheme has changed");
            case "bad-range" -> d.withFix("write range(lo, hi) with lo below hi");
            case "bad-scale" -> d.withFix("leave the scale out and calibrate, or give one above 0");
            case "non-finite-weight" -> d.withFix("check where the parameters come from");
            case "scale-count" -> d.withFix("give one scale, or one for each output channel");
            default -> d;
        };
    }

    /** Activations that are asked for in a way in which no integer operation computes. */
    static Diagnostic activationSpec(Span span, String why, String fix) {
        return Diagnostic.error("activation-scheme", span, why).withFix(fix);
    }

    /** Groups that do not divide a row of weights. */
    static Diagnostic groupSize(Node n, int size, int row) {
        if (size >= row) {
            return Diagnostic.warning(
                            "group-size",
                            n.span(),
                            "a group of " + size + " is no smaller than the " + row + " inputs of an output channel of "
                                    + Role.name(n.op()) + ", so that each channel is one group")
                    .withFix("write per_channel, which says the same without group multipliers");
        }
        return Diagnostic.warning(
                        "group-size",
                        n.span(),
                        "groups of " + size + " do not divide the " + row + " inputs of an output channel of "
                                + Role.name(n.op()) + ": the last group of each channel has only " + row % size)
                .withFix("choose a group size that divides " + row);
    }

    /** A range far wider than the values in it. */
    static Diagnostic unusedCodes(Span span, String what, int lo, int hi, Quant q) {
        long used = (long) hi - lo + 1;
        long all = (long) q.hi() - q.lo() + 1;
        return Diagnostic.warning(
                        "unused-codes",
                        span,
                        what + ": of the " + all + " codes of " + q.storage() + " only " + lo + " to " + hi
                                + " are used, so that " + bits(used, all) + " nothing")
                .labelled("range far too wide")
                .withFix("narrow the range, or leave it out: it is then found from the data");
    }

    private static String bits(long used, long all) {
        int n = (int) Math.floor(Math.log((double) all / used) / Math.log(2));
        return n == 1 ? "1 bit carries" : n + " bits carry";
    }

    /** Codes given in the source below a narrow range. */
    static Diagnostic narrowRange(Node user, Node constant, int code, int index, Spec spec) {
        return Diagnostic.error(
                        "narrow-range",
                        constant.span(),
                        "the constant " + name(constant.id()) + " holds the code " + code + " (element " + index
                                + "), but weights of " + Role.name(user.op()) + " are narrow " + spec.storage() + ": "
                                + spec.lo() + " to " + spec.hi())
                .withFix("change the code to " + spec.lo() + ", or write full instead of narrow");
    }

    /** Values without a range. */
    static Diagnostic uncalibrated(Graph graph, List<Node> points) {
        Node first = points.getFirst();
        Diagnostic d = Diagnostic.error(
                "not-calibrated",
                first.span(),
                points.size() == 1
                        ? "the range of " + name(first.operand(0)) + " is not known"
                        : "the ranges of " + points.size() + " values of " + graph.name()
                                + " are not known, the first of them " + name(first.operand(0)));
        for (Node n : points.subList(1, Math.min(4, points.size()))) {
            d = d.withNote(n.span(), "nor is that of " + name(n.operand(0)));
        }
        return d.withFix("run `qnet calibrate` with some typical inputs, or write @activations(range(lo, hi))");
    }

    /** A range that reaches below 0, for codes that cannot. */
    static Diagnostic negativeClipped(Span span, String what, float lo, Spec spec) {
        return Diagnostic.warning(
                        "clipped-range",
                        span,
                        what + " reaches down to " + lo + ", but symmetric " + spec.storage() + " has no code below 0")
                .withFix("write asymmetric, or a signed storage");
    }

    /** A bias given as codes with a scale that accumulators do not have. */
    static Diagnostic biasScale(Node user, Node bias, int c, double found, int zero, float sx, float sw) {
        return Diagnostic.error(
                        "bias-scale",
                        bias.span(),
                        zero != 0
                                ? "the bias " + name(bias.id()) + " of " + Role.name(user.op()) + " has zero point "
                                        + zero + ", but a bias is added as it is and has zero point 0"
                                : "the bias " + name(bias.id()) + " of " + Role.name(user.op()) + " has scale "
                                        + (float) found
                                        + " for channel " + c
                                        + ", but it is added to products of codes, whose scale is "
                                        + (float) ((double) sx * sw) + " (input " + sx + " times weights " + sw + ")")
                .labelled("not the scale of the input times that of the weights")
                .withNote(user.span(), "added here")
                .withFix("give the bias in f32 and let it be quantized, or give it with that scale");
    }

    /** A bias too large for an i32 of its scale. */
    static Diagnostic biasOverflow(Node user, Node bias, int c, float value, double scale) {
        return Diagnostic.error(
                        "bias-overflow",
                        bias.span(),
                        "the bias " + value + " of channel " + c + " of " + Role.name(user.op()) + " is "
                                + String.format(Locale.ROOT, "%.3g", value / scale) + " steps of its scale "
                                + (float) scale + ", more than an i32 holds")
                .withNote(user.span(), "added here")
                .withFix("widen the range of the input or of the weights of that channel");
    }

    /** An operand that has to be requantized before it can be joined with others. */
    static Diagnostic mismatchedScales(Node n, ValueId v, Quant has, Quant wanted) {
        return Diagnostic.warning(
                        "mismatched-scales",
                        n.span(),
                        Role.name(n.op()) + " needs one scale, but its operand " + name(v) + " is " + text(has)
                                + " and its result " + text(wanted) + ": a requantize of " + name(v) + " is inserted")
                .labelled("scale " + has.perTensor().scale() + " joined with scale "
                        + wanted.perTensor().scale())
                .withFix("give " + name(v) + " and what it is joined with the same range: @activations(range("
                        + Parameters.lowest(wanted) + ", " + Parameters.highest(wanted) + "))");
    }

    /** An operand that loses most of its codes to what it is joined with. */
    static Diagnostic coarserOperand(Node n, ValueId v, Quant has, Quant wanted) {
        double part = (double) has.perTensor().scale() / wanted.perTensor().scale();
        return Diagnostic.warning(
                        "mismatched-scales",
                        n.span(),
                        Role.name(n.op()) + " joins " + name(v) + ", whose own scale would be "
                                + has.perTensor().scale()
                                + ", with values that need scale "
                                + wanted.perTensor().scale() + ": " + name(v) + " keeps only "
                                + String.format(Locale.ROOT, "%.2g %%", 100 * part) + " of its codes")
                .labelled("ranges far apart")
                .withFix("join values of similar ranges, or use a wider storage here: @activations(i16)");
    }

    /** An operand of a sum that is smaller than the sum can show. */
    static Diagnostic idleOperand(Node sum, ValueId v, Quant x, Quant q, double steps) {
        return Diagnostic.warning(
                        "mismatched-scales",
                        sum.span(),
                        Role.name(sum.op()) + " adds " + name(v) + ", " + text(x) + ", to a result with scale "
                                + q.perTensor().scale() + ": all its codes together move the result by "
                                + String.format(Locale.ROOT, "%.2g", steps) + " codes")
                .labelled("operand lost in rounding")
                .withFix("drop it, or use a wider storage for the result: @activations(i16)");
    }

    /** Scales so far apart that no multiplier takes one to the other. */
    static Diagnostic multiplier(Node n, double m) {
        return Diagnostic.error(
                        "scale-ratio",
                        n.span(),
                        "the scale of " + name(n.id()) + " is " + String.format(Locale.ROOT, "%.3g", m)
                                + " times finer than that of what is computed, more than the 2^30 that a multiplier can be")
                .withFix("widen the range of " + name(n.id()));
    }

    /** A value as the front end quotes names. */
    static String name(ValueId v) {
        return "'" + v.name() + "'";
    }

    /** {@code scale 0.1, zero 3}. */
    static String text(Quant q) {
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> q.storage() + " with scale " + t.scale() + ", zero point " + t.zero();
            case Scheme.PerAxis a -> q.storage() + " with " + a.scales().size() + " scales";
            case Scheme.PerGroup g -> q.storage() + " with groups of " + g.size();
        };
    }
}

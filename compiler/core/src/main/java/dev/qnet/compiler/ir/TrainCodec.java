package dev.qnet.compiler.ir;

import static dev.qnet.compiler.ir.Attr.call;
import static dev.qnet.compiler.ir.Attr.of;
import static dev.qnet.compiler.ir.Attr.ofInts;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The text form of {@link TrainOp}: mnemonics that begin with {@code train.} and, for gradients, {@code grad.}. */
final class TrainCodec {
    private TrainCodec() {}

    static OpCodec.Coded encode(TrainOp op) {
        return switch (op) {
            case TrainOp.ConvInputGrad c ->
                OpCodec.coded(
                        "grad.conv2d_input",
                        "window",
                        OpAttrs.window(c.window()),
                        "groups",
                        of(c.groups()),
                        "size",
                        ofInts(c.height(), c.width()));
            case TrainOp.ConvWeightGrad c ->
                OpCodec.coded("grad.conv2d_weight", "window", OpAttrs.window(c.window()), "groups", of(c.groups()));
            case TrainOp.UnaryGrad u -> OpCodec.coded("grad.unary", "of", OpCodec.function(u.fn()));
            case TrainOp.MaxPoolGrad p -> OpCodec.coded("grad.max_pool", "window", OpAttrs.window(p.window()));
            case TrainOp.AvgPoolGrad p ->
                OpCodec.coded(
                        "grad.avg_pool", "window", OpAttrs.window(p.window()), "size", ofInts(p.height(), p.width()));
            case TrainOp.ResizeNearestGrad r ->
                OpCodec.coded("grad.resize_nearest", "size", ofInts(r.height(), r.width()));
            case TrainOp.SoftmaxGrad s -> OpCodec.coded("grad.softmax", "axis", of(s.axis()));
            case TrainOp.SumTo s -> OpCodec.coded("train.sum_to", "shape", OpAttrs.shape(s.shape()));
            case TrainOp.Moments m -> OpCodec.coded("train.moments");
            case TrainOp.Normalize n -> OpCodec.coded("train.normalize", "epsilon", of(n.epsilon()));
            case TrainOp.NormalizeScaleGrad n -> OpCodec.coded("grad.normalize_scale", "epsilon", of(n.epsilon()));
            case TrainOp.NormalizeInputGrad n -> OpCodec.coded("grad.normalize_input", "epsilon", of(n.epsilon()));
            case TrainOp.CrossEntropy c -> OpCodec.coded("train.cross_entropy");
            case TrainOp.CrossEntropyGrad c -> OpCodec.coded("grad.cross_entropy");
            case TrainOp.Quantized q ->
                OpCodec.coded(
                        "train.quantized",
                        "by",
                        encode(q.quantizer()),
                        "lo",
                        of(q.lo()),
                        "hi",
                        of(q.hi()),
                        "factor",
                        of(q.factor()));
            case TrainOp.QuantizedInputGrad q ->
                OpCodec.coded("grad.quantized_input", "by", encode(q.quantizer()), "lo", of(q.lo()), "hi", of(q.hi()));
            case TrainOp.QuantizedParameterGrad q ->
                OpCodec.coded(
                        "grad.quantized_parameters",
                        "by",
                        encode(q.quantizer()),
                        "lo",
                        of(q.lo()),
                        "hi",
                        of(q.hi()),
                        "factor",
                        of(q.factor()));
        };
    }

    /** The operation of a mnemonic, or null if there is none. */
    static @Nullable Op decode(String mnemonic, AttrReader a) {
        return switch (mnemonic) {
            case "grad.conv2d_input" -> {
                Window window = OpAttrs.readWindow(a.get("window"));
                int groups = a.get("groups").asInt();
                List<Integer> size = size(a);
                yield new TrainOp.ConvInputGrad(window, groups, size.get(0), size.get(1));
            }
            case "grad.conv2d_weight" ->
                new TrainOp.ConvWeightGrad(
                        OpAttrs.readWindow(a.get("window")), a.get("groups").asInt());
            case "grad.unary" -> new TrainOp.UnaryGrad(OpCodec.readFunction(a.get("of")));
            case "grad.max_pool" -> new TrainOp.MaxPoolGrad(OpAttrs.readWindow(a.get("window")));
            case "grad.avg_pool" -> {
                Window window = OpAttrs.readWindow(a.get("window"));
                List<Integer> size = size(a);
                yield new TrainOp.AvgPoolGrad(window, size.get(0), size.get(1));
            }
            case "grad.resize_nearest" -> {
                List<Integer> size = size(a);
                yield new TrainOp.ResizeNearestGrad(size.get(0), size.get(1));
            }
            case "grad.softmax" -> new TrainOp.SoftmaxGrad(a.get("axis").asInt());
            case "train.sum_to" -> new TrainOp.SumTo(OpAttrs.readShape(a.get("shape")));
            case "train.moments" -> new TrainOp.Moments();
            case "train.normalize" -> new TrainOp.Normalize(a.get("epsilon").asFloat());
            case "grad.normalize_scale" ->
                new TrainOp.NormalizeScaleGrad(a.get("epsilon").asFloat());
            case "grad.normalize_input" ->
                new TrainOp.NormalizeInputGrad(a.get("epsilon").asFloat());
            case "train.cross_entropy" -> new TrainOp.CrossEntropy();
            case "grad.cross_entropy" -> new TrainOp.CrossEntropyGrad();
            case "train.quantized" ->
                new TrainOp.Quantized(
                        decode(a.get("by")),
                        a.get("lo").asInt(),
                        a.get("hi").asInt(),
                        a.get("factor").asFloat());
            case "grad.quantized_input" ->
                new TrainOp.QuantizedInputGrad(
                        decode(a.get("by")), a.get("lo").asInt(), a.get("hi").asInt());
            case "grad.quantized_parameters" ->
                new TrainOp.QuantizedParameterGrad(
                        decode(a.get("by")),
                        a.get("lo").asInt(),
                        a.get("hi").asInt(),
                        a.get("factor").asFloat());
            default -> null;
        };
    }

    private static List<Integer> size(AttrReader a) {
        List<Integer> size = a.get("size").asInts();
        if (size.size() != 2) {
            throw new IllegalArgumentException("a size is [height, width], found " + size);
        }
        return size;
    }

    /** {@code lsq}, {@code pact(6.0, 2.0E-4)}, {@code qn(5.0, 50.0)}. */
    static Attr encode(Quantizer q) {
        return switch (q) {
            case Quantizer.Affine a -> a.leastError() ? call("affine", of("mse")) : of("affine");
            case Quantizer.Pact p -> call("pact", of(p.alpha()), of(p.decay()));
            case Quantizer.Lsq _ -> of("lsq");
            case Quantizer.LsqPlus _ -> of("lsq_plus");
            case Quantizer.Qil _ -> of("qil");
            case Quantizer.Qn n ->
                n.levels().isEmpty()
                        ? call("qn", of(n.from()), of(n.to()))
                        : call("qn", of(n.from()), of(n.to()), ofInts(n.levels()));
            case Quantizer.Codebook c -> call("codebook", of(c.entries()), of(c.commitment()));
            case Quantizer.Ternary _ -> of("ternary");
            case Quantizer.Bipolar _ -> of("bipolar");
        };
    }

    static Quantizer decode(Attr a) {
        Attr.Call c = a.asCall();
        Quantizer q = switch (c.name()) {
            case "affine" -> new Quantizer.Affine(!c.args().isEmpty());
            case "pact" -> new Quantizer.Pact(number(c, 0), number(c, 1));
            case "lsq" -> new Quantizer.Lsq();
            case "lsq_plus" -> new Quantizer.LsqPlus();
            case "qil" -> new Quantizer.Qil();
            case "qn" ->
                new Quantizer.Qn(
                        number(c, 0),
                        number(c, 1),
                        c.args().size() > 2 ? c.args().get(2).asInts() : List.of());
            case "codebook" -> new Quantizer.Codebook((int) number(c, 0), number(c, 1));
            case "ternary" -> new Quantizer.Ternary();
            case "bipolar" -> new Quantizer.Bipolar();
            default -> throw new IllegalArgumentException("there is no quantizer '" + c.name() + "'");
        };
        if (encode(q).asCall().args().size() != c.args().size()) {
            throw new IllegalArgumentException("a quantizer is written " + encode(q) + ", not " + a);
        }
        return q;
    }

    private static float number(Attr.Call c, int i) {
        if (i >= c.args().size()) {
            throw new IllegalArgumentException("the quantizer " + c.name() + " needs more numbers");
        }
        return c.args().get(i).asFloat();
    }
}

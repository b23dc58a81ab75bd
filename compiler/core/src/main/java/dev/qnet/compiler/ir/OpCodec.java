package dev.qnet.compiler.ir;

import static dev.qnet.compiler.ir.Attr.of;
import static dev.qnet.compiler.ir.Attr.ofInts;
import static dev.qnet.compiler.ir.OpAttrs.q31;
import static dev.qnet.compiler.ir.OpAttrs.readQ31;
import static dev.qnet.compiler.ir.OpAttrs.readRescale;
import static dev.qnet.compiler.ir.OpAttrs.readShape;
import static dev.qnet.compiler.ir.OpAttrs.readWindow;
import static dev.qnet.compiler.ir.OpAttrs.rescale;
import static dev.qnet.compiler.ir.OpAttrs.rounding;
import static dev.qnet.compiler.ir.OpAttrs.shape;
import static dev.qnet.compiler.ir.OpAttrs.storage;
import static dev.qnet.compiler.ir.OpAttrs.window;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/** Operations as a mnemonic with attributes, and back: the part of the text form that knows each operation. */
final class OpCodec {
    private OpCodec() {}

    /** An operation, taken apart. */
    record Coded(String mnemonic, Map<String, Attr> attrs) {}

    static Coded encode(Op op) {
        return switch (op) {
            case DataOp d -> data(d);
            case FloatOp f -> real(f);
            case QuantOp q -> quant(q);
            case NumOp n -> numbers(n);
            case IntOp i -> integer(i);
            case TrainOp t -> TrainCodec.encode(t);
        };
    }

    private static Coded numbers(NumOp op) {
        return switch (op) {
            case NumOp.Binary b -> coded("num." + word(b.fn()));
            case NumOp.Unary u -> coded("num." + word(u.fn()));
            case NumOp.Compare c -> coded("num." + word(c.fn()));
            case NumOp.Cast c -> coded("num.cast");
            case NumOp.Reinterpret r -> coded("num.reinterpret");
            case NumOp.Reduce r ->
                coded("num.reduce_" + word(r.fn()), "axes", ofInts(r.axes()), "keep_dims", of(r.keepDims()));
            case NumOp.TopK t ->
                coded(
                        "num.top_k",
                        "axis",
                        of(t.axis()),
                        "k",
                        of(t.k()),
                        "largest",
                        of(t.largest()),
                        "indices",
                        of(t.indices()));
        };
    }

    private static String word(Enum<?> value) {
        return value.name().toLowerCase(Locale.ROOT);
    }

    /** The constant of an enum that a word names, or null. */
    private static <E extends Enum<E>> @Nullable E named(Class<E> type, String word) {
        for (E e : type.getEnumConstants()) {
            if (word(e).equals(word)) {
                return e;
            }
        }
        return null;
    }

    private static Coded data(DataOp op) {
        return switch (op) {
            case DataOp.Constant c -> coded("constant");
            case DataOp.Reshape r -> coded("reshape", "shape", shape(r.shape()));
            case DataOp.Transpose t -> coded("transpose", "permutation", ofInts(t.permutation()));
            case DataOp.Concat c -> coded("concat", "axis", of(c.axis()));
            case DataOp.Slice s ->
                coded("slice", "begin", ofInts(s.begin()), "end", ofInts(s.end()), "step", ofInts(s.step()));
            case DataOp.Pad p ->
                coded("pad", "before", ofInts(p.before()), "after", ofInts(p.after()), "value", of(p.value()));
            case DataOp.MaxPool p -> coded("max_pool", "window", window(p.window()));
            case DataOp.ResizeNearest r -> coded("resize_nearest", "size", ofInts(r.height(), r.width()));
            case DataOp.Gather g -> coded("gather", "axis", of(g.axis()));
            case DataOp.Broadcast b -> coded("broadcast", "shape", shape(b.shape()));
            case DataOp.Dilate d -> coded("dilate", "factors", ofInts(d.factors()), "value", of(d.value()));
            case DataOp.Select s -> coded("select");
        };
    }

    private static Coded real(FloatOp op) {
        return switch (op) {
            case FloatOp.Conv2d c -> coded("conv2d", "window", window(c.window()), "groups", of(c.groups()));
            case FloatOp.Dense d -> coded("dense");
            case FloatOp.MatMul m -> coded("matmul");
            case FloatOp.Binary b -> coded(word(b.fn()));
            case FloatOp.Unary u -> unary(u.fn());
            case FloatOp.AvgPool p -> coded("avg_pool", "window", window(p.window()));
            case FloatOp.Mean m -> coded("mean", "axes", ofInts(m.axes()), "keep_dims", of(m.keepDims()));
            case FloatOp.BatchNorm b -> coded("batch_norm", "epsilon", of(b.epsilon()));
            case FloatOp.Softmax s -> coded("softmax", "axis", of(s.axis()));
            case FloatOp.Recurrent r ->
                coded(
                        word(r.cell()),
                        "reverse",
                        of(r.reverse()),
                        "activations",
                        new Attr.Items(
                                r.activations().stream().map(OpCodec::function).toList()),
                        "clip",
                        of(r.clip()),
                        "linear_before_reset",
                        of(r.linearBeforeReset()),
                        "coupled",
                        of(r.coupled()));
        };
    }

    /** A function as an attribute: {@code tanh}, {@code affine(1.0, 0.5)}. */
    static Attr function(ScalarFn fn) {
        Coded c = unary(fn);
        return c.attrs().isEmpty()
                ? of(c.mnemonic())
                : new Attr.Call(c.mnemonic(), List.copyOf(c.attrs().values()));
    }

    static ScalarFn readFunction(Attr a) {
        Attr.Call c = a.asCall();
        List<Float> p = c.args().stream().map(Attr::asFloat).toList();
        ScalarFn fn = function(c.name(), i -> {
            if (i >= p.size()) {
                throw new IllegalArgumentException(c.name() + " needs more than " + p.size() + " parameters");
            }
            return p.get(i);
        });
        if (fn == null || unary(fn).attrs().size() != p.size()) {
            throw new IllegalArgumentException("there is no function " + a);
        }
        return fn;
    }

    /** The function with a name and parameters by their position, or null if there is none. */
    private static @Nullable ScalarFn function(String name, IntFunction<Float> p) {
        return switch (name) {
            case "relu" -> new ScalarFn.Relu();
            case "leaky_relu" -> new ScalarFn.LeakyRelu(p.apply(0));
            case "clip" -> new ScalarFn.Clip(p.apply(0), p.apply(1));
            case "sigmoid" -> new ScalarFn.Sigmoid();
            case "tanh" -> new ScalarFn.Tanh();
            case "hard_swish" -> new ScalarFn.HardSwish();
            case "gelu" -> new ScalarFn.Gelu();
            case "gelu_erf" -> new ScalarFn.GeluErf();
            case "elu" -> new ScalarFn.Elu(p.apply(0));
            case "selu" -> new ScalarFn.Selu(p.apply(0), p.apply(1));
            case "celu" -> new ScalarFn.Celu(p.apply(0));
            case "mish" -> new ScalarFn.Mish();
            case "hard_sigmoid" -> new ScalarFn.HardSigmoid(p.apply(0), p.apply(1));
            case "softplus" -> new ScalarFn.Softplus();
            case "softsign" -> new ScalarFn.Softsign();
            case "thresholded_relu" -> new ScalarFn.ThresholdedRelu(p.apply(0));
            case "affine" -> new ScalarFn.Affine(p.apply(0), p.apply(1));
            case "scaled_tanh" -> new ScalarFn.ScaledTanh(p.apply(0), p.apply(1));
            case "silu" -> new ScalarFn.Silu();
            case "erf" -> new ScalarFn.Erf();
            case "sqrt" -> new ScalarFn.Sqrt();
            case "exp" -> new ScalarFn.Exp();
            case "log" -> new ScalarFn.Log();
            case "sin" -> new ScalarFn.Sin();
            case "cos" -> new ScalarFn.Cos();
            case "abs" -> new ScalarFn.Abs();
            case "neg" -> new ScalarFn.Neg();
            case "sign" -> new ScalarFn.Sign();
            case "floor" -> new ScalarFn.Floor();
            case "ceil" -> new ScalarFn.Ceil();
            case "round" -> new ScalarFn.Round();
            case "reciprocal" -> new ScalarFn.Reciprocal();
            default -> null;
        };
    }

    private static Coded unary(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu r -> coded("relu");
            case ScalarFn.LeakyRelu l -> coded("leaky_relu", "alpha", of(l.alpha()));
            case ScalarFn.Clip c -> coded("clip", "lo", of(c.lo()), "hi", of(c.hi()));
            case ScalarFn.Sigmoid s -> coded("sigmoid");
            case ScalarFn.Tanh t -> coded("tanh");
            case ScalarFn.HardSwish h -> coded("hard_swish");
            case ScalarFn.Gelu g -> coded("gelu");
            case ScalarFn.GeluErf g -> coded("gelu_erf");
            case ScalarFn.Elu e -> coded("elu", "alpha", of(e.alpha()));
            case ScalarFn.Selu s -> coded("selu", "alpha", of(s.alpha()), "gamma", of(s.gamma()));
            case ScalarFn.Celu c -> coded("celu", "alpha", of(c.alpha()));
            case ScalarFn.Mish m -> coded("mish");
            case ScalarFn.HardSigmoid h -> coded("hard_sigmoid", "alpha", of(h.alpha()), "beta", of(h.beta()));
            case ScalarFn.Softplus s -> coded("softplus");
            case ScalarFn.Softsign s -> coded("softsign");
            case ScalarFn.ThresholdedRelu t -> coded("thresholded_relu", "alpha", of(t.alpha()));
            case ScalarFn.Affine a -> coded("affine", "alpha", of(a.alpha()), "beta", of(a.beta()));
            case ScalarFn.ScaledTanh t -> coded("scaled_tanh", "alpha", of(t.alpha()), "beta", of(t.beta()));
            case ScalarFn.Silu s -> coded("silu");
            case ScalarFn.Erf e -> coded("erf");
            case ScalarFn.Sqrt s -> coded("sqrt");
            case ScalarFn.Exp e -> coded("exp");
            case ScalarFn.Log l -> coded("log");
            case ScalarFn.Sin s -> coded("sin");
            case ScalarFn.Cos c -> coded("cos");
            case ScalarFn.Abs a -> coded("abs");
            case ScalarFn.Neg n -> coded("neg");
            case ScalarFn.Sign s -> coded("sign");
            case ScalarFn.Floor f -> coded("floor");
            case ScalarFn.Ceil c -> coded("ceil");
            case ScalarFn.Round r -> coded("round");
            case ScalarFn.Reciprocal r -> coded("reciprocal");
        };
    }

    private static Coded quant(QuantOp op) {
        return switch (op) {
            case QuantOp.Quantize q ->
                coded("quantize", "rounding", of(q.rounding().toString()));
            case QuantOp.Dequantize d -> coded("dequantize");
            case QuantOp.FakeQuant f -> {
                Coded c = coded(
                        "fake_quant",
                        "spec",
                        SpecText.encode(f.spec()),
                        "rounding",
                        of(f.rounding().toString()));
                if (f.chosen() != null) {
                    c.attrs().put("to", new Attr.OfQuant(f.chosen()));
                }
                yield c;
            }
        };
    }

    private static Coded integer(IntOp op) {
        return switch (op) {
            case IntOp.Conv2d c ->
                accumulating("conv2d", c.acc(), c.rescale(), "window", window(c.window()), "groups", of(c.groups()));
            case IntOp.Dense d -> accumulating("dense", d.acc(), d.rescale());
            case IntOp.MatMul m -> accumulating("matmul", m.acc(), m.rescale());
            case IntOp.Mul m -> accumulating("mul", m.acc(), m.rescale());
            case IntOp.Add a ->
                coded(
                        a.subtract() ? "int.sub" : "int.add",
                        "left_shift",
                        of(a.leftShift()),
                        "sum",
                        rescale(a.rounding(), a.scales(), a.zero(), a.lo(), a.hi()));
            case IntOp.Sum s ->
                accumulating("sum", s.acc(), s.rescale(), "axes", ofInts(s.axes()), "keep_dims", of(s.keepDims()));
            case IntOp.Requantize r -> coded("int.requantize", "rescale", rescale(r.rescale()));
            case IntOp.AvgPool p ->
                coded(
                        "int.avg_pool",
                        "window",
                        window(p.window()),
                        "rounding",
                        of(p.rounding().toString()));
            case IntOp.Clamp c -> coded("int.clamp", "lo", of(c.lo()), "hi", of(c.hi()));
            case IntOp.Table t -> coded("int.table", "entries", ofInts(t.entries()));
            case IntOp.InterpolatedTable t -> coded("int.interpolated_table", "entries", ofInts(t.entries()));
            case IntOp.Softmax s ->
                coded(
                        "int.softmax",
                        "axis",
                        of(s.axis()),
                        "multiplier",
                        of(s.multiplier()),
                        "left_shift",
                        of(s.leftShift()),
                        "diff_min",
                        of(s.diffMin()));
            case IntOp.DynamicParams p ->
                coded("int.dynamic_params", "storage", of(p.storage().toString()), "symmetric", of(p.symmetric()));
            case IntOp.DynamicQuantize q ->
                coded("int.dynamic_quantize", "storage", of(q.storage().toString()));
            case IntOp.DynamicDequantize d -> coded("int.dynamic_dequantize");
            case IntOp.Softmax16 s ->
                coded(
                        "int.softmax16",
                        "axis",
                        of(s.axis()),
                        "multiplier",
                        of(s.multiplier()),
                        "left_shift",
                        of(s.leftShift()),
                        "exp",
                        ofInts(s.exp()),
                        "reciprocal",
                        ofInts(s.reciprocal()));
            case IntOp.ResizeBilinear r ->
                coded(
                        "int.resize_bilinear",
                        "size",
                        ofInts(r.height(), r.width()),
                        "align_corners",
                        of(r.alignCorners()),
                        "half_pixel_centers",
                        of(r.halfPixelCenters()));
            case IntOp.Thresholds t -> coded("int.thresholds", "entries", ofInts(t.entries()));
            case IntOp.LstmGate g -> coded("int.lstm_gate", "input", q31(g.input()), "recurrent", q31(g.recurrent()));
            case IntOp.LstmCell c -> coded("int.lstm_cell", "input_shift", of(c.inputShift()), "clip", of(c.clip()));
        };
    }

    /**
     * Puts an operation together again.
     *
     * @throws OpText.AttributeException with a message for the user
     */
    static Op decode(String mnemonic, Map<String, Attr> attrs, Type type, @Nullable Tensor constant) {
        AttrReader a = new AttrReader(mnemonic, attrs);
        try {
            Op op = decode(mnemonic, a, constant);
            a.end();
            return op;
        } catch (OpText.AttributeException e) {
            throw e;
        } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
            throw new OpText.AttributeException(a.last(), String.valueOf(e.getMessage()));
        }
    }

    private static Op decode(String mnemonic, AttrReader a, @Nullable Tensor constant) {
        return switch (mnemonic) {
            case "constant" -> {
                if (constant == null) {
                    throw new IllegalArgumentException("a constant needs a value");
                }
                yield new DataOp.Constant(constant);
            }
            case "reshape" -> new DataOp.Reshape(readShape(a.get("shape")));
            case "transpose" -> new DataOp.Transpose(a.get("permutation").asInts());
            case "concat" -> new DataOp.Concat(a.get("axis").asInt());
            case "slice" ->
                new DataOp.Slice(
                        a.get("begin").asInts(),
                        a.get("end").asInts(),
                        a.get("step").asInts());
            case "pad" ->
                new DataOp.Pad(
                        a.get("before").asInts(),
                        a.get("after").asInts(),
                        a.get("value").asFloat());
            case "max_pool" -> new DataOp.MaxPool(readWindow(a.get("window")));
            case "resize_nearest" -> {
                List<Integer> size = a.get("size").asInts();
                yield new DataOp.ResizeNearest(size.get(0), size.get(1));
            }
            case "conv2d" ->
                new FloatOp.Conv2d(readWindow(a.get("window")), a.get("groups").asInt());
            case "dense" -> new FloatOp.Dense();
            case "matmul" -> new FloatOp.MatMul();
            case "avg_pool" -> new FloatOp.AvgPool(readWindow(a.get("window")));
            case "mean" ->
                new FloatOp.Mean(a.get("axes").asInts(), a.get("keep_dims").asBoolean());
            case "batch_norm" -> new FloatOp.BatchNorm(a.get("epsilon").asFloat());
            case "softmax" -> new FloatOp.Softmax(a.get("axis").asInt());
            case "quantize" -> new QuantOp.Quantize(rounding(a.get("rounding")));
            case "dequantize" -> new QuantOp.Dequantize();
            case "fake_quant" ->
                new QuantOp.FakeQuant(
                        SpecText.decode(a.get("spec")),
                        rounding(a.get("rounding")),
                        a.maybe("to") instanceof Attr.OfQuant q ? q.quant() : null);
            case "int.conv2d" ->
                new IntOp.Conv2d(readWindow(a.get("window")), a.get("groups").asInt(), a.acc(), a.rescale());
            case "int.dense" -> new IntOp.Dense(a.acc(), a.rescale());
            case "int.matmul" -> new IntOp.MatMul(a.acc(), a.rescale());
            case "int.mul" -> new IntOp.Mul(a.acc(), a.rescale());
            case "int.add", "int.sub" -> {
                Rescale r = readRescale(a.get("sum"));
                yield new IntOp.Add(
                        mnemonic.equals("int.sub"),
                        a.get("left_shift").asInt(),
                        r.rounding(),
                        r.scales(),
                        r.zero(),
                        r.lo(),
                        r.hi());
            }
            case "int.sum" ->
                new IntOp.Sum(a.get("axes").asInts(), a.get("keep_dims").asBoolean(), a.acc(), a.rescale());
            case "int.requantize" -> new IntOp.Requantize(readRescale(a.get("rescale")));
            case "int.avg_pool" -> new IntOp.AvgPool(readWindow(a.get("window")), rounding(a.get("rounding")));
            case "int.clamp" -> new IntOp.Clamp(a.get("lo").asInt(), a.get("hi").asInt());
            case "int.table" -> new IntOp.Table(a.get("entries").asInts());
            case "int.interpolated_table" ->
                new IntOp.InterpolatedTable(a.get("entries").asInts());
            case "int.softmax" ->
                new IntOp.Softmax(
                        a.get("axis").asInt(),
                        a.get("multiplier").asInt(),
                        a.get("left_shift").asInt(),
                        a.get("diff_min").asInt());
            case "int.dynamic_params" ->
                new IntOp.DynamicParams(
                        storage(a.get("storage").atom().text()),
                        a.get("symmetric").asBoolean());
            case "int.dynamic_quantize" ->
                new IntOp.DynamicQuantize(storage(a.get("storage").atom().text()));
            case "int.dynamic_dequantize" -> new IntOp.DynamicDequantize();
            case "int.softmax16" ->
                new IntOp.Softmax16(
                        a.get("axis").asInt(),
                        a.get("multiplier").asInt(),
                        a.get("left_shift").asInt(),
                        a.get("exp").asInts(),
                        a.get("reciprocal").asInts());
            case "int.resize_bilinear" -> {
                List<Integer> size = a.get("size").asInts();
                yield new IntOp.ResizeBilinear(
                        size.get(0),
                        size.get(1),
                        a.get("align_corners").asBoolean(),
                        a.get("half_pixel_centers").asBoolean());
            }
            case "int.thresholds" -> new IntOp.Thresholds(a.get("entries").asInts());
            case "int.lstm_gate" -> new IntOp.LstmGate(readQ31(a.get("input")), readQ31(a.get("recurrent")));
            case "int.lstm_cell" ->
                new IntOp.LstmCell(a.get("input_shift").asInt(), a.get("clip").asInt());
            case "gather" -> new DataOp.Gather(a.get("axis").asInt());
            case "broadcast" -> new DataOp.Broadcast(readShape(a.get("shape")));
            case "dilate" ->
                new DataOp.Dilate(a.get("factors").asInts(), a.get("value").asFloat());
            case "select" -> new DataOp.Select();
            case "rnn", "gru", "lstm" ->
                new FloatOp.Recurrent(
                        FloatOp.Recurrent.Cell.valueOf(mnemonic.toUpperCase(Locale.ROOT)),
                        a.get("reverse").asBoolean(),
                        a.get("activations").items().stream()
                                .map(OpCodec::readFunction)
                                .toList(),
                        a.get("clip").asFloat(),
                        a.get("linear_before_reset").asBoolean(),
                        a.get("coupled").asBoolean());
            default -> {
                Op other = mnemonic.startsWith("num.")
                        ? readNumbers(mnemonic.substring(4), a)
                        : mnemonic.startsWith("train.") || mnemonic.startsWith("grad.")
                                ? TrainCodec.decode(mnemonic, a)
                                : readReal(mnemonic, a);
                if (other == null) {
                    throw new IllegalArgumentException("there is no operation '" + mnemonic + "'");
                }
                yield other;
            }
        };
    }

    private static @Nullable Op readReal(String mnemonic, AttrReader a) {
        FloatOp.Binary.Fn binary = named(FloatOp.Binary.Fn.class, mnemonic);
        if (binary != null) {
            return new FloatOp.Binary(binary);
        }
        List<String> parameters = switch (mnemonic) {
            case "leaky_relu", "elu", "celu", "thresholded_relu" -> List.of("alpha");
            case "clip" -> List.of("lo", "hi");
            case "selu" -> List.of("alpha", "gamma");
            case "hard_sigmoid", "affine", "scaled_tanh" -> List.of("alpha", "beta");
            default -> List.of();
        };
        ScalarFn fn = function(mnemonic, i -> a.get(parameters.get(i)).asFloat());
        return fn == null ? null : new FloatOp.Unary(fn);
    }

    private static @Nullable Op readNumbers(String word, AttrReader a) {
        NumOp.Binary.Fn binary = named(NumOp.Binary.Fn.class, word);
        if (binary != null) {
            return new NumOp.Binary(binary);
        }
        NumOp.Unary.Fn unary = named(NumOp.Unary.Fn.class, word);
        if (unary != null) {
            return new NumOp.Unary(unary);
        }
        NumOp.Compare.Fn compare = named(NumOp.Compare.Fn.class, word);
        if (compare != null) {
            return new NumOp.Compare(compare);
        }
        NumOp.Reduce.Fn reduce = word.startsWith("reduce_") ? named(NumOp.Reduce.Fn.class, word.substring(7)) : null;
        if (reduce != null) {
            return new NumOp.Reduce(
                    reduce, a.get("axes").asInts(), a.get("keep_dims").asBoolean());
        }
        return switch (word) {
            case "cast" -> new NumOp.Cast();
            case "reinterpret" -> new NumOp.Reinterpret();
            case "top_k" ->
                new NumOp.TopK(
                        a.get("axis").asInt(),
                        a.get("k").asInt(),
                        a.get("largest").asBoolean(),
                        a.get("indices").asBoolean());
            default -> null;
        };
    }

    private static Coded accumulating(String name, Element.Int acc, @Nullable Rescale rescale, Object... attrs) {
        Coded c = coded("int." + name, attrs);
        c.attrs().put("acc", of(acc.toString()));
        if (rescale != null) {
            c.attrs().put("rescale", rescale(rescale));
        }
        return c;
    }

    static Coded coded(String mnemonic, Object... attrs) {
        Map<String, Attr> map = new LinkedHashMap<>();
        for (int i = 0; i < attrs.length; i += 2) {
            map.put((String) attrs[i], (Attr) attrs[i + 1]);
        }
        return new Coded(mnemonic, map);
    }
}

package dev.qnet.compiler.ir;

import dev.qnet.compiler.ir.FloatOp.Recurrent.Cell;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Operations as text: a mnemonic and attributes by name, as the text form of graphs and the typed statements of a source
 * write them.
 */
public final class OpText {
    private static final Map<String, Form> FORMS = new LinkedHashMap<>();

    /**
     * An operation, taken apart.
     *
     * @param attributes in the order in which they are written
     */
    public record Parts(String mnemonic, Map<String, Attr> attributes) {
        public Parts {
            attributes = Collections.unmodifiableMap(new LinkedHashMap<>(attributes));
        }
    }

    /**
     * What an operation looks like.
     *
     * @param operands names of its operands, {@code ?} after one that may be left out
     * @param attributes names of its attributes
     * @param optional those of them that may be left out
     * @param example an operation that is written so
     */
    public record Form(String mnemonic, String operands, List<String> attributes, Set<String> optional, Op example) {
        public Form {
            attributes = List.copyOf(attributes);
            optional = Set.copyOf(optional);
        }

        /** {@code int.dense(x, w, bias?, acc:, rescale:)}. */
        public String signature() {
            List<String> all = new ArrayList<>();
            if (!operands.isEmpty()) {
                all.add(operands);
            }
            attributes.forEach(a -> all.add(a + ":" + (optional.contains(a) ? "?" : "")));
            return mnemonic + "(" + String.join(", ", all) + ")";
        }
    }

    /** Attributes that make no operation. The message is the user's. */
    public static final class AttributeException extends IllegalArgumentException {
        private static final long serialVersionUID = 1L;

        private final @Nullable String attribute;

        AttributeException(@Nullable String attribute, String message) {
            super(message);
            this.attribute = attribute;
        }

        /** Which of them is wrong, or null. */
        public @Nullable String attribute() {
            return attribute;
        }
    }

    static {
        Window window = Window.of(3, 3);
        Rescale.Scale.Fixed half = new Rescale.Scale.Fixed(1 << 30, 0);
        Rescale rescale = new Rescale(Rounding.TFLITE, List.of(half), 0, -128, 127);
        List<Integer> long513 = Collections.nCopies(513, 0);
        Quant codes = Quant.of(Storage.U8, 0.5f, 3);
        Spec spec = new Spec(
                Storage.U8, false, false, new Spec.Granularity.PerTensor(), new Spec.RangeMethod.MinMax(), false);

        form("x", new DataOp.Reshape(new Shape(List.of(Shape.BATCH, 4))));
        form("x", new DataOp.Transpose(List.of(0, 2, 1)));
        form("x, …", new DataOp.Concat(1));
        form("x", new DataOp.Slice(List.of(0, 1), List.of(2, 3), List.of(1, 1)));
        form("x", new DataOp.Pad(List.of(0, 1), List.of(0, 1), 0));
        form("x", new DataOp.MaxPool(window));
        form("x", new DataOp.ResizeNearest(8, 8));
        form("x, indices", new DataOp.Gather(0));
        form("x", new DataOp.Broadcast(Shape.of(2, 3)));
        form("x", new DataOp.Dilate(List.of(1, 2, 2, 1), 0));
        form("condition, x, y", new DataOp.Select());

        form("x, w, bias?", new FloatOp.Conv2d(window, 1));
        form("x, w, bias?", new FloatOp.Dense());
        form("x, y", new FloatOp.MatMul());
        for (FloatOp.Binary.Fn fn : FloatOp.Binary.Fn.values()) {
            form("x, y", new FloatOp.Binary(fn));
        }
        for (ScalarFn fn : functions()) {
            form("x", new FloatOp.Unary(fn));
        }
        form("x", new FloatOp.AvgPool(window));
        form("x", new FloatOp.Mean(List.of(1, 2), false));
        form("x, gamma, beta, mean, variance", new FloatOp.BatchNorm(0.001f));
        form("x", new FloatOp.Softmax(1));
        for (Cell cell : Cell.values()) {
            List<ScalarFn> activations = Collections.nCopies(cell.activations(), new ScalarFn.Tanh());
            form(
                    "x, w, r, b, h0" + (cell == Cell.LSTM ? ", c0, peepholes" : ""),
                    new FloatOp.Recurrent(cell, false, activations, 0, false, false));
        }

        form("x", new QuantOp.Quantize(Rounding.TOSA));
        form("x", new QuantOp.Dequantize());
        form("x", new QuantOp.FakeQuant(spec, Rounding.TOSA, codes), "to");

        for (NumOp.Binary.Fn fn : NumOp.Binary.Fn.values()) {
            form("x, y", new NumOp.Binary(fn));
        }
        for (NumOp.Unary.Fn fn : NumOp.Unary.Fn.values()) {
            form("x", new NumOp.Unary(fn));
        }
        for (NumOp.Compare.Fn fn : NumOp.Compare.Fn.values()) {
            form("x, y", new NumOp.Compare(fn));
        }
        form("x", new NumOp.Cast());
        form("x", new NumOp.Reinterpret());
        for (NumOp.Reduce.Fn fn : NumOp.Reduce.Fn.values()) {
            form("x", new NumOp.Reduce(fn, List.of(1), false));
        }
        form("x", new NumOp.TopK(1, 3, true, false));

        form("x, w, bias?", new IntOp.Conv2d(window, 1, Element.INT32, rescale), "rescale");
        form("x, w, bias?", new IntOp.Dense(Element.INT32, rescale), "rescale");
        form("x, y", new IntOp.MatMul(Element.INT32, rescale), "rescale");
        form("x, y", new IntOp.Mul(Element.INT32, rescale), "rescale");
        form("x, y", new IntOp.Add(false, 20, Rounding.TFLITE, List.of(half, half, half), 0, -128, 127));
        form("x, y", new IntOp.Add(true, 20, Rounding.TFLITE, List.of(half, half, half), 0, -128, 127));
        form("x", new IntOp.Sum(List.of(1, 2), false, Element.INT32, rescale), "rescale");
        form("x", new IntOp.Requantize(rescale));
        form("x", new IntOp.AvgPool(window, Rounding.TFLITE));
        form("x", new IntOp.Clamp(0, 127));
        form("x", new IntOp.Table(Collections.nCopies(256, 0)));
        form("x", new IntOp.InterpolatedTable(long513));
        form("x", new IntOp.Softmax(1, 1 << 30, 20, -100));
        form("x", new IntOp.DynamicParams(Storage.U8, false));
        form("x, params", new IntOp.DynamicQuantize(Storage.U8));
        form("x, params, scales, bias?", new IntOp.DynamicDequantize());
        form("x", new IntOp.Softmax16(1, 1 << 30, 0, long513, long513));
        form("x", new IntOp.ResizeBilinear(8, 8, false, true));
        form("x, thresholds", new IntOp.Thresholds(List.of(0, 1)));
        form("x, h, w, r, bias?", new IntOp.LstmGate(half, half));
        form("f, c, i, g", new IntOp.LstmCell(15, 0));
    }

    private OpText() {}

    private static List<ScalarFn> functions() {
        return List.of(
                new ScalarFn.Relu(),
                new ScalarFn.LeakyRelu(0.1f),
                new ScalarFn.Clip(0, 6),
                new ScalarFn.Sigmoid(),
                new ScalarFn.Tanh(),
                new ScalarFn.HardSwish(),
                new ScalarFn.Gelu(),
                new ScalarFn.GeluErf(),
                new ScalarFn.Elu(1),
                new ScalarFn.Selu(1.5f, 1),
                new ScalarFn.Celu(1),
                new ScalarFn.Mish(),
                new ScalarFn.HardSigmoid(0.2f, 0.5f),
                new ScalarFn.Softplus(),
                new ScalarFn.Softsign(),
                new ScalarFn.ThresholdedRelu(1),
                new ScalarFn.Affine(1, 0),
                new ScalarFn.ScaledTanh(1, 1),
                new ScalarFn.Silu(),
                new ScalarFn.Erf(),
                new ScalarFn.Sqrt(),
                new ScalarFn.Exp(),
                new ScalarFn.Log(),
                new ScalarFn.Sin(),
                new ScalarFn.Cos(),
                new ScalarFn.Abs(),
                new ScalarFn.Neg(),
                new ScalarFn.Sign(),
                new ScalarFn.Floor(),
                new ScalarFn.Ceil(),
                new ScalarFn.Round(),
                new ScalarFn.Reciprocal());
    }

    private static void form(String operands, Op example, String... optional) {
        OpCodec.Coded c = OpCodec.encode(example);
        FORMS.put(
                c.mnemonic(),
                new Form(c.mnemonic(), operands, List.copyOf(c.attrs().keySet()), Set.of(optional), example));
    }

    /**
     * How every operation but {@code constant} is written, by mnemonic. Operations of training are left out: they are text in a graph,
     * but no source has them.
     */
    public static Map<String, Form> forms() {
        return Collections.unmodifiableMap(FORMS);
    }

    /** The mnemonic and attributes of an operation. */
    public static Parts of(Op op) {
        OpCodec.Coded c = OpCodec.encode(op);
        return new Parts(c.mnemonic(), c.attrs());
    }

    /** A rescale as an attribute: {@code tosa([q31(m, s), …], zero, lo, hi)}. */
    public static Attr of(Rescale rescale) {
        return OpAttrs.rescale(rescale);
    }

    /**
     * The operation of a mnemonic and attributes; no constant.
     *
     * @throws AttributeException if there is none
     */
    public static Op read(String mnemonic, Map<String, Attr> attributes, Type result) {
        return OpCodec.decode(mnemonic, attributes, result, null);
    }

    /** The rounding contract of a name, or null. */
    public static @Nullable Rounding contract(String name) {
        for (Rounding r : Rounding.values()) {
            if (r.toString().equals(name)) {
                return r;
            }
        }
        return null;
    }
}

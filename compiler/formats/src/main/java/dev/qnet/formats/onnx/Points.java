package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Codes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Writes fake quantizations, and knows which values they close. */
final class Points {
    private final Emitter to;
    private final Values values;
    private final Map<ValueId, List<Node>> users;
    /** Values that only chosen fake quantizations read, at once or through relus and clips. */
    private final Set<ValueId> closing = new HashSet<>();

    Points(Graph graph, Emitter to, Values values) {
        this.to = to;
        this.values = values;
        this.users = graph.users();
        Set<ValueId> results = new HashSet<>(graph.roots());
        List<ValueId> all = new ArrayList<>();
        graph.params().forEach(p -> all.add(p.id()));
        graph.nodes().forEach(n -> all.add(n.id()));
        for (ValueId v : all.reversed()) {
            List<Node> uses = usersOf(v);
            if (!uses.isEmpty() && !results.contains(v) && uses.stream().allMatch(this::closes)) {
                closing.add(v);
            }
        }
    }

    private List<Node> usersOf(ValueId v) {
        return users.getOrDefault(v, List.of());
    }

    private boolean closes(Node user) {
        return chosen(user) != null || (isClamp(user) && !user.intent().keepFloat() && closing.contains(user.id()));
    }

    private static @Nullable Quant chosen(Node n) {
        return n.op() instanceof QuantOp.FakeQuant f ? f.chosen() : null;
    }

    private static boolean isClamp(Node n) {
        return n.op() instanceof FloatOp.Unary(ScalarFn fn)
                && (fn instanceof ScalarFn.Relu || fn instanceof ScalarFn.Clip);
    }

    /** Whether nothing reads a value but chosen fake quantizations, at once or through relus and clips. */
    boolean closes(ValueId v) {
        return closing.contains(v);
    }

    /** The one grid on which a value is read, behind relus and clips, or null where there is none or are several. */
    @Nullable Quant closing(ValueId v) {
        if (!closing.contains(v) || usersOf(v).size() != 1) {
            return null;
        }
        Node user = usersOf(v).getFirst();
        Quant q = chosen(user);
        return q != null ? q : closing(user.id());
    }

    /**
     * Whether a relu or clip needs no node of its own: the fake quantization behind it limits its codes, as integers do,
     * which gives the same codes, since quantization is monotone.
     */
    boolean takesOver(Node n) {
        Values.Value x = values.get(n.operand(0));
        return isClamp(n) && closing.contains(n.id()) && !n.intent().keepFloat() && x.grid == null && x.literal == null;
    }

    /** The grid that a move of elements or a clamp of them stays on, or null. */
    @Nullable Quant keeps(Node n) {
        boolean move =
                n.op() instanceof DataOp && !(n.op() instanceof DataOp.Gather) && !(n.op() instanceof DataOp.Select);
        if ((!move && !isClamp(n)) || n.intent().keepFloat() || n.operands().isEmpty()) {
            return null;
        }
        Quant first = grid(n.operand(0));
        return first != null && n.operands().stream().allMatch(o -> first.equals(grid(o))) ? first : null;
    }

    /** The one scale on which a value lies, constants included, or null. */
    @Nullable Quant grid(ValueId v) {
        Values.Value x = values.get(v);
        return x.literal != null && x.literal.element() instanceof Quant q && q.scheme() instanceof Scheme.PerTensor
                ? q
                : x.grid;
    }

    void write(Node n, QuantOp op) {
        Values.Value x = values.get(n.operand(0));
        switch (op) {
            case QuantOp.Dequantize d -> values.alias(n.id(), x);
            case QuantOp.Quantize q -> throw new Refusal("was not made a fake quantization");
            case QuantOp.FakeQuant f -> {
                Quant q = f.chosen();
                if (f.spec().steps() != null) {
                    throw new Refusal("has thresholds of its own, which QuantizeLinear has not");
                }
                if (q == null) {
                    dynamic(n, f);
                } else if (x.literal != null) {
                    literal(n, x.literal, q, f.rounding());
                } else if (q.equals(x.grid)) {
                    values.alias(n.id(), x);
                } else if (q.scheme() instanceof Scheme.PerTensor) {
                    point(n, x, q, f.rounding());
                } else {
                    throw new Refusal("gives an activation more than one scale");
                }
            }
        }
    }

    private void literal(Node n, Literal x, Quant q, Rounding rounding) {
        Tensor.OfFloat real = x.value() instanceof Tensor.OfFloat f ? f : new Tensor.OfFloat(x.shape(), x.reals());
        values.literal(n.id(), n.type(), new Literal(Codes.quantize(real, q, rounding), q));
    }

    private void point(Node n, Values.Value x, Quant q, Rounding rounding) {
        boolean first = x.isFirst();
        String y = values.requantized(values.tensor(n.operand(0), first), q);
        // The type that carries the codes may have more of them than the grid, and relus and clips allow fewer still.
        int[] b = Codes.bounds(q, x.clamps, rounding);
        if (b[0] > Values.min(q) || b[1] < Values.max(q)) {
            float s = q.perTensor().scale();
            int z = q.perTensor().zero();
            String hint = n.id().name() + ".bounded";
            String bounded = b[0] == z && b[1] == Values.max(q)
                    ? to.node("Relu", hint, y)
                    : to.node(
                            "Clip",
                            hint,
                            y,
                            to.scalar(Codes.dequantize(b[0], s, z)),
                            to.scalar(Codes.dequantize(b[1], s, z)));
            y = values.requantized(bounded, q);
        }
        values.put(n.id(), n.type(), q, first, y);
    }

    /**
     * Parameters chosen at run time, an item at a time. ONNX's DynamicQuantizeLinear would take one range of the whole batch, so
     * that an answer would depend on what else is in it: the same arithmetic in single operators.
     */
    private void dynamic(Node n, QuantOp.FakeQuant f) {
        Storage storage = f.spec().storage();
        boolean symmetric = f.spec().symmetric();
        Values.Value v = values.get(n.operand(0));
        boolean first = v.isFirst();
        String name = n.id().name();
        String x = values.tensor(n.operand(0), first);
        int[] axes =
                IntStream.range(v.type.shape().hasBatch() ? 1 : 0, v.rank()).toArray();
        String none = to.scalar(0f);
        String hi = to.node("Max", name + ".hi", to.reduce("ReduceMax", x, name + ".max", true, axes), none);
        String lo = to.node("Min", name + ".lo", to.reduce("ReduceMin", x, name + ".min", true, axes), none);
        String wide = symmetric
                ? to.node(
                        "Div",
                        name + ".step",
                        to.node("Max", name + ".magnitude", to.node("Neg", name + ".below", lo), hi),
                        to.scalar((float) storage.max()))
                : to.node("Div", name + ".step", to.node("Sub", name + ".width", hi, lo), to.scalar((float)
                        ((long) storage.max() - storage.min())));
        String scale =
                to.node("Where", name + ".scale", to.node("Equal", name + ".empty", wide, none), to.scalar(1f), wide);
        String least = to.scalar((float) storage.min());
        String most = to.scalar((float) storage.max());
        String steps = to.node("Round", name + ".steps", to.node("Div", name + ".quotient", x, scale));
        String centred;
        if (symmetric) {
            centred = to.node("Clip", name + ".codes", steps, least, most);
        } else {
            String shift = to.node(
                    "Round",
                    name + ".shift",
                    to.node("Div", name + ".from", to.node("Neg", name + ".under", lo), scale));
            String zero = to.node("Clip", name + ".zero", to.node("Add", name + ".origin", shift, least), least, most);
            String codes = to.node("Clip", name + ".codes", to.node("Add", name + ".at", steps, zero), least, most);
            centred = to.node("Sub", name + ".centred", codes, zero);
        }
        values.put(n.id(), n.type().withElement(Element.FLOAT), null, first, to.node("Mul", name, centred, scale));
    }

    /** An i32 bias with scale s_x·s_w, as integers add it, or the bias in f32 where floats do. */
    String bias(Node n, ValueId bias, String hint) {
        Literal b = values.get(bias).literal;
        Quant x = values.get(n.operand(0)).grid;
        Literal w = values.get(n.operand(1)).literal;
        if (b == null || x == null || w == null || !w.quantized() || n.intent().keepFloat() || !closes(n.id())) {
            return values.plain(bias);
        }
        float sx = x.perTensor().scale();
        Scheme scheme = w.quant().scheme();
        long[] codes = new long[b.shape().elements()];
        for (int c = 0; c < codes.length; c++) {
            if (b.quantized()) {
                codes[c] = ((Tensor.OfInt) b.value()).values()[c];
                continue;
            }
            float real = b.reals()[c];
            double code = real / ((double) sx * scheme.channelScale(c));
            if (!(Math.abs(code) <= Integer.MAX_VALUE - 1)) {
                return values.plain(bias);
            }
            codes[c] = (long) Math.copySign(Math.floor(Math.abs(code) + 0.5), real);
        }
        String stored = to.integers(hint + ".codes", DataType.INT32, new int[] {codes.length}, codes);
        if (scheme instanceof Scheme.PerTensor t) {
            return to.node("DequantizeLinear", hint, stored, to.scalar(sx * t.scale()), to.scalar(DataType.INT32, 0));
        }
        float[] scales = new float[codes.length];
        for (int c = 0; c < scales.length; c++) {
            scales[c] = sx * scheme.channelScale(c);
        }
        int[] one = {scales.length};
        return to.node(
                "DequantizeLinear",
                hint,
                List.of(
                        stored,
                        to.floats(hint + ".scale", one, scales),
                        to.integers(hint + ".zero", DataType.INT32, one, new long[scales.length])),
                Map.of("axis", new Proto.Attribute.Int(0)));
    }
}

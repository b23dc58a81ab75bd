package dev.qnet.compiler.ir;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks what every graph promises: each value defined once and before its uses, shapes that follow from operands, and the
 * elements that each operation takes and gives. A broken promise is a bug in the pass that made the graph (or a mistake
 * in a graph written by hand).
 */
public final class Verifier {
    private final Map<ValueId, Type> types = new HashMap<>();
    private final Map<ValueId, IntOp.DynamicParams> dynamic = new HashMap<>();

    private Verifier() {}

    /**
     * Verifies a graph.
     *
     * @throws CompileException naming the first node that is wrong
     */
    public static void verify(Graph graph) {
        new Verifier().graph(graph);
    }

    private void graph(Graph graph) {
        for (Graph.Param p : graph.params()) {
            define(p.id(), p.type(), p.span());
        }
        for (Graph.State s : graph.states()) {
            define(s.id(), s.type(), s.span());
        }
        for (Node n : graph.nodes()) {
            for (ValueId o : n.operands()) {
                if (!types.containsKey(o)) {
                    throw error(n, "operand " + o + " is not defined before its use");
                }
            }
            node(n);
            define(n.id(), n.type(), n.span());
        }
        Set<String> names = new HashSet<>();
        for (Graph.Result r : graph.results()) {
            if (!types.containsKey(r.value())) {
                throw error(Span.NONE, "result " + r.name() + " names " + r.value() + ", which is not defined");
            }
            if (!names.add(r.name())) {
                throw error(Span.NONE, "two results are named " + r.name());
            }
        }
        states(graph);
        if (graph.plan() != null) {
            plan(graph, graph.plan());
        }
    }

    private void states(Graph graph) {
        for (Graph.State s : graph.states()) {
            Type next = types.get(s.next());
            if (next == null) {
                throw error(s.span(), "state " + s.id() + " becomes " + s.next() + ", which is not defined");
            }
            if (!next.equals(s.type())) {
                throw error(s.span(), "state " + s.id() + " is " + s.type() + ", but becomes " + next);
            }
        }
        if (!graph.states().isEmpty()
                && types.values().stream().anyMatch(t -> t.shape().hasBatch())) {
            throw error(graph.states().getFirst().span(), "a graph with states has no batch axis N");
        }
    }

    private void define(ValueId id, Type type, Span span) {
        if (types.put(id, type) != null) {
            throw error(span, "value " + id + " is defined twice");
        }
    }

    private static void plan(Graph graph, Graph.MemoryPlan plan) {
        Map<ValueId, Type> types = graph.types();
        plan.offsets().forEach((id, offset) -> {
            Type t = types.get(id);
            if (t == null) {
                throw error(Span.NONE, "the memory plan places " + id + ", which is not defined");
            }
            long bytes = (long) t.shape().elements() * t.element().bytes();
            if (offset < 0 || offset + bytes > plan.bytes()) {
                throw error(
                        Span.NONE,
                        "the memory plan places " + id + " at " + offset + ", outside the arena of " + plan.bytes());
            }
        });
    }

    private void node(Node n) {
        List<Type> in = n.operands().stream().map(types::get).toList();
        Shape shape;
        try {
            shape = Shapes.infer(n.op(), in.stream().map(Type::shape).toList());
        } catch (ShapeException e) {
            throw error(n, e.getMessage());
        }
        if (!shape.equals(n.type().shape())) {
            throw error(n, "the result has shape " + n.type().shape() + ", but its operands give " + shape);
        }
        try {
            elements(n, in);
        } catch (Broken e) {
            throw error(n, e.getMessage());
        }
        dynamic(n);
    }

    /** Codes less their zero point are as far from 0 as kernels count on only where one storage limits both. */
    private void dynamic(Node n) {
        if (n.op() instanceof IntOp.DynamicParams p) {
            dynamic.put(n.id(), p);
        }
        IntOp.DynamicParams params = n.operands().size() > 1 ? dynamic.get(n.operand(1)) : null;
        if (params != null && n.op() instanceof IntOp.DynamicQuantize q && q.storage() != params.storage()) {
            throw error(
                    n,
                    "has storage " + q.storage() + ", but its parameters " + n.operand(1) + " are for "
                            + params.storage());
        }
    }

    /**
     * What is wrong with the elements of a node whose shapes fit: a phrase such as {@code takes f32 operands, found …}, of which
     * the node is the subject. Empty if all is well.
     *
     * @param in the operands' types
     */
    public static Optional<String> fault(Node n, List<Type> in) {
        try {
            elements(n, in);
            return Optional.empty();
        } catch (Broken e) {
            return Optional.ofNullable(e.getMessage());
        }
    }

    private static void elements(Node n, List<Type> in) {
        if (n.type().element() instanceof Quant q) {
            scheme(n, q);
        }
        switch (n.op()) {
            case DataOp d -> data(n, d, in);
            case NumOp m -> numbers(n, m, in);
            case FloatOp f -> {
                in.forEach(t -> require(t.isFloat(), () -> "takes f32 operands, found " + t));
                require(n.type().isFloat(), "gives f32");
            }
            case QuantOp.Quantize q -> {
                require(in.getFirst().isFloat(), () -> "takes an f32 operand, found " + in.getFirst());
                require(n.type().isQuant(), "gives a quantized type");
            }
            case QuantOp.Dequantize q -> {
                require(in.getFirst().isQuant(), () -> "takes a quantized operand, found " + in.getFirst());
                require(n.type().isFloat(), "gives f32");
            }
            case QuantOp.FakeQuant f -> {
                require(in.getFirst().isFloat() && n.type().isFloat(), "takes and gives f32");
                Quant chosen = f.chosen();
                if (chosen != null) {
                    scheme(n, chosen);
                    Spec.Steps steps = f.spec().steps();
                    if (steps != null) {
                        require(
                                steps.levels().getFirst() >= chosen.lo()
                                        && steps.levels().getLast() <= chosen.hi(),
                                () -> "has levels " + steps.levels() + " beyond the codes of " + chosen);
                    }
                }
            }
            case IntOp i -> integer(n, i, in);
            case TrainOp t -> {
                in.forEach(x -> require(x.isFloat(), () -> "takes f32 operands, found " + x));
                require(n.type().isFloat(), "gives f32");
            }
        }
    }

    private static void data(Node n, DataOp op, List<Type> in) {
        if (op instanceof DataOp.Constant c) {
            constant(n, c.value());
            return;
        }
        int plain = op instanceof DataOp.Gather ? 1 : op instanceof DataOp.Select ? 0 : -1;
        for (int i = 0; i < in.size(); i++) {
            Type t = in.get(i);
            if (i != plain) {
                require(t.element().equals(n.type().element()), () -> "gives its operands' element, found " + t);
            }
        }
        if (op instanceof DataOp.Gather) {
            require(in.get(1).element() instanceof Element.Int, () -> "takes plain indices, found " + in.get(1));
        }
        if (op instanceof DataOp.Select) {
            require(in.get(0).element().equals(Element.BOOL), () -> "takes a bool condition, found " + in.get(0));
        }
        if (op instanceof DataOp.Dilate d && !n.type().isFloat()) {
            require(d.value() == Math.rint(d.value()), "fills with a code");
        }
        if (op instanceof DataOp.Pad p && !n.type().isFloat()) {
            require(p.value() == Math.rint(p.value()), "pads with a code");
        }
    }

    private static void constant(Node n, Tensor value) {
        switch (value) {
            case Tensor.OfFloat f -> require(n.type().isFloat(), () -> "holds singles, but its type is " + n.type());
            case Tensor.OfInt i -> {
                require(!n.type().isFloat(), () -> "holds integers, but its type is " + n.type());
                if (n.type().element() instanceof Quant q) {
                    for (int v : i.values()) {
                        require(
                                v >= q.lo() && v <= q.hi() && q.storage().holds(v),
                                () -> "holds the code " + v + ", outside " + q.storage() + " " + q.lo() + ":" + q.hi());
                    }
                } else if (n.type().element() instanceof Element.Int e) {
                    for (int v : i.values()) {
                        require(v >= e.min() && v <= e.max(), () -> "holds " + v + ", outside " + e);
                    }
                }
            }
            case Tensor.OfLong l ->
                require(n.type().element().equals(Element.INT64), () -> "holds i64, but its type is " + n.type());
        }
    }

    private static void scheme(Node n, Quant q) {
        Shape s = n.type().shape();
        switch (q.scheme()) {
            case Scheme.PerTensor t -> zero(q, t.zero());
            case Scheme.PerAxis a -> {
                require(a.axis() < s.rank(), () -> "has no axis " + a.axis() + " for its scales");
                require(
                        s.dim(a.axis()) == a.scales().size(),
                        () -> "has " + a.scales().size() + " scales for " + s.dim(a.axis()) + " channels");
                a.zeros().forEach(z -> zero(q, z));
            }
            case Scheme.PerGroup g -> {
                require(s.rank() >= 2, "has groups, but no input axis");
                int channels = s.dim(0);
                int row = s.elements() / Math.max(1, channels);
                require(
                        g.scales().size() == channels,
                        () -> "has " + g.scales().size() + " scales for " + channels + " channels");
                require(
                        g.groups() == (row + g.size() - 1) / g.size(),
                        () -> "has " + g.groups() + " groups of " + g.size() + " for rows of " + row);
            }
        }
    }

    private static void zero(Quant q, int zero) {
        boolean bipolar = q.storage() == Storage.BIPOLAR;
        require(
                zero >= q.storage().min() && zero <= q.storage().max() && !(bipolar && zero != 0),
                () -> "has zero point " + zero + ", which is no code of " + q.storage());
    }

    private static void numbers(Node n, NumOp op, List<Type> in) {
        Element x = in.getFirst().element();
        Element y = n.type().element();
        switch (op) {
            case NumOp.Binary b -> {
                boolean order = b.fn() == NumOp.Binary.Fn.MIN || b.fn() == NumOp.Binary.Fn.MAX;
                require(
                        in.stream()
                                .allMatch(t -> (order && t.isQuant() && y instanceof Quant q)
                                        ? t.quant().storage() == q.storage()
                                        : t.element() instanceof Element.Int
                                                && t.element().equals(y)),
                        () -> "takes two operands of one plain integer element and gives it, found " + in + " and "
                                + y);
            }
            case NumOp.Unary u ->
                require(x instanceof Element.Int && x.equals(y), () -> "takes and gives plain integers, found " + x);
            case NumOp.Compare c -> {
                require(
                        !(x instanceof Quant) && in.get(1).element().equals(x),
                        () -> "compares numbers of one element, found " + in);
                require(y.equals(Element.BOOL), "gives bool");
            }
            case NumOp.Cast c ->
                require(
                        !(x instanceof Quant) && !(y instanceof Quant),
                        () -> "takes and gives plain numbers, found " + x + " and " + y);
            case NumOp.Reinterpret r -> {
                Element.Int bits = bits(x);
                require(
                        bits != null && bits.equals(bits(y)),
                        () -> "takes and gives integers of one width and signedness, found " + x + " and " + y);
            }
            case NumOp.Reduce r -> {
                require(!(x instanceof Quant) && x.equals(y), () -> "takes and gives plain numbers, found " + x);
                require(!r.axes().isEmpty(), "needs an axis");
            }
            case NumOp.TopK t -> {
                require(!(x instanceof Quant), () -> "takes plain numbers, found " + x);
                require(y.equals(t.indices() ? Element.INT64 : x), () -> "cannot give " + y);
            }
        }
    }

    /** How the integers of an element lie in memory, or null for singles. */
    private static Element.@Nullable Int bits(Element e) {
        return switch (e) {
            case Element.F32 f -> null;
            case Element.Int i -> i;
            case Quant q ->
                Element.plain(
                        (q.storage().signed() ? "i" : "u") + 8 * q.storage().bytes());
        };
    }

    private static void integer(Node n, IntOp op, List<Type> in) {
        switch (op) {
            case IntOp.Conv2d c -> {
                weighted(in);
                accumulator(n, c.acc(), c.rescale());
            }
            case IntOp.Dense d -> {
                weighted(in);
                accumulator(n, d.acc(), d.rescale());
            }
            case IntOp.MatMul m -> {
                in.forEach(t -> activation(t));
                accumulator(n, m.acc(), m.rescale());
            }
            case IntOp.Mul m -> {
                in.forEach(t -> activation(t));
                accumulator(n, m.acc(), m.rescale());
            }
            case IntOp.Sum s -> {
                activation(in.getFirst());
                accumulator(n, s.acc(), s.rescale());
            }
            case IntOp.Add a -> {
                in.forEach(t -> activation(t));
                in.forEach(t -> require(t.isQuant(), () -> "takes quantized operands, found " + t));
                codes(n, a.zero(), a.lo(), a.hi());
                a.scales()
                        .forEach(s -> require(
                                a.rounding().fixedPoint() == s instanceof Rescale.Scale.Fixed,
                                () -> a.rounding() + " does not scale by " + s));
            }
            case IntOp.Requantize r -> {
                Type x = in.getFirst();
                require(!x.isFloat(), () -> "takes integers, found " + x);
                rescale(n, r.rescale());
            }
            case IntOp.AvgPool p -> same(n, in);
            case IntOp.Clamp c -> {
                same(n, in);
                require(c.lo() <= c.hi(), "needs lo <= hi");
            }
            case IntOp.Table t -> {
                activation(in.getFirst());
                require(in.getFirst().isQuant() && n.type().isQuant(), "takes and gives codes");
                Storage s = in.getFirst().quant().storage();
                require(s.bits() <= 16, () -> "takes codes of 16 bits or fewer, found " + s);
                require(
                        t.entries().size() == s.max() - s.min() + 1,
                        () -> "needs " + (s.max() - s.min() + 1) + " entries for " + s + ", found "
                                + t.entries().size());
                t.entries().forEach(e -> code(n, e));
            }
            case IntOp.InterpolatedTable t -> {
                require(
                        in.getFirst().isQuant()
                                && in.getFirst().quant().storage() == Storage.I16
                                && n.type().isQuant()
                                && n.type().quant().storage() == Storage.I16,
                        "takes and gives i16 codes");
                t.entries().forEach(e -> code(n, e));
            }
            case IntOp.Softmax s -> {
                activation(in.getFirst());
                require(
                        n.type().shape().dim(s.axis()) <= IntOp.Softmax.MAX_EXTENT,
                        () -> "sums at most " + IntOp.Softmax.MAX_EXTENT + " numbers");
                require(
                        in.getFirst().isQuant()
                                && in.getFirst().quant().storage().bits() <= 8,
                        "takes codes of 8 bits or fewer");
                require(
                        n.type().element().equals(Quant.of(Storage.U8, 1f / 256, 0))
                                || n.type().element().equals(Quant.of(Storage.I8, 1f / 256, -128))
                                || n.type().element().equals(Quant.of(Storage.I16, 1f / 65536, -32768)),
                        "gives u8<scale=0.00390625, zero=0>, i8<scale=0.00390625, zero=-128> or"
                                + " i16<scale=1.52587890625E-5, zero=-32768>");
            }
            case IntOp.DynamicParams p -> {
                require(in.getFirst().isFloat() && n.type().isFloat(), "takes and gives f32");
                require(p.storage() == Storage.U8 || p.storage() == Storage.I8, "has storage u8 or i8");
            }
            case IntOp.DynamicQuantize q ->
                require(
                        in.stream().allMatch(Type::isFloat)
                                && n.type().element().equals(Element.INT16),
                        "takes f32 and gives plain i16");
            case IntOp.DynamicDequantize d -> {
                require(
                        in.getFirst().element() instanceof Element.Int,
                        () -> "takes a plain accumulator, found " + in.getFirst());
                require(
                        in.stream().skip(1).allMatch(Type::isFloat) && n.type().isFloat(),
                        "takes f32 scales and gives f32");
            }
            case IntOp.Softmax16 s -> {
                codes16(in.getFirst());
                require(
                        n.type().element().equals(Quant.of(Storage.I16, 1f / 32768, 0)),
                        "gives i16<scale=3.0517578125E-5, zero=0>");
            }
            case IntOp.ResizeBilinear r -> same(n, in);
            case IntOp.Thresholds t -> {
                activation(in.getFirst());
                require(
                        in.get(1).element() instanceof Element.Int i && i.bits() >= 32,
                        () -> "takes plain i32 or i64 thresholds, found " + in.get(1));
                require(n.type().isQuant(), "gives codes");
                t.entries().forEach(e -> code(n, e));
            }
            case IntOp.LstmGate g -> {
                activation(in.get(0));
                activation(in.get(1));
                require(in.get(2).isQuant() && in.get(3).isQuant(), "takes quantized weights");
                codes16(n.type());
            }
            case IntOp.LstmCell c -> {
                in.forEach(t -> codes16(t));
                require(n.type().element().equals(in.get(1).element()), "gives the cell state's element");
            }
        }
    }

    private static void codes16(Type t) {
        require(t.isQuant() && t.quant().storage() == Storage.I16, () -> "takes and gives i16 codes, found " + t);
    }

    /** Codes with one scale, or plain integers. */
    private static void activation(Type t) {
        require(
                t.element() instanceof Quant q
                        ? q.scheme() instanceof Scheme.PerTensor
                        : t.element() instanceof Element.Int,
                () -> "takes integers with one scale, found " + t);
    }

    private static void weighted(List<Type> in) {
        activation(in.get(0));
        require(in.get(1).isQuant(), () -> "takes quantized weights, found " + in.get(1));
        if (in.get(1).quant().scheme() instanceof Scheme.PerAxis a) {
            require(a.axis() == 0, () -> "takes weights with scales along axis 0, found axis " + a.axis());
        }
        if (in.size() > 2) {
            require(
                    in.get(2).element().equals(Element.INT32)
                            || in.get(2).element().equals(Element.INT64),
                    () -> "takes a plain i32 or i64 bias, found " + in.get(2));
        }
    }

    private static void accumulator(Node n, Element.Int acc, @Nullable Rescale rescale) {
        require(acc.bits() >= 32, "accumulates in i32 or i64");
        if (rescale == null) {
            require(n.type().element().equals(acc), () -> "gives its accumulator " + acc);
        } else {
            rescale(n, rescale);
        }
    }

    private static void rescale(Node n, Rescale r) {
        codes(n, r.zero(), r.lo(), r.hi());
        int last = n.type().shape().rank() == 0 ? 1 : n.type().shape().dim(-1);
        require(
                r.scales().size() == 1 || r.scales().size() == last,
                () -> "has " + r.scales().size() + " scales for a last axis of " + last);
    }

    private static void codes(Node n, int zero, int lo, int hi) {
        require(n.type().isQuant(), "gives a quantized type with its rescale");
        Quant q = n.type().quant();
        require(q.scheme() instanceof Scheme.PerTensor, "gives a type with one scale");
        require(zero == q.perTensor().zero(), () -> "rescales to zero point " + zero + ", but gives " + q);
        require(lo >= q.lo() && hi <= q.hi() && lo <= hi, () -> "clamps to " + lo + ":" + hi + ", outside " + q);
    }

    private static void code(Node n, int code) {
        Quant q = n.type().quant();
        require(
                code >= q.lo() && code <= q.hi() && q.storage().holds(code),
                () -> "has the entry " + code + ", which is no code of " + q);
    }

    private static void same(Node n, List<Type> in) {
        activation(in.getFirst());
        require(
                n.type().isQuant() && n.type().element().equals(in.getFirst().element()),
                () -> "gives its operand's quantized element, found " + in.getFirst() + " and " + n.type());
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new Broken(otherwise);
        }
    }

    /** For messages that cost something to put together: every pass is verified, and nearly always all is well. */
    private static void require(boolean holds, Supplier<String> otherwise) {
        if (!holds) {
            throw new Broken(otherwise.get());
        }
    }

    /** A promise that a node breaks. */
    private static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Broken(String phrase) {
            super(phrase, null, false, false);
        }
    }

    private static CompileException error(Node n, @Nullable String message) {
        String what = n.op().getClass().getSimpleName();
        return error(n.span(), n.id() + ": " + what + " " + message);
    }

    private static CompileException error(Span span, String message) {
        List<Diagnostic> all = new ArrayList<>();
        all.add(Diagnostic.error("invalid-graph", span, message));
        return new CompileException(all);
    }
}

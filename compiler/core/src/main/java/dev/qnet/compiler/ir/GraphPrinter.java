package dev.qnet.compiler.ir;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A graph as text, which {@link GraphParser} reads back to an equal graph.
 *
 * <pre>
 * graph @tiny {
 *   policy weights(i8(symmetric, narrow, per_channel(0), minmax)) activations(u8(asymmetric, per_tensor, minmax)) rounding(tosa)
 *   param %x : f32[Nx2]
 *   %w = constant [1.0, 2.0] : f32[1x2]
 *   %dense_1 = dense %x, %w : f32[Nx1] weights(i4(symmetric, per_tensor, mse))
 *   return y = %dense_1
 * }
 * </pre>
 */
public final class GraphPrinter {
    /** Constants up to this many elements print as lists, larger ones as base64 of little-endian elements. */
    private static final int LIST_LIMIT = 256;

    private GraphPrinter() {}

    /** How much to show. */
    public enum Detail {
        /** Everything; parses back. */
        FULL,
        /** Large constants and long attribute lists cut to "…", and places in the source as comments; for reading. */
        READABLE
    }

    /** The whole graph; parses back to an equal one. */
    public static String print(Graph graph) {
        return print(graph, Detail.FULL);
    }

    public static String print(Graph graph, Detail detail) {
        StringBuilder s =
                new StringBuilder("graph @").append(name(graph.name())).append(" {\n");
        Spec.Policy policy = graph.policy();
        if (policy != null) {
            s.append("  policy weights(")
                    .append(SpecText.encode(policy.weights()))
                    .append(") activations(")
                    .append(SpecText.encode(policy.activations()))
                    .append(") rounding(")
                    .append(policy.rounding())
                    .append(")\n");
        }
        Graph.MemoryPlan plan = graph.plan();
        if (plan != null) {
            s.append("  arena ").append(plan.bytes()).append('\n');
        }
        for (Graph.Param p : graph.params()) {
            s.append("  param ").append(value(p.id())).append(" : ").append(p.type());
            if (p.activations() != null) {
                s.append(" activations(")
                        .append(SpecText.encode(p.activations()))
                        .append(')');
            }
            end(s, graph, p.id(), p.span().toString(), p.span().isNone(), detail);
        }
        for (Graph.State x : graph.states()) {
            s.append("  state ").append(value(x.id())).append(" : ").append(x.type());
            s.append(" becomes ").append(value(x.next()));
            end(s, graph, x.id(), x.span().toString(), x.span().isNone(), detail);
        }
        for (Node n : graph.nodes()) {
            s.append("  ").append(node(n, detail));
            end(s, graph, n.id(), n.span().toString(), n.span().isNone(), detail);
        }
        s.append("  return ");
        s.append(graph.results().stream()
                .map(r -> name(r.name()) + " = " + value(r.value()))
                .collect(Collectors.joining(", ")));
        return s.append("\n}\n").toString();
    }

    private static void end(StringBuilder s, Graph graph, ValueId id, String place, boolean nowhere, Detail detail) {
        Long offset = graph.plan() == null ? null : graph.plan().offsets().get(id);
        if (offset != null) {
            s.append(" at ").append(offset);
        }
        if (detail == Detail.READABLE && !nowhere) {
            s.append("  // ").append(place);
        }
        s.append('\n');
    }

    /** One node, without its place. */
    public static String node(Node n, Detail detail) {
        OpCodec.Coded coded = OpCodec.encode(n.op());
        StringBuilder s = new StringBuilder(value(n.id())).append(" = ").append(coded.mnemonic());
        if (!n.operands().isEmpty()) {
            s.append(n.operands().stream().map(GraphPrinter::value).collect(Collectors.joining(", ", " ", "")));
        }
        if (n.op() instanceof DataOp.Constant c) {
            s.append(' ').append(constant(c.value(), detail));
        }
        if (!coded.attrs().isEmpty()) {
            List<String> parts = new ArrayList<>();
            for (Map.Entry<String, Attr> a : coded.attrs().entrySet()) {
                parts.add(a.getKey() + "=" + (detail == Detail.FULL ? a.getValue() : cut(a.getValue())));
            }
            s.append(" {").append(String.join(", ", parts)).append('}');
        }
        s.append(" : ").append(detail == Detail.FULL ? n.type().toString() : cut(n.type()));
        Spec.Intent intent = n.intent();
        if (intent.weights() != null) {
            s.append(" weights(").append(SpecText.encode(intent.weights())).append(')');
        }
        if (intent.activations() != null) {
            s.append(" activations(")
                    .append(SpecText.encode(intent.activations()))
                    .append(')');
        }
        if (intent.keepFloat()) {
            s.append(" float");
        }
        return s.toString();
    }

    private static Attr cut(Attr a) {
        return switch (a) {
            case Attr.Items i -> {
                List<Attr> few = new ArrayList<>(
                        i.items().stream().limit(4).map(GraphPrinter::cut).toList());
                if (i.items().size() > 4) {
                    few.add(Attr.of("…" + i.items().size()));
                }
                yield new Attr.Items(few);
            }
            case Attr.Call c ->
                new Attr.Call(c.name(), c.args().stream().map(GraphPrinter::cut).toList());
            case Attr.Atom x -> x;
            case Attr.Text t -> t;
            case Attr.OfQuant q -> Attr.of(cut(q.quant()));
        };
    }

    private static String cut(Type t) {
        return (t.element() instanceof Quant q ? cut(q) : t.element().toString()) + t.shape();
    }

    private static String cut(Quant q) {
        String text = q.toString();
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> text;
            case Scheme.PerAxis a ->
                a.scales().size() <= 2
                        ? text
                        : q.storage() + "<axis=" + a.axis() + ", {" + a.scales().getFirst() + ", …"
                                + a.scales().size() + "}>";
            case Scheme.PerGroup g ->
                q.storage() + "<group=" + g.size() + ", {" + g.scales().getFirst() + ", …"
                        + g.scales().size() + "}>";
        };
    }

    private static String constant(Tensor t, Detail detail) {
        if (t.shape().elements() > (detail == Detail.FULL ? LIST_LIMIT : 8)) {
            return detail == Detail.FULL ? "base64(\"" + base64(t) + "\")" : "…";
        }
        List<Attr> items = new ArrayList<>();
        switch (t) {
            case Tensor.OfFloat f -> {
                for (float v : f.values()) {
                    items.add(Attr.of(v));
                }
            }
            case Tensor.OfInt i -> {
                for (int v : i.values()) {
                    items.add(Attr.of(v));
                }
            }
            case Tensor.OfLong l -> {
                for (long v : l.values()) {
                    items.add(Attr.of(Long.toString(v)));
                }
            }
        }
        return new Attr.Items(items).toString();
    }

    private static String base64(Tensor t) {
        int width = t instanceof Tensor.OfLong ? 8 : 4;
        ByteBuffer b = ByteBuffer.allocate(width * t.shape().elements()).order(ByteOrder.LITTLE_ENDIAN);
        switch (t) {
            case Tensor.OfFloat f -> b.asFloatBuffer().put(f.values());
            case Tensor.OfInt i -> b.asIntBuffer().put(i.values());
            case Tensor.OfLong l -> b.asLongBuffer().put(l.values());
        }
        return Base64.getEncoder().encodeToString(b.array());
    }

    static String value(ValueId id) {
        return "%" + name(id.name());
    }

    private static String name(String name) {
        return name.matches("[A-Za-z0-9_.$/-]+") ? name : new Attr.Text(name).toString();
    }
}

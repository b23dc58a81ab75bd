package dev.qnet.target.tvm.lower;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A layer whose sums can be tiled in several ways.
 *
 * @param key what its speed depends on: operation, shapes, types; the same for layers that are alike
 * @param graph the layer alone
 * @param tilings the ways, {@link Tiling#DEFAULT} first
 */
public record Tunable(String key, Graph graph, List<Tiling> tilings) {
    public Tunable {
        tilings = List.copyOf(tilings);
    }

    /** The layers of a graph that can be tiled in several ways, each key once. */
    public static List<Tunable> of(Graph graph, Isa isa) {
        if (isa == Isa.PLAIN) {
            return List.of();
        }
        Map<ValueId, Type> types = graph.types();
        Map<ValueId, Node> definitions = graph.definitions();
        Map<String, Tunable> all = new LinkedHashMap<>();
        for (Node n : graph.nodes()) {
            Node weights = n.operands().size() > 1 ? definitions.get(n.operand(1)) : null;
            boolean constant = weights != null && weights.op() instanceof DataOp.Constant;
            key(n, types)
                    .filter(_ -> constant)
                    .ifPresent(k -> all.computeIfAbsent(
                            k, _ -> new Tunable(k, alone(n, types, definitions), tilings(n, types, isa))));
        }
        return List.copyOf(all.values());
    }

    /** What the speed of a node depends on, if it can be tiled. */
    static Optional<String> key(Node n, Map<ValueId, Type> types) {
        return switch (n.op()) {
            case IntOp.Conv2d c ->
                Optional.of(
                        "conv2d " + c.window() + " groups " + c.groups() + " " + rest(n, types, c.acc(), c.rescale()));
            case IntOp.Dense d -> Optional.of("dense " + rest(n, types, d.acc(), d.rescale()));
            case IntOp.MatMul m -> Optional.of("matmul " + rest(n, types, m.acc(), m.rescale()));
            default -> Optional.empty();
        };
    }

    private static String rest(Node n, Map<ValueId, Type> types, Element.Int acc, @Nullable Rescale rescale) {
        StringBuilder s = new StringBuilder(acc.bits() == 64 ? "i64" : "i32");
        s.append(
                rescale == null
                        ? " sums"
                        : " " + rescale.rounding() + (rescale.scales().size() > 1 ? " each" : ""));
        List<Type> all = new ArrayList<>();
        n.operands().forEach(o -> all.add(Objects.requireNonNull(types.get(o))));
        all.add(n.type());
        all.forEach(t -> s.append(' ')
                .append(Elements.type(t.element()))
                .append(t.shape().item()));
        return s.toString();
    }

    private static Graph alone(Node n, Map<ValueId, Type> types, Map<ValueId, Node> definitions) {
        List<Graph.Param> params = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        Set<ValueId> seen = new HashSet<>();
        for (ValueId operand : n.operands()) {
            Node definition = definitions.get(operand);
            if (!seen.add(operand)) {
                continue;
            }
            if (definition != null && definition.op() instanceof DataOp.Constant) {
                nodes.add(definition);
            } else {
                params.add(new Graph.Param(operand, Objects.requireNonNull(types.get(operand)), null, n.span()));
            }
        }
        nodes.add(n);
        return new Graph("layer", params, nodes, List.of(new Graph.Result("y", n.id())));
    }

    private static List<Tiling> tilings(Node n, Map<ValueId, Type> types, Isa isa) {
        List<Tiling> all = new ArrayList<>();
        all.add(Tiling.DEFAULT);
        int[] w = Objects.requireNonNull(types.get(n.operand(1))).shape().toArray();
        if (n.op() instanceof IntOp.Conv2d c && c.groups() > 1 && w[3] == 1) {
            for (int pixels : new int[] {2, 4, 6, 8}) {
                for (int vectors : new int[] {1, 2, 4}) {
                    if (pixels * vectors <= isa.accumulators() / 2) {
                        all.add(new Tiling(Tiling.Form.PAIRS, pixels, vectors, false));
                        all.add(new Tiling(Tiling.Form.PAIRS, pixels, vectors, true));
                    }
                }
            }
            return all;
        }
        List<Tiling.Form> forms =
                isa.hasBytes() ? List.of(Tiling.Form.BYTES, Tiling.Form.PAIRS) : List.of(Tiling.Form.PAIRS);
        for (int vectors = 1; vectors <= (isa.lanes() == 16 ? 4 : 2); vectors++) {
            for (int sums : new int[] {isa.accumulators(), isa.accumulators() / 2}) {
                int rows = Math.min(sums / vectors, 14);
                all.add(new Tiling(forms.getFirst(), rows, vectors, false));
                all.add(new Tiling(forms.getFirst(), rows, vectors, true));
            }
        }
        if (forms.size() > 1) {
            all.add(new Tiling(Tiling.Form.PAIRS, isa.accumulators() / 4, 4, false));
        }
        return all;
    }
}

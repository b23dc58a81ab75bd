package dev.qnet.formats.onnx;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;

/** Which nodes of a graph have to be lowered, and in what order. */
final class NodeOrder {
    private NodeOrder() {}

    /** The names of a graph's outputs. */
    static Set<String> wanted(Proto.Graph g) {
        Set<String> wanted = new HashSet<>();
        g.outputs().forEach(o -> wanted.add(o.name()));
        return wanted;
    }

    /** Which nodes the wanted values need; inner graphs count with all their names. */
    static boolean[] needed(List<Proto.Node> nodes, Set<String> wanted) {
        boolean[] needed = new boolean[nodes.size()];
        for (int i = nodes.size() - 1; i >= 0; i--) {
            Proto.Node n = nodes.get(i);
            needed[i] = n.outputs().stream().anyMatch(o -> !o.isEmpty() && wanted.contains(o));
            if (needed[i]) {
                wanted.addAll(n.inputs());
                n.attributes().values().forEach(a -> names(a, wanted));
            }
        }
        return needed;
    }

    private static void names(Proto.Attribute a, Set<String> into) {
        if (a instanceof Proto.Attribute.Sub s) {
            s.value().outputs().forEach(o -> into.add(o.name()));
            for (Proto.Node n : s.value().nodes()) {
                into.addAll(n.inputs());
                n.attributes().values().forEach(b -> names(b, into));
            }
        }
    }

    /**
     * Nodes with those that others need before them, otherwise in their own order: some files come out of order. What lies
     * on a cycle comes last, where it is refused.
     */
    static List<Proto.Node> ordered(List<Proto.Node> nodes) {
        Map<String, Integer> makers = new HashMap<>();
        boolean sorted = true;
        for (int i = nodes.size() - 1; i >= 0; i--) {
            for (String out : nodes.get(i).outputs()) {
                makers.put(out, i);
            }
        }
        List<Set<Integer>> users = new ArrayList<>();
        int[] missing = new int[nodes.size()];
        for (int i = 0; i < nodes.size(); i++) {
            users.add(new LinkedHashSet<>());
        }
        for (int i = 0; i < nodes.size(); i++) {
            Set<String> reads = new HashSet<>(nodes.get(i).inputs());
            nodes.get(i).attributes().values().forEach(a -> names(a, reads));
            for (String in : reads) {
                Integer maker = in.isEmpty() ? null : makers.get(in);
                if (maker != null) {
                    sorted &= maker < i;
                    missing[i] += users.get(maker).add(i) ? 1 : 0;
                }
            }
        }
        if (sorted) {
            return nodes;
        }
        PriorityQueue<Integer> ready = new PriorityQueue<>();
        for (int i = 0; i < missing.length; i++) {
            if (missing[i] == 0) {
                ready.add(i);
            }
        }
        Set<Integer> order = new LinkedHashSet<>();
        for (Integer i = ready.poll(); i != null; i = ready.poll()) {
            order.add(i);
            for (int user : users.get(i)) {
                if (--missing[user] == 0) {
                    ready.add(user);
                }
            }
        }
        for (int i = 0; i < missing.length; i++) {
            order.add(i);
        }
        return order.stream().map(nodes::get).toList();
    }
}

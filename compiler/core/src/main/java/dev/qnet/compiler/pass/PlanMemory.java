package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Type;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.TreeMap;

/**
 * Gives every value of one item a byte offset in one arena ({@link MemoryPlanner}). Activations take whole bytes: codes
 * are not packed. Constants have no offset, nor have reshapes, which lie where their operand lies.
 */
public final class PlanMemory implements Pass {
    /** What offsets are multiples of, in bytes: a cache line, and more than any vector load asks for. */
    public static final int ALIGNMENT = 64;

    public static final String NAME = "plan-memory";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(Fuse.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        MemoryPlanner.Plan plan = MemoryPlanner.plan(graph, (id, type) -> bytes(type), ALIGNMENT);
        return graph.withPlan(new Graph.MemoryPlan(plan.size(), plan.offsets()));
    }

    /** What an activation of one item takes in bytes. */
    public static long bytes(Type type) {
        return (long) type.shape().elements() * type.element().bytes();
    }

    /** No two values that are alive at once overlap: one sweep over time, looking at the neighbours of each new value. */
    @Override
    public void check(Graph graph) {
        Graph.MemoryPlan plan = graph.plan();
        if (plan == null) {
            throw new IllegalStateException("there is no memory plan");
        }
        List<MemoryPlanner.Life> lives = MemoryPlanner.lives(graph, (id, type) -> bytes(type), 1);
        Map<MemoryPlanner.Life, Long> at = new HashMap<>();
        PriorityQueue<MemoryPlanner.Life> ending =
                new PriorityQueue<>(Comparator.comparingInt(MemoryPlanner.Life::end));
        TreeMap<Long, MemoryPlanner.Life> alive = new TreeMap<>();
        for (MemoryPlanner.Life l : lives) {
            Long offset = plan.offsets().get(l.id());
            if (offset == null) {
                throw new IllegalStateException(l.id() + " has no place");
            }
            at.put(l, offset);
            for (MemoryPlanner.Life e = ending.peek(); e != null && e.end() < l.start(); e = ending.peek()) {
                alive.remove(at.get(ending.remove()));
            }
            if (l.size() == 0) {
                continue;
            }
            Map.Entry<Long, MemoryPlanner.Life> below = alive.floorEntry(offset);
            Map.Entry<Long, MemoryPlanner.Life> above = alive.ceilingEntry(offset);
            if (below != null && below.getKey() + below.getValue().size() > offset) {
                throw new IllegalStateException(
                        l.id() + " overlaps " + below.getValue().id());
            }
            if (above != null && offset + l.size() > above.getKey()) {
                throw new IllegalStateException(
                        l.id() + " overlaps " + above.getValue().id());
            }
            if (offset + l.size() > plan.bytes() || offset % ALIGNMENT != 0) {
                throw new IllegalStateException(l.id() + " lies outside the arena or off its alignment");
            }
            alive.put(offset, l);
            ending.add(l);
        }
    }
}

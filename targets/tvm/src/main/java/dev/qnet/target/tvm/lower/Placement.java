package dev.qnet.target.tvm.lower;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.MemoryPlanner;
import dev.qnet.compiler.pass.PlanMemory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Where the values of one item lie: in the caller's inputs, outputs and states, or in the arena. A result that a layer computes
 * is written to the caller's memory at once; one that is an input, a state, a constant, or lies elsewhere as another result, is
 * copied there at the end. So is what a state becomes, because layers may still read the state.
 */
final class Placement {
    /** A place. */
    sealed interface Place {
        /** The caller's memory; its number among inputs, states or outputs. */
        record Input(int number) implements Place {}

        record State(int number) implements Place {}

        record Output(int number) implements Place {}

        /** In the arena, from a byte on. */
        record Arena(long offset) implements Place {}

        /** A constant, which functions hold themselves. */
        record Constant() implements Place {}
    }

    /** A copy at the end of a run. */
    record Copy(ValueId value, Type type, Place to) {}

    private final Map<ValueId, ValueId> owners;
    private final Map<ValueId, Place> places = new HashMap<>();
    private final List<Copy> copies = new ArrayList<>();
    /** Where copies come from that do not come from their value's place. */
    private final Map<Copy, Place> asides = new HashMap<>();

    private final int alignment;
    private final long bytes;

    /** @param alignment bytes that places in the arena are multiples of */
    Placement(Graph graph, int alignment) {
        this.alignment = alignment;
        owners = MemoryPlanner.owners(graph);
        Map<ValueId, Type> types = graph.types();
        int number = 0;
        for (Graph.Param p : graph.params()) {
            places.put(p.id(), new Place.Input(number++));
        }
        number = 0;
        for (Graph.State s : graph.states()) {
            places.put(s.id(), new Place.State(number++));
        }
        for (Node n : graph.nodes()) {
            if (n.op() instanceof DataOp.Constant) {
                places.put(n.id(), new Place.Constant());
            }
        }
        number = 0;
        for (Graph.Result r : graph.results()) {
            ValueId owner = owner(r.value());
            Place to = new Place.Output(number++);
            if (places.putIfAbsent(owner, to) != null) {
                copies.add(new Copy(r.value(), Objects.requireNonNull(types.get(r.value())), to));
            }
        }
        MemoryPlanner.Plan plan = MemoryPlanner.plan(
                graph,
                (id, type) -> places.containsKey(id) ? MemoryPlanner.UNPLACED : PlanMemory.bytes(type),
                alignment);
        plan.offsets().forEach((id, offset) -> places.put(id, new Place.Arena(offset)));
        bytes = plan.size() + become(graph, types, plan.size());
    }

    /** The states' next values; where one is another state, it is put aside first. Returns the bytes for that. */
    private long become(Graph graph, Map<ValueId, Type> types, long from) {
        Map<ValueId, Place> aside = new LinkedHashMap<>();
        List<Copy> last = new ArrayList<>();
        long at = from;
        int number = 0;
        for (Graph.State s : graph.states()) {
            Place to = new Place.State(number++);
            ValueId next = owner(s.next());
            if (next.equals(s.id())) {
                continue;
            }
            Type type = Objects.requireNonNull(types.get(s.next()));
            if (places.get(next) instanceof Place.State && !aside.containsKey(next)) {
                Place place = new Place.Arena(at);
                at += Math.ceilDiv(PlanMemory.bytes(type), (long) alignment) * alignment;
                aside.put(next, place);
                copies.add(new Copy(next, type, place));
            }
            last.add(new Copy(s.next(), type, to));
        }
        for (Copy c : last) {
            copies.add(c);
            Place put = aside.get(owner(c.value()));
            if (put != null) {
                asides.put(c, put);
            }
        }
        return at - from;
    }

    /** Where a value lies. */
    Place place(ValueId value) {
        return Objects.requireNonNull(places.get(owner(value)), () -> "value " + value + " has no place");
    }

    /** What is copied when all layers have run, in order. */
    List<Copy> copies() {
        return copies;
    }

    /** Where a copy comes from. */
    Place source(Copy copy) {
        return asides.getOrDefault(copy, place(copy.value()));
    }

    /** The size of the arena. */
    long bytes() {
        return bytes;
    }

    /** The value whose memory a value is in. */
    ValueId owner(ValueId value) {
        return owners.getOrDefault(value, value);
    }
}

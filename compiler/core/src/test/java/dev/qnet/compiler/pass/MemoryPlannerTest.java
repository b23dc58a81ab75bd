package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;

class MemoryPlannerTest {
    @Property(tries = 1000, shrinking = ShrinkingMode.OFF)
    void valuesAliveAtOnceDoNotOverlap(@ForAll long seed, @ForAll @IntRange(min = 1, max = 64) int alignment) {
        Graph g = FloatGraphs.random(seed);
        MemoryPlanner.Plan plan = MemoryPlanner.plan(g, (id, type) -> elements(type), alignment);
        Map<ValueId, ValueId> owners = MemoryPlanner.owners(g);
        Map<ValueId, Type> types = g.types();

        // A machine of whole cells: each owner is written once, and must still be there whenever it is read.
        ValueId[] memory = new ValueId[Math.toIntExact(plan.size())];
        g.params().forEach(p -> write(memory, p.id(), plan, types));
        for (Node n : g.nodes()) {
            if (plan.offsets().containsKey(n.id())) {
                write(memory, n.id(), plan, types);
            }
            // Operands are looked at after the write: a node never writes where it reads.
            n.operands().forEach(o -> read(memory, get(owners, o), plan, types));
        }
        g.results().forEach(r -> read(memory, get(owners, r.value()), plan, types));

        assertThat(plan.size()).isGreaterThanOrEqualTo(plan.peak());
        assertThat(plan.offsets().values()).allMatch(o -> o % alignment == 0);
        Statistics.label("arena over largest live set")
                .collect(plan.peak() == 0 ? "none" : String.format("%.1f", (double) plan.size() / plan.peak()));
    }

    private static void write(ValueId[] memory, ValueId id, MemoryPlanner.Plan plan, Map<ValueId, Type> types) {
        int at = Math.toIntExact(get(plan.offsets(), id));
        Arrays.fill(memory, at, at + elements(get(types, id)), id);
    }

    private static void read(ValueId[] memory, ValueId id, MemoryPlanner.Plan plan, Map<ValueId, Type> types) {
        Long at = plan.offsets().get(id);
        for (int i = 0; at != null && i < elements(get(types, id)); i++) {
            assertThat(memory[(int) (at + i)]).isEqualTo(id);
        }
    }

    private static <V> V get(Map<ValueId, V> map, ValueId id) {
        return Objects.requireNonNull(map.get(id));
    }

    private static int elements(Type t) {
        return t.shape().elements();
    }

    @Property(tries = 300, shrinking = ShrinkingMode.OFF)
    void everyValueHasAPlaceOrAnOwnerOrIsConstant(@ForAll long seed) {
        Graph g = FloatGraphs.random(seed);
        MemoryPlanner.Plan plan = MemoryPlanner.plan(g, (id, type) -> elements(type), 1);
        Map<ValueId, ValueId> owners = MemoryPlanner.owners(g);
        Map<ValueId, Node> definitions = g.definitions();
        for (Node n : g.nodes()) {
            Node owner = definitions.get(get(owners, n.id()));
            boolean constant = owner != null && owner.op() instanceof DataOp.Constant;
            assertThat(plan.offsets().containsKey(n.id())).isEqualTo(!constant && !(n.op() instanceof DataOp.Reshape));
        }
    }

    @Test
    void valuesLeftOutHaveNoPlaceAndTakeNone() {
        GraphBuilder b = new GraphBuilder();
        ValueId x = b.param(Type.f32(1, 100));
        ValueId y = b.add(new DataOp.Reshape(Shape.of(100)), x);
        ValueId z = b.add(new DataOp.Concat(0), y, y);
        b.result(z);
        MemoryPlanner.Plan plan =
                MemoryPlanner.plan(b.graph(), (id, type) -> id.equals(x) ? MemoryPlanner.UNPLACED : elements(type), 16);
        assertThat(plan.offsets()).containsExactly(Map.entry(z, 0L));
        assertThat(plan.size()).isEqualTo(208);
        assertThat(MemoryPlanner.owners(b.graph())).containsEntry(y, x);
    }

    /** A U-net's skips outlive what lies between: a planner that went by order alone would leave gaps. */
    @Test
    void fillsGapsUnderLongLives() {
        GraphBuilder b = new GraphBuilder();
        ValueId x = b.param(Type.f32(1, 64));
        List<ValueId> skips = new ArrayList<>();
        ValueId at = x;
        for (int i = 0; i < 4; i++) {
            skips.add(at);
            at = b.add(new DataOp.Slice(List.of(0, 0), List.of(1, 32 >> i), List.of(1, 1)), at);
        }
        for (ValueId s : skips.reversed()) {
            at = b.add(new DataOp.Concat(1), at, s);
        }
        b.result(at);
        MemoryPlanner.Plan plan = MemoryPlanner.plan(b.graph(), (id, type) -> elements(type), 1);
        assertThat(plan.size()).isLessThanOrEqualTo(plan.peak() * 5 / 4);
    }
}

package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongBiFunction;

/**
 * Lays values out in one arena, so that values which are never alive at once share memory. A value lives from the node that
 * defines it to the last that uses it, ends included: a node never writes where it reads. Parameters live from the start,
 * results to the end. A {@link DataOp.Reshape} has no memory of its own but its operand's.
 *
 * <p>The method is greedy by size with the best-fitting gap, of Pisarchyk and Lee, "Efficient Memory Management for Deep
 * Neural Net Inference" (2020), section 5. Its time grows with the square of the number of values, but with a factor of
 * under a nanosecond: 20,000 values take about a quarter of a second.
 */
public final class MemoryPlanner {
    /** What a size function gives for a value that shall have no place. */
    public static final long UNPLACED = -1;

    /**
     * A layout.
     *
     * @param size the arena's, in the caller's unit
     * @param offsets where each placed value begins
     * @param peak the largest sum of the (aligned) sizes of values alive at once: no layout is smaller
     */
    public record Plan(long size, Map<ValueId, Long> offsets, long peak) {
        public Plan {
            offsets = Map.copyOf(offsets);
        }
    }

    /**
     * A value that needs memory.
     *
     * @param start the step that writes it: 0 for parameters, i + 1 for node i
     * @param end the last step that reads it
     * @param size aligned
     */
    record Life(ValueId id, int start, int end, long size) {}

    private MemoryPlanner() {}

    /**
     * Lays out values.
     *
     * @param size what a value takes, in any unit (bytes, elements of an array), or {@link #UNPLACED}; not asked for values
     *     that share their operand's place. A caller with several arenas plans each, leaving out the others' values
     * @param alignment what each offset and the arena's size are multiples of
     */
    public static Plan plan(Graph graph, ToLongBiFunction<ValueId, Type> size, long alignment) {
        List<Life> lives = lives(graph, size, alignment);
        Life[] order = lives.toArray(Life[]::new);
        Arrays.sort(order, Comparator.comparingLong(Life::size).reversed().thenComparingInt(Life::start));
        Map<ValueId, Long> offsets = new LinkedHashMap<>();
        Layout layout = new Layout(order.length);
        for (Life l : order) {
            offsets.put(l.id, layout.place(l));
        }
        return new Plan(layout.size, offsets, peak(lives));
    }

    /**
     * For each value the one whose memory it is in: itself, except for views.
     */
    public static Map<ValueId, ValueId> owners(Graph graph) {
        Map<ValueId, ValueId> owners = new HashMap<>();
        graph.params().forEach(p -> owners.put(p.id(), p.id()));
        graph.states().forEach(s -> owners.put(s.id(), s.id()));
        for (Node n : graph.nodes()) {
            owners.put(n.id(), isView(n) ? owners.getOrDefault(n.operand(0), n.operand(0)) : n.id());
        }
        return owners;
    }

    /** Whether a node's value is its operand's memory, called otherwise. */
    public static boolean isView(Node n) {
        return n.op() instanceof DataOp.Reshape || n.op() instanceof NumOp.Reinterpret;
    }

    /** Every value that needs memory, in the order of definition. */
    static List<Life> lives(Graph graph, ToLongBiFunction<ValueId, Type> size, long alignment) {
        Map<ValueId, ValueId> owners = owners(graph);
        Map<ValueId, Integer> last = new HashMap<>();
        int step = 0;
        for (Node n : graph.nodes()) {
            step++;
            for (ValueId o : n.operands()) {
                last.put(owners.getOrDefault(o, o), step);
            }
        }
        for (ValueId root : graph.roots()) {
            last.put(owners.getOrDefault(root, root), step + 1);
        }
        for (Graph.State s : graph.states()) {
            last.put(s.id(), step + 1);
        }
        List<Life> lives = new ArrayList<>();
        for (Graph.Param p : graph.params()) {
            add(lives, p.id(), 0, last, size.applyAsLong(p.id(), p.type()), alignment);
        }
        for (Graph.State s : graph.states()) {
            add(lives, s.id(), 0, last, size.applyAsLong(s.id(), s.type()), alignment);
        }
        step = 0;
        for (Node n : graph.nodes()) {
            step++;
            if (!(n.op() instanceof DataOp.Constant) && !isView(n)) {
                add(lives, n.id(), step, last, size.applyAsLong(n.id(), n.type()), alignment);
            }
        }
        return lives;
    }

    private static void add(
            List<Life> lives, ValueId id, int start, Map<ValueId, Integer> last, long size, long alignment) {
        if (size != UNPLACED) {
            long aligned = Math.multiplyExact(Math.ceilDiv(size, alignment), alignment);
            lives.add(new Life(id, start, last.getOrDefault(id, start), aligned));
        }
    }

    private static long peak(List<Life> lives) {
        int steps = lives.stream().mapToInt(Life::end).max().orElse(0) + 2;
        long[] change = new long[steps];
        for (Life l : lives) {
            change[l.start] += l.size;
            change[l.end + 1] -= l.size;
        }
        long now = 0;
        long peak = 0;
        for (long c : change) {
            now += c;
            peak = Math.max(peak, now);
        }
        return peak;
    }

    /** Values placed so far, ordered by offset, in flat arrays because every placement walks all of them. */
    private static final class Layout {
        private final int[] starts;
        private final int[] ends;
        private final long[] offsets;
        private final long[] tops;
        private int count;
        private long size;

        Layout(int capacity) {
            starts = new int[capacity];
            ends = new int[capacity];
            offsets = new long[capacity];
            tops = new long[capacity];
        }

        /** Takes the smallest gap that fits among the values alive at the same time, or the room above them. */
        long place(Life l) {
            long bestGap = Long.MAX_VALUE;
            long best = -1;
            long top = 0;
            for (int i = 0; i < count; i++) {
                if (starts[i] <= l.end && l.start <= ends[i]) {
                    long gap = offsets[i] - top;
                    if (gap >= l.size && gap < bestGap) {
                        bestGap = gap;
                        best = top;
                    }
                    top = Math.max(top, tops[i]);
                }
            }
            long offset = best >= 0 ? best : top;
            insert(l, offset);
            size = Math.max(size, offset + l.size);
            return offset;
        }

        private void insert(Life l, long offset) {
            int at = Arrays.binarySearch(offsets, 0, count, offset);
            at = at < 0 ? -at - 1 : at;
            int after = count - at;
            System.arraycopy(starts, at, starts, at + 1, after);
            System.arraycopy(ends, at, ends, at + 1, after);
            System.arraycopy(offsets, at, offsets, at + 1, after);
            System.arraycopy(tops, at, tops, at + 1, after);
            starts[at] = l.start;
            ends[at] = l.end;
            offsets[at] = offset;
            tops[at] = offset + l.size;
            count++;
        }
    }
}

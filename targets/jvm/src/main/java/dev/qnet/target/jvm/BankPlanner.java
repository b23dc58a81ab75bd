package dev.qnet.target.jvm;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Places the values of one bank so that two that live at the same time do not overlap: the largest first, each at the
 * lowest free place (greedy by size; Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
 * 2020).
 */
final class BankPlanner {
    /** Values begin at multiples of this many bytes: a cache line. */
    private static final int ALIGNMENT = 64;

    /** The place of what is not planned yet. */
    static final Block NOWHERE = new Block(0, 0, 0);

    private final int granule;
    private final List<Block> blocks = new ArrayList<>();

    /** For a bank with elements of so many bytes. */
    BankPlanner(int elementBytes) {
        granule = ALIGNMENT / elementBytes;
    }

    /** A value's place. */
    static final class Block {
        private final long size;
        private final int first;
        private final int last;
        private long offset;

        private Block(long size, int first, int last) {
            this.size = size;
            this.first = first;
            this.last = last;
        }

        /** The first element; known once the bank is planned. */
        int offset() {
            return (int) offset;
        }

        private boolean meets(Block other) {
            return first <= other.last && other.first <= last;
        }

        private long end() {
            return offset + size;
        }
    }

    /**
     * Adds a value.
     *
     * @param elements its size
     * @param first the step that writes it
     * @param last the last step that reads it, at least {@code first}
     */
    Block add(long elements, int first, int last) {
        Block b = new Block((elements + granule - 1) / granule * granule, first, last);
        blocks.add(b);
        return b;
    }

    /** Places all values; returns the elements that the bank needs. */
    long plan() {
        List<Block> order = new ArrayList<>(blocks);
        order.sort(Comparator.comparingLong((Block b) -> -b.size).thenComparingInt(b -> b.first));
        List<Block> placed = new ArrayList<>();
        List<Block> rivals = new ArrayList<>();
        long size = 0;
        for (Block b : order) {
            rivals.clear();
            for (Block p : placed) {
                if (p.meets(b)) {
                    rivals.add(p);
                }
            }
            rivals.sort(Comparator.comparingLong(p -> p.offset));
            long at = 0;
            for (Block r : rivals) {
                if (r.offset - at >= b.size) {
                    break;
                }
                at = Math.max(at, r.end());
            }
            b.offset = at;
            placed.add(b);
            size = Math.max(size, b.end());
        }
        return size;
    }
}

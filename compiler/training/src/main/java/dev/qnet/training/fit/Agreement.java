package dev.qnet.training.fit;

import java.util.List;
import java.util.Locale;

/**
 * How far the integers that a trained network compiles to are from what fake quantization computed while it was trained.
 *
 * @param items that were looked at
 * @param different items that the two classify differently
 * @param values quantized values, in the graph's order
 */
public record Agreement(int items, int different, List<Compared> values) {
    public Agreement {
        values = List.copyOf(values);
    }

    /**
     * One quantized value of all items.
     *
     * @param name its name in the source
     * @param elements how many elements it has, of all items
     * @param off how many codes differ where fake quantization is given the operands that the integers have: what this operation alone
     *     does otherwise
     * @param most by how many codes they differ most
     * @param through how many codes differ with what the operations before did otherwise
     * @param mostThrough by how many codes these differ most
     */
    public record Compared(String name, long elements, long off, int most, long through, int mostThrough) {}

    /** By how many codes an operation alone differs most. */
    public int most() {
        return values.stream().mapToInt(Compared::most).max().orElse(0);
    }

    /** The share of codes that operations alone compute otherwise. */
    public double share() {
        long all = values.stream().mapToLong(Compared::elements).sum();
        return all == 0 ? 0 : values.stream().mapToLong(Compared::off).sum() / (double) all;
    }

    /** One line. */
    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "integers classify %d of %d items as fake quantization does; an operation alone differs by %d code%s at most, in %.3f %%"
                        + " of its codes",
                items - different,
                items,
                most(),
                most() == 1 ? "" : "s",
                100 * share());
    }
}

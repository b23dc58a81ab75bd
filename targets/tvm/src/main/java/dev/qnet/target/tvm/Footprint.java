package dev.qnet.target.tvm;

import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;

/**
 * What a model takes of a small device's memory, in bytes.
 *
 * @param tables weights and other constants, by the function that they are of
 * @param code of the functions; empty where it is not compiled yet
 * @param arena that a run works in
 * @param values what shares the arena over time
 * @param states that are kept from run to run
 * @param inputs that the caller gives
 * @param outputs that the caller takes
 * @param stack that a run takes at most, without what functions of the C library take; empty where the code is not compiled yet
 */
public record Footprint(
        List<Piece> tables,
        OptionalLong code,
        long arena,
        List<Piece> values,
        long states,
        long inputs,
        long outputs,
        OptionalLong stack) {
    public Footprint {
        tables = List.copyOf(tables);
        values = List.copyOf(values);
    }

    /** A part that has a name. */
    public record Piece(String name, long bytes) {}

    /** Bytes of weights and other constants. */
    public long weights() {
        return tables.stream().mapToLong(Piece::bytes).sum();
    }

    /** What has to be in flash, as far as it is known. */
    public long flash() {
        return weights() + code.orElse(0);
    }

    /** What has to be in RAM, with the caller's inputs and outputs and the stack, as far as it is known. */
    public long ram() {
        return arena + states + inputs + outputs + stack.orElse(0);
    }

    /** The largest first. */
    public static List<Piece> largest(List<Piece> pieces) {
        return pieces.stream()
                .sorted(Comparator.comparingLong(Piece::bytes).reversed())
                .toList();
    }

    /** As this, with the size of the code and of its stack. */
    Footprint compiled(long codeBytes, long stackBytes) {
        return new Footprint(
                tables,
                OptionalLong.of(codeBytes),
                arena,
                values,
                states,
                inputs,
                outputs,
                OptionalLong.of(stackBytes));
    }
}

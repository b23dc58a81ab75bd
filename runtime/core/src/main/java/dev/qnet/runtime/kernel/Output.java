package dev.qnet.runtime.kernel;

import org.jspecify.annotations.Nullable;

/**
 * What becomes of the integer accumulators of a kernel.
 *
 * @param acc how wide they are: {@link Kind#S32} or {@link Kind#S64}
 * @param kind the result's elements; equal to acc where rescale is null
 * @param rescale scales them to codes, or null for the plain accumulator
 */
public record Output(Kind acc, Kind kind, @Nullable Rescale rescale) {
    public Output {
        if ((acc != Kind.S32 && acc != Kind.S64)
                || (rescale == null
                        ? kind != acc
                        : !kind.fitsInt() || rescale.lo < kind.min() || rescale.hi > kind.max())) {
            throw new IllegalArgumentException("an accumulator " + acc + " does not become " + kind
                    + (rescale == null ? "" : " codes " + rescale.lo + ".." + rescale.hi));
        }
    }

    /** The accumulator itself, {@link Kind#S32} or {@link Kind#S64}. */
    public static Output accumulator(Kind acc) {
        return new Output(acc, acc, null);
    }

    /**
     * Codes.
     *
     * @param acc the accumulator, {@link Kind#S32} or {@link Kind#S64}
     * @param rescale how it is scaled
     * @param kind how the codes lie in their bank
     */
    public static Output codes(Kind acc, Rescale rescale, Kind kind) {
        return new Output(acc, kind, rescale);
    }

    boolean wide() {
        return acc == Kind.S64;
    }

    /** Whether each channel has a scale of its own, so that a row must not run over the end of the last axis. */
    boolean perChannel() {
        return rescale != null && rescale.channels > 1;
    }

    /**
     * Writes a row of 32-bit accumulators, which are overwritten unless they become codes of 8 bits. May use int scratch
     * {@link Rows#CODES}.
     *
     * @param y the result's offset
     * @param a accumulators
     * @param at the first
     * @param n how many
     * @param channel index of the first along the last axis
     */
    void store(Loops loops, Banks banks, int y, int[] a, int at, int n, int channel) {
        if (rescale != null && kind.bytes() == 1) {
            loops.codes(rescale, kind, banks, y, a, at, n, channel);
            return;
        }
        if (rescale != null) {
            loops.rescale(rescale, a, at, n, channel);
        }
        loops.store(banks, kind, y, a, at, n);
    }

    /**
     * As {@link #store(Loops, Banks, int, int[], int, int, int)}, of 64-bit accumulators. Uses int scratch {@link
     * Rows#CODES}.
     */
    void store(Banks banks, int y, long[] a, int at, int n, int channel) {
        if (rescale == null) {
            System.arraycopy(a, at, banks.longs, y, n);
        } else {
            int[] codes = banks.ints(Rows.CODES, n);
            rescale.applyRow(a, at, n, channel, codes);
            Rows.store(banks, kind, y, codes, 0, n);
        }
    }

    /**
     * Writes a row of sums that were kept in 64 bits, whichever accumulator they are for. Uses int scratch {@link
     * Rows#CODES}.
     */
    void storeExact(Loops loops, Banks banks, int y, long[] a, int n, int channel) {
        if (wide()) {
            store(banks, y, a, 0, n, channel);
            return;
        }
        int[] narrow = banks.ints(Rows.CODES, n);
        for (int i = 0; i < n; i++) {
            narrow[i] = (int) a[i];
        }
        store(loops, banks, y, narrow, 0, n, channel);
    }
}

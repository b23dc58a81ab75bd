package dev.qnet.compiler.ir;

import java.util.List;

/**
 * How an integer accumulator a becomes a code: {@code clamp(scale_c(a) + zero, lo, hi)}, c the index along the last axis.
 * docs/numerics.md gives the rule of each contract; {@link Scale} holds its constants.
 *
 * @param rounding the contract
 * @param scales one, or one for each index along the last axis; {@link Scale.Fixed} where the contract is fixed point,
 *     else {@link Scale.Real}
 * @param zero the result's zero point
 * @param lo the lowest code of the result (a fused relu or clip raises it)
 * @param hi the highest
 */
public record Rescale(Rounding rounding, List<Scale> scales, int zero, int lo, int hi) {
    public Rescale {
        scales = List.copyOf(scales);
        if (scales.isEmpty() || lo > hi) {
            throw new IllegalArgumentException("a rescale needs a scale and lo <= hi");
        }
        for (Scale s : scales) {
            if (rounding.fixedPoint() != s instanceof Scale.Fixed) {
                throw new IllegalArgumentException(rounding + " does not scale by " + s);
            }
        }
    }

    /** A positive real multiplier as a contract stores it. */
    public sealed interface Scale {
        /**
         * {@code multiplier · 2^(shift − 31)}.
         *
         * @param multiplier 0, or 2^29 to 2^31 − 1 (below 2^30 only where a mean is divided out of one)
         * @param shift −31 to 30; above 0 shifts left
         */
        record Fixed(int multiplier, int shift) implements Scale {
            public Fixed {
                if (multiplier < 0 || (multiplier != 0 && multiplier < 1 << 29) || shift < -31 || shift > 30) {
                    throw new IllegalArgumentException("not a Q31 multiplier and shift: " + multiplier + ", " + shift);
                }
            }
        }

        /** The number as a single. */
        record Real(float factor) implements Scale {}
    }

    public Rescale withClamp(int newLo, int newHi) {
        return new Rescale(rounding, scales, zero, newLo, newHi);
    }

    /** The scale of index c along the last axis. */
    public Scale scale(int c) {
        return scales.size() == 1 ? scales.getFirst() : scales.get(c);
    }
}

package dev.qnet.compiler.ir;

import java.util.List;
import java.util.StringJoiner;

/**
 * The scales and zero points of a quantized tensor. Scales are IEEE singles, finite and above zero, as every format that
 * we read and write stores them; zero points are codes.
 */
public sealed interface Scheme {
    /**
     * One scale and zero point: {@code r = s·(q − z)}.
     *
     * @param scale s
     * @param zero z
     */
    record PerTensor(float scale, int zero) implements Scheme {
        public PerTensor {
            checkScale(scale);
        }

        @Override
        public String toString() {
            return "scale=" + scale + ", zero=" + zero;
        }
    }

    /**
     * One scale and zero point for each index along an axis: {@code r = s[c]·(q − z[c])}.
     *
     * @param axis the axis, 0 for the output channels of weights
     * @param scales s
     * @param zeros z, as many as scales
     */
    record PerAxis(int axis, List<Float> scales, List<Integer> zeros) implements Scheme {
        public PerAxis {
            scales = List.copyOf(scales);
            zeros = List.copyOf(zeros);
            if (axis < 0 || scales.isEmpty() || scales.size() != zeros.size()) {
                throw new IllegalArgumentException("a per-axis scheme needs an axis and as many zeros as scales");
            }
            scales.forEach(Scheme::checkScale);
        }

        @Override
        public String toString() {
            StringJoiner s = new StringJoiner(", ", "axis=" + axis + ", {", "}");
            for (int i = 0; i < scales.size(); i++) {
                s.add(scales.get(i) + (zeros.get(i) == 0 ? "" : ":" + zeros.get(i)));
            }
            return s.toString();
        }
    }

    /**
     * Weights in groups along the flattened input axis, symmetric: output channel c (axis 0), group g of {@code size}
     * consecutive elements of the rest, flattened row-major: {@code r = s[c]·m[c][g]·q}. The multiplier m is a small
     * integer, so that a whole row still accumulates exactly in integers: {@code acc = Σ_g m[c][g]·Σ_{k in g} q·x}.
     * (Two-level scales as in double quantization; docs/adr says why.)
     *
     * @param size elements a group; the last group of a row may be shorter
     * @param scales s, one an output channel
     * @param multipliers m, row-major [channels][groups], each 1 to 255
     */
    record PerGroup(int size, List<Float> scales, List<Integer> multipliers) implements Scheme {
        public PerGroup {
            scales = List.copyOf(scales);
            multipliers = List.copyOf(multipliers);
            if (size < 1 || scales.isEmpty() || multipliers.isEmpty() || multipliers.size() % scales.size() != 0) {
                throw new IllegalArgumentException("a per-group scheme needs a size and a multiplier for each group");
            }
            scales.forEach(Scheme::checkScale);
            if (multipliers.stream().anyMatch(m -> m < 1 || m > 255)) {
                throw new IllegalArgumentException("group multipliers are 1 to 255");
            }
        }

        /** Groups a channel. */
        public int groups() {
            return multipliers.size() / scales.size();
        }

        @Override
        public String toString() {
            StringJoiner s = new StringJoiner(", ", "group=" + size + ", {", "}");
            scales.forEach(x -> s.add(Float.toString(x)));
            StringJoiner m = new StringJoiner(", ", ", {", "}");
            multipliers.forEach(x -> m.add(Integer.toString(x)));
            return s + m.toString();
        }
    }

    /** The scale of output channel c before group multipliers. */
    default float channelScale(int c) {
        return switch (this) {
            case PerTensor t -> t.scale();
            case PerAxis a -> a.scales().get(c);
            case PerGroup g -> g.scales().get(c);
        };
    }

    /** The zero point of output channel c. */
    default int channelZero(int c) {
        return switch (this) {
            case PerTensor t -> t.zero();
            case PerAxis a -> a.zeros().get(c);
            case PerGroup g -> 0;
        };
    }

    private static void checkScale(float scale) {
        if (!(scale > 0) || Float.isInfinite(scale)) {
            throw new IllegalArgumentException("a scale is finite and above zero, not " + scale);
        }
    }
}

package dev.qnet.runtime;

import java.util.List;

/**
 * What the codes of a quantized tensor mean: code q stands for the real number {@code s·(q − z)}; with groups, {@code
 * s·m·(q − z)}.
 *
 * @param storage how the compiler stores a code: {@code u8}, {@code i4}, {@code ternary}, …
 * @param lo the lowest code in use
 * @param hi the highest code in use
 * @param axis the axis along which scales differ, or −1 if there is one scale
 * @param scales s: one, or one for each index along the axis
 * @param zeroPoints z, as many as scales
 * @param groupSize elements that share a multiplier, along the flattened axes after the first; 0 without groups
 * @param multipliers m, row-major [scales][groups]; empty without groups
 */
public record Quantization(
        String storage,
        int lo,
        int hi,
        int axis,
        List<Float> scales,
        List<Integer> zeroPoints,
        int groupSize,
        List<Integer> multipliers) {
    public Quantization {
        scales = List.copyOf(scales);
        zeroPoints = List.copyOf(zeroPoints);
        multipliers = List.copyOf(multipliers);
        if (scales.isEmpty() || scales.size() != zeroPoints.size() || (axis < 0 && scales.size() != 1)) {
            throw new ModelException(
                    "a quantization needs as many zero points as scales, and an axis for more than one");
        }
        if (lo > hi || groupSize < 0 || (groupSize == 0) != multipliers.isEmpty()) {
            throw new ModelException("a quantization needs lo <= hi, and multipliers if and only if it has groups");
        }
        for (float s : scales) {
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new ModelException("a scale is finite and above zero, not " + s);
            }
        }
    }

    /** One scale and zero point. */
    public static Quantization perTensor(String storage, int lo, int hi, float scale, int zeroPoint) {
        return new Quantization(storage, lo, hi, -1, List.of(scale), List.of(zeroPoint), 0, List.of());
    }

    /** Whether one scale and zero point hold for all elements. */
    public boolean isPerTensor() {
        return axis < 0 && groupSize == 0;
    }

    /** Whether the codes are −1 and +1, and nothing between. */
    public boolean isBipolar() {
        return storage.equals("bipolar");
    }

    /** The scale; the first of several. */
    public float scale() {
        return scales.getFirst();
    }

    /** The zero point; the first of several. */
    public int zeroPoint() {
        return zeroPoints.getFirst();
    }

    /** {@code u8 scale 0.0235 zero 0}. */
    @Override
    public String toString() {
        return isPerTensor()
                ? storage + " scale " + scale() + " zero " + zeroPoint()
                : storage + " with " + scales.size() + " scales along axis " + axis
                        + (groupSize == 0 ? "" : ", groups of " + groupSize);
    }
}

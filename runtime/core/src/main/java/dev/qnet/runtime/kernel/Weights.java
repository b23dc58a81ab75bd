package dev.qnet.runtime.kernel;

/**
 * Effective integer weights, as {@link Conv2d} and {@link Dense} take them: what a code contributes to an
 * accumulator.
 */
public final class Weights {
    private Weights() {}

    /**
     * {@code q − zero[c]} of codes with output channels in front.
     *
     * @param codes [O,..]
     * @param zeros one, or one an output channel
     */
    public static int[] centred(int[] codes, int... zeros) {
        int row = zeros.length == 1 ? codes.length : rowLength(codes, zeros.length);
        int[] w = new int[codes.length];
        for (int i = 0; i < codes.length; i++) {
            w[i] = codes[i] - zeros[i / row];
        }
        return w;
    }

    /**
     * {@code m[c][g]·q} of codes quantized per group.
     *
     * @param codes [O,..]; the rest of a channel, flattened, falls into groups of {@code size}, the last may be
     *     shorter
     * @param channels O
     * @param size elements a group
     * @param multipliers m [O,groups]
     */
    public static int[] grouped(int[] codes, int channels, int size, int... multipliers) {
        int row = rowLength(codes, channels);
        int groups = (row + size - 1) / size;
        if (multipliers.length != channels * groups) {
            throw new IllegalArgumentException("expected " + groups + " multipliers for each of " + channels
                    + " channels, found " + multipliers.length);
        }
        int[] w = new int[codes.length];
        for (int i = 0; i < codes.length; i++) {
            w[i] = codes[i] * multipliers[i / row * groups + i % row / size];
        }
        return w;
    }

    private static int rowLength(int[] codes, int channels) {
        if (channels < 1 || codes.length % channels != 0) {
            throw new IllegalArgumentException(codes.length + " weights in " + channels + " channels");
        }
        return codes.length / channels;
    }
}

package dev.qnet.cli.image;

import dev.qnet.cli.UserException;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.TensorInfo;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How a picture's level v, 0 to 255, becomes a real number: {@code (v − mean[c]) / std[c]} for the channel c.
 *
 * @param mean one for all channels, or one a channel
 * @param std as many as means; finite and above 0
 */
public record Scaling(List<Float> mean, List<Float> std) {
    /** The level itself, 0 to 255. */
    public static final Scaling RAW = of(0, 1);

    public Scaling {
        mean = List.copyOf(mean);
        std = List.copyOf(std);
        if (mean.isEmpty() || mean.size() != std.size()) {
            throw new IllegalArgumentException("as many deviations as means, not " + mean + " and " + std);
        }
    }

    /** The same for all channels. */
    public static Scaling of(float mean, float std) {
        return new Scaling(List.of(mean), List.of(std));
    }

    /**
     * Reads what follows {@code --scale}: {@code raw} (0 to 255), {@code unit} (0 to 1), {@code signed} (−1 to 1), or
     * means followed by as many standard deviations, on the scale of 0 to 255, separated by commas.
     *
     * @throws UserException if it is none of these
     */
    public static Scaling parse(String text) {
        return switch (text) {
            case "raw" -> RAW;
            case "unit" -> of(0, 255);
            case "signed" -> of(127.5f, 127.5f);
            default -> numbers(text);
        };
    }

    /**
     * What suits an input where nothing is said: levels, but 0 to 1 or −1 to 1 where the input is quantized and its codes
     * stand for numbers no further from 0 than that.
     */
    public static Scaling suiting(TensorInfo input) {
        Quantization q = input.quantization();
        if (q == null || !q.isPerTensor()) {
            return RAW;
        }
        float lowest = (q.lo() - q.zeroPoint()) * q.scale();
        float highest = (q.hi() - q.zeroPoint()) * q.scale();
        return suiting(lowest, highest);
    }

    /**
     * As {@link #suiting(TensorInfo)}, of an input that is known to be lowest..highest: 0 to 255 where it goes beyond 2, −1 to 1 where it goes
     * below 0 by a quarter of how far it goes above, else 0 to 1. Whatever reads pictures or bytes for a model follows this rule.
     */
    public static Scaling suiting(double lowest, double highest) {
        if (highest > 2) {
            return RAW;
        }
        return lowest < -highest / 4 ? parse("signed") : parse("unit");
    }

    private static Scaling numbers(String text) {
        List<Float> all;
        try {
            all = Arrays.stream(text.split(",", -1))
                    .map(s -> Float.valueOf(s.strip()))
                    .toList();
        } catch (NumberFormatException e) {
            throw unknown(text);
        }
        int half = all.size() / 2;
        if (all.size() % 2 != 0 || all.stream().anyMatch(x -> !Float.isFinite(x))) {
            throw unknown(text);
        }
        Scaling scaling = new Scaling(all.subList(0, half), all.subList(half, all.size()));
        for (float std : scaling.std) {
            if (!(std > 0)) {
                throw new UserException("--scale " + text + ": a standard deviation is above 0, found " + std);
            }
        }
        return scaling;
    }

    private static UserException unknown(String text) {
        return new UserException(
                "--scale does not know '" + text + "'",
                "raw, unit, signed, MEAN,STD, or MEAN,MEAN,MEAN,STD,STD,STD with numbers on the scale of 0 to 255");
    }

    /**
     * Scales levels.
     *
     * @param levels unsigned, the channels of a pixel side by side
     * @throws UserException if there is neither one mean nor one for each channel
     */
    float[] apply(byte[] levels, int channels) {
        if (mean.size() != 1 && mean.size() != channels) {
            throw new UserException("--scale gives " + mean.size() + " means for pictures of " + channels
                    + (channels == 1 ? " channel" : " channels"));
        }
        float[] m = channel(mean, channels);
        float[] s = channel(std, channels);
        float[] out = new float[levels.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = (Byte.toUnsignedInt(levels[i]) - m[i % channels]) / s[i % channels];
        }
        return out;
    }

    private static float[] channel(List<Float> values, int channels) {
        float[] out = new float[channels];
        IntStream.range(0, channels).forEach(c -> out[c] = values.get(values.size() == 1 ? 0 : c));
        return out;
    }
}

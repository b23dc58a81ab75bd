package dev.qnet.cli.image;

import dev.qnet.cli.UserException;
import java.util.Arrays;

/**
 * How a pixel's channel v, 0 to 255, becomes a number: {@code (v − mean[c]) / std[c]}.
 *
 * @param mean one, or one a channel
 * @param std as many
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Scaling(float[] mean, float[] std) {
    /** The pixel itself. */
    public static final Scaling RAW = new Scaling(new float[] {0}, new float[] {1});

    /**
     * {@code raw} (0 to 255), {@code unit} (0 to 1), {@code signed} (−1 to 1), or means followed by as many standard
     * deviations, on the scale of 0 to 255.
     */
    public static Scaling parse(String text) {
        return switch (text) {
            case "raw" -> RAW;
            case "unit" -> new Scaling(new float[] {0}, new float[] {255});
            case "signed" -> new Scaling(new float[] {127.5f}, new float[] {127.5f});
            default -> numbers(text);
        };
    }

    private static Scaling numbers(String text) {
        String[] parts = text.split(",", -1);
        float[] n = new float[parts.length];
        try {
            for (int i = 0; i < n.length; i++) {
                n[i] = Float.parseFloat(parts[i].strip());
            }
        } catch (NumberFormatException e) {
            throw bad(text);
        }
        if (n.length % 2 != 0) {
            throw bad(text);
        }
        Scaling s = new Scaling(Arrays.copyOf(n, n.length / 2), Arrays.copyOfRange(n, n.length / 2, n.length));
        for (float std : s.std) {
            if (!(std > 0) || Float.isInfinite(std)) {
                throw new UserException("--scale " + text + ": a standard deviation is above 0, found " + std);
            }
        }
        return s;
    }

    private static UserException bad(String text) {
        return new UserException(
                "--scale does not know '" + text + "'",
                "raw, unit, signed, MEAN,STD, or MEAN,MEAN,MEAN,STD,STD,STD with numbers on the scale of 0 to 255");
    }

    float apply(float v, int channel) {
        int c = mean.length == 1 ? 0 : channel;
        return (v - mean[c]) / std[c];
    }

    void check(int channels) {
        if (mean.length != 1 && mean.length != channels) {
            throw new UserException("--scale gives " + mean.length + " means for pictures of " + channels + " channels");
        }
    }
}

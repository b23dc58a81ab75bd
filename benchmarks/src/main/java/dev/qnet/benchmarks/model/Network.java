package dev.qnet.benchmarks.model;

import dev.qnet.benchmarks.layer.OnnxFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A made-up network: convolutions of one square image in turns of 3x3 and 1x1, all with as many channels, one behind the
 * other.
 *
 * @param layers how many
 * @param size of the image
 * @param channels of all layers
 */
public record Network(int layers, int size, int channels) {
    private static final int MIDDLE = 128;

    /** A network of about so many multiply-accumulates: an image as large as they allow, of 16 to 64 channels. */
    public static Network of(int layers, long macs) {
        int channels = macs / layers > 500_000 ? 64 : macs / layers > 50_000 ? 32 : 16;
        double perPosition = 5.0 * layers * channels * channels;
        return new Network(layers, (int) Math.max(2, Math.round(Math.sqrt(macs / perPosition))), channels);
    }

    private int kernel(int layer) {
        return layer % 2 == 0 ? 3 : 1;
    }

    public long macs() {
        long macs = 0;
        for (int i = 0; i < layers; i++) {
            macs += (long) size * size * channels * channels * kernel(i) * kernel(i);
        }
        return macs;
    }

    public int[] inputShape() {
        return new int[] {1, size, size, channels};
    }

    /** The model: u8 by i8 to u8, a scale a channel, ONNX's rounding. */
    public byte[] onnx() {
        Random random = new Random(layers);
        OnnxFile f = new OnnxFile()
                .floats("s", new float[] {1})
                .constant("z", OnnxFile.U8, new byte[] {(byte) MIDDLE})
                .constant("wz", OnnxFile.I8, new byte[channels], channels);
        String x = "x";
        for (int i = 0; i < layers; i++) {
            int k = kernel(i);
            byte[] w = new byte[channels * channels * k * k];
            random.nextBytes(w);
            float[] scales = new float[channels];
            for (int c = 0; c < channels; c++) {
                scales[c] = (float) ((1 + 0.1 * random.nextDouble()) / (74 * Math.sqrt(channels * k * k)));
            }
            String y = i == layers - 1 ? "y" : "h" + i;
            f.constant("w" + i, OnnxFile.I8, w, channels, channels, k, k).floats("ws" + i, scales, channels);
            f.node(
                    "QLinearConv",
                    "com.microsoft",
                    new ArrayList<>(List.of(x, "s", "z", "w" + i, "ws" + i, "wz", "s", "z")),
                    y,
                    OnnxFile.integers("kernel_shape", k, k),
                    OnnxFile.integers("pads", k / 2, k / 2, k / 2, k / 2),
                    OnnxFile.integer("channels_last", 1));
            x = y;
        }
        return f.input("x", OnnxFile.U8, 1, size, size, channels)
                .output("y", OnnxFile.U8, 1, size, size, channels)
                .bytes();
    }
}

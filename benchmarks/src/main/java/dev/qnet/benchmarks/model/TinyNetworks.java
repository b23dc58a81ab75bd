package dev.qnet.benchmarks.model;

import dev.qnet.benchmarks.layer.OnnxFile;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Two networks of MLPerf Tiny as ONNX models of integer operators, for its own files are TensorFlow Lite's: u8 by i8 to
 * u8, a scale a channel, ONNX's rounding. Their weights are made up, which changes no time.
 */
public final class TinyNetworks {
    /** By the names that they have in tables. */
    public static final Map<String, Supplier<byte[]>> ALL =
            Map.of("resnet8, made-up weights", TinyNetworks::resnet8, "ds_cnn, made-up weights", TinyNetworks::dsCnn);

    private final OnnxFile file = new OnnxFile()
            .floats("s", new float[] {1})
            .constant("z", OnnxFile.U8, new byte[] {0})
            .constant("wz", OnnxFile.I8, new byte[] {0});
    private final Random random = new Random(8);
    private int values;

    private TinyNetworks() {}

    /** A value of the network, NHWC without N. */
    private record Value(String name, int height, int width, int channels) {}

    /** Three stages of 16, 32, 64 channels on 32x32x3, ten classes: 12.5 million multiply-accumulates. */
    public static byte[] resnet8() {
        TinyNetworks n = new TinyNetworks();
        Value x = n.conv(new Value("x", 32, 32, 3), 16, 3, 3, 1, 1);
        for (int stage = 0; stage < 3; stage++) {
            int channels = 16 << stage;
            int stride = stage == 0 ? 1 : 2;
            Value y = n.conv(x, channels, 3, 3, stride, 1);
            y = n.conv(y, channels, 3, 3, 1, 1);
            x = n.add(stage == 0 ? x : n.conv(x, channels, 1, 1, stride, 1), y);
        }
        return n.classes(x, 10, 32, 32, 3);
    }

    /** A convolution of 10x4 on 49x10, four pairs of depthwise and 1x1, twelve classes: 2.7 million. */
    public static byte[] dsCnn() {
        TinyNetworks n = new TinyNetworks();
        Value x = n.conv(new Value("x", 49, 10, 1), 64, 10, 4, 2, 1);
        for (int i = 0; i < 4; i++) {
            x = n.conv(x, 64, 3, 3, 1, 64);
            x = n.conv(x, 64, 1, 1, 1, 1);
        }
        return n.classes(x, 12, 49, 10, 1);
    }

    private String next() {
        return "h" + values++;
    }

    /** Padded as TensorFlow's SAME is: more behind than in front. */
    private Value conv(Value x, int filters, int kh, int kw, int stride, int groups) {
        int oh = Math.ceilDiv(x.height(), stride);
        int ow = Math.ceilDiv(x.width(), stride);
        int ph = Math.max(0, (oh - 1) * stride + kh - x.height());
        int pw = Math.max(0, (ow - 1) * stride + kw - x.width());
        String y = next();
        int depth = x.channels() / groups;
        file.constant(y + "_w", OnnxFile.I8, weights(filters * depth * kh * kw), filters, depth, kh, kw)
                .floats(y + "_ws", scales(filters, depth * kh * kw), filters)
                .constant(y + "_wz", OnnxFile.I8, new byte[filters], filters)
                .ints(y + "_b", random.ints(filters, -1000, 1000).toArray(), filters);
        file.node(
                "QLinearConv",
                "com.microsoft",
                List.of(x.name(), "s", "z", y + "_w", y + "_ws", y + "_wz", "s", "z", y + "_b"),
                y,
                OnnxFile.integers("kernel_shape", kh, kw),
                OnnxFile.integers("pads", ph / 2, pw / 2, ph - ph / 2, pw - pw / 2),
                OnnxFile.integers("strides", stride, stride),
                OnnxFile.integer("group", groups),
                OnnxFile.integer("channels_last", 1));
        return new Value(y, oh, ow, filters);
    }

    /** Codes are u8 with zero point 0, which is a relu. */
    private Value add(Value a, Value b) {
        String y = next();
        file.node("QLinearAdd", "com.microsoft", List.of(a.name(), "s", "z", b.name(), "s", "z", "s", "z"), y);
        return new Value(y, a.height(), a.width(), a.channels());
    }

    /** The mean over the image, and a dense layer. */
    private byte[] classes(Value x, int classes, int height, int width, int channels) {
        file.node(
                        "QLinearGlobalAveragePool",
                        "com.microsoft",
                        List.of(x.name(), "s", "z", "s", "z"),
                        "mean",
                        OnnxFile.integer("channels_last", 1))
                .node("Flatten", "", List.of("mean"), "flat")
                .constant("w", OnnxFile.I8, weights(x.channels() * classes), x.channels(), classes)
                .floats("ws", scales(1, x.channels()))
                .node("QLinearMatMul", "", List.of("flat", "s", "z", "w", "ws", "wz", "s", "z"), "y");
        return file.input("x", OnnxFile.U8, 1, height, width, channels)
                .output("y", OnnxFile.U8, 1, classes)
                .bytes();
    }

    private byte[] weights(int count) {
        byte[] w = new byte[count];
        for (int i = 0; i < count; i++) {
            w[i] = (byte) (random.nextInt(255) - 127);
        }
        return w;
    }

    /** Scales that spread sums of so many products over the codes; one is a scalar's. */
    private float[] scales(int channels, int products) {
        float[] s = new float[channels];
        for (int i = 0; i < channels; i++) {
            s[i] = (float) ((0.9 + 0.2 * random.nextDouble()) / (74 * Math.sqrt(products)));
        }
        return s;
    }
}

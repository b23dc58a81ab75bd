package dev.qnet.benchmarks.layer;

import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * One layer with made-up weights: u8 inputs with a zero point, i8 weights with a scale a channel, u8 outputs, ONNX's
 * rounding. The same numbers for every system.
 */
public sealed interface Layer {
    /** In words: what a row of a table is called. */
    String label();

    /** Multiply-accumulates. */
    long macs();

    /** Products that are summed up for an element of y. */
    default long terms() {
        long n = macs();
        for (int d : outputShape()) {
            n /= d;
        }
        return n;
    }

    /** The model that all are given: input {@code x}, output {@code y}. */
    byte[] onnx();

    /** The same layer with weights of other values. */
    Layer withBits(int bits);

    /** The shape of x. */
    int[] inputShape();

    /** The shape of y. */
    int[] outputShape();

    /** The zero point of x; its scale is 1. */
    int INPUT_ZERO = 127;

    /** The zero point of y; its scale is 1. */
    int OUTPUT_ZERO = 128;

    /** Codes of x, the same at each call. */
    default byte[] input() {
        int n = 1;
        for (int d : inputShape()) {
            n *= d;
        }
        byte[] x = new byte[n];
        new Random(1).nextBytes(x);
        return x;
    }

    /** Weights of so many bits, symmetric, and never the least code, as quantizers choose them. */
    static byte[] weights(int count, int bits) {
        Random r = new Random(2);
        int reach = (1 << (bits - 1)) - 1;
        byte[] w = new byte[count];
        for (int i = 0; i < count; i++) {
            w[i] = (byte) (r.nextInt(2 * reach + 1) - reach);
        }
        return w;
    }

    /** A scale a channel that spreads sums of so many products over the codes. */
    static float[] scales(int channels, int products, int bits) {
        Random r = new Random(3);
        double spread = Math.sqrt(products) * 73 * (1 << (bits - 1)) * 0.58;
        float[] s = new float[channels];
        for (int i = 0; i < channels; i++) {
            s[i] = (float) (48 / spread * (0.75 + 0.5 * r.nextDouble()));
        }
        return s;
    }

    /**
     * A product of matrices, [M,K]·[K,N]; M = 1 is a matrix times a vector.
     *
     * @param bits of the weights' codes, which lie in bytes all the same
     */
    record Gemm(int m, int n, int k, int bits) implements Layer {
        public Gemm(int m, int n, int k) {
            this(m, n, k, 8);
        }

        @Override
        public String label() {
            return m + "x" + n + "x" + k + (bits == 8 ? "" : " int" + bits);
        }

        @Override
        public Gemm withBits(int other) {
            return new Gemm(m, n, k, other);
        }

        @Override
        public long macs() {
            return (long) m * n * k;
        }

        @Override
        public int[] inputShape() {
            return new int[] {m, k};
        }

        @Override
        public int[] outputShape() {
            return new int[] {m, n};
        }

        /** [K,N]. */
        public byte[] weights() {
            return Layer.weights(k * n, bits);
        }

        public float[] scales() {
            return Layer.scales(n, k, bits);
        }

        @Override
        public byte[] onnx() {
            return new OnnxFile()
                    .node("QLinearMatMul", "", List.of("x", "xs", "xz", "w", "ws", "wz", "ys", "yz"), "y")
                    .floats("xs", new float[] {1})
                    .constant("xz", OnnxFile.U8, new byte[] {INPUT_ZERO})
                    .constant("w", OnnxFile.I8, weights(), k, n)
                    .floats("ws", scales(), n)
                    .constant("wz", OnnxFile.I8, new byte[n], n)
                    .floats("ys", new float[] {1})
                    .constant("yz", OnnxFile.U8, new byte[] {(byte) OUTPUT_ZERO})
                    .input("x", OnnxFile.U8, m, k)
                    .output("y", OnnxFile.U8, m, n)
                    .bytes();
        }
    }

    /**
     * A convolution of one square image, padded to keep its size but for the stride; channels lie last.
     *
     * @param bits of the weights' codes, which lie in bytes all the same
     */
    record Conv(int size, int channels, int filters, int kernel, int stride, int groups, int bits) implements Layer {
        public Conv(int size, int channels, int filters, int kernel, int stride) {
            this(size, channels, filters, kernel, stride, 1, 8);
        }

        /** A convolution of each channel by itself, three by three. */
        public static Conv depthwise(int size, int channels, int stride) {
            return new Conv(size, channels, channels, 3, stride, channels, 8);
        }

        public boolean isDepthwise() {
            return groups > 1;
        }

        @Override
        public String label() {
            String what = isDepthwise() ? "depthwise " : "";
            String through = isDepthwise() ? "x" + channels : "x" + channels + "->" + filters;
            return String.format(
                    Locale.ROOT,
                    "%s%dx%d %dx%d%s%s%s",
                    what,
                    kernel,
                    kernel,
                    size,
                    size,
                    through,
                    stride == 1 ? "" : "/" + stride,
                    bits == 8 ? "" : " int" + bits);
        }

        @Override
        public Conv withBits(int other) {
            return new Conv(size, channels, filters, kernel, stride, groups, other);
        }

        private int pad() {
            return kernel / 2;
        }

        public int outSize() {
            return (size + 2 * pad() - kernel) / stride + 1;
        }

        /** Products under the window. */
        public int taps() {
            return kernel * kernel * (channels / groups);
        }

        @Override
        public long macs() {
            return (long) outSize() * outSize() * filters * taps();
        }

        @Override
        public int[] inputShape() {
            return new int[] {1, size, size, channels};
        }

        @Override
        public int[] outputShape() {
            return new int[] {1, outSize(), outSize(), filters};
        }

        /** [filters, channels/groups, kernel, kernel]. */
        public byte[] weights() {
            return Layer.weights(filters * taps(), bits);
        }

        public float[] scales() {
            return Layer.scales(filters, taps(), bits);
        }

        public int[] bias() {
            return new Random(4).ints(filters, -1000, 1000).toArray();
        }

        @Override
        public byte[] onnx() {
            return new OnnxFile()
                    .node(
                            "QLinearConv",
                            "com.microsoft",
                            List.of("x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"),
                            "y",
                            OnnxFile.integers("kernel_shape", kernel, kernel),
                            OnnxFile.integers("pads", pad(), pad(), pad(), pad()),
                            OnnxFile.integers("strides", stride, stride),
                            OnnxFile.integer("group", groups),
                            OnnxFile.integer("channels_last", 1))
                    .floats("xs", new float[] {1})
                    .constant("xz", OnnxFile.U8, new byte[] {INPUT_ZERO})
                    .constant("w", OnnxFile.I8, weights(), filters, channels / groups, kernel, kernel)
                    .floats("ws", scales(), filters)
                    .constant("wz", OnnxFile.I8, new byte[filters], filters)
                    .floats("ys", new float[] {1})
                    .constant("yz", OnnxFile.U8, new byte[] {(byte) OUTPUT_ZERO})
                    .ints("b", bias(), filters)
                    .input("x", OnnxFile.U8, 1, size, size, channels)
                    .output("y", OnnxFile.U8, 1, outSize(), outSize(), filters)
                    .bytes();
        }
    }
}

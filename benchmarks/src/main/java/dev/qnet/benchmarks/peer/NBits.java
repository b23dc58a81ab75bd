package dev.qnet.benchmarks.peer;

import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.layer.OnnxFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * ONNX Runtime's own way with weights of 4 bits, MatMulNBits: real inputs and outputs, a scale for 32 weights, integer
 * arithmetic inside where that is faster. Another contract than QLinearMatMul's, with the same weights to load.
 */
public final class NBits {
    private static final int BLOCK = 32;
    /** Products of 8-bit integers, the fastest that it has. */
    private static final int ACCURACY = 4;

    private NBits() {}

    /** The model for a layer of 4-bit weights. */
    public static byte[] onnx(Layer.Gemm g) {
        byte[] w = g.weights();
        int blocks = g.k() / BLOCK;
        byte[] packed = new byte[g.n() * g.k() / 2];
        float[] scales = new float[g.n() * blocks];
        float[] channels = g.scales();
        for (int n = 0; n < g.n(); n++) {
            for (int k = 0; k < g.k(); k += 2) {
                int low = w[k * g.n() + n] + 8;
                int high = w[(k + 1) * g.n() + n] + 8;
                packed[(n * g.k() + k) / 2] = (byte) (low | (high << 4));
            }
            for (int b = 0; b < blocks; b++) {
                scales[n * blocks + b] = channels[n];
            }
        }
        return new OnnxFile()
                .node(
                        "MatMulNBits",
                        "com.microsoft",
                        List.of("x", "w", "s"),
                        "y",
                        OnnxFile.integer("K", g.k()),
                        OnnxFile.integer("N", g.n()),
                        OnnxFile.integer("bits", 4),
                        OnnxFile.integer("block_size", BLOCK),
                        OnnxFile.integer("accuracy_level", ACCURACY))
                .constant("w", OnnxFile.U8, packed, g.n(), blocks, BLOCK / 2)
                .floats("s", scales, (long) g.n() * blocks)
                .input("x", OnnxFile.F32, g.m(), g.k())
                .output("y", OnnxFile.F32, g.m(), g.n())
                .bytes();
    }

    /** The layer's input as real numbers, raw. */
    public static byte[] input(Layer.Gemm g) {
        byte[] codes = g.input();
        ByteBuffer b = ByteBuffer.allocate(4 * codes.length).order(ByteOrder.LITTLE_ENDIAN);
        for (byte c : codes) {
            b.putFloat((c & 0xff) - Layer.INPUT_ZERO);
        }
        return b.array();
    }
}

package dev.qnet.benchmarks.peer;

import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.measure.Contestant;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * A product of matrices as a search engine's vector library computes it: a dot product for each element, bytes widened
 * to shorts, multiplied, and widened to ints. What a Java engineer writes first with the Vector API.
 */
public final class DotProducts implements Contestant {
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(I.vectorBitSize() / 2));
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, I.vectorBitSize() / 4)));

    private final Layer.Gemm layer;
    private final byte[] x;
    /** [N,K]. */
    private final byte[] w;

    private final int[] correction;
    private final float[] scales;
    private final byte[] y;

    public DotProducts(Layer.Gemm layer) {
        this.layer = layer;
        x = layer.input();
        byte[] given = layer.weights();
        int n = layer.n();
        int k = layer.k();
        w = new byte[n * k];
        correction = new int[n];
        for (int j = 0; j < n; j++) {
            for (int i = 0; i < k; i++) {
                w[j * k + i] = given[i * n + j];
                correction[j] -= Layer.INPUT_ZERO * given[i * n + j];
            }
        }
        scales = layer.scales();
        y = new byte[layer.m() * n];
    }

    /** Whether this machine's vectors are long enough. */
    public static boolean possible() {
        return I.vectorBitSize() >= 256;
    }

    @Override
    public String name() {
        return "dot products";
    }

    @Override
    public void run() {
        int n = layer.n();
        int k = layer.k();
        for (int row = 0; row < layer.m(); row++) {
            for (int j = 0; j < n; j++) {
                int acc = dot(x, row * k, w, j * k, k) + correction[j];
                y[row * n + j] = code(acc, scales[j]);
            }
        }
    }

    static byte code(int acc, float scale) {
        int code = (int) Math.rint(acc * scale) + Layer.OUTPUT_ZERO;
        return (byte) Math.clamp(code, 0, 255);
    }

    private static int dot(byte[] a, int from, byte[] b, int at, int n) {
        IntVector sums = IntVector.zero(I);
        int i = 0;
        for (; i < B.loopBound(n); i += B.length()) {
            ShortVector p = (ShortVector)
                    ByteVector.fromArray(B, a, from + i).convertShape(VectorOperators.ZERO_EXTEND_B2S, S, 0);
            ShortVector q = (ShortVector) ByteVector.fromArray(B, b, at + i).convertShape(VectorOperators.B2S, S, 0);
            sums = sums.add(p.mul(q).convertShape(VectorOperators.S2I, I, 0));
        }
        int sum = sums.reduceLanes(VectorOperators.ADD);
        for (; i < n; i++) {
            sum += (a[from + i] & 0xff) * b[at + i];
        }
        return sum;
    }

    /** The result. */
    public byte[] output() {
        return y;
    }
}

package dev.qnet.benchmarks.peer;

import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.measure.Contestant;
import java.util.Arrays;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * A product of matrices as a Java library for language models computes it: blocks of 32 codes, each with a scale of its
 * own; the products of a block are summed as integers, and added, times the scales, to sums of singles. One row by four
 * columns at a time: in tiles of more rows, C2 of JDK 25 makes an object of each vector. All scales are 1 here, so that
 * the sums are the layer's own, exact below 2^24.
 */
public final class Blocks implements Contestant {
    private static final int BLOCK = 32;
    private static final VectorSpecies<Float> F = FloatVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Integer> I = IntVector.SPECIES_PREFERRED;
    private static final VectorSpecies<Short> S =
            VectorSpecies.of(short.class, VectorShape.forBitSize(I.vectorBitSize() / 2));
    private static final VectorSpecies<Byte> B =
            VectorSpecies.of(byte.class, VectorShape.forBitSize(Math.max(64, I.vectorBitSize() / 4)));

    private final Layer.Gemm layer;
    private final byte[] x;
    private final byte[] w;
    private final float[] xScales;
    private final float[] wScales;
    private final int[] correction;
    private final float[] scales;
    private final byte[] y;

    public Blocks(Layer.Gemm layer) {
        this.layer = layer;
        if (layer.k() % BLOCK != 0) {
            throw new IllegalArgumentException("K is a multiple of " + BLOCK + ", found " + layer.k());
        }
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
        xScales = new float[layer.m() * k / BLOCK];
        wScales = new float[n * k / BLOCK];
        Arrays.fill(xScales, 1);
        Arrays.fill(wScales, 1);
        scales = layer.scales();
        y = new byte[layer.m() * n];
    }

    @Override
    public String name() {
        return "blocks";
    }

    @Override
    public void run() {
        int m = layer.m();
        int n = layer.n();
        for (int row = 0; row < m; row++) {
            for (int col = 0; col < n; col += 4) {
                tile(row, Math.min(col, n - 4));
            }
        }
    }

    private static ShortVector activations(byte[] x, int at) {
        return (ShortVector) ByteVector.fromArray(B, x, at).convertShape(VectorOperators.ZERO_EXTEND_B2S, S, 0);
    }

    private static ShortVector weights(byte[] w, int at) {
        return (ShortVector) ByteVector.fromArray(B, w, at).convertShape(VectorOperators.B2S, S, 0);
    }

    private static IntVector product(ShortVector a, ShortVector b) {
        return (IntVector) a.mul(b).convertShape(VectorOperators.S2I, I, 0);
    }

    private static FloatVector scaled(IntVector sums, float a, float b, FloatVector acc) {
        FloatVector f = (FloatVector) sums.convertShape(VectorOperators.I2F, F, 0);
        return f.fma(FloatVector.broadcast(F, a * b), acc);
    }

    private void tile(int row, int col) {
        int k = layer.k();
        int blocks = k / BLOCK;
        FloatVector a0 = FloatVector.zero(F);
        FloatVector a1 = a0;
        FloatVector a2 = a0;
        FloatVector a3 = a0;
        for (int b = 0; b < blocks; b++) {
            IntVector s0 = IntVector.zero(I);
            IntVector s1 = s0;
            IntVector s2 = s0;
            IntVector s3 = s0;
            for (int i = b * BLOCK; i < b * BLOCK + BLOCK; i += B.length()) {
                ShortVector p = activations(x, row * k + i);
                s0 = s0.add(product(p, weights(w, col * k + i)));
                s1 = s1.add(product(p, weights(w, (col + 1) * k + i)));
                s2 = s2.add(product(p, weights(w, (col + 2) * k + i)));
                s3 = s3.add(product(p, weights(w, (col + 3) * k + i)));
            }
            float xs = xScales[row * blocks + b];
            a0 = scaled(s0, xs, wScales[col * blocks + b], a0);
            a1 = scaled(s1, xs, wScales[(col + 1) * blocks + b], a1);
            a2 = scaled(s2, xs, wScales[(col + 2) * blocks + b], a2);
            a3 = scaled(s3, xs, wScales[(col + 3) * blocks + b], a3);
        }
        store(row, col, a0);
        store(row, col + 1, a1);
        store(row, col + 2, a2);
        store(row, col + 3, a3);
    }

    private void store(int row, int col, FloatVector acc) {
        int sum = (int) acc.reduceLanes(VectorOperators.ADD) + correction[col];
        y[row * layer.n() + col] = DotProducts.code(sum, scales[col]);
    }

    /** The result. */
    public byte[] output() {
        return y;
    }
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Scales and zero points as a node's operands give them, and the quantized elements made of them.
 *
 * @param scales one, or one for each index along an axis
 * @param zeros as many as scales
 */
@SuppressWarnings("ArrayRecordComponent") // made and read within one lowering, never compared
record Coding(float[] scales, int[] zeros) {

    /**
     * The parameters in two operands of a node.
     *
     * @param scale the operand's number
     * @param zero the zero point's, which may be left out (0)
     * @throws Call.Unknown if they are not known
     */
    static Coding of(Call c, int scale, int zero) {
        c.known(scale, zero);
        float[] s = c.floats(scale);
        int[] z = new int[s.length];
        if (c.has(zero)) {
            long[] given = c.longs(zero);
            if (given.length != s.length && given.length != 1 && s.length != 1) {
                throw c.refuse("has " + given.length + " zero points for " + s.length + " scales");
            }
            if (given.length > s.length) {
                s = repeat(s[0], given.length);
                z = new int[given.length];
            }
            for (int i = 0; i < z.length; i++) {
                z[i] = Math.toIntExact(given[given.length == 1 ? 0 : i]);
            }
        }
        return new Coding(s, z);
    }

    /** A scale for everything, zero points for an axis or for everything. */
    static Coding centre(Call c, int zero) {
        c.known(zero);
        long[] z = c.has(zero) ? c.longs(zero) : new long[1];
        return new Coding(
                repeat(1, z.length), Arrays.stream(z).mapToInt(Math::toIntExact).toArray());
    }

    private static float[] repeat(float x, int n) {
        float[] v = new float[n];
        Arrays.fill(v, x);
        return v;
    }

    /** Whether a scheme can hold the scales: finite and above zero. */
    boolean valid() {
        for (float s : scales) {
            if (!(s > 0) || Float.isInfinite(s)) {
                return false;
            }
        }
        return true;
    }

    boolean perTensor() {
        return scales.length == 1;
    }

    /** The parameters with one scale and zero point where all are equal. */
    Coding narrowed() {
        for (int i = 1; i < scales.length; i++) {
            if (Float.compare(scales[i], scales[0]) != 0 || zeros[i] != zeros[0]) {
                return this;
            }
        }
        return scales.length == 0 ? this : new Coding(new float[] {scales[0]}, new int[] {zeros[0]});
    }

    float scale(int c) {
        return scales[scales.length == 1 ? 0 : c];
    }

    int zero(int c) {
        return zeros[zeros.length == 1 ? 0 : c];
    }

    /**
     * The quantized element of a value with these parameters.
     *
     * @param axis the held axis of the parameters; ignored where there is one
     */
    Quant element(DataType type, int axis) {
        Storage storage = storage(type);
        if (storage == null) {
            throw new Refusal("quantizes to " + type + ", which is not supported");
        }
        return new Quant(storage, storage.min(), storage.max(), scheme(axis));
    }

    Scheme scheme(int axis) {
        if (perTensor()) {
            return new Scheme.PerTensor(scales[0], zeros[0]);
        }
        List<Float> s = new ArrayList<>();
        for (float x : scales) {
            s.add(x);
        }
        return new Scheme.PerAxis(axis, s, Arrays.stream(zeros).boxed().toList());
    }

    /** How codes of an ONNX type are stored, or null where it is none. */
    static @Nullable Storage storage(DataType type) {
        return switch (type) {
            case UINT8 -> Storage.U8;
            case INT8 -> Storage.I8;
            case UINT16 -> Storage.U16;
            case INT16 -> Storage.I16;
            case INT32 -> Storage.I32;
            case UINT4 -> Storage.U4;
            case INT4 -> Storage.I4;
            case UINT2 -> Storage.U2;
            case INT2 -> Storage.I2;
            default -> null;
        };
    }

    /** The plain element that holds codes of a quantized one. */
    static Element.Int plain(Quant q) {
        Element.Int e = Element.plain(
                (q.storage().signed() ? "i" : "u") + 8 * q.storage().bytes());
        if (e == null) {
            throw new IllegalStateException("no plain integer holds " + q);
        }
        return e;
    }

    /** The largest magnitude of {@code q − z} over a storage's codes. */
    static long reach(Storage storage, Coding coding) {
        long reach = 0;
        for (int z : coding.zeros) {
            reach = Math.max(reach, Math.max((long) storage.max() - z, (long) z - storage.min()));
        }
        return reach;
    }

    /**
     * An accumulator wide enough for a sum of products: i32, or i64 where 32 bits may not do.
     *
     * @param reach the largest magnitude of an activation
     * @param weights [channels, products], centred
     * @param bias a number for each channel, or null
     */
    static Element.Int accumulator(long reach, long[] weights, int channels, long @Nullable [] bias) {
        int row = channels == 0 ? 0 : weights.length / channels;
        for (int o = 0; o < channels; o++) {
            double sum = bias == null ? 0 : Math.abs((double) bias[o]);
            for (int i = 0; i < row; i++) {
                sum += (double) reach * Math.abs((double) weights[o * row + i]);
            }
            if (sum > Integer.MAX_VALUE) {
                return Element.INT64;
            }
        }
        return Element.INT32;
    }

    /** A constant's integers as they are held, less their zero points along held axis 0. */
    long[] centred(Tensor t) {
        long[] q = switch (t) {
            case Tensor.OfInt i -> Arrays.stream(i.values()).asLongStream().toArray();
            case Tensor.OfLong l -> l.values().clone();
            case Tensor.OfFloat f -> throw new IllegalArgumentException("not integers: " + f);
        };
        int rows = t.shape().rank() == 0 ? 1 : t.shape().dim(0);
        int row = rows == 0 ? 1 : q.length / rows;
        for (int i = 0; i < q.length; i++) {
            q[i] -= zero(i / row);
        }
        return q;
    }
}

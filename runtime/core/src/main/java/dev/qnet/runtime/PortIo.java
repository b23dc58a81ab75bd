package dev.qnet.runtime;

import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Banks;
import dev.qnet.runtime.kernel.Dequantize;
import dev.qnet.runtime.kernel.Kind;
import dev.qnet.runtime.kernel.Quantize;
import dev.qnet.runtime.kernel.Rounding;
import dev.qnet.runtime.kernel.UnaryKernel;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Moves one item between a tensor of the caller and its place in the banks. Real numbers of a quantized tensor go
 * through a stretch of the float bank behind the activations, from where the kernels quantize and dequantize them.
 */
final class PortIo {
    private final TensorInfo info;
    private final int offset;
    private final int staging;
    private final int elements;
    private final @Nullable UnaryKernel quantize;
    private final @Nullable UnaryKernel dequantize;
    private final int lo;
    private final int hi;
    private final boolean checked;
    private final boolean bipolar;

    private PortIo(
            Descriptor.Port port, int staging, @Nullable UnaryKernel quantize, @Nullable UnaryKernel dequantize) {
        info = port.info();
        offset = port.offset();
        elements = info.itemElements();
        this.staging = staging;
        this.quantize = quantize;
        this.dequantize = dequantize;
        Quantization q = info.quantization();
        lo = q == null ? 0 : q.lo();
        hi = q == null ? 1 : q.hi();
        bipolar = q != null && q.isBipolar();
        checked = q == null ? info.type() == ElementType.BOOL : !allCodes(info.type(), q);
    }

    /** Whether every bit pattern of the element type is a code in use, so that none needs checking. */
    private static boolean allCodes(ElementType type, Quantization q) {
        return switch (type) {
            case I8 -> q.lo() == Byte.MIN_VALUE && q.hi() == Byte.MAX_VALUE;
            case U8 -> q.lo() == 0 && q.hi() == 255;
            case I16 -> q.lo() == Short.MIN_VALUE && q.hi() == Short.MAX_VALUE;
            case U16 -> q.lo() == 0 && q.hi() == 65535;
            case I32 -> q.lo() == Integer.MIN_VALUE && q.hi() == Integer.MAX_VALUE;
            case BOOL, I64, F32 -> true;
        };
    }

    static PortIo of(Descriptor.Port port, Descriptor descriptor, int staging, String kind, Backend backend) {
        TensorInfo info = port.info();
        long end = (long) port.offset() + info.itemElements();
        if (port.offset() < 0 || end > descriptor.banks().of(info.type())) {
            throw new ModelException(kind + " '" + info.name() + "' lies outside its bank");
        }
        Quantization q = info.quantization();
        if (q == null) {
            return new PortIo(port, staging, null, null);
        }
        return new PortIo(
                port,
                staging,
                kind.equals("input") ? quantizer(info, q, port.rounding(), backend) : null,
                kind.equals("output") ? dequantizer(info, q, backend) : null);
    }

    private static UnaryKernel quantizer(TensorInfo info, Quantization q, Rounding rounding, Backend backend) {
        Kind kind = kind(info.type());
        int n = info.itemElements();
        if (q.groupSize() > 0) {
            throw new ModelException("input '" + info.name() + "' is quantized per group, which no input is");
        }
        if (q.isBipolar()) {
            return Quantize.bipolar(backend, n);
        }
        return q.isPerTensor()
                ? Quantize.perTensor(backend, n, rounding, q.scale(), q.zeroPoint(), q.lo(), q.hi(), kind)
                : Quantize.perAxis(
                        backend, info.shapeFor(1), q.axis(), rounding, scales(q), zeros(q), q.lo(), q.hi(), kind);
    }

    private static UnaryKernel dequantizer(TensorInfo info, Quantization q, Backend backend) {
        Kind kind = kind(info.type());
        int n = info.itemElements();
        if (q.isPerTensor()) {
            return Dequantize.perTensor(backend, kind, n, q.scale(), q.zeroPoint());
        }
        if (q.groupSize() == 0) {
            return Dequantize.perAxis(backend, kind, info.shapeFor(1), q.axis(), scales(q), zeros(q));
        }
        // Groups are counted along a channel, whose last may be shorter: each element gets its own s·m.
        int row = n / q.scales().size();
        int groups = q.multipliers().size() / q.scales().size();
        float[] s = new float[n];
        for (int i = 0; i < n; i++) {
            s[i] = q.scales().get(i / row) * q.multipliers().get(i / row * groups + i % row / q.groupSize());
        }
        return Dequantize.perAxis(backend, kind, new int[] {n}, 0, s, new int[n]);
    }

    private static float[] scales(Quantization q) {
        float[] s = new float[q.scales().size()];
        for (int i = 0; i < s.length; i++) {
            s[i] = q.scales().get(i);
        }
        return s;
    }

    private static int[] zeros(Quantization q) {
        int[] z = new int[q.zeroPoints().size()];
        for (int i = 0; i < z.length; i++) {
            z[i] = q.zeroPoints().get(i);
        }
        return z;
    }

    private static Kind kind(ElementType type) {
        return switch (type) {
            case F32 -> Kind.F32;
            case I8 -> Kind.S8;
            case BOOL, U8 -> Kind.U8;
            case I16 -> Kind.S16;
            case U16 -> Kind.U16;
            case I32 -> Kind.S32;
            case I64 -> Kind.S64;
        };
    }

    boolean lies(StateIo state) {
        return state.overlaps(info.type(), offset, elements);
    }

    /** One item's place in the banks, in the port's own type. */
    Tensor place(Banks banks) {
        return Tensor.within(banks, info.type(), offset, info.shapeFor(1));
    }

    /** Brings item {@code item} of the tensor into the banks, where it does not lie there. */
    void read(Tensor t, int item, Banks banks) {
        if (!t.isWithin(banks)) {
            copy(t, item, banks);
        }
        if (checked && t.type() != ElementType.F32) {
            check(banks);
        }
    }

    private void copy(Tensor t, int item, Banks banks) {
        int from = info.batched() ? item * elements : 0;
        switch (t.type()) {
            case F32 -> {
                FloatBuffer b = (FloatBuffer) t.data();
                if (quantize != null) {
                    b.get(from, banks.floats, staging, elements);
                    quantize.run(banks, staging, offset);
                } else {
                    b.get(from, banks.floats, offset, elements);
                }
            }
            case BOOL, I8, U8 -> ((ByteBuffer) t.data()).get(from, banks.bytes, offset, elements);
            case I16, U16 -> ((ShortBuffer) t.data()).get(from, banks.shorts, offset, elements);
            case I32 -> ((IntBuffer) t.data()).get(from, banks.ints, offset, elements);
            case I64 -> ((LongBuffer) t.data()).get(from, banks.longs, offset, elements);
        }
    }

    /** Brings the banks' item to item {@code item} of the tensor, where it does not lie in the banks. */
    void write(Tensor t, int item, Banks banks) {
        if (t.isWithin(banks)) {
            return;
        }
        int to = info.batched() ? item * elements : 0;
        switch (t.type()) {
            case F32 -> {
                FloatBuffer b = (FloatBuffer) t.data();
                if (dequantize != null) {
                    dequantize.run(banks, offset, staging);
                    b.put(to, banks.floats, staging, elements);
                } else {
                    b.put(to, banks.floats, offset, elements);
                }
            }
            case BOOL, I8, U8 -> ((ByteBuffer) t.data()).put(to, banks.bytes, offset, elements);
            case I16, U16 -> ((ShortBuffer) t.data()).put(to, banks.shorts, offset, elements);
            case I32 -> ((IntBuffer) t.data()).put(to, banks.ints, offset, elements);
            case I64 -> ((LongBuffer) t.data()).put(to, banks.longs, offset, elements);
        }
    }

    private void check(Banks banks) {
        for (int i = 0; i < elements; i++) {
            int code = switch (info.type()) {
                case BOOL, I8 -> banks.bytes[offset + i];
                case U8 -> Byte.toUnsignedInt(banks.bytes[offset + i]);
                case I16 -> banks.shorts[offset + i];
                case U16 -> Short.toUnsignedInt(banks.shorts[offset + i]);
                case I32, I64, F32 -> banks.ints[offset + i];
            };
            if (code < lo || code > hi || (bipolar && code == 0)) {
                throw new ModelException("input '" + info.name() + "' takes "
                        + (info.type() == ElementType.BOOL ? "truth values, 0 and 1" : "codes " + lo)
                        + (info.type() == ElementType.BOOL ? "" : (bipolar ? " and " : " to ") + hi)
                        + ", found " + code + " at element " + i + " of an item");
            }
        }
    }
}

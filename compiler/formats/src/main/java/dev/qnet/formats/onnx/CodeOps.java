package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.formats.Report;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Operators between real numbers and codes. In ONNX codes are plain integers, whose meaning every operator is told anew: so
 * they are plain here too, and are read as quantized numbers where an operator takes them as such.
 */
final class CodeOps {
    /**
     * Codes that a range of run time made.
     *
     * @param centred {@code q − z}, plain i16
     * @param zero the value that holds z
     */
    private record Centred(Val centred, ValueId zero) {}

    private final Map<ValueId, Centred> dynamic = new HashMap<>();

    private CodeOps() {}

    static CodeOps register(Operators ops) {
        CodeOps codes = new CodeOps();
        for (String domain : List.of("", "com.microsoft")) {
            ops.add(domain, "QuantizeLinear", CodeOps::quantize);
            ops.add(domain, "DequantizeLinear", CodeOps::dequantize);
        }
        ops.add("DynamicQuantizeLinear", codes::dynamic);
        return codes;
    }

    /** The codes of a plain value as quantized numbers; nothing is computed. */
    static Val reinterpret(Build b, Val plain, Quant as) {
        return b.emit(new NumOp.Reinterpret(), as, plain.held()).in(plain.layout());
    }

    /** Quantized codes as the plain integers that ONNX takes them for. */
    static Val plain(Build b, Val codes, DataType type) {
        Quant q = codes.type().quant();
        Val v = b.emit(new NumOp.Reinterpret(), Coding.plain(q), codes.held()).in(codes.layout());
        return v.dataType() == type ? v : v.declared(type);
    }

    /** The real numbers that quantized codes stand for; constants remember their codes. */
    static Val dequantized(Build b, Val codes) {
        Val x = b.emit(new QuantOp.Dequantize(), Element.FLOAT, codes.held());
        return (x.isConstant() ? x.coded(codes.held()) : x).in(codes.layout());
    }

    /** Quantizes along ONNX's rule: one f32 division, ties to even. */
    static Val quantized(Build b, Val x, Quant to) {
        return b.emit(new QuantOp.Quantize(Rounding.ONNX), to, x.held()).in(x.layout());
    }

    // QuantizeLinear

    private static void quantize(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        DataType scaleType = c.need(1).dataType();
        DataType type = type(c);
        Storage storage = Coding.storage(type);
        if (storage == null || type == DataType.INT32) {
            throw c.refuse("quantizes to " + type + ", which is not supported");
        }
        DataType precision = DataType.of((int) c.integer("precision", 0));
        if (x.dataType() == DataType.FLOAT16 || scaleType == DataType.FLOAT16 || precision == DataType.FLOAT16) {
            c.note(Report.Kind.REMARK, "divides in f32 where the model has float16");
        }
        if (!x.isFloat()) {
            x = b.cast(x, Element.FLOAT);
        }
        Placed p = Placed.of(c, x, 1);
        Coding coding = p.coding(c, 2);
        if (coding != null) {
            Quant q = coding.element(type, x.rank() == 0 ? 0 : x.layout().get(p.axis));
            c.out(plain(b, quantized(b, x, q), type));
            return;
        }
        Val codes = b.unary(new ScalarFn.Round(), b.div(x, p.along(b, c.real(1))));
        if (c.has(2)) {
            codes = b.add(codes, b.cast(p.along(b, c.need(2)), Element.FLOAT));
        }
        codes = b.unary(new ScalarFn.Clip(storage.min(), storage.max()), codes);
        Val v = b.cast(codes, element(type));
        c.out(v.dataType() == type ? v : v.declared(type));
    }

    private static Element element(DataType type) {
        Element e = type.element();
        if (e == null) {
            throw new IllegalStateException(type + " has no element");
        }
        return e;
    }

    /** The type of QuantizeLinear's codes. */
    private static DataType type(Call c) {
        DataType asked = DataType.of((int) c.integer("output_dtype", 0));
        Val zero = c.in(2);
        if (zero == null) {
            return asked == DataType.UNDEFINED ? DataType.UINT8 : asked;
        }
        if (asked != DataType.UNDEFINED && asked != zero.dataType()) {
            throw c.refuse("is asked for " + asked + ", but its zero point is " + zero.dataType());
        }
        return zero.dataType();
    }

    private static void dequantize(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        DataType type = x.dataType();
        if (Coding.storage(type) == null) {
            throw c.refuse("dequantizes " + type + ", which is not supported");
        }
        DataType result =
                DataType.of((int) c.integer("output_dtype", c.need(1).dataType().code()));
        if (!result.real()) {
            throw c.refuse("gives " + result + ", which is not supported");
        }
        Placed p = Placed.of(c, x, 1);
        Coding coding = p.coding(c, 2);
        Val y;
        if (coding != null) {
            Quant q = coding.element(type, x.rank() == 0 ? 0 : x.layout().get(p.axis));
            y = dequantized(b, reinterpret(b, x, q));
        } else {
            Val centred = b.cast(x, Element.INT32);
            if (c.has(2)) {
                Val zero = b.cast(p.along(b, c.need(2)), Element.INT32);
                centred = b.integer(NumOp.Binary.Fn.SUB, centred, zero);
            }
            y = b.mul(b.cast(centred, Element.FLOAT), p.along(b, c.real(1)));
        }
        c.out(result == y.dataType() ? y : y.declared(result));
    }

    /**
     * How the scales of a node lie over its operand: one for all, one for each index of an axis, or one for each block along
     * an axis.
     */
    private record Placed(Val x, int axis, int block, Shape scale) {
        static Placed of(Call c, Val x, int operand) {
            Val scale = c.need(operand);
            int block = Math.toIntExact(c.integer("block_size", 0));
            boolean one = scale.rank() == 0 || (scale.rank() == 1 && scale.dim(0) == 1 && block == 0);
            int axis = one || x.rank() == 0 ? 0 : c.axis(c.integer("axis", 1), x.rank());
            if (block < 0) {
                throw c.refuse("has a block_size of " + block);
            }
            if (!one && x.dim(axis) == Shape.BATCH) {
                throw c.refuse("has scales along the batch axis, which the model leaves open");
            }
            if (block > 0) {
                boolean fits = scale.rank() == x.rank();
                for (int i = 0; fits && i < x.rank(); i++) {
                    int expected = i == axis ? (x.dim(i) + block - 1) / block : x.dim(i);
                    fits = scale.dim(i) == expected;
                }
                if (!fits) {
                    throw c.refuse("has scales of " + scale.shape() + " for blocks of " + block + " along axis " + axis
                            + " of " + x.shape());
                }
            } else if (!one && (scale.rank() != 1 || scale.dim(0) != x.dim(axis))) {
                throw c.refuse("has scales of " + scale.shape() + " for axis " + axis + " of " + x.shape());
            }
            return new Placed(x, axis, block, scale.shape());
        }

        /** The parameters where a quantized element can hold them, or null. */
        @Nullable Coding coding(Call c, int zero) {
            Val s = c.need(1);
            Val z = c.in(zero);
            if (block > 0 || !s.isConstant() || (z != null && !z.isConstant())) {
                return null;
            }
            Coding coding = Coding.of(c, 1, zero);
            return coding.valid() ? coding.narrowed() : null;
        }

        /** A scale or zero point, to broadcast against the operand. */
        Val along(Build b, Val v) {
            if (v.rank() == 0) {
                return v;
            }
            if (block > 0) {
                int[] index = new int[x.dim(axis)];
                for (int i = 0; i < index.length; i++) {
                    index[i] = i / block;
                }
                return b.pick(v, axis, index);
            }
            if (v.elements() == 1) {
                return b.reshape(v, List.of());
            }
            List<Integer> dims = new ArrayList<>(Collections.nCopies(x.rank(), 1));
            dims.set(axis, v.elements());
            return b.reshape(v, dims);
        }
    }

    // DynamicQuantizeLinear

    private void dynamic(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        if (x.shape().hasBatch()) {
            c.note(Report.Kind.REMARK, "finds a range for each item of the batch, where ONNX finds one for all");
        }
        Range r = Range.of(b, x);
        Val zero = b.cast(r.zero, Element.UINT8);
        Val wide = b.integer(NumOp.Binary.Fn.ADD, b.cast(r.centred, Element.INT32), b.cast(zero, Element.INT32));
        Val codes = b.cast(wide, Element.UINT8);
        ValueId id = codes.id();
        ValueId at = zero.id();
        if (id != null && at != null) {
            dynamic.put(id, new Centred(r.centred.held(), at));
        }
        c.out(0, codes);
        c.out(1, r.scale);
        c.out(2, zero);
    }

    /**
     * A quantization of run time.
     *
     * @param centred {@code q − z}, i16
     * @param parameters f32 [2] or [N, 2]
     * @param scale the scale, scalar (with N: [N, 1, ..])
     * @param zero the zero point as a real number, likewise
     */
    record Range(Val centred, Val parameters, Val scale, Val zero) {
        static Range of(Build b, Val x) {
            Val p = b.emit(new IntOp.DynamicParams(Storage.U8, false), Element.FLOAT, x.held());
            Val centred = b.emit(new IntOp.DynamicQuantize(Storage.U8), Element.INT16, x.held(), p)
                    .in(x.layout());
            boolean batch = x.shape().hasBatch();
            int axis = batch ? 1 : 0;
            List<Integer> dims = new ArrayList<>();
            if (batch) {
                dims.addAll(Collections.nCopies(x.rank(), 1));
                dims.set(0, Shape.BATCH);
            }
            Val scale = b.reshape(b.slice(p, axis, 0, 1, 1), dims);
            Val zero = b.reshape(b.slice(p, axis, 1, 2, 1), dims);
            return new Range(centred, p, scale, zero);
        }
    }

    // Integers as operands of products

    /**
     * A plain integer operand ready for a product.
     *
     * @param value quantized, so that it enters as {@code q − z} by itself, or plain and centred
     * @param reach the largest magnitude with which an element enters
     * @param real0 what stands for real 0 in it
     */
    record Factor(Val value, long reach, int real0) {}

    /**
     * An operand and its zero point, which need not be known.
     *
     * @param scale what a code stands for; 1 where that does not matter
     * @param axis the logical axis of a zero point that is a vector
     */
    Factor factor(Call c, Val x, float scale, @Nullable Val zero, int axis) {
        Build b = c.build();
        Storage storage = Coding.storage(x.dataType());
        if (storage == null || storage == Storage.I32) {
            throw c.refuse("multiplies " + x.dataType() + ", which is not supported");
        }
        if (zero == null || zero.isConstant()) {
            int[] z = zero == null ? new int[1] : ints(zero);
            float[] s = new float[z.length];
            Arrays.fill(s, scale);
            Coding coding = new Coding(s, z).narrowed();
            if (coding.perTensor()) {
                Val q = reinterpret(b, x, coding.element(x.dataType(), 0));
                return new Factor(q, Coding.reach(storage, coding), coding.zero(0));
            }
        }
        long reach = (long) storage.max() - storage.min();
        ValueId id = x.id();
        Centred made = id == null ? null : dynamic.get(id);
        if (made != null && zero != null && made.zero.equals(zero.id())) {
            return new Factor(made.centred.in(x.layout()), reach, 0);
        }
        Val z = zero == null ? b.number(Element.INT32, 0) : b.cast(zero, Element.INT32);
        if (z.elements() == 1) {
            z = b.reshape(z, List.of());
        } else if (z.rank() == 1) {
            List<Integer> dims = new ArrayList<>(Collections.nCopies(x.rank(), 1));
            dims.set(axis, z.elements());
            z = b.reshape(z, dims);
        }
        Val wide = b.integer(NumOp.Binary.Fn.SUB, b.cast(x, Element.INT32), z);
        return new Factor(b.cast(wide, storage.bits() <= 8 ? Element.INT16 : Element.INT32), reach, 0);
    }

    private static int[] ints(Val v) {
        return Arrays.stream(Build.longs(v)).mapToInt(Math::toIntExact).toArray();
    }
}

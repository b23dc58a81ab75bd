package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * QONNX's quantizers: real numbers in, real numbers out, rounded to a grid in between. Each becomes a quantize and a
 * dequantize, so that {@link QdqFusion} finds the codes.
 */
final class QonnxOps {
    private static final int MAX_BITS = 16;

    private QonnxOps() {}

    static void register(Operators ops) {
        for (String domain : List.of("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")) {
            ops.add(domain, "Quant", QonnxOps::quant);
            ops.add(domain, "IntQuant", QonnxOps::quant);
            ops.add(domain, "BipolarQuant", QonnxOps::bipolar);
            ops.add(domain, "Trunc", QonnxOps::trunc);
        }
    }

    /** The codes in use: all integers of a width. */
    private record Codes(int lo, int hi) {
        static Codes of(Call c, double bits, boolean signed, boolean narrow) {
            int n = (int) bits;
            if (n != bits || n < 1 || n > MAX_BITS) {
                throw c.refuse(
                        "quantizes to " + bits + " bits; whole numbers from 1 to " + MAX_BITS + " are supported");
            }
            if (signed) {
                int half = 1 << (n - 1);
                return new Codes(narrow ? 1 - half : -half, half - 1);
            }
            return new Codes(0, (1 << n) - (narrow ? 2 : 1));
        }

        /** The least storage for the codes. */
        Storage storage() {
            for (Storage s : List.of(
                    Storage.TERNARY,
                    Storage.I2,
                    Storage.U2,
                    Storage.I3,
                    Storage.U3,
                    Storage.I4,
                    Storage.U4,
                    Storage.I8,
                    Storage.U8,
                    Storage.I16,
                    Storage.U16)) {
                if (s.signed() == (lo < 0) && lo >= s.min() && hi <= s.max()) {
                    return s;
                }
            }
            throw new IllegalStateException("no storage holds " + lo + " to " + hi);
        }

        Quant with(Scheme scheme) {
            return new Quant(storage(), lo, hi, scheme);
        }

        /** The codes as numbers of their own. */
        Quant unit() {
            return with(new Scheme.PerTensor(1, 0));
        }
    }

    private static double number(Call c, int operand) {
        float[] v = c.floats(operand);
        if (v.length == 0) {
            throw c.refuse("needs a number as operand " + operand);
        }
        for (float x : v) {
            if (x != v[0]) {
                throw c.refuse("has numbers that differ in operand " + operand + ", which is not supported");
            }
        }
        return v[0];
    }

    /** X, scale, zero point, bit width. */
    private static void quant(Call c) {
        Build b = c.build();
        c.known(1, 2, 3);
        Val x = c.real(0);
        boolean signed = c.flag("signed", true);
        double bits = number(c, 3);
        String mode = c.text("rounding_mode", "ROUND").toUpperCase(Locale.ROOT);
        if (bits == 1 && signed) {
            if (number(c, 2) != 0) {
                throw c.refuse("has one signed bit and a zero point");
            }
            c.out(bipolar(c, x));
            return;
        }
        Codes codes = Codes.of(c, bits, signed, c.flag("narrow", false));
        Scheme scheme = scheme(c, x, codes.storage());
        boolean nearest = mode.equals("ROUND") || mode.equals("HALF_EVEN");
        if (scheme != null && nearest && zeros(c)) {
            c.out(CodeOps.dequantized(b, CodeOps.quantized(b, x, codes.with(scheme))));
            return;
        }
        Val y = b.div(x, c.real(1));
        Val zero = b.cast(c.need(2), Element.FLOAT);
        y = zeros(c) ? y : b.add(y, zero);
        y = b.unary(new ScalarFn.Clip(codes.lo, codes.hi), y);
        y = rounded(c, y, mode, codes.lo >= 0);
        c.out(restored(c, y, codes, scheme, zero));
    }

    /** Integers as real numbers, as codes, as the real numbers they stand for. */
    private static Val restored(Call c, Val integers, Codes codes, @Nullable Scheme scheme, Val zero) {
        Build b = c.build();
        if (scheme == null) {
            return b.mul(zeros(c) ? integers : b.sub(integers, zero), c.real(1));
        }
        Val q = CodeOps.quantized(b, integers, codes.unit());
        Val named =
                b.emit(new NumOp.Reinterpret(), codes.with(scheme), q.held()).in(q.layout());
        return CodeOps.dequantized(b, named);
    }

    private static boolean zeros(Call c) {
        for (float z : c.floats(2)) {
            if (z != 0) {
                return false;
            }
        }
        return true;
    }

    /** Scale and zero point as a scheme of what is held of x, or null where none can say them. */
    private static @Nullable Scheme scheme(Call c, Val x, Storage storage) {
        float[] s = c.floats(1);
        float[] z = c.floats(2);
        if (z.length != 1 && z.length != s.length) {
            return null;
        }
        int[] zeros = new int[s.length];
        for (int i = 0; i < s.length; i++) {
            float zero = z[z.length == 1 ? 0 : i];
            zeros[i] = (int) zero;
            if (zeros[i] != zero || zero < storage.min() || zero > storage.max()) {
                return null;
            }
        }
        Coding coding = new Coding(s, zeros);
        if (!coding.valid()) {
            return null;
        }
        coding = coding.narrowed();
        if (coding.perTensor()) {
            return coding.scheme(0);
        }
        // One axis of the scale has an extent, and the zero points lie along it too.
        int axis = -1;
        Shape shape = c.need(1).shape();
        for (int i = 0; i < shape.rank(); i++) {
            if (shape.dim(i) != 1) {
                axis = axis == -1 ? i : -2;
            }
        }
        int at = axis + x.rank() - shape.rank();
        boolean fits = axis >= 0 && at >= 0 && x.dim(at) == shape.dim(axis);
        if (!fits || (z.length > 1 && !c.need(2).shape().equals(shape))) {
            return null;
        }
        return coding.scheme(x.layout().get(at));
    }

    /** X, scale. */
    private static void bipolar(Call c) {
        c.known(1);
        c.out(bipolar(c, c.real(0)));
    }

    private static Val bipolar(Call c, Val x) {
        Build b = c.build();
        float[] scales = c.floats(1);
        Coding coding = new Coding(scales, new int[scales.length]).narrowed();
        if (!coding.perTensor() || !coding.valid()) {
            throw c.refuse("needs one scale above zero");
        }
        Quant q = new Quant(Storage.BIPOLAR, -1, 1, coding.scheme(0));
        return CodeOps.dequantized(b, CodeOps.quantized(b, x, q));
    }

    /** A number that is not quantized further, rounded to an integer. */
    private static Val rounded(Call c, Val x, String mode, boolean positive) {
        Build b = c.build();
        return switch (mode) {
            case "ROUND", "HALF_EVEN" -> b.unary(new ScalarFn.Round(), x);
            case "CEIL" -> b.unary(new ScalarFn.Ceil(), x);
            case "FLOOR" -> b.unary(new ScalarFn.Floor(), x);
            case "UP" -> magnitude(b, x, positive, new ScalarFn.Ceil(), 0);
            case "DOWN", "ROUND_TO_ZERO" -> magnitude(b, x, positive, new ScalarFn.Floor(), 0);
            case "HALF_UP" -> magnitude(b, x, positive, new ScalarFn.Floor(), 0.5);
            case "HALF_DOWN" -> magnitude(b, x, positive, new ScalarFn.Ceil(), -0.5);
            default -> throw c.refuse("rounds by '" + mode + "', which is not supported");
        };
    }

    /** {@code sign(x)·fn(|x| + shift)}. */
    private static Val magnitude(Build b, Val x, boolean positive, ScalarFn fn, double shift) {
        Val size = positive ? x : b.unary(new ScalarFn.Abs(), x);
        Val moved = shift == 0 ? size : b.add(size, b.scalar(shift));
        Val y = b.unary(fn, moved);
        return positive ? y : b.mul(b.unary(new ScalarFn.Sign(), x), y);
    }

    /**
     * Version 1: X, scale, zero point, bit width of X, bit width of the result. Version 2: X, scale, zero point, bit width of
     * X, scale of the result, bit width of the result (a zero point may lie between the two).
     */
    private static void trunc(Call c) {
        Build b = c.build();
        int last = c.inputs() - 1;
        if (last < 4 || last > 6) {
            throw c.refuse("has " + c.inputs() + " operands");
        }
        boolean second = last > 4;
        int[] parameters = new int[last];
        Arrays.setAll(parameters, i -> i + 1);
        c.known(parameters);
        float scale = (float) number(c, 1);
        float zero = (float) number(c, 2);
        double shift =
                second ? Math.rint(Math.log(number(c, 4) / scale) / Math.log(2)) : number(c, 3) - number(c, last);
        if (!(scale > 0) || Math.abs(shift) > 64) {
            throw c.refuse("truncates by " + shift + " bits, scale " + scale);
        }
        float step = (float) Math.scalb(1.0, (int) shift);
        String mode = c.text("rounding_mode", "FLOOR").toUpperCase(Locale.ROOT);
        Val y = b.div(c.real(0), b.scalar(scale));
        y = zero == 0 ? y : b.add(y, b.scalar(zero));
        y = b.unary(new ScalarFn.Round(), y);
        y = b.div(y, b.scalar(step));
        if (!second) {
            y = rounded(c, y, mode, false);
            y = zero == 0 ? y : b.sub(y, b.scalar(zero));
            c.out(b.mul(y, b.scalar(scale)));
            return;
        }
        boolean signed = c.flag("signed", true);
        Codes codes = Codes.of(c, number(c, last), signed, c.flag("narrow", false));
        y = b.unary(new ScalarFn.Clip(codes.lo, codes.hi), y);
        y = rounded(c, y, mode, codes.lo >= 0);
        float moved = zero / step;
        float out = (float) number(c, 4);
        Storage s = codes.storage();
        if (moved == (int) moved && moved >= s.min() && moved <= s.max() && out > 0 && Float.isFinite(out)) {
            Val q = CodeOps.quantized(b, y, codes.unit());
            Quant named = codes.with(new Scheme.PerTensor(out, (int) moved));
            c.out(CodeOps.dequantized(
                    b, b.emit(new NumOp.Reinterpret(), named, q.held()).in(q.layout())));
            return;
        }
        y = moved == 0 ? y : b.sub(y, b.scalar(moved));
        c.out(b.mul(y, b.scalar(out)));
    }
}

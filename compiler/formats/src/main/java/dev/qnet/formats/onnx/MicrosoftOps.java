package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.formats.Report;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * ONNX Runtime's own operators (domain com.microsoft). Those on codes are read as what they mean: the float operator between
 * a dequantize and a quantize, which {@link QdqFusion} makes an integer operation of.
 */
final class MicrosoftOps {
    private static final String DOMAIN = "com.microsoft";
    /** The operator set whose attributes the operators here share. */
    private static final long OPSET = 12;

    private final Operators ops;

    private MicrosoftOps(Operators ops) {
        this.ops = ops;
    }

    static void register(Operators ops) {
        MicrosoftOps m = new MicrosoftOps(ops);
        m.add("QLinearAdd", c -> binary(c, FloatOp.Binary.Fn.ADD));
        m.add("QLinearMul", c -> binary(c, FloatOp.Binary.Fn.MUL));
        m.add("QLinearSigmoid", c -> unary(c, x -> c.build().unary(new ScalarFn.Sigmoid(), x)));
        m.add(
                "QLinearLeakyRelu",
                c -> unary(c, x -> c.build().unary(new ScalarFn.LeakyRelu(c.real("alpha", 0.01f)), x)));
        m.add("QLinearSoftmax", c -> unary(c, x -> m.via(c, "Softmax", c.integer("opset", OPSET), List.of(x))));
        m.add("QLinearAveragePool", c -> m.pool(c, "AveragePool"));
        m.add("QLinearGlobalAveragePool", c -> m.pool(c, "GlobalAveragePool"));
        m.add("QLinearReduceMean", c -> unary(c, x -> m.via(c, "ReduceMean", OPSET, List.of(x))));
        m.add("QLinearConcat", MicrosoftOps::concat);
        m.add("MatMulNBits", MicrosoftOps::matMulNBits);
        m.add("FusedConv", m::conv);
        m.add("FusedGemm", c -> c.out(activated(c, m.via(c, "Gemm", OPSET, operands(c, 3)))));
        m.add("FusedMatMul", MicrosoftOps::matMul);
    }

    private void add(String op, Operators.Lowering lowering) {
        ops.add(DOMAIN, op, lowering);
    }

    /** The result of an operator of ONNX's own with this node's attributes. */
    private Val via(Call c, String op, long opset, List<? extends @Nullable Val> operands) {
        return via(c, op, opset, operands, c.attributes());
    }

    private Val via(
            Call c,
            String op,
            long opset,
            List<? extends @Nullable Val> operands,
            Map<String, Proto.Attribute> attributes) {
        Operators.Lowering lowering = ops.find("", op);
        if (lowering == null) {
            throw c.refuse("needs " + op + ", which is not supported");
        }
        Call inner = c.as(opset, operands, attributes);
        try {
            lowering.lower(inner);
        } catch (TensorDecoder.BadTensor e) {
            throw c.refuse("holds " + e.getMessage());
        }
        Val result = inner.output(0);
        if (result == null) {
            throw c.refuse("has no result");
        }
        return result;
    }

    private static List<@Nullable Val> operands(Call c, int count) {
        List<@Nullable Val> list = new ArrayList<>();
        for (int i = 0; i < Math.min(count, c.inputs()); i++) {
            list.add(c.in(i));
        }
        return list;
    }

    // Codes in, codes out

    /** An operand of codes with its scale and zero point behind it, as real numbers. */
    private static Val dequantized(Call c, int operand, int scale) {
        Build b = c.build();
        Val x = c.need(operand);
        Coding coding = Coding.of(c, scale, scale + 1).narrowed();
        if (!coding.perTensor() || !coding.valid()) {
            throw c.refuse("needs one scale above zero as operand " + scale);
        }
        return CodeOps.dequantized(b, CodeOps.reinterpret(b, x, coding.element(x.dataType(), 0)));
    }

    private static Val quantized(Call c, Val x, int scale, DataType otherwise) {
        Coding coding = Coding.of(c, scale, scale + 1).narrowed();
        if (!coding.perTensor() || !coding.valid()) {
            throw c.refuse("needs one scale above zero as operand " + scale);
        }
        DataType type = c.has(scale + 1) ? c.need(scale + 1).dataType() : otherwise;
        Quant q = coding.element(type, 0);
        return CodeOps.plain(c.build(), CodeOps.quantized(c.build(), x, q), type);
    }

    /** A, scale, zero point, B, scale, zero point, scale, zero point. */
    private static void binary(Call c, FloatOp.Binary.Fn fn) {
        c.known(1, 2, 4, 5, 6, 7);
        Val y = c.build().binary(fn, dequantized(c, 0, 1), dequantized(c, 3, 4));
        c.out(quantized(c, y, 6, c.need(0).dataType()));
    }

    /** X, scale, zero point, scale, zero point. */
    private static void unary(Call c, UnaryOperator<Val> f) {
        c.known(1, 2, 3, 4);
        c.out(quantized(c, f.apply(dequantized(c, 0, 1)), 3, c.need(0).dataType()));
    }

    private void pool(Call c, String op) {
        boolean last = c.flag("channels_last", false);
        Build b = c.build();
        unary(c, x -> {
            Val y = via(c, op, OPSET, List.of(last ? b.transpose(x, Build.channelsLast(x.rank())) : x));
            if (!last) {
                return y;
            }
            List<Integer> order = new ArrayList<>(List.of(0));
            for (int i = 2; i < y.rank(); i++) {
                order.add(i);
            }
            order.add(1);
            return b.transpose(y, order);
        });
    }

    /** Scale, zero point, then X, scale, zero point for each part. */
    private static void concat(Call c) {
        int[] parameters = new int[c.inputs() - (c.inputs() - 2) / 3];
        int n = 0;
        for (int i = 0; i < c.inputs(); i++) {
            if (i < 2 || (i - 2) % 3 != 0) {
                parameters[n++] = i;
            }
        }
        c.known(parameters);
        List<Val> parts = new ArrayList<>();
        for (int i = 2; i < c.inputs(); i += 3) {
            parts.add(dequantized(c, i, i + 1));
        }
        if (parts.isEmpty()) {
            throw c.refuse("joins nothing");
        }
        int axis = c.axis(c.integer("axis", 0), parts.getFirst().rank());
        c.out(quantized(c, c.build().concat(axis, parts), 0, DataType.UINT8));
    }

    // Weights of a few bits

    /** Weights in blocks along their rows, each with a scale and a zero point of its own. */
    private static void matMulNBits(Call c) {
        Build b = c.build();
        int k = Math.toIntExact(c.integer("K", 0));
        int n = Math.toIntExact(c.integer("N", 0));
        int bits = Math.toIntExact(c.integer("bits", 4));
        int block = Math.toIntExact(c.integer("block_size", 0));
        if (k < 1 || n < 1 || block < 1 || (bits != 2 && bits != 4 && bits != 8)) {
            throw c.refuse("has K " + k + ", N " + n + ", bits " + bits + ", block_size " + block);
        }
        if (c.has(4)) {
            throw c.refuse("groups its rows by an index (g_idx), which is not supported");
        }
        c.known(1, 2, 3, 5);
        int blocks = (k + block - 1) / block;
        int bytes = block * bits / 8;
        long[] packed = c.longs(1);
        float[] scales = c.floats(2);
        if (packed.length != (long) n * blocks * bytes || scales.length != n * blocks) {
            throw c.refuse("has " + packed.length + " bytes of weights and " + scales.length + " scales for " + n
                    + " rows of " + blocks + " blocks");
        }
        float[] zeros = zeros(c, n, blocks, bits);
        float[] w = new float[n * k];
        for (int row = 0; row < n; row++) {
            for (int i = 0; i < k; i++) {
                int at = row * blocks + i / block;
                int q = bits(packed, (long) at * bytes * 8 + (long) (i % block) * bits, bits);
                w[row * k + i] = (q - zeros[at]) * scales[at];
            }
        }
        c.note(
                Report.Kind.FLOAT,
                "its weights of " + bits + " bits in blocks of " + block
                        + " are held as singles; the product is float");
        Val x = b.plain(c.real(0));
        Val weights = b.floats(List.of(n, k), w);
        c.out(
                c.has(5)
                        ? b.emit(new FloatOp.Dense(), Element.FLOAT, x, weights, b.plain(c.real(5)))
                        : b.emit(new FloatOp.Dense(), Element.FLOAT, x, weights));
    }

    private static float[] zeros(Call c, int n, int blocks, int bits) {
        float[] zeros = new float[n * blocks];
        if (!c.has(3)) {
            java.util.Arrays.fill(zeros, 1 << (bits - 1));
            return zeros;
        }
        if (c.need(3).isFloat()) {
            float[] given = c.floats(3);
            if (given.length != zeros.length) {
                throw c.refuse("has " + given.length + " zero points for " + zeros.length + " blocks");
            }
            return given;
        }
        long[] packed = c.longs(3);
        int row = (blocks * bits + 7) / 8;
        if (packed.length != n * row) {
            throw c.refuse(
                    "has " + packed.length + " bytes of zero points for " + n + " rows of " + blocks + " blocks");
        }
        for (int i = 0; i < zeros.length; i++) {
            zeros[i] = bits(packed, (long) (i / blocks) * row * 8 + (long) (i % blocks) * bits, bits);
        }
        return zeros;
    }

    /** Bits of a row of bytes, low bits first. */
    private static int bits(long[] bytes, long at, int count) {
        return (int) (bytes[(int) (at / 8)] >> (at % 8)) & ((1 << count) - 1);
    }

    // Float operators with an activation behind them

    private void conv(Call c) {
        Val y = via(c, "Conv", OPSET, operands(c, 3));
        if (c.has(3)) {
            y = c.build().add(y, c.real(3));
        }
        c.out(activated(c, y));
    }

    private static Val activated(Call c, Val x) {
        String name = c.text("activation", "");
        float[] given = c.reals("activation_params");
        float first = given != null && given.length > 0 ? given[0] : c.real("activation_alpha", 0);
        float second = given != null && given.length > 1 ? given[1] : c.real("activation_beta", 0);
        return switch (name) {
            case "" -> x;
            case "Relu" -> c.build().unary(new ScalarFn.Relu(), x);
            case "Tanh" -> c.build().unary(new ScalarFn.Tanh(), x);
            case "Sigmoid" -> c.build().unary(new ScalarFn.Sigmoid(), x);
            case "LeakyRelu" -> c.build().unary(new ScalarFn.LeakyRelu(first), x);
            case "Clip" -> c.build().unary(new ScalarFn.Clip(first, second), x);
            case "HardSigmoid" -> c.build().unary(new ScalarFn.HardSigmoid(first, second), x);
            default -> throw c.refuse("has the activation '" + name + "', which is not supported");
        };
    }

    private static void matMul(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        Val y = c.real(1);
        if (c.flag("transBatchA", false) || c.flag("transBatchB", false)) {
            throw c.refuse("transposes its batches, which is not supported");
        }
        Val z = ProductOps.product(
                b, c.flag("transA", false) ? turned(c, x) : x, c.flag("transB", false) ? turned(c, y) : y);
        float alpha = c.real("alpha", 1);
        c.out(alpha == 1 ? z : b.mul(z, b.scalar(alpha)));
    }

    /** With the last two axes exchanged. */
    private static Val turned(Call c, Val x) {
        if (x.rank() < 2) {
            throw c.refuse("transposes " + x.shape());
        }
        List<Integer> order = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            order.add(i);
        }
        order.set(x.rank() - 1, x.rank() - 2);
        order.set(x.rank() - 2, x.rank() - 1);
        return c.build().transpose(x, order);
    }
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.formats.onnx.CodeOps.Factor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sums of products of codes: QLinearConv, QLinearMatMul, ConvInteger, MatMulInteger and ONNX Runtime's own. */
final class CodeProductOps {
    private static final String MICROSOFT = "com.microsoft";

    private final CodeOps codes;

    private CodeProductOps(CodeOps codes) {
        this.codes = codes;
    }

    static void register(Operators ops, CodeOps codes) {
        CodeProductOps p = new CodeProductOps(codes);
        for (String domain : List.of("", MICROSOFT)) {
            ops.add(domain, "QLinearConv", p::qlinearConv);
        }
        ops.add("ConvInteger", p::convInteger);
        ops.add("QLinearMatMul", p::qlinearMatMul);
        ops.add("MatMulInteger", p::matMulInteger);
        ops.add(MICROSOFT, "QGemm", p::gemm);
        ops.add(MICROSOFT, "MatMulIntegerToFloat", p::matMulIntegerToFloat);
        ops.add(MICROSOFT, "DynamicQuantizeMatMul", p::dynamicMatMul);
    }

    /** What becomes of the accumulators of output channels: codes of a quantized type. */
    private record Target(DataType type, Coding coding) {
        static Target of(Call c, int scale, int zero) {
            Coding coding = Coding.of(c, scale, zero).narrowed();
            if (!coding.perTensor() || !coding.valid()) {
                throw c.refuse("needs one scale above zero for its result");
            }
            DataType type = c.has(zero) ? c.need(zero).dataType() : DataType.UINT8;
            return new Target(type, coding);
        }

        Quant element() {
            return coding.element(type, 0);
        }

        /** The constants that scale an accumulator of products of codes. */
        Rescale rescale(float x, Coding weights, float alpha) {
            Quant q = element();
            List<Rescale.Scale> scales = new ArrayList<>();
            for (float w : weights.scales()) {
                scales.add(
                        alpha == 1
                                ? Multipliers.product(Rounding.ONNX, x, w, coding.scale(0))
                                : Multipliers.real(alpha * x * w / coding.scale(0)));
            }
            if (scales.stream().distinct().count() == 1) {
                scales = scales.subList(0, 1);
            }
            return new Rescale(Rounding.ONNX, scales, coding.zero(0), q.lo(), q.hi());
        }
    }

    private static float one(Call c, int scale) {
        c.known(scale);
        float[] s = c.floats(scale);
        if (s.length != 1 || !(s[0] > 0) || Float.isInfinite(s[0])) {
            throw c.refuse("needs one scale above zero as operand " + scale);
        }
        return s[0];
    }

    // Convolutions

    private void qlinearConv(Call c) {
        c.known(1, 2, 3, 4, 5, 6, 7, 8);
        Target target = Target.of(c, 6, 7);
        Coding weights = Coding.of(c, 4, 5);
        Factor x = codes.factor(c, channelsSecond(c, c.need(0)), one(c, 1), c.in(2), 1);
        Val y = convolve(c, x, c.need(3), weights, c.in(8), target.rescale(one(c, 1), weights, 1), target.element());
        c.out(CodeOps.plain(c.build(), channelsAsGiven(c, y), target.type));
    }

    /** com.microsoft.QLinearConv may have its channels last. */
    private static Val channelsSecond(Call c, Val x) {
        if (!c.flag("channels_last", false)) {
            return x;
        }
        List<Integer> order = new ArrayList<>(List.of(0, x.rank() - 1));
        for (int i = 1; i < x.rank() - 1; i++) {
            order.add(i);
        }
        return c.build().transpose(x, order);
    }

    private static Val channelsAsGiven(Call c, Val y) {
        if (!c.flag("channels_last", false)) {
            return y;
        }
        List<Integer> order = new ArrayList<>(List.of(0));
        for (int i = 2; i < y.rank(); i++) {
            order.add(i);
        }
        order.add(1);
        return c.build().transpose(y, order);
    }

    private void convInteger(Call c) {
        c.known(1, 3);
        Factor x = codes.factor(c, c.need(0), 1, c.in(2), 1);
        Val y = convolve(c, x, c.need(1), Coding.centre(c, 3), null, null, null);
        c.out(c.build().cast(y, Element.INT32));
    }

    private static Val convolve(
            Call c, Factor x, Val w, Coding coding, @Nullable Val bias, @Nullable Rescale rescale, @Nullable Quant to) {
        Build b = c.build();
        ConvOps.check(c, x.value(), w);
        int[] kernel = new int[w.rank() - 2];
        for (int i = 0; i < kernel.length; i++) {
            kernel[i] = w.dim(i + 2);
        }
        int channels = w.dim(0);
        if (!coding.perTensor() && coding.scales().length != channels) {
            throw c.refuse("has " + coding.scales().length + " scales or zero points for " + channels + " filters");
        }
        if (!coding.valid()) {
            throw c.refuse("has scales of its weights that are not above zero");
        }
        Frame frame = Frame.of(c, x.value(), kernel);
        Val plain = b.as(w, Build.channelsLast(w.rank())).held();
        long[] added = bias == null ? null : Build.longs(bias);
        if (added != null && added.length != channels) {
            throw c.refuse("has a bias of " + added.length + " numbers for " + channels + " filters");
        }
        Element.Int acc = Coding.accumulator(x.reach(), coding.centred(Build.tensor(plain)), channels, added);
        Quant q = coding.narrowed().element(w.dataType(), 0);
        Val weights = CodeOps.reinterpret(b, plain.declared(w.dataType()), q);
        Element element = to == null ? acc : to;
        ConvOps.Product product = (in, k, plus, window, groups) -> {
            Op op = new IntOp.Conv2d(window, groups, acc, rescale);
            return plus == null ? b.emit(op, element, in, k) : b.emit(op, element, in, k, plus);
        };
        int groups = Math.toIntExact(c.integer("group", 1));
        return ConvOps.convolve(b, x.value(), weights, bias, frame, groups, product, x.real0());
    }

    // Matrices

    private void matMulInteger(Call c) {
        c.known(3);
        Val y = c.need(1);
        if (y.rank() <= 2 && y.rank() > 0 && c.has(2) && !c.need(2).isConstant()) {
            c.known(1);
        }
        Factor x = codes.factor(c, c.need(0), 1, c.in(2), Math.max(0, c.need(0).rank() - 2));
        Val z = multiply(c, x, y, Coding.centre(c, 3), null, null, null);
        c.out(c.build().cast(z, Element.INT32));
    }

    private void qlinearMatMul(Call c) {
        Build b = c.build();
        c.known(1, 2, 4, 5, 6, 7);
        Target target = Target.of(c, 6, 7);
        Val x = c.need(0);
        Coding left = Coding.of(c, 1, 2).narrowed();
        Coding right = Coding.of(c, 4, 5);
        if (!left.valid() || !right.valid()) {
            throw c.refuse("has scales that are not above zero");
        }
        if (left.perTensor()) {
            Factor f = codes.factor(c, x, left.scale(0), c.in(2), 0);
            Rescale rescale = target.rescale(left.scale(0), right, 1);
            Val z = multiply(c, f, c.need(3), right, null, rescale, target.element());
            c.out(CodeOps.plain(b, z, target.type));
            return;
        }
        // A scale for each row: no rescale does that, so that the accumulator is scaled as a real number.
        if (x.rank() < 2 || left.scales().length != x.dim(-2)) {
            throw c.refuse("has " + left.scales().length + " scales for the rows of " + x.shape());
        }
        Factor f = codes.factor(c, x, 1, c.in(2), x.rank() - 2);
        Val acc = multiply(c, f, c.need(3), right.narrowed(), null, null, null);
        float[] m = new float[left.scales().length * right.scales().length];
        for (int i = 0; i < m.length; i++) {
            int columns = right.scales().length;
            m[i] = left.scale(i / columns) * right.scale(i % columns) / target.coding.scale(0);
        }
        Val factors = b.floats(List.of(left.scales().length, right.scales().length), m);
        Val scaled = b.mul(b.cast(acc, Element.FLOAT), factors);
        Quant unit = new Coding(new float[] {1}, target.coding.zeros()).element(target.type, 0);
        Val q = b.emit(new QuantOp.Quantize(Rounding.ONNX), unit, scaled.held()).in(scaled.layout());
        c.out(CodeOps.plain(b, q, target.type));
    }

    private void gemm(Call c) {
        Build b = c.build();
        c.known(1, 2, 3, 4, 5, 6, 7, 8);
        float alpha = c.real("alpha", 1);
        Val x = c.flag("transA", false) ? b.transpose(c.need(0), List.of(1, 0)) : c.need(0);
        Val y = c.flag("transB", false) ? b.transpose(c.need(3), List.of(1, 0)) : c.need(3);
        Coding weights = Coding.of(c, 4, 5);
        Factor f = codes.factor(c, x, one(c, 1), c.in(2), 0);
        Val bias = c.in(6);
        if (bias != null && bias.elements() != y.dim(1)) {
            throw c.refuse("adds " + bias.shape() + " to " + y.dim(1) + " columns, which is not supported");
        }
        if (bias != null) {
            bias = b.reshape(bias, List.of(y.dim(1)));
        }
        if (c.has(7)) {
            Target target = Target.of(c, 7, 8);
            Rescale rescale = target.rescale(one(c, 1), weights, alpha);
            Val z = multiply(c, f, y, weights, bias, rescale, target.element());
            c.out(CodeOps.plain(b, z, target.type));
            return;
        }
        Val z = multiply(c, f, y, weights, bias, null, null);
        float[] m = new float[weights.scales().length];
        for (int i = 0; i < m.length; i++) {
            m[i] = alpha * one(c, 1) * weights.scale(i);
        }
        c.out(b.mul(b.cast(z, Element.FLOAT), b.floats(List.of(m.length), m)));
    }

    private void matMulIntegerToFloat(Call c) {
        Build b = c.build();
        c.known(1, 3, 5);
        Factor x = codes.factor(c, c.need(0), 1, c.in(4), Math.max(0, c.need(0).rank() - 2));
        Val z = multiply(c, x, c.need(1), Coding.centre(c, 5), null, null, null);
        Val y = b.mul(b.cast(z, Element.FLOAT), b.mul(c.real(2), c.real(3)));
        c.out(c.has(6) ? b.add(y, c.real(6)) : y);
    }

    private void dynamicMatMul(Call c) {
        Build b = c.build();
        c.known(1, 2, 3);
        CodeOps.Range r = CodeOps.Range.of(b, c.real(0));
        Val z = multiply(c, new Factor(r.centred(), 255, 0), c.need(1), Coding.centre(c, 3), null, null, null);
        Val y = b.mul(b.cast(z, Element.FLOAT), b.mul(r.scale(), c.real(2)));
        c.out(c.has(4) ? b.add(y, c.real(4)) : y);
    }

    /**
     * x · y, with a vector as one row or column as in NumPy.
     *
     * @param coding the right operand's scales and zero points, one or one a column
     */
    private Val multiply(
            Call c, Factor x, Val y, Coding coding, @Nullable Val bias, @Nullable Rescale rescale, @Nullable Quant to) {
        Build b = c.build();
        Val given = x.value();
        if (given.rank() == 0 || y.rank() == 0) {
            throw c.refuse("multiplies " + given.shape() + " by " + y.shape());
        }
        Val left = given.rank() == 1 ? b.reshape(given, List.of(1, given.dim(0))) : given;
        Val right = y.rank() == 1 ? b.reshape(y, List.of(y.dim(0), 1)) : y;
        int columns = right.dim(-1);
        if (!coding.perTensor() && coding.scales().length != columns) {
            throw c.refuse("has " + coding.scales().length + " scales or zero points for " + columns + " columns");
        }
        Val z;
        if (right.rank() == 2 && right.isConstant() && left.dim(-1) != Shape.BATCH) {
            Val plain = b.plain(b.transpose(right, List.of(1, 0)));
            long[] added = bias == null ? null : Build.longs(bias);
            Element.Int acc = Coding.accumulator(x.reach(), coding.centred(Build.tensor(plain)), columns, added);
            Quant q = coding.narrowed().element(y.dataType(), 0);
            Val weights = CodeOps.reinterpret(b, plain.declared(y.dataType()), q);
            Op op = new IntOp.Dense(acc, rescale);
            Element element = to == null ? acc : to;
            z = bias == null
                    ? b.emit(op, element, b.plain(left), weights)
                    : b.emit(op, element, b.plain(left), weights, bias);
        } else {
            if (bias != null) {
                throw c.refuse("has a bias beside weights that are not known");
            }
            int[] zeros = coding.zeros();
            boolean equal = Arrays.stream(zeros).distinct().count() <= 1;
            Val zero = b.ints(
                    Element.INT32,
                    equal ? List.of() : List.of(zeros.length),
                    Arrays.stream(zeros)
                            .limit(equal ? 1 : zeros.length)
                            .asLongStream()
                            .toArray());
            Factor f = codes.factor(c, right.declared(y.dataType()), coding.scale(0), zero, right.rank() - 1);
            double sum = (double) x.reach() * f.reach() * left.dim(-1);
            Element.Int acc = sum > Integer.MAX_VALUE ? Element.INT64 : Element.INT32;
            Op op = new IntOp.MatMul(acc, rescale);
            Element element = to == null ? acc : to;
            boolean rows = left.rank() == 2 && left.dim(0) == Shape.BATCH && right.rank() == 2;
            Val l = rows ? b.reshape(left, List.of(Shape.BATCH, 1, left.dim(1))) : left;
            z = b.emit(op, element, b.plain(l), b.plain(f.value()));
            z = rows ? b.reshape(z, List.of(Shape.BATCH, columns)) : z;
        }
        List<Integer> dims = new ArrayList<>(z.shape().dims());
        if (y.rank() == 1) {
            dims.removeLast();
        }
        if (given.rank() == 1) {
            int row = dims.size() - (y.rank() == 1 ? 1 : 2);
            dims.subList(row, row + 1).clear();
        }
        return b.reshape(z, dims);
    }
}

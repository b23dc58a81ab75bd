package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.ScalarFn;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Normalizations and softmax. */
final class NormOps {
    /** The widest band matrix that stands for a sum over neighbouring channels. */
    private static final int MAX_CHANNELS = 4096;

    private NormOps() {}

    static void register(Operators ops) {
        ops.add("BatchNormalization", NormOps::batch);
        ops.add("LayerNormalization", NormOps::layer);
        ops.add("RMSNormalization", NormOps::rms);
        ops.add("InstanceNormalization", NormOps::instance);
        ops.add("GroupNormalization", NormOps::group);
        ops.add("MeanVarianceNormalization", NormOps::meanVariance);
        ops.add("LpNormalization", NormOps::lp);
        ops.add("LRN", NormOps::neighbours);
        ops.add("Softmax", c -> softmax(c, NormOps::soft));
        ops.add("LogSoftmax", c -> softmax(c, NormOps::logSoft));
        ops.add("Hardmax", c -> softmax(c, NormOps::hard));
    }

    private static List<Integer> from(int axis, int rank) {
        return IntStream.range(axis, rank).boxed().toList();
    }

    /** 1 / √(v + epsilon). */
    private static Val inverse(Build b, Val variance, float epsilon) {
        return b.unary(new ScalarFn.Reciprocal(), b.unary(new ScalarFn.Sqrt(), b.add(variance, b.scalar(epsilon))));
    }

    /** Operand less its mean, and one over its deviation, over axes. */
    private record Centred(Val mean, Val centred, Val inverse) {
        static Centred of(Build b, Val x, List<Integer> axes, float epsilon) {
            Val mean = b.mean(x, axes, true);
            Val d = b.sub(x, mean);
            return new Centred(mean, d, NormOps.inverse(b, b.mean(b.mul(d, d), axes, true), epsilon));
        }

        Val normal(Build b) {
            return b.mul(centred, inverse);
        }
    }

    private static void batch(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        float epsilon = c.real("epsilon", 1e-5f);
        boolean training =
                c.opset() >= 14 ? c.flag("training_mode", false) : c.opset() < 7 && !c.flag("is_test", false);
        if (x.rank() < 2 || (c.opset() < 9 && !c.flag("spatial", true) && x.rank() > 2)) {
            throw c.refuse("normalizes " + x.shape() + " element by element, which is not supported");
        }
        if (training && c.opset() < 14) {
            throw c.refuse("is in training mode (is_test = 0)");
        }
        Val scale = ConvOps.perChannel(b, c.real(1), x.rank());
        Val bias = ConvOps.perChannel(b, c.real(2), x.rank());
        if (training) {
            train(c, x, scale, bias, epsilon);
            return;
        }
        if (IntStream.range(1, 5).allMatch(i -> c.need(i).isConstant())) {
            List<Integer> layout = Build.channelsLast(x.rank());
            Val y = b.emit(
                    new FloatOp.BatchNorm(epsilon),
                    Element.FLOAT,
                    b.as(x, layout).held(),
                    c.real(1),
                    c.real(2),
                    c.real(3),
                    c.real(4));
            c.out(y.in(layout));
            return;
        }
        Val mean = ConvOps.perChannel(b, c.real(3), x.rank());
        Val variance = ConvOps.perChannel(b, c.real(4), x.rank());
        Val factor = b.mul(scale, inverse(b, variance, epsilon));
        c.out(b.add(b.mul(b.sub(x, mean), factor), bias));
    }

    /** The batch's own mean and variance, and what the running ones become. */
    private static void train(Call c, Val x, Val scale, Val bias, float epsilon) {
        Build b = c.build();
        List<Integer> axes = new ArrayList<>(from(2, x.rank()));
        axes.addFirst(0);
        float momentum = c.real("momentum", 0.9f);
        Val mean = b.mean(x, axes, true);
        Val d = b.sub(x, mean);
        Val variance = b.mean(b.mul(d, d), axes, true);
        c.out(0, b.add(b.mul(b.mul(d, inverse(b, variance, epsilon)), scale), bias));
        List<Integer> vector = List.of(x.dim(1));
        for (int i = 1; i < 3; i++) {
            if (c.wants(i)) {
                Val old = b.mul(c.real(i + 2), b.scalar(momentum));
                Val now = b.mul(b.reshape(i == 1 ? mean : variance, vector), b.scalar(1.0 - momentum));
                c.out(i, b.add(old, now));
            }
        }
    }

    private static void layer(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        List<Integer> axes = from(c.axis(c.integer("axis", -1), x.rank()), x.rank());
        Centred n = Centred.of(b, x, axes, c.real("epsilon", 1e-5f));
        Val y = b.mul(n.normal(b), c.real(1));
        c.out(0, c.has(2) ? b.add(y, c.real(2)) : y);
        c.out(1, n.mean());
        c.out(2, n.inverse());
    }

    private static void rms(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        List<Integer> axes = from(c.axis(c.integer("axis", -1), x.rank()), x.rank());
        Val factor = inverse(b, b.mean(b.mul(x, x), axes, true), c.real("epsilon", 1e-5f));
        c.out(b.mul(b.mul(x, factor), c.real(1)));
    }

    private static void instance(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        if (x.rank() < 3) {
            throw c.refuse("normalizes [N, C, ...], found " + x.shape());
        }
        Val n = Centred.of(b, x, from(2, x.rank()), c.real("epsilon", 1e-5f)).normal(b);
        Val scale = ConvOps.perChannel(b, c.real(1), x.rank());
        c.out(b.add(b.mul(n, scale), ConvOps.perChannel(b, c.real(2), x.rank())));
    }

    private static void group(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        int groups = Math.toIntExact(c.integer("num_groups", 0));
        if (x.rank() < 2 || groups < 1 || x.dim(1) % groups != 0) {
            throw c.refuse("normalizes " + x.shape() + " in " + groups + " groups");
        }
        List<Integer> dims = new ArrayList<>(List.of(x.dim(0), groups, x.dim(1) / groups));
        dims.addAll(x.shape().dims().subList(2, x.rank()));
        Val split = b.reshape(x, dims);
        Val n = Centred.of(b, split, from(2, split.rank()), c.real("epsilon", 1e-5f))
                .normal(b);
        // Until version 21 scale and bias were one a group.
        boolean perGroup = c.opset() < 21;
        Val y = perGroup ? n : b.reshape(n, x.shape().dims());
        int rank = y.rank();
        Val scaled = b.add(b.mul(y, ConvOps.perChannel(b, c.real(1), rank)), ConvOps.perChannel(b, c.real(2), rank));
        c.out(b.reshape(scaled, x.shape().dims()));
    }

    private static void meanVariance(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        long[] given = c.integers("axes");
        List<Integer> axes = c.axes(given == null ? new long[] {0, 2, 3} : given, x.rank());
        Val d = b.sub(x, b.mean(x, axes, true));
        Val deviation = b.unary(new ScalarFn.Sqrt(), b.mean(b.mul(d, d), axes, true));
        c.out(b.div(d, b.add(deviation, b.scalar(1e-9))));
    }

    private static void lp(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        List<Integer> axis = List.of(c.axis(c.integer("axis", -1), x.rank()));
        boolean square = c.integer("p", 2) == 2;
        Val power = square ? b.mul(x, x) : b.unary(new ScalarFn.Abs(), x);
        Val sum = b.reduce(NumOp.Reduce.Fn.SUM, power, axis, true);
        Val norm = square ? b.unary(new ScalarFn.Sqrt(), sum) : sum;
        // Nothing but zeros stays zeros.
        Val none = b.compare(NumOp.Compare.Fn.EQ, norm, b.scalar(0));
        c.out(b.div(x, b.select(none, b.scalar(1), norm)));
    }

    private static void neighbours(Call c) {
        Build b = c.build();
        Val x = c.real(0);
        int size = Math.toIntExact(c.integer("size", 0));
        if (x.rank() < 2 || size < 1 || x.dim(1) > MAX_CHANNELS) {
            throw c.refuse("sums over " + size + " channels of " + x.shape());
        }
        int n = x.dim(1);
        float share = c.real("alpha", 1e-4f) / size;
        float[][] band = new float[n][n];
        for (int i = 0; i < n; i++) {
            for (int j = Math.max(0, i - (size - 1) / 2); j <= Math.min(n - 1, i + size / 2); j++) {
                band[i][j] = share;
            }
        }
        Val sum = b.add(b.alongAxis(b.mul(x, x), 1, band), b.scalar(c.real("bias", 1)));
        c.out(b.div(x, b.binary(FloatOp.Binary.Fn.POW, sum, b.scalar(c.real("beta", 0.75f)))));
    }

    private interface AlongAxis {
        Val of(Build b, Val x, int axis);
    }

    /** Until version 13 all axes from the given one on counted as one. */
    private static void softmax(Call c, AlongAxis fn) {
        Build b = c.build();
        Val x = c.real(0);
        if (c.opset() >= 13) {
            c.out(fn.of(b, x, c.axis(c.integer("axis", -1), x.rank())));
            return;
        }
        int axis = c.axis(c.integer("axis", 1), x.rank());
        if (axis == x.rank() - 1) {
            c.out(fn.of(b, x, axis));
            return;
        }
        if (x.shape().hasBatch() && axis == 0) {
            throw c.refuse("computes along the batch axis, which the model leaves open");
        }
        List<Integer> dims = new ArrayList<>(x.shape().dims().subList(0, axis));
        dims.add(x.shape().dims().subList(axis, x.rank()).stream().reduce(1, Math::multiplyExact));
        c.out(b.reshape(fn.of(b, b.reshape(x, dims), axis), x.shape().dims()));
    }

    private static Val soft(Build b, Val x, int axis) {
        return b.softmax(x, axis);
    }

    private static Val logSoft(Build b, Val x, int axis) {
        Val d = b.sub(x, b.reduce(NumOp.Reduce.Fn.MAX, x, List.of(axis), true));
        Val sum = b.reduce(NumOp.Reduce.Fn.SUM, b.unary(new ScalarFn.Exp(), d), List.of(axis), true);
        return b.sub(d, b.unary(new ScalarFn.Log(), sum));
    }

    private static Val hard(Build b, Val x, int axis) {
        int n = x.dim(axis);
        long[] numbers = IntStream.range(0, n).asLongStream().toArray();
        List<Integer> dims = new ArrayList<>(java.util.Collections.nCopies(x.rank(), 1));
        dims.set(axis, n);
        Val first = b.topK(x, axis, 1, true, true);
        Val is = b.compare(NumOp.Compare.Fn.EQ, first, b.ints(Element.INT64, dims, numbers));
        return b.cast(is, Element.FLOAT);
    }
}

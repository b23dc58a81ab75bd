package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import dev.qnet.compiler.ir.Type;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongUnaryOperator;

/** Operations on integers that are no sums of products. */
final class IntKernels {
    private IntKernels() {}

    static Kernel add(IntOp.Add op, List<Type> types) {
        return v -> {
            long[] a = Codes.centred(types.get(0).element(), v.get(0));
            long[] b = Codes.centred(types.get(1).element(), v.get(1));
            Shape shape = Shapes.broadcast(v.get(0).shape(), v.get(1).shape());
            Broadcast left = new Broadcast(v.get(0).shape(), shape);
            Broadcast right = new Broadcast(v.get(1).shape(), shape);
            long[] y = new long[shape.elements()];
            for (int i = 0; i < y.length; i++) {
                long sum = addScaled(op, a[left.index(i)], b[right.index(i)]);
                y[i] = Scaling.clamp(sum + op.zero(), op.lo(), op.hi());
            }
            return new Value.Ints(shape, y);
        };
    }

    private static long addScaled(IntOp.Add op, long a, long b) {
        if (op.rounding().fixedPoint()) {
            long x = Scaling.scale(op.rounding(), op.scales().get(0), shifted(a, op.leftShift()), 32);
            long y = Scaling.scale(op.rounding(), op.scales().get(1), shifted(b, op.leftShift()), 32);
            long sum = Scaling.fit(op.subtract() ? x - y : x + y, 32);
            return Scaling.scale(op.rounding(), op.scales().get(2), sum, 32);
        }
        float x = (float) a * factor(op.scales().get(0));
        float y = (float) b * factor(op.scales().get(1));
        float sum = op.subtract() ? x - y : x + y;
        return Scaling.real(sum);
    }

    private static long shifted(long centred, int leftShift) {
        return Scaling.fit(Math.multiplyExact(centred, 1L << leftShift), 32);
    }

    private static float factor(Scale scale) {
        return switch (scale) {
            case Scale.Real r -> r.factor();
            case Scale.Fixed f -> throw new IllegalArgumentException("expected a scale in f32, found " + f);
        };
    }

    static Kernel requantize(Rescale rescale, Type operand) {
        int bits = operand.element() instanceof Element.Int plain ? plain.bits() : 32;
        return v -> {
            long[] a = Codes.centred(operand.element(), v.getFirst());
            Shape shape = v.getFirst().shape();
            int channels = shape.rank() == 0 ? 1 : shape.dim(-1);
            long[] y = new long[a.length];
            for (int i = 0; i < y.length; i++) {
                y[i] = Scaling.rescale(rescale, a[i], i % channels, bits);
            }
            return new Value.Ints(shape, y);
        };
    }

    static Kernel avgPool(IntOp.AvgPool op) {
        return v -> {
            long[] x = Kernel.ints(v.getFirst());
            ConvLoop loop = ConvLoop.of(op.window(), v.getFirst().shape());
            int channels = loop.channels();
            long[] y = new long[loop.pixels() * channels];
            long[] sum = new long[channels];
            int[] count = new int[1];
            for (int p = 0; p < loop.pixels(); p++) {
                Arrays.fill(sum, 0);
                count[0] = 0;
                loop.taps(p, (pixel, tap) -> {
                    count[0]++;
                    for (int c = 0; c < channels; c++) {
                        sum[c] += x[pixel + c];
                    }
                });
                for (int c = 0; c < channels; c++) {
                    y[p * channels + c] = average(sum[c], count[0], op.rounding());
                }
            }
            return new Value.Ints(loop.outShape(channels), y);
        };
    }

    /** The mean of n codes whose sum is s. */
    static long average(long s, long n, Rounding rounding) {
        return switch (rounding) {
            case TFLITE -> (s > 0 ? s + n / 2 : s - n / 2) / n;
            case TOSA -> Math.floorDiv(2 * s + n, 2 * n);
            case ONNX, XNNPACK -> Scaling.real((float) s / (float) n);
        };
    }

    static Kernel clamp(IntOp.Clamp op) {
        return each(q -> Scaling.clamp(q, op.lo(), op.hi()));
    }

    static Kernel table(IntOp.Table op, Quant operand) {
        int size = operand.storage().max() - operand.storage().min() + 1;
        if (operand.storage().bits() > 16 || op.entries().size() != size) {
            throw new IllegalArgumentException("a table of " + op.entries().size() + " entries for " + operand.storage()
                    + ", which has " + size + " codes");
        }
        return each(q -> op.entries().get((int) q - operand.storage().min()));
    }

    static Kernel interpolatedTable(IntOp.InterpolatedTable op, Quant result) {
        return each(q -> {
            int u = (int) q + 32768;
            int i = u >> 7;
            long r = u & 127;
            long low = op.entries().get(i);
            long high = op.entries().get(i + 1);
            return Scaling.clamp(low + (((high - low) * r + 64) >> 7), result.lo(), result.hi());
        });
    }

    static Kernel thresholds(IntOp.Thresholds op, Type operand) {
        return v -> {
            long[] x = Codes.centred(operand.element(), v.get(0));
            long[] limits = Kernel.ints(v.get(1));
            int rows = v.get(1).shape().dim(0);
            int count = v.get(1).shape().dim(1);
            long[] y = new long[x.length];
            for (int i = 0; i < y.length; i++) {
                int row = i % rows;
                int reached = 0;
                while (reached < count && limits[row * count + reached] <= x[i]) {
                    reached++;
                }
                y[i] = op.entries().get(reached);
            }
            return new Value.Ints(v.getFirst().shape(), y);
        };
    }

    private static Kernel each(LongUnaryOperator f) {
        return v -> new Value.Ints(
                v.getFirst().shape(),
                Arrays.stream(Kernel.ints(v.getFirst())).map(f).toArray());
    }
}

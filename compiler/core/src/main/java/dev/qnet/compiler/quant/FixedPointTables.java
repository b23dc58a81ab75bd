package dev.qnet.compiler.quant;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;

/**
 * Tables that TFLite's 16-bit kernels (and CMSIS-NN after them) look functions up in, computed as they were: entries are
 * moved so that interpolation between them errs least in the middle.
 */
public final class FixedPointTables {
    /** Entries of a table over half of the logistic function: at i/24. */
    private static final int SIGMOIDS = 256;

    private static final int[] SIGMOID = sigmoid();

    private FixedPointTables() {}

    /** σ(i/24) in Q0.16: half of the error in the middle of an interval is taken off its beginning. */
    private static int[] sigmoid() {
        int[] table = new int[SIGMOIDS];
        for (int i = 0; i < SIGMOIDS; i++) {
            double here = q16(i / 24.0);
            double between = (here + q16((i + 1) / 24.0)) / 2 - q16((i + 0.5) / 24.0);
            table[i] = (int) Math.floor(here - between / 2 + 0.5);
        }
        // The last one is what saturation gives.
        table[SIGMOIDS - 1] = 0xffff;
        return table;
    }

    private static double q16(double x) {
        return 65536 / (1 + Math.exp(-x));
    }

    /**
     * The logistic function of an i16 code, in Q0.15: TFLite's reference_integer_ops::Logistic. The code times
     * {@code multiplier}, shifted right by {@code shift} with rounding, is in units of 1/(3·2^12).
     *
     * @param multiplier 3·2^n for codes of scale 2^(n − 12), otherwise scaled up by 2^shift
     * @param shift 0 to 31
     */
    public static int logistic(int code, int multiplier, int shift) {
        int x = scaled(code, multiplier, shift);
        int high = Math.abs(x) >> 9;
        int result = 0x7fff << 10;
        if (high < SIGMOIDS - 1) {
            result = (SIGMOID[high] << 9) + (Math.abs(x) & 0x1ff) * (SIGMOID[high + 1] - SIGMOID[high]);
        }
        result = x >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1;
        return result >> 10;
    }

    /** The hyperbolic tangent, as {@link #logistic}: {@code tanh(x) = 2σ(2x) − 1}. */
    public static int tanh(int code, int multiplier, int shift) {
        int x = scaled(code, multiplier, shift);
        int high = Math.abs(x) >> 8;
        int result = 0xffff << 8;
        if (high < SIGMOIDS - 1) {
            result = (SIGMOID[high] << 8) + (Math.abs(x) & 0xff) * (SIGMOID[high + 1] - SIGMOID[high]);
        }
        result = x >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1;
        return result >> 8;
    }

    private static int scaled(int code, int multiplier, int shift) {
        long rounding = shift > 0 ? 1L << (shift - 1) : 0;
        return (int) (((long) code * multiplier + rounding) >> shift);
    }

    /** {@link #logistic} of every i16 code, from −32768, for {@link dev.qnet.compiler.ir.IntOp.Table}. */
    public static List<Integer> logisticTable(int multiplier, int shift) {
        return IntStream.rangeClosed(Short.MIN_VALUE, Short.MAX_VALUE)
                .map(q -> logistic(q, multiplier, shift))
                .boxed()
                .toList();
    }

    /** {@link #tanh} of every i16 code, from −32768. */
    public static List<Integer> tanhTable(int multiplier, int shift) {
        return IntStream.rangeClosed(Short.MIN_VALUE, Short.MAX_VALUE)
                .map(q -> tanh(q, multiplier, shift))
                .boxed()
                .toList();
    }

    /** exp on [−10, 0] in Q0.15, for {@link dev.qnet.compiler.ir.IntOp.Softmax16}. */
    public static List<Integer> softmaxExp() {
        return interpolated(Math::exp, -10, 0);
    }

    /** 1/(1 + x) on [0, 1] in Q0.15, for {@link dev.qnet.compiler.ir.IntOp.Softmax16}. */
    public static List<Integer> softmaxReciprocal() {
        return interpolated(x -> 1 / (1 + x), 0, 1);
    }

    /** TFLite's gen_lut: 513 entries, of which the last only ends the last interval. */
    private static List<Integer> interpolated(DoubleUnaryOperator f, double min, double max) {
        int last = 512;
        double step = (max - min) / last;
        List<Integer> table = new ArrayList<>();
        for (int i = 0; i < last; i++) {
            double here = round(f.applyAsDouble(min + i * step) * 32768);
            double between = round((f.applyAsDouble(min + (i + 1) * step) * 32768 + here) / 2);
            double middle = round(f.applyAsDouble(min + i * step + step / 2) * 32768);
            table.add(saturated(here - round((between - middle) / 2)));
        }
        table.add(saturated(round(f.applyAsDouble(max) * 32768)));
        return table;
    }

    /** Ties away from zero. */
    private static double round(double x) {
        return x < 0 ? -Math.floor(-x + 0.5) : Math.floor(x + 0.5);
    }

    private static int saturated(double x) {
        return (int) Math.clamp(x, -32768.0, 32767.0);
    }
}

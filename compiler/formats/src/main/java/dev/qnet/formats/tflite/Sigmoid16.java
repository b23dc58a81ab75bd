package dev.qnet.formats.tflite;

import dev.qnet.compiler.quant.FixedPointTables;
import java.util.function.IntUnaryOperator;

/** Sigmoid and tanh of 16-bit codes, for an input of any scale. */
final class Sigmoid16 {
    private Sigmoid16() {}

    /**
     * How an input's scale becomes 1/(3·4096), in which 2^17 is 10.7.
     *
     * @param shift to the right, with rounding, after the product
     */
    private record Input(int multiplier, int shift) {
        static Input of(float scale, int largestPower) {
            Integer log = Elementwise.log2(scale);
            if (log != null && 12 + log >= 0 && 12 + log <= largestPower) {
                return new Input(3 << (12 + log), 0);
            }
            double multiplier = scale * 4096.0 * 3.0;
            int shift = 0;
            while (multiplier <= 32767.0 / 2.0 && shift <= 30) {
                shift++;
                multiplier *= 2;
            }
            if (!(multiplier < 32768)) {
                throw new Unsupported("takes codes with a scale of " + scale);
            }
            return new Input((int) multiplier, shift);
        }
    }

    static IntUnaryOperator logistic(float scale) {
        Input in = Input.of(scale, 0);
        return q -> FixedPointTables.logistic(q, in.multiplier(), in.shift());
    }

    static IntUnaryOperator tanh(float scale) {
        Input in = Input.of(scale, 1);
        return q -> FixedPointTables.tanh(q, in.multiplier(), in.shift());
    }
}

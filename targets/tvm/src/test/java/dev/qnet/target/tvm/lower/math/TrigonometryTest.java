package dev.qnet.target.tvm.lower.math;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Tir;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** Compiled sines and cosines are {@link StrictMath}'s to the last bit of a double, and remainders Java's. */
class TrigonometryTest {
    private static final int COUNT = 400_000;
    private static final float[] EDGES = {
        0,
        -0f,
        Float.NaN,
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY,
        Float.MIN_VALUE,
        -Float.MIN_NORMAL,
        Float.MAX_VALUE,
        -Float.MAX_VALUE,
        0x1p-27f,
        Math.nextDown(0x1p-27f),
        0.3f,
        0.78125f,
        Math.nextUp(0.78125f),
        // These need more digits of 2/pi.
        2709675.5f,
        3.171146E14f
    };

    @Test
    void sinIsTheSameAsInJava() {
        same(StrictMath::sin, Trigonometry::sin);
    }

    @Test
    void cosIsTheSameAsInJava() {
        same(StrictMath::cos, Trigonometry::cos);
    }

    private static void same(DoubleUnaryOperator java, RealFunction f) {
        double[] x = singles();
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            expected[i] = java.applyAsDouble(x[i]);
        }
        assertThat(Compiled.difference(f, x, expected)).isEmpty();
    }

    /** Of every size; and beside multiples of pi/2, where most digits cancel. */
    private static double[] singles() {
        double[] x = new double[COUNT];
        Random random = new Random(5);
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (i % 4) {
                case 0 -> Float.intBitsToFloat(random.nextInt());
                case 1 -> (float) (random.nextGaussian() * 3);
                case 2 -> {
                    float multiple = (float) (random.nextInt(1 << random.nextInt(1, 21)) * (Math.PI / 2));
                    yield random.nextBoolean() ? multiple : -Math.nextUp(multiple);
                }
                default -> (float) random.nextDouble(-1e6, 1e6);
            };
        }
        for (int i = 0; i < EDGES.length; i++) {
            x[i] = EDGES[i];
        }
        return x;
    }

    @Test
    void remaindersAreThoseOfJava() {
        double[] x = singles();
        double[] expected = new double[x.length];
        // The divisor is the number's bits turned round.
        for (int i = 0; i < x.length; i++) {
            float a = (float) x[i];
            float b = Float.intBitsToFloat(Integer.rotateLeft(Float.floatToRawIntBits(a), 13));
            expected[i] = a % b;
        }
        assertThat(Compiled.difference(
                        (given, body) -> Tir.let("a", Tir.cast(DataType.FLOAT32, given), a -> {
                            var bits = Tir.cast(DataType.INT64, Tir.reinterpret(DataType.INT32, a));
                            var low = Tir.bitAnd(bits, Tir.i64(0xffffffffL));
                            var turned = Tir.bitOr(Tir.shl(low, 13), Tir.shr(low, 32 - 13));
                            var b = Tir.reinterpret(DataType.FLOAT32, Tir.cast(DataType.INT32, turned));
                            return Remainder.of(a, b, r -> body.apply(Tir.cast(DataType.FLOAT64, r)));
                        }),
                        x,
                        expected))
                .isEmpty();
    }
}

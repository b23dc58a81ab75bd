package dev.qnet.target.tvm.lower.math;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Tir;
import java.util.Random;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.Test;

/** Compiled exponentials are {@link StrictMath}'s, to the last bit of a double. */
class ExponentialTest {
    private static final double[] EDGES = {
        0.0,
        -0.0,
        Double.NaN,
        Double.POSITIVE_INFINITY,
        Double.NEGATIVE_INFINITY,
        0x1.62e42fefa39efp9,
        Math.nextUp(0x1.62e42fefa39efp9),
        -0x1.74910d52d3051p9,
        Math.nextDown(-0x1.74910d52d3051p9),
        -708.3964185322641,
        -708.5,
        -744.9,
        22,
        Math.nextDown(22.0),
        1,
        Math.nextDown(1.0),
        Math.nextUp(1.0),
        1 - 0x1p-30,
        1 + 0x1p-25,
        2,
        4,
        0.5,
        Double.MIN_NORMAL,
        Math.nextDown(Double.MIN_NORMAL),
        Double.longBitsToDouble(0x3fda827a_00000000L),
        Math.nextDown(Double.longBitsToDouble(0x3fda827a_00000000L)),
        Math.nextDown(Math.sqrt(2)),
        Math.sqrt(2),
        0x1p-55,
        -0x1p-56,
        0x1p-28,
        Math.nextDown(0x1p-28),
        Double.longBitsToDouble(0x3fd62e43_00000000L),
        Math.nextDown(Double.longBitsToDouble(0x3fd62e43_00000000L)),
        -Double.longBitsToDouble(0x3ff0a2b2_00000000L),
        Math.nextUp(-Double.longBitsToDouble(0x3ff0a2b2_00000000L)),
        Double.MIN_VALUE,
        Double.MAX_VALUE,
        -Double.MAX_VALUE
    };

    @Test
    void expIsTheSameAsInJava() {
        same(StrictMath::exp, Exponential::of);
    }

    @Test
    void tanhIsTheSameAsInJava() {
        same(StrictMath::tanh, Exponential::tanh);
    }

    @Test
    void logIsTheSameAsInJava() {
        same(StrictMath::log, Logarithm::of);
    }

    @Test
    void log1pIsTheSameAsInJavaFrom0To1() {
        same(
                x -> StrictMath.log1p(within(x)),
                (x, body) -> Logarithm.ofOneAnd(
                        // Tests draw any number; this one is kept within bounds where it is compiled, too.
                        Tir.select(Reals.nan64(x), x, Reals.min64(Reals.max64(x, 0), 1)), body));
        DoubleUnaryOperator decay = x -> StrictMath.exp(-Math.abs(x));
        same(
                x -> StrictMath.log1p(decay.applyAsDouble(x)),
                (x, body) -> Exponential.of(
                        Tir.reinterpret(
                                DataType.FLOAT64,
                                Tir.bitOr(Tir.reinterpret(DataType.INT64, x), Tir.i64(Long.MIN_VALUE))),
                        e -> Logarithm.ofOneAnd(e, body)));
    }

    private static double within(double x) {
        return Math.min(Math.max(x, 0), 1);
    }

    private static void same(DoubleUnaryOperator java, RealFunction f) {
        double[] x = new double[60_000];
        Random random = new Random(11);
        for (int i = 0; i < x.length; i++) {
            x[i] = switch (i % 3) {
                case 0 -> random.nextGaussian() * (i % 2 == 0 ? 1 : 12);
                case 1 -> i % 2 == 0 ? random.nextDouble(-760, 720) : random.nextDouble(0, 2);
                default -> Double.longBitsToDouble(random.nextLong());
            };
        }
        System.arraycopy(EDGES, 0, x, 0, EDGES.length);
        double[] expected = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            expected[i] = java.applyAsDouble(x[i]);
        }
        assertThat(Compiled.difference(f, x, expected)).isEmpty();
    }
}

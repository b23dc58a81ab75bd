package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.store;
import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.target.tvm.TvmHere;
import dev.qnet.target.tvm.ffi.Compiler;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.Tir;
import dev.qnet.target.tvm.tir.TirModule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
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
                        Tir.select(Floats.nan64(x), x, Floats.min64(Floats.max64(x, 0), 1)), body));
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

    private static void same(DoubleUnaryOperator java, Function f) {
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
        assertThat(compiled(f, x)).isEqualTo(expected);
    }

    /** A function as it is lowered. */
    @FunctionalInterface
    private interface Function {
        Stmt of(Expr x, java.util.function.Function<Expr, Stmt> body);
    }

    private static double[] compiled(Function f, double[] x) {
        Var in = Var.tensor("in");
        Var out = Var.tensor("out");
        Buffer from = Buffer.tensor("x", DataType.FLOAT64, List.of(i32(x.length)));
        Buffer to = Buffer.tensor("y", DataType.FLOAT64, List.of(i32(x.length)));
        Stmt body = loop("i", x.length, i -> f.of(load(from, i), e -> store(to, e, i)));
        TirModule module =
                new TirModule(List.of(new PrimFunc("exp", List.of(in, out), Map.of(in, from, out, to), true, body)));
        try (Scope scope = TvmHere.library().scope();
                Arena arena = Arena.ofConfined()) {
            // A CPU with fused multiply-add, which would round otherwise.
            var compiled = Compiler.compile(scope, module, "llvm -mtriple=x86_64-linux-gnu -mcpu=x86-64-v3");
            MemorySegment given = arena.allocate(8L * x.length, DlTensor.ALIGNMENT);
            MemorySegment.copy(x, 0, given, ValueLayout.JAVA_DOUBLE, 0, x.length);
            MemorySegment found = arena.allocate(8L * x.length, DlTensor.ALIGNMENT);
            scope.call(
                    scope.function(compiled, "exp").orElseThrow(),
                    DlTensor.of(arena, given, 2, 64, x.length),
                    DlTensor.of(arena, found, 2, 64, x.length));
            return found.toArray(ValueLayout.JAVA_DOUBLE);
        }
    }
}

package dev.qnet.target.tvm.lower.math;

import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.target.tvm.TvmHere;
import dev.qnet.target.tvm.ffi.Compiler;
import dev.qnet.target.tvm.ffi.DlTensor;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.TirModule;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Functions of doubles, compiled by TVM. */
final class Compiled {
    private Compiled() {}

    /** The first of x where a function's value is not what is expected, bit for bit, with both; empty if there is none. */
    static Optional<String> difference(RealFunction f, double[] x, double[] expected) {
        double[] found = run(f, x);
        for (int i = 0; i < x.length; i++) {
            if (Double.compare(found[i], expected[i]) != 0) {
                return Optional.of("f(" + x[i] + ") is " + found[i] + ", not " + expected[i]);
            }
        }
        return Optional.empty();
    }

    private static double[] run(RealFunction f, double[] x) {
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

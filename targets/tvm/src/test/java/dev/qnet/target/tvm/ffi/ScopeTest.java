package dev.qnet.target.tvm.ffi;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.store;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.target.tvm.TvmHere;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import dev.qnet.target.tvm.tir.TirModule;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Calls into TVM: what goes wrong is an exception, what is made is freed. */
class ScopeTest {
    private static final String TARGET = "llvm -mtriple=x86_64-linux-gnu -mcpu=x86-64-v2";

    @Test
    void tellsWhatTvmSays() {
        try (Scope scope = TvmHere.library().scope()) {
            assertThatThrownBy(() -> scope.ref("target.Target", "nosuch"))
                    .isInstanceOf(TvmException.class)
                    .hasMessage("target.Target: ValueError: Target kind \"nosuch\" is not defined."
                            + " Target creation from string failed: nosuch");
        }
    }

    @Test
    void refusesNullsBeforeTvmSeesThem() {
        try (Scope scope = TvmHere.library().scope()) {
            assertThatThrownBy(() -> scope.ref("tir.Evaluate", new Object[] {null, Scope.NONE}))
                    .hasMessage("argument 0 of tir.Evaluate is null");
            assertThatThrownBy(() -> scope.ref("no.such.function"))
                    .hasMessageContaining("no function no.such.function");
        }
    }

    @Test
    void refusesIntrinsicsThatLlvmDoesNotHave() {
        Expr unknown = new Expr.Intrinsic(DataType.INT32, "llvm.no.such", 1, true, List.of(i32(0)));
        assertThatThrownBy(() -> compile(module(i -> unknown))).hasMessage("LLVM has no intrinsic llvm.no.such");
    }

    @Test
    void refusesHandlesOfClosedScopes() {
        Ref target;
        try (Scope scope = TvmHere.library().scope()) {
            target = scope.ref("target.Target", TARGET);
        }
        try (Scope scope = TvmHere.library().scope()) {
            assertThatThrownBy(() -> scope.ref("runtime.Array", target)).hasMessageContaining("scope was closed");
        }
    }

    @Test
    void checksWhatACompiledFunctionIsGiven() {
        try (Scope scope = TvmHere.library().scope();
                Arena arena = Arena.ofConfined()) {
            Ref run = function(scope);
            MemorySegment x = arena.allocate(64, 64);
            MemorySegment y = arena.allocate(64, 64);
            x.setAtIndex(ValueLayout.JAVA_INT, 3, 41);

            scope.call(run, DlTensor.of(arena, x, 0, 32, 16), DlTensor.of(arena, y, 0, 32, 16));
            assertThat(y.getAtIndex(ValueLayout.JAVA_INT, 3)).isEqualTo(42);

            assertThatThrownBy(() -> scope.call(run, DlTensor.of(arena, x, 0, 32, 16)))
                    .isInstanceOf(TvmException.class)
                    .hasMessageContaining("num_args should be 2");
            assertThatThrownBy(
                            () -> scope.call(run, DlTensor.of(arena, x, 0, 32, 15), DlTensor.of(arena, y, 0, 32, 16)))
                    .isInstanceOf(TvmException.class)
                    .hasMessageContaining("shape[0]");
            assertThatThrownBy(() -> DlTensor.of(arena, x.asSlice(4), 0, 32, 15))
                    .hasMessageContaining("not aligned");
        }
    }

    /** Compiles 200 modules; what TVM keeps of each must stay below what one takes. */
    @Test
    @Tag("slow")
    void freesWhatItMakes() throws IOException {
        for (int i = 0; i < 40; i++) {
            compile(module(x -> add(x, 1)));
        }
        long before = residentKilobytes();
        for (int i = 0; i < 200; i++) {
            compile(module(x -> add(x, 1)));
        }
        assertThat(residentKilobytes() - before)
                .as("kilobytes kept of 200 modules")
                .isLessThan(200 * 200L);
    }

    private static long residentKilobytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/status")).stream()
                .filter(l -> l.startsWith("VmRSS:"))
                .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")))
                .findFirst()
                .orElseThrow();
    }

    private static void compile(TirModule module) {
        try (Scope scope = TvmHere.library().scope()) {
            assertThat(Compiler.compile(scope, module, TARGET)).isNotNull();
        }
    }

    private static Ref function(Scope scope) {
        Ref module = Compiler.compile(scope, module(x -> add(x, 1)), TARGET);
        return scope.function(module, "run").orElseThrow();
    }

    /** y[i] = f(x[i]) for 16 integers. */
    private static TirModule module(java.util.function.UnaryOperator<Expr> f) {
        Var in = Var.tensor("in");
        Var out = Var.tensor("out");
        Buffer x = Buffer.tensor("x", DataType.INT32, List.of(i32(16)));
        Buffer y = Buffer.tensor("y", DataType.INT32, List.of(i32(16)));
        Stmt body = loop("i", 16, i -> store(y, f.apply(load(x, i)), i));
        return new TirModule(List.of(new PrimFunc("run", List.of(in, out), Map.of(in, x, out, y), true, body)));
    }
}

package dev.qnet.target.tvm.ffi;

import dev.qnet.target.tvm.tir.TirModule;
import java.util.List;

/** Compiles tensor programs with libtvm. */
public final class Compiler {
    private Compiler() {}

    /**
     * Compiles a module.
     *
     * @param target as TVM writes it: {@code llvm -mtriple=… -mcpu=…}; checked by the caller, for TVM takes unknown CPUs for
     *     the oldest one
     * @return the compiled module, of the scope
     * @throws TvmException if TVM refuses it
     */
    public static Ref compile(Scope scope, TirModule module, String target) {
        return compile(scope, module, target, false);
    }

    /**
     * As {@link #compile(Scope, TirModule, String)}, to functions of C, which give 0 or an error's number and need none of
     * TVM's runtime.
     */
    public static Ref compileForC(Scope scope, TirModule module, String target) {
        return compile(scope, module, target, true);
    }

    /**
     * Compiles functions of which some work on another device's memory, and launch its kernels.
     *
     * @param onDevice those functions
     * @param device as TVM writes it: {@code cuda -arch=…}
     * @param others the other functions
     * @param host the CPU that all of them run on
     */
    public static Ref compileForDevice(Scope scope, TirModule onDevice, String device, TirModule others, String host) {
        try (Scope temporary = scope.library().scope()) {
            Ref cpu = temporary.ref("target.Target", host);
            Ref map = temporary.ref(
                    "runtime.Map",
                    temporary.ref("target.Target", device),
                    lower(temporary, new Builder(temporary).module(onDevice)),
                    cpu,
                    lower(temporary, new Builder(temporary).module(others)));
            return scope.ref("driver.tir_to_runtime", map, cpu);
        }
    }

    private static Ref compile(Scope scope, TirModule module, String target, boolean forC) {
        try (Scope temporary = scope.library().scope()) {
            Ref lowered = lower(temporary, new Builder(temporary).module(module));
            if (forC) {
                Ref options = temporary.ref(
                        "runtime.Map",
                        temporary.ref("runtime.String", "unpacked-api"),
                        true,
                        temporary.ref("runtime.String", "interface-api"),
                        temporary.ref("runtime.String", "c"));
                Ref executor = temporary.ref("relay.backend.CreateExecutor", "aot", options);
                lowered = temporary.ref("ir.Module_WithAttr", lowered, "executor", executor);
            }
            Ref map = temporary.ref("runtime.Map", temporary.ref("target.Target", target), lowered);
            return scope.ref("driver.tir_to_runtime", map, Scope.NONE);
        }
    }

    /**
     * The passes that turn our programs into those that TVM generates code for. TVM's own list has more, for programs that we
     * do not write; among them are some that shrink memory to the elements that they see used, and so would break an arena
     * that functions are given pointers into; and simplification, which LLVM does as well, puts the value of a let in place of
     * its name wherever it stands, so that what is named to be computed once grows without end.
     */
    static Ref lower(Scope scope, Ref module) {
        Ref m = module;
        for (Ref pass : List.of(
                // Tensors of an entry get one index.
                scope.ref("tir.transform.FlattenBuffer"),
                // Loops that are marked so become vectors and copies.
                scope.ref("tir.transform.VectorizeLoop", true),
                scope.ref("tir.transform.UnrollLoop"),
                // A selection whose sides may not both be evaluated becomes a branch.
                scope.ref("tir.transform.RewriteUnsafeSelect"))) {
            m = scope.ref("transform.RunPass", pass, m);
        }
        return m;
    }
}

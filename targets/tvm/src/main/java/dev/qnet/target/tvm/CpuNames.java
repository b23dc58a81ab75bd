package dev.qnet.target.tvm;

import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.Isa;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** CPUs as LLVM knows them. */
final class CpuNames {
    private static final String TRIPLE = "llvm -mtriple=x86_64-linux-gnu";

    /** What kernels use of AMX. */
    private static final Set<String> TILES = Set.of("amx_tile", "amx_int8");

    private CpuNames() {}

    /** The CPUs of 64 bits that this LLVM compiles for. */
    static List<String> known(TvmLibrary library) {
        try (Scope scope = library.scope()) {
            Ref names = scope.ref("target.llvm_get_cpu_archlist", scope.ref("target.Target", TRIPLE + " -mcpu=x86-64"));
            List<String> all = new ArrayList<>();
            long count = scope.integer("runtime.ArraySize", names);
            for (long i = 0; i < count; i++) {
                all.add(scope.text("runtime.ArrayGetItem", names, i));
            }
            return all;
        }
    }

    /** What a target's CPU has. */
    static Isa isa(TvmLibrary library, String target) {
        try (Scope scope = library.scope()) {
            Ref t = scope.ref("target.Target", target);
            return Isa.of(feature -> scope.integer("target.target_has_feature", feature, t) != 0);
        }
    }

    /**
     * What a target's code may use beyond what each x86 CPU has, as Linux calls it.
     *
     * @param tiles whether it uses tiles (AMX), which LLVM does not unasked
     */
    static List<String> needs(TvmLibrary library, String target, boolean tiles) {
        try (Scope scope = library.scope()) {
            Ref t = scope.ref("target.Target", target);
            return Cpu.FEATURES.entrySet().stream()
                    .filter(e -> scope.integer("target.target_has_feature", e.getValue(), t) != 0)
                    .map(Map.Entry::getKey)
                    .filter(flag -> !flag.startsWith("amx_") || (tiles && TILES.contains(flag)))
                    .toList();
        }
    }

    /**
     * The target as TVM writes it. TVM compiles for the oldest CPU where it does not know one, and says so on standard error
     * only; so names are looked up here.
     *
     * @throws IllegalArgumentException if LLVM knows no such CPU
     */
    static String target(TvmLibrary library, Cpu cpu) {
        if (cpu.isNative()) {
            String name;
            try (Scope scope = library.scope()) {
                name = scope.text("target.llvm_get_system_cpu");
            }
            List<String> missing = Cpu.missing(Cpu.flags());
            String attributes = missing.isEmpty() ? "" : " -mattr=-" + String.join(",-", missing);
            return TRIPLE + " -mcpu=" + name + attributes;
        }
        List<String> known = known(library);
        if (!known.contains(cpu.name())) {
            String head = cpu.name().toLowerCase(Locale.ROOT);
            head = head.substring(0, Math.min(3, head.length()));
            String start = head;
            TreeSet<String> near = new TreeSet<>(
                    known.stream().filter(n -> n.startsWith(start)).toList());
            throw new IllegalArgumentException("LLVM knows no CPU '" + cpu.name() + "'; "
                    + (near.isEmpty()
                            ? "native, x86-64-v3, skylake-avx512 and sapphirerapids are some that it knows"
                            : "it knows " + String.join(", ", near)));
        }
        return TRIPLE + " -mcpu=" + cpu.name();
    }
}

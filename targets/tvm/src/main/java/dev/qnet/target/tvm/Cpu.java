package dev.qnet.target.tvm;

import dev.qnet.runtime.CpuFlags;
import dev.qnet.target.tvm.lower.Isa;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The x86 CPU that a module is compiled for.
 *
 * @param name as LLVM calls it: {@code skylake-avx512}, {@code x86-64-v3}, or {@code native} for this machine's
 */
public record Cpu(String name) {
    /** This machine's. */
    public static final Cpu NATIVE = new Cpu("native");

    /** LLVM's names of the features that code may use unasked, by the names that Linux has for them. */
    static final Map<String, String> FEATURES = new TreeMap<>(Map.ofEntries(
            Map.entry("pni", "sse3"),
            Map.entry("ssse3", "ssse3"),
            Map.entry("sse4_1", "sse4.1"),
            Map.entry("sse4_2", "sse4.2"),
            Map.entry("sse4a", "sse4a"),
            Map.entry("popcnt", "popcnt"),
            Map.entry("movbe", "movbe"),
            Map.entry("xop", "xop"),
            Map.entry("fma4", "fma4"),
            Map.entry("tbm", "tbm"),
            Map.entry("avx", "avx"),
            Map.entry("avx2", "avx2"),
            Map.entry("fma", "fma"),
            Map.entry("f16c", "f16c"),
            Map.entry("bmi1", "bmi"),
            Map.entry("bmi2", "bmi2"),
            Map.entry("abm", "lzcnt"),
            Map.entry("gfni", "gfni"),
            Map.entry("vaes", "vaes"),
            Map.entry("vpclmulqdq", "vpclmulqdq"),
            Map.entry("avx_vnni", "avxvnni"),
            Map.entry("avx_vnni_int8", "avxvnniint8"),
            Map.entry("avx_vnni_int16", "avxvnniint16"),
            Map.entry("avx_ifma", "avxifma"),
            Map.entry("avx_ne_convert", "avxneconvert"),
            Map.entry("avx512f", "avx512f"),
            Map.entry("avx512cd", "avx512cd"),
            Map.entry("avx512bw", "avx512bw"),
            Map.entry("avx512dq", "avx512dq"),
            Map.entry("avx512vl", "avx512vl"),
            Map.entry("avx512ifma", "avx512ifma"),
            Map.entry("avx512vbmi", "avx512vbmi"),
            Map.entry("avx512_vbmi2", "avx512vbmi2"),
            Map.entry("avx512_vnni", "avx512vnni"),
            Map.entry("avx512_bitalg", "avx512bitalg"),
            Map.entry("avx512_vpopcntdq", "avx512vpopcntdq"),
            Map.entry("avx512_bf16", "avx512bf16"),
            Map.entry("avx512_fp16", "avx512fp16"),
            Map.entry("avx512_vp2intersect", "avx512vp2intersect"),
            Map.entry("amx_tile", "amx-tile"),
            Map.entry("amx_int8", "amx-int8"),
            Map.entry("amx_bf16", "amx-bf16"),
            Map.entry("amx_fp16", "amx-fp16")));

    /** Whether it is this machine's, whatever that is. */
    boolean isNative() {
        return name.equals(NATIVE.name);
    }

    /**
     * The features that LLVM takes this machine's CPU to have, by its name, and that it has not: a virtual machine or a kernel
     * may hide some.
     *
     * @param flags the CPU's, as Linux lists them
     */
    static List<String> missing(Set<String> flags) {
        return FEATURES.entrySet().stream()
                .filter(e -> !flags.contains(e.getKey()))
                .map(Map.Entry::getValue)
                .toList();
    }

    /** What kernels may use where a CPU has these flags, as Linux lists them. */
    static Isa isa(Set<String> flags) {
        Set<String> features = FEATURES.entrySet().stream()
                .filter(e -> flags.contains(e.getKey()))
                .map(Map.Entry::getValue)
                .collect(Collectors.toSet());
        return Isa.of(features::contains);
    }

    /** The flags of this machine's CPU, of AMX's only those that this process may use. */
    static Set<String> flags() {
        return CpuFlags.present().orElse(Set.of());
    }
}

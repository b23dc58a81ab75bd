package dev.qnet.benchmarks.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** What kind of machine this is, as far as it matters for the figures. */
public final class Machine {
    private static final Map<String, String> FEATURES = new LinkedHashMap<>();

    static {
        FEATURES.put("avx2", "AVX2");
        FEATURES.put("avx512f", "AVX-512");
        FEATURES.put("avx512_vnni", "VNNI");
        FEATURES.put("amx_int8", "AMX");
        FEATURES.put("asimddp", "dot product instructions");
    }

    private Machine() {}

    /** Such as {@code 2-core x86-64 server CPU with AVX-512, VNNI, AMX}. */
    public static String description() {
        int cores = Runtime.getRuntime().availableProcessors();
        Set<String> flags = flags();
        List<String> has = new ArrayList<>();
        FEATURES.forEach((flag, name) -> {
            if (flags.contains(flag)) {
                has.add(name);
            }
        });
        if (has.contains("AVX-512")) {
            has.remove("AVX2");
        }
        String arch = System.getProperty("os.arch");
        return cores + "-core " + (arch.equals("amd64") ? "x86-64" : arch) + " CPU"
                + (has.isEmpty() ? "" : " with " + String.join(", ", has));
    }

    /** Whether the processor is an x86-64. */
    public static boolean isX86() {
        return System.getProperty("os.arch").equals("amd64");
    }

    /** Whether it multiplies bytes into 32-bit sums in one instruction. */
    public static boolean hasVnni() {
        Set<String> flags = flags();
        return flags.contains("avx512_vnni") || flags.contains("avx_vnni");
    }

    /** Whether it has AMX for bytes. */
    public static boolean hasAmx() {
        return flags().contains("amx_int8");
    }

    private static Set<String> flags() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("flags") || line.startsWith("Features")) {
                    return new TreeSet<>(Arrays.asList(
                            line.substring(line.indexOf(':') + 1).strip().split(" +")));
                }
            }
        } catch (IOException e) {
            return Set.of(); // not Linux: nothing is known
        }
        return Set.of();
    }
}

package dev.qnet.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;

/** What this machine's CPU has, in Linux's words for it: {@code avx2}, {@code avx512_vnni}, {@code amx_tile}. */
public final class CpuFlags {
    private static final String TILES = "amx_";

    // Of Linux on x86-64.
    private static final long SYS_ARCH_PRCTL = 158;
    private static final long ARCH_REQ_XCOMP_PERM = 0x1023;
    private static final long XFEATURE_XTILEDATA = 18;

    private CpuFlags() {}

    /** Its flags, of AMX's only those that this process may use, which it asks Linux for; empty where they cannot be read. */
    public static Optional<Set<String>> present() {
        try {
            for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
                if (line.startsWith("flags")) {
                    Set<String> flags = new HashSet<>();
                    Collections.addAll(
                            flags, line.substring(line.indexOf(':') + 1).strip().split(" ", -1));
                    return Optional.of(usable(flags, CpuFlags::mayUseTiles));
                }
            }
        } catch (IOException e) {
            return Optional.empty();
        }
        return Optional.empty();
    }

    /** Flags without AMX's where tiles are not allowed. */
    static Set<String> usable(Set<String> flags, BooleanSupplier tilesAllowed) {
        Set<String> usable = new HashSet<>(flags);
        if (usable.stream().anyMatch(f -> f.startsWith(TILES)) && !tilesAllowed.getAsBoolean()) {
            usable.removeIf(f -> f.startsWith(TILES));
        }
        return usable;
    }

    /** Which of some flags are not {@link #present}; none where that cannot be told. */
    public static List<String> missing(Collection<String> flags) {
        List<String> missing = new ArrayList<>();
        present().ifPresent(there -> {
            missing.addAll(flags);
            missing.removeAll(there);
        });
        return missing;
    }

    /**
     * Asks Linux to let this process use the state of AMX's tiles, which it does not unasked: an instruction of AMX would end
     * the process. Asking again is allowed.
     *
     * @return whether it may
     */
    @SuppressWarnings("restricted") // a system call that Java has no name for
    public static boolean mayUseTiles() {
        if (!System.getProperty("os.name").equals("Linux")
                || !System.getProperty("os.arch").equals("amd64")) {
            return false;
        }
        Linker linker = Linker.nativeLinker();
        Optional<MemorySegment> syscall = linker.defaultLookup().find("syscall");
        if (syscall.isEmpty()) {
            return false;
        }
        FunctionDescriptor type = FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        try {
            return (long) linker.downcallHandle(syscall.get(), type, Linker.Option.firstVariadicArg(1))
                            .invokeExact(SYS_ARCH_PRCTL, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)
                    == 0;
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException("asking for AMX failed", e);
        }
    }
}

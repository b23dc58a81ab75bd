package dev.qnet.benchmarks.peer;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** What has to be said to a process before the peers' native libraries are loaded into it. */
public final class Natives {
    private static final Linker LINKER = Linker.nativeLinker();

    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final int PR_SET_SECCOMP = 22;
    private static final long SECCOMP_MODE_FILTER = 2;
    private static final int ARCH_PRCTL = 158;
    private static final int ARCH_REQ_XCOMP_PERM = 0x1023;

    private Natives() {}

    @SuppressWarnings("restricted") // the C library's functions, by their documented signatures
    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), descriptor);
    }

    /** Sets a variable of the environment for the libraries that this process is going to load. */
    public static void setenv(String name, String value) {
        MethodHandle setenv = function(
                "setenv",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            int failed = (int) setenv.invokeExact(arena.allocateFrom(name), arena.allocateFrom(value), 1);
            if (failed != 0) {
                throw new IllegalStateException("setenv " + name + " failed");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Makes Linux refuse AMX to this thread and those that it starts: on x86-64 a process must ask for the tile
     * registers with {@code arch_prctl}, and a filter of system calls answers that with EPERM. The libraries then take
     * their kernels for VNNI. Must be called before any of them is loaded.
     *
     * @throws IllegalStateException where the system has no such filters
     */
    public static void denyAmx() {
        setenv("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16");
        MethodHandle prctl = function(
                "prctl",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.ADDRESS,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG));
        try (Arena arena = Arena.ofConfined()) {
            // Classic BPF over struct seccomp_data { int nr; u32 arch; u64 ip; u64 args[6] }.
            int[][] program = {
                {0x20, 0, 0, 0}, // load nr
                {0x15, 0, 3, ARCH_PRCTL}, // unless arch_prctl, go to allow
                {0x20, 0, 0, 16}, // load the low half of args[0]
                {0x15, 0, 1, ARCH_REQ_XCOMP_PERM}, // unless it asks for a state component, go to allow
                {0x06, 0, 0, 0x00050000 | 1}, // return EPERM
                {0x06, 0, 0, 0x7fff0000}, // allow
            };
            MemorySegment code = arena.allocate(8L * program.length, 8);
            for (int i = 0; i < program.length; i++) {
                code.set(ValueLayout.JAVA_SHORT, 8L * i, (short) program[i][0]);
                code.set(ValueLayout.JAVA_BYTE, 8L * i + 2, (byte) program[i][1]);
                code.set(ValueLayout.JAVA_BYTE, 8L * i + 3, (byte) program[i][2]);
                code.set(ValueLayout.JAVA_INT, 8L * i + 4, program[i][3]);
            }
            MemorySegment head = arena.allocate(16, 8);
            head.set(ValueLayout.JAVA_SHORT, 0, (short) program.length);
            head.set(ValueLayout.ADDRESS, 8, code);
            int a = (int) prctl.invokeExact(PR_SET_NO_NEW_PRIVS, 1L, MemorySegment.NULL, 0L, 0L);
            int b = (int) prctl.invokeExact(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, head, 0L, 0L);
            if (a != 0 || b != 0) {
                throw new IllegalStateException("this system has no filters of system calls: AMX cannot be denied");
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }
}

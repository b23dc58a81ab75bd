package dev.qnet.target.tvm.cuda;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** CUDA's library that compiles CUDA C. */
final class Nvrtc {
    private static final Optional<SymbolLookup> LIBRARY = Stream.of("libnvrtc.so.12", "libnvrtc.so.13", "libnvrtc.so")
            .flatMap(name -> CudaFiles.library(name).stream())
            .findFirst();

    private Nvrtc() {}

    static boolean isHere() {
        return LIBRARY.isPresent();
    }

    @SuppressWarnings("restricted") // calling native code is what this class is for
    private static MethodHandle function(String name, MemoryLayout... arguments) {
        return Linker.nativeLinker()
                .downcallHandle(LIBRARY.orElseThrow().findOrThrow(name), FunctionDescriptor.of(JAVA_INT, arguments));
    }

    /**
     * Compiles to PTX.
     *
     * @throws IllegalStateException if it is refused, with what the compiler said
     */
    static String compile(String source, List<String> options) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            MethodHandle create = function("nvrtcCreateProgram", ADDRESS, ADDRESS, ADDRESS, JAVA_INT, ADDRESS, ADDRESS);
            check("nvrtcCreateProgram", (int) create.invokeExact(
                    out,
                    arena.allocateFrom(source),
                    arena.allocateFrom("kernels.cu"),
                    0,
                    MemorySegment.NULL,
                    MemorySegment.NULL));
            MemorySegment program = out.get(ADDRESS, 0);
            try {
                MemorySegment list = arena.allocate(ADDRESS, options.size());
                for (int i = 0; i < options.size(); i++) {
                    list.setAtIndex(ADDRESS, i, arena.allocateFrom(options.get(i)));
                }
                int status = (int) function("nvrtcCompileProgram", ADDRESS, JAVA_INT, ADDRESS)
                        .invokeExact(program, options.size(), list);
                if (status != 0) {
                    throw new IllegalStateException(
                            "nvrtc refuses the kernels: " + text(arena, program, "nvrtcGetProgramLog"));
                }
                return text(arena, program, "nvrtcGetPTX");
            } finally {
                check("nvrtcDestroyProgram", (int)
                        function("nvrtcDestroyProgram", ADDRESS).invokeExact(out));
            }
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable t) {
            throw new IllegalStateException(t);
        }
    }

    private static String text(Arena arena, MemorySegment program, String name) throws Throwable {
        MemorySegment size = arena.allocate(JAVA_LONG);
        check(name, (int) function(name + "Size", ADDRESS, ADDRESS).invokeExact(program, size));
        // The last byte is 0.
        long bytes = Math.max(size.get(JAVA_LONG, 0), 1);
        MemorySegment text = arena.allocate(bytes);
        check(name, (int) function(name, ADDRESS, ADDRESS).invokeExact(program, text));
        return new String(text.asSlice(0, bytes - 1).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    }

    private static void check(String what, int status) {
        if (status != 0) {
            throw new IllegalStateException(what + " of nvrtc ended with " + status);
        }
    }
}

package dev.qnet.target.tvm;

import dev.qnet.target.tvm.natives.NativeSet;
import dev.qnet.target.tvm.natives.Natives;
import dev.qnet.target.tvm.natives.Tool;
import dev.qnet.target.tvm.natives.WorkFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** LLVM's compiler of C, which comes from Maven Central with LLVM's libraries. */
final class Clang {
    private static final String SOURCE = "model.c";
    private static final String HEADER = "model.h";

    private static final String THUMB = "--target=thumb-none-eabi";

    private static final List<String> HOST = List.of("--target=x86_64-linux-gnu", "-fPIC");

    /** Of an object: that it goes with either way of passing real numbers (28), and has no enums (26). */
    private static final String ATTRIBUTES = """

            __asm__(".eabi_attribute 28, 3");
            __asm__(".eabi_attribute 26, 0");
            """;

    /** Warns of each function that has a stack frame. */
    private static final String ALL_FRAMES = "-Wframe-larger-than=0";

    private static final Pattern FRAME =
            Pattern.compile("stack frame size \\((\\d+)\\) exceeds limit \\(0\\) in '([^'.]+)[^']*'");

    private final Path folder;
    private final Tool clang;
    private final Tool linker;

    private Clang(Path folder) {
        this.folder = folder;
        this.clang = new Tool(folder.resolve("clang"));
        this.linker = new Tool(folder.resolve("lld"), "-flavor", "gnu");
    }

    /**
     * The one of this machine, unpacked if need be.
     *
     * @throws TvmUnavailableException if it is not there
     */
    static Clang here() {
        return new Clang(Natives.folder(NativeSet.CLANG));
    }

    /**
     * An object file.
     *
     * @param frames bytes that each of its functions takes of the stack
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Compiled(byte[] bytes, Map<String, Long> frames) {}

    /**
     * An object file for a microcontroller. Its functions neither take nor give real numbers, so that it says of itself that it
     * goes with code of either float ABI.
     *
     * @param cpu as LLVM calls it, with what it has not: {@code cortex-m7+nofp.dp}
     * @throws IllegalArgumentException if LLVM knows no such microcontroller
     */
    Compiled object(CSource source, String cpu) throws IOException {
        List<String> target = new ArrayList<>(target(cpu));
        target.add(ALL_FRAMES);
        try (WorkFolder work = WorkFolder.create()) {
            write(work, source, ATTRIBUTES);
            Map<String, Long> frames = frames(clang.run(options(work, target, "model.o")));
            // LLVM says of each object that its stack holds no code, and GNU's linker then asks that of all others.
            Path without = work.resolve("without.ld");
            Files.writeString(without, "SECTIONS { /DISCARD/ : { *(.note.GNU-stack) } }");
            Path linked = work.resolve("linked.o");
            linker.run(List.of(
                    "-r",
                    "-T",
                    without.toString(),
                    "-o",
                    linked.toString(),
                    work.resolve("model.o").toString()));
            return new Compiled(Files.readAllBytes(linked), frames);
        }
    }

    /** What LLVM's warnings say of stack frames. */
    private static Map<String, Long> frames(String warnings) {
        Map<String, Long> frames = new HashMap<>();
        Matcher m = FRAME.matcher(warnings);
        while (m.find()) {
            // LLVM may make several of a function, with endings behind a point.
            frames.merge(m.group(2), Long.valueOf(m.group(1)), Long::sum);
        }
        return frames;
    }

    private List<String> target(String cpu) throws IOException {
        List<String> known = clang.run(List.of(THUMB, "--print-supported-cpus"))
                .lines()
                .map(String::strip)
                .filter(l -> l.startsWith("cortex-m"))
                .toList();
        // Vectors of floats flush what is close to 0, which others compute with.
        List<String> target = List.of(THUMB, "-mcpu=" + cpu + "+nomve.fp", "-mfloat-abi=softfp");
        List<String> probe = new ArrayList<>(target);
        probe.addAll(List.of("-E", "-x", "c", "/dev/null"));
        if (!known.contains(cpu.replaceFirst("\\+.*", "")) || !succeeds(probe)) {
            throw new IllegalArgumentException("LLVM knows no microcontroller '" + cpu + "'; it knows "
                    + String.join(", ", known) + ", each with +nofp, +nofp.dp or +nomve where it lacks that");
        }
        return target;
    }

    /** A shared library for this machine. */
    byte[] hostLibrary(CSource source) throws IOException {
        try (WorkFolder work = WorkFolder.create()) {
            write(work, source, "");
            clang.run(options(work, HOST, "model.o"));
            Path library = work.resolve("model.so");
            linker.run(List.of(
                    "-shared",
                    "--build-id=none",
                    "-o",
                    library.toString(),
                    work.resolve("model.o").toString()));
            return Files.readAllBytes(library);
        }
    }

    private static void write(WorkFolder work, CSource source, String more) throws IOException {
        Files.writeString(work.resolve(SOURCE), source.text(HEADER) + more);
        Files.writeString(work.resolve(HEADER), source.header());
    }

    private List<String> options(WorkFolder work, List<String> target, String output) {
        List<String> all = new ArrayList<>(target);
        all.addAll(List.of(
                "-std=c99",
                "-O2",
                "-ffreestanding",
                "-fno-exceptions",
                "-fno-unwind-tables",
                "-fno-asynchronous-unwind-tables",
                "-ffunction-sections",
                "-fdata-sections",
                "-nostdinc",
                "-isystem",
                folder.toString(),
                "-c",
                "-o",
                work.resolve(output).toString(),
                work.resolve(SOURCE).toString()));
        return all;
    }

    private boolean succeeds(List<String> arguments) throws IOException {
        try {
            clang.run(arguments);
            return true;
        } catch (Tool.FailedException e) {
            return false;
        }
    }
}

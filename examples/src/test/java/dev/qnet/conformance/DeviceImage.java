package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.target.tvm.CTarget;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;

/** Models in one program for a board, which runs them and compares what they give with what the oracle gave. */
final class DeviceImage {
    static final Path EXAMPLE = Path.of(System.getProperty("qnet.root", ".."))
            .toAbsolutePath()
            .normalize()
            .resolve("examples/cortex-m");

    private static final String GCC = "arm-none-eabi-gcc";
    private static final String QEMU = "qemu-system-arm";

    /** What a run may take of the stack where the compiler does not say what it takes. */
    private static final int STACK = 2000;

    /** A board that QEMU knows. */
    enum Board {
        CORTEX_M7("mps2-an500", "cortex-m7", "-mfloat-abi=hard -mfpu=fpv5-d16"),
        CORTEX_M55("mps3-an547", "cortex-m55", "-mfloat-abi=hard");

        private final String machine;
        private final String cpu;
        private final String options;

        Board(String machine, String cpu, String options) {
            this.machine = machine;
            this.cpu = cpu;
            this.options = options;
        }
    }

    private final Board board;
    private final Path folder;

    DeviceImage(Board board, Path folder) {
        this.board = board;
        this.folder = folder;
    }

    /** Ends the test where a program is missing. */
    static void assumeTools() {
        for (String tool : List.of(GCC, QEMU)) {
            try {
                new ProcessBuilder(tool, "--version")
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
            } catch (IOException e) {
                Assumptions.abort("skipped: this machine has no " + tool);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Builds and runs models.
     *
     * @param objects whether LLVM compiles them, else GCC does
     * @return what the program printed
     */
    String run(List<DeviceModel> models, boolean objects) throws IOException, InterruptedException {
        List<String> files = new ArrayList<>();
        Map<DeviceModel, Long> stacks = new HashMap<>();
        for (DeviceModel m : models) {
            Files.writeString(folder.resolve(m.prefix() + ".h"), m.source().header());
            if (objects) {
                Path file = folder.resolve(m.prefix() + ".o");
                CTarget.DeviceObject object = CTarget.object(m.source(), board.cpu);
                stacks.put(m, object.footprint().stack().orElseThrow());
                Files.write(file, object.bytes());
                files.add(file.toString());
            } else {
                Path file = folder.resolve(m.prefix() + ".c");
                Files.writeString(file, m.source().text(m.prefix() + ".h"));
                files.add(file.toString());
            }
        }
        Files.writeString(folder.resolve("main.c"), main(models, stacks));
        files.add(folder.resolve("main.c").toString());
        files.add(EXAMPLE.resolve("startup.c").toString());
        return build(files);
    }

    /** Links files with the example's scripts, and runs the program. */
    String build(List<String> files) throws IOException, InterruptedException {
        Path program = folder.resolve("program.elf");
        List<String> command = new ArrayList<>(List.of(GCC, "-mcpu=" + board.cpu, "-mthumb"));
        command.addAll(List.of(board.options.split(" ")));
        command.addAll(List.of(
                "-O2",
                "-Wall",
                "-Wextra",
                "-Werror",
                "-ffunction-sections",
                "-fdata-sections",
                "-nostartfiles",
                "-Wl,--gc-sections",
                "-L" + EXAMPLE,
                "-T",
                board.machine + ".ld",
                "-I" + EXAMPLE,
                "-I" + folder));
        command.addAll(files);
        command.addAll(List.of("-o", program.toString()));
        String warnings = execute(folder, command, 300);
        assertThat(warnings).isEmpty();
        return execute(
                folder,
                List.of(
                        QEMU,
                        "-M",
                        board.machine,
                        "-nographic",
                        "-monitor",
                        "none",
                        "-serial",
                        "none",
                        "-semihosting-config",
                        "enable=on,target=native",
                        "-kernel",
                        program.toString()),
                300);
    }

    /** What a program prints that ends well. */
    static String execute(Path folder, List<String> command, int seconds) throws IOException, InterruptedException {
        Path output = folder.resolve("output.txt");
        Process p = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .start();
        if (!p.waitFor(seconds, TimeUnit.SECONDS)) {
            p.destroyForcibly();
            throw new AssertionError(command.getFirst() + " took longer than " + seconds + " s");
        }
        String text = Files.readString(output, StandardCharsets.UTF_8);
        assertThat(p.exitValue()).as(text).isZero();
        return text;
    }

    private static String main(List<DeviceModel> models, Map<DeviceModel, Long> stacks) {
        StringBuilder s = new StringBuilder("#include \"startup.h\"\n");
        models.forEach(m -> s.append("#include \"").append(m.prefix()).append(".h\"\n"));
        s.append("""

                static int32_t differences(const void *a, const void *b, uint32_t count) {
                    const uint8_t *x = a, *y = b;
                    int32_t found = 0;
                    for (uint32_t i = 0; i < count; i++) {
                        found += x[i] != y[i];
                    }
                    return found;
                }

                #define DEEPEST 1000
                #define PAINT 0x5aa55aa5u

                static volatile uint32_t *stack(void) {
                    volatile uint32_t *sp;
                    __asm__("mov %0, sp" : "=r"(sp));
                    return sp;
                }

                __attribute__((noinline)) static void paint(void) {
                    volatile uint32_t *sp = stack();
                    for (int32_t i = 1; i <= DEEPEST; i++) {
                        sp[-i] = PAINT;
                    }
                }

                /* How many bytes of what was painted have been written since. */
                __attribute__((noinline)) static int32_t painted_over(void) {
                    volatile uint32_t *sp = stack();
                    int32_t i = DEEPEST;
                    while (i > 0 && sp[-i] == PAINT) {
                        i--;
                    }
                    return 4 * i;
                }

                """);
        StringBuilder calls = new StringBuilder();
        for (DeviceModel m : models) {
            calls.append("    found = 0;\n    paint();\n");
            for (int run = 0; run < m.steps().size(); run++) {
                run(m, run, s, calls);
            }
            // Asked before anything else writes to the stack.
            calls.append("    used = painted_over();\n    if (used > ")
                    .append(stacks.getOrDefault(m, Long.valueOf(STACK)))
                    .append(") {\n        print(\"")
                    .append(m.prefix())
                    .append(
                            " takes too much stack: \");\n        print_number(used);\n        print(\"\\n\");\n        bad++;\n    }\n");
            calls.append("    if (found != 0) {\n        print(\"")
                    .append(m.prefix())
                    .append(
                            " differs in bytes: \");\n        print_number(found);\n        print(\"\\n\");\n        bad++;\n    }\n");
        }
        s.append("int main(void) {\n    int32_t found, used, bad = 0;\n").append(calls);
        s.append("    print_number(")
                .append(models.size())
                .append(" - bad);\n    print(\" models agree\\n\");\n    return 0;\n}\n");
        return s.toString();
    }

    private static void run(DeviceModel m, int run, StringBuilder s, StringBuilder calls) {
        List<String> arguments = new ArrayList<>();
        StringBuilder compare = new StringBuilder();
        List<byte[]> in = m.steps().get(run);
        for (int i = 0; i < in.size(); i++) {
            String name = m.prefix() + "_run" + run + "_in" + i;
            array(s, name, in.get(i));
            arguments.add("(const void *)" + name);
        }
        List<byte[]> out = m.outputs().get(run);
        for (int i = 0; i < out.size(); i++) {
            String name = m.prefix() + "_run" + run + "_out" + i;
            array(s, name, out.get(i));
            String to = m.prefix() + "_out" + i;
            if (run == 0) {
                s.append("static uint64_t ")
                        .append(to)
                        .append('[')
                        .append(out.get(i).length / 8 + 1)
                        .append("];\n");
            }
            arguments.add("(void *)" + to);
            compare.append("    found += differences(")
                    .append(to)
                    .append(", ")
                    .append(name)
                    .append(", ");
            compare.append(out.get(i).length).append(");\n");
        }
        calls.append("    found += ").append(m.prefix()).append("_run(").append(String.join(", ", arguments));
        calls.append(");\n").append(compare);
    }

    private static void array(StringBuilder s, String name, byte[] bytes) {
        byte[] padded = Arrays.copyOf(bytes, bytes.length / 8 * 8 + 8);
        s.append("static const uint64_t ").append(name).append("[] = {");
        s.append(IntStream.range(0, padded.length / 8)
                .mapToObj(i -> "0x" + Long.toHexString(word(padded, 8 * i)) + "u")
                .collect(Collectors.joining(", ")));
        s.append("};\n");
    }

    private static long word(byte[] bytes, int at) {
        long word = 0;
        for (int k = 7; k >= 0; k--) {
            word = word << 8 | (bytes[at + k] & 0xff);
        }
        return word;
    }
}

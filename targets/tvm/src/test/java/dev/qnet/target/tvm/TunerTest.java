package dev.qnet.target.tvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Tiling;
import dev.qnet.target.tvm.lower.Tunable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The search for tilings, with made-up times; and that each tiling gives the same bytes. */
class TunerTest {
    private static final Graph LARGE = GraphParser.parse(KernelsTest.large(20, 3, 1));
    private static final Isa ISA = Isa.AVX512_VNNI;
    private static final String CPU = "some CPU";

    /** Says that one of the tilings is faster than the others. */
    private static Tuner.Measurer fastest(int number, long nanos, List<Graph> asked) {
        return (layer, tilings) -> {
            asked.add(layer);
            long[] times = new long[tilings.size()];
            Arrays.fill(times, 1000);
            times[number] = nanos;
            return times;
        };
    }

    private static Tiling only(Tilings tilings) {
        assertThat(tilings.size()).isEqualTo(1);
        return tilings.byLayer().values().iterator().next();
    }

    @Test
    void takesTheFastestAndRemembersIt(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("new").resolve("tilings.txt");
        List<Graph> asked = new ArrayList<>();
        Tilings found = Tuner.tune(LARGE, CPU, ISA, TuningCache.read(file), fastest(5, 700, asked), (d, t) -> {});
        Tiling fifth = Tunable.of(LARGE, ISA).getFirst().tilings().get(5);
        assertThat(only(found)).isEqualTo(fifth);
        assertThat(found.changed()).isEqualTo(1);
        // Known now: nothing is measured, whatever would be found.
        Tilings again = Tuner.tune(LARGE, CPU, ISA, TuningCache.read(file), fastest(2, 1, asked), (d, t) -> {});
        assertThat(again.byLayer()).isEqualTo(found.byLayer());
        assertThat(asked).hasSize(1);
        // Not known of another CPU, or other instructions.
        Tuner.tune(LARGE, "another CPU", ISA, TuningCache.read(file), fastest(2, 1, asked), (d, t) -> {});
        Tuner.tune(LARGE, CPU, Isa.AVX2, TuningCache.read(file), fastest(2, 1, asked), (d, t) -> {});
        assertThat(asked).hasSize(3);
    }

    /** What others found while this one measured is kept, and theirs counts where both measured the same layer. */
    @Test
    void keepsWhatOthersFoundMeanwhile(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("tilings.txt");
        Tiling fifth = Tunable.of(LARGE, ISA).getFirst().tilings().get(5);
        Tilings found = Tuner.tune(
                LARGE,
                CPU,
                ISA,
                TuningCache.read(file),
                (layer, tilings) -> {
                    try {
                        Tuner.tune(
                                LARGE,
                                "another",
                                ISA,
                                TuningCache.read(file),
                                fastest(2, 1, new ArrayList<>()),
                                (d, t) -> {});
                        Tuner.tune(
                                LARGE,
                                CPU,
                                ISA,
                                TuningCache.read(file),
                                fastest(5, 1, new ArrayList<>()),
                                (d, t) -> {});
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                    long[] times = new long[tilings.size()];
                    Arrays.fill(times, 1000);
                    times[3] = 1;
                    return times;
                },
                (d, t) -> {});
        assertThat(only(found)).isEqualTo(fifth);
        assertThat(Files.readAllLines(file)).hasSize(3);
        // Many at once.
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            List<Callable<Tilings>> all = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                String cpu = "cpu " + i;
                all.add(() -> Tuner.tune(
                        LARGE, cpu, ISA, TuningCache.read(file), fastest(1, 1, new ArrayList<>()), (d, t) -> {}));
            }
            for (Future<Tilings> f : threads.invokeAll(all)) {
                assertThat(f.get().size()).isEqualTo(1);
            }
        }
        assertThat(Files.readAllLines(file)).hasSize(3 + 16);
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrder("tilings.txt", "tilings.txt.lock");
        }
    }

    @Test
    void measuresNothingThatCannotBeKept(@TempDir Path folder) throws IOException {
        Path notFolder = Files.createFile(folder.resolve("file"));
        Path file = notFolder.resolve("tilings.txt");
        List<Graph> asked = new ArrayList<>();
        assertThatThrownBy(
                        () -> Tuner.tune(LARGE, CPU, ISA, TuningCache.read(file), fastest(5, 700, asked), (d, t) -> {}))
                .isInstanceOf(FileSystemException.class)
                .hasMessage(file + ": tilings cannot be kept there: " + notFolder + " is no folder");
        assertThat(asked).isEmpty();
    }

    @Test
    void staysWithTheDefaultForLittle(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("tilings.txt");
        Tilings found =
                Tuner.tune(LARGE, CPU, ISA, TuningCache.read(file), fastest(5, 990, new ArrayList<>()), (d, t) -> {});
        assertThat(only(found)).isEqualTo(Tiling.DEFAULT);
        assertThat(found.changed()).isZero();
        assertThat(Files.readString(file)).contains("= default");
    }

    @Test
    void refusesDamagedFiles(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("tilings.txt");
        Tuner.tune(LARGE, CPU, ISA, TuningCache.read(file), fastest(5, 700, new ArrayList<>()), (d, t) -> {});
        String good = Files.readString(file);
        for (String bad : List.of("", "other\n", good + "no sign\n", good + "x = bytes 0x4\n", good + "x = 3\n")) {
            Files.writeString(file, bad);
            assertThatThrownBy(() -> TuningCache.read(file))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("tilings.txt, line " + (bad.startsWith("qnet") ? 3 : 1))
                    .hasMessageContaining("remove it to measure anew");
        }
    }

    @Test
    void namesFilesThatAreNoText(@TempDir Path folder) throws IOException {
        assertThatThrownBy(() -> TuningCache.read(folder))
                .isInstanceOf(FileSystemException.class)
                .hasMessageStartingWith(folder.toString());
        Path bytes = Files.write(folder.resolve("bytes"), new byte[] {(byte) 0xff, (byte) 0xfe});
        assertThatThrownBy(() -> TuningCache.read(bytes))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("bytes, line 1")
                .hasMessageContaining("no UTF-8");
    }

    @Test
    void tilingsAreReadAsTheyAreWritten() {
        for (Tunable t : Tunable.of(LARGE, ISA)) {
            for (Tiling tiling : t.tilings()) {
                assertThat(Tiling.parse(tiling.toString())).isEqualTo(tiling);
            }
        }
    }

    /** Of a convolution and one that keeps channels apart; and equal tilings give equal files. */
    @Test
    void eachTilingGivesTheSameBytes(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Graph depthwise = GraphParser.parse(ThreadsTest.DEPTHWISE);
        for (Graph graph : List.of(LARGE, depthwise)) {
            Isa isa = CpuNames.isa(TvmHere.library(), CpuNames.target(TvmHere.library(), Cpu.NATIVE));
            byte[] expected = null;
            for (Tunable layer : Tunable.of(graph, isa)) {
                for (Tiling tiling : layer.tilings()) {
                    Tilings tilings = new Tilings(Map.of(layer.key(), tiling));
                    byte[] found;
                    try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE, isa, false, tilings);
                            TvmSession session = module.session()) {
                        byte[] x = new byte
                                [(int) module.signature().inputs().getFirst().bytes(1)];
                        new Random(3).nextBytes(x);
                        found = session.run(1, List.of(x)).getFirst();
                    }
                    expected = Objects.requireNonNullElse(expected, found);
                    assertThat(found).as(tiling.toString()).isEqualTo(expected);
                }
            }
        }
        Tunable layer = Tunable.of(depthwise, ISA).getFirst();
        Tilings tilings = new Tilings(Map.of(layer.key(), layer.tilings().get(3)));
        Path first = folder.resolve("first.so");
        Path second = folder.resolve("second.so");
        for (Path file : List.of(first, second)) {
            try (TvmModule module = TvmTarget.compile(depthwise, Cpu.NATIVE, false, tilings)) {
                module.save(file);
            }
        }
        assertThat(second).hasSameBinaryContentAs(first);
    }

    /** The search itself, on this machine: whatever it finds runs. */
    @Test
    void measures(@TempDir Path folder) throws IOException {
        TvmHere.library();
        Graph graph = GraphParser.parse(ThreadsTest.DEPTHWISE);
        List<String> told = new ArrayList<>();
        Path file = folder.resolve("tilings.txt");
        Tilings found =
                Tuner.tune(graph, Cpu.NATIVE, TuningCache.read(file), (done, total) -> told.add(done + "/" + total));
        assertThat(told).containsExactly("0/1");
        assertThat(found.size()).isEqualTo(1);
        assertThat(file).content().contains("conv2d").contains("groups 40");
        try (TvmModule module = TvmTarget.compile(graph, Cpu.NATIVE, false, found)) {
            assertThat(module.assembly()).isNotEmpty();
        }
    }
}

package dev.qnet.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.target.tvm.CSource;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.TvmUnavailableException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Models as C and as objects for microcontrollers, on QEMU's boards: they give the oracle's bytes. Skipped without GCC for
 * bare ARM and QEMU; objects without LLVM's compiler.
 */
class DeviceTest {
    private static final Path ROOT =
            Path.of(System.getProperty("qnet.root", "..")).toAbsolutePath().normalize();
    private static final Path DATA = Path.of(System.getProperty("qnet.data", "../../shared/data"));

    /** Random networks. */
    private static final int COUNT = Math.min(Integer.getInteger("qnet.random.graphs", 300) / 15, 20);

    // What a program may take of the smaller board.
    private static final int MODELS = 10;
    private static final long RAM = 400 << 10;
    private static final long FLASH = 1 << 20;

    /** A running sum, and a state that begins with a code that is not 0. */
    private static final String STATES = """
            graph @states {
              param %x : i32[3]
              param %code : i8<scale=0.5, zero=3>[5]
              state %sum : i32[3] becomes %next
              state %last : i8<scale=0.5, zero=3>[5] becomes %code
              %next = num.add %sum, %x : i32[3]
              %real = dequantize %last : f32[5]
              return sum = %next, before = %real
            }
            """;

    private static final List<DeviceModel> MODELS_OF_ALL = new ArrayList<>();

    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path folder;

    private static Graph lowered(Graph graph, Calibration calibration) {
        return Pipeline.run(graph, Passes.all(), new PassContext(new Diagnostics(), calibration), (p, g) -> {});
    }

    private static synchronized List<DeviceModel> models() throws IOException {
        if (MODELS_OF_ALL.isEmpty()) {
            for (long seed = 0; seed < COUNT; seed++) {
                Graph drawn = RandomNetwork.of(seed);
                add("seed " + seed, drawn, Calibrating.on(drawn, RandomNetwork.input(drawn, seed + 1, 4), 4));
            }
            add("states", GraphParser.parse(STATES), Calibration.NONE);
            for (Path p : files(ROOT.resolve("examples/digits"), "digits.qnet")) {
                try {
                    BoundModel bound = Frontend.load(p);
                    add(p.toString(), bound.graph(), bound.calibration());
                } catch (CompileException e) {
                    System.out.println(p + " is no trained model: "
                            + e.diagnostics().getFirst().message());
                }
            }
            for (Path p : files(DATA.resolve("tflite"), "model.tflite")) {
                add(p.toString(), Importer.read(p, ImportOptions.NONE).graph(), Calibration.NONE);
            }
        }
        return MODELS_OF_ALL;
    }

    private static void add(String name, Graph graph, Calibration calibration) {
        try {
            DeviceModel m = DeviceModel.of(name, "m" + MODELS_OF_ALL.size(), lowered(graph, calibration));
            if (m.source().footprint().ram() <= RAM && m.source().footprint().flash() <= FLASH) {
                MODELS_OF_ALL.add(m);
            }
        } catch (CompileException e) {
            // What no integer network can be made of is the matter of other tests.
            System.out.println(name + ": " + e.diagnostics().getFirst().message());
        }
    }

    private static List<Path> files(Path below, String name) throws IOException {
        if (!Files.isDirectory(below)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(below, 3)) {
            return files.filter(p -> p.endsWith(name)).sorted().toList();
        }
    }

    /** In programs that fit the smaller board. */
    private static List<List<DeviceModel>> images() throws IOException {
        List<List<DeviceModel>> images = new ArrayList<>();
        long ram = Long.MAX_VALUE / 2;
        long flash = 0;
        for (DeviceModel m : models()) {
            ram += m.source().footprint().ram();
            flash += m.source().footprint().flash();
            if (ram > RAM || flash > FLASH || images.getLast().size() == MODELS) {
                images.add(new ArrayList<>());
                ram = m.source().footprint().ram();
                flash = m.source().footprint().flash();
            }
            images.getLast().add(m);
        }
        return images;
    }

    @ParameterizedTest
    @EnumSource(DeviceImage.Board.class)
    void cGivesTheOraclesBytes(DeviceImage.Board board) throws Exception {
        DeviceImage.assumeTools();
        check(board, false);
    }

    @ParameterizedTest
    @EnumSource(DeviceImage.Board.class)
    void objectsGiveTheOraclesBytes(DeviceImage.Board board) throws Exception {
        DeviceImage.assumeTools();
        try {
            CTarget.load();
        } catch (TvmUnavailableException e) {
            Assumptions.abort("skipped without LLVM's compiler: " + e.what());
        }
        check(board, true);
    }

    private void check(DeviceImage.Board board, boolean objects) throws Exception {
        for (List<DeviceModel> image : images()) {
            assertThat(new DeviceImage(board, folder).run(image, objects))
                    .as(image.stream()
                            .map(m -> m.prefix() + " is " + m.name())
                            .toList()
                            .toString())
                    .isEqualTo(image.size() + " models agree\n");
        }
    }

    /** The commands that the example's page shows, but for Qnet's own, which {@link DocumentedCommandsTest} runs. */
    @Test
    void theExampleReadsItsDigit() throws Exception {
        DeviceImage.assumeTools();
        BoundModel bound = Frontend.load(ROOT.resolve("examples/digits/int8/digits.qnet"));
        CSource source = CTarget.compile(lowered(bound.graph(), bound.calibration()));
        Files.writeString(folder.resolve("digits.c"), source.text("digits.h"));
        Files.writeString(folder.resolve("digits.h"), source.header());
        Files.createSymbolicLink(folder.resolve("examples"), ROOT.resolve("examples"));
        String output = "";
        for (String line : Files.readAllLines(DeviceImage.EXAMPLE.resolve("README.md"))) {
            if (line.startsWith("    arm-none-eabi-gcc") || line.startsWith("    qemu-system-arm")) {
                output = DeviceImage.execute(folder, List.of(line.strip().split(" +")), 120);
            }
        }
        assertThat(output).endsWith("this is a 1\n");
    }
}

package dev.qnet.cli;

import dev.qnet.cli.demo.Scene;
import dev.qnet.cli.image.Images;
import dev.qnet.cli.image.Scaling;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.target.jvm.JvmTarget;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet demo}: the main job on real pictures, from a fresh clone. */
@Command(
        name = "demo",
        description =
                "Compiles example networks to integer bytecode and runs them on pictures: finds the edges of a landscape, "
                        + "reads digits with 8, 4, 3 and 2 bits, and classifies photographs where the data is at hand.",
        mixinStandardHelpOptions = true)
final class DemoCommand implements Callable<Integer> {
    private static final int PHOTOGRAPHS = 8;
    private static final int PIXELS = 32 * 32 * 3;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "DIR",
            description = "Where the pictures go. Default: demo-output.")
    private Path output = Path.of("demo-output");

    @Option(
            names = "--data",
            paramLabel = "DIR",
            description = "Folder with weights/ and datasets/. Default: shared/data beside the project.")
    private @Nullable Path data;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            defaultValue = "0.5",
            description = "How long each network of digits is measured. Default: 0.5.")
    private double seconds;

    @Override
    public Integer call() throws IOException {
        Path home = Home.folder();
        Files.createDirectories(output);
        edges(home);
        parent.console().out().println();
        parent.console()
                .out()
                .println(parent.console().heading("2. digits") + "  examples/digits: networks that qnet train made, as "
                        + "integer bytecode");
        new DigitsDemo(parent.console(), home.resolve("examples/digits"), seconds).run(output);
        Path d = data != null ? data : home.resolve("../shared/data").normalize();
        parent.console().out().println();
        if (Files.isRegularFile(d.resolve("datasets/cifar10_jpeg/images.bin"))
                && Files.isRegularFile(d.resolve("weights/resnet8.safetensors"))) {
            photographs(home, d);
        } else {
            parent.console()
                    .out()
                    .println("3. photographs: left out, since " + d
                            + " holds no weights and images (--data names another folder)");
        }
        return ExitCode.OK;
    }

    private void edges(Path home) throws IOException {
        Console console = parent.console();
        BufferedImage scene = Scene.render(320, 240);
        Path photo = output.resolve("landscape.png");
        ImageIO.write(scene, "png", photo.toFile());
        Path source = home.resolve("examples/edges/edges.qnet");
        BoundModel bound = Frontend.load(source);
        Compiled compiled = compile(bound);
        Tensor in = Images.read(photo, compiled.model().inputs().getFirst(), Scaling.RAW);
        Map<String, Tensor> out = compiled.model().run(Map.of("image", in));
        Tensor edges = out.values().iterator().next();
        Path picture = output.resolve("edges.png");
        Images.writePng(picture, edges, 1020);

        console.out()
                .println(console.heading("1. edges") + "  " + home.relativize(source) + ": blur, Sobel, magnitude; "
                        + compiled.text());
        console.out().println("   " + photo + " -> " + picture);
        console.out().println("   " + agreement(compiled, Map.of("image", in), out));
    }

    private void photographs(Path home, Path data) throws IOException {
        Console console = parent.console();
        Path source = home.resolve("examples/resnet8/calibrated.qnet");
        BoundModel bound = Frontend.load(source);
        Compiled compiled = compile(bound);
        byte[] images = Files.readAllBytes(data.resolve("datasets/cifar10_jpeg/images.bin"));
        byte[] labels = Files.readAllBytes(data.resolve("datasets/cifar10_jpeg/labels.bin"));
        Tensor in = Tensor.ofUint8(Arrays.copyOf(images, PHOTOGRAPHS * PIXELS), PHOTOGRAPHS, 32, 32, 3);
        Map<String, Tensor> out = compiled.model().run(Map.of("image", in));
        float[] scores = out.values().iterator().next().floats();

        console.out()
                .println(console.heading("3. photographs") + "  " + home.relativize(source) + ": ResNet8 on CIFAR-10; "
                        + compiled.text());
        Table table = new Table("   photograph", "is", "called", ">probability");
        int right = 0;
        List<String> names = bound.labels();
        for (int i = 0; i < PHOTOGRAPHS; i++) {
            int best = 0;
            for (int c = 1; c < names.size(); c++) {
                best = scores[i * names.size() + c] > scores[i * names.size() + best] ? c : best;
            }
            right += best == labels[i] ? 1 : 0;
            table.row(
                    "   " + photograph(images, i),
                    names.get(labels[i]),
                    names.get(best),
                    String.format(Locale.ROOT, "%.2f", scores[i * names.size() + best]));
        }
        console.out().print(table);
        console.out().println("   " + right + " of " + PHOTOGRAPHS + " right");
        float[] floats = new float[PHOTOGRAPHS * PIXELS];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = images[i] & 0xff;
        }
        console.out()
                .println("   "
                        + agreement(compiled, Map.of("image", Tensor.ofFloats(floats, PHOTOGRAPHS, 32, 32, 3)), out));
        console.out().println();
        console.out().println("Next: ./qnet explain " + home.relativize(source) + ", docs/language.md");
    }

    /** Writes a photograph, enlarged, and gives its path. */
    private Path photograph(byte[] images, int index) throws IOException {
        int zoom = 4;
        BufferedImage image = new BufferedImage(32 * zoom, 32 * zoom, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < 32 * zoom; y++) {
            for (int x = 0; x < 32 * zoom; x++) {
                int at = index * PIXELS + (y / zoom * 32 + x / zoom) * 3;
                image.setRGB(x, y, (images[at] & 0xff) << 16 | (images[at + 1] & 0xff) << 8 | (images[at + 2] & 0xff));
            }
        }
        Path file = output.resolve("photograph-" + (index + 1) + ".png");
        ImageIO.write(image, "png", file.toFile());
        return file;
    }

    private record Compiled(Model model, Graph graph, Rounding rounding, long millis) {
        String text() {
            return "compiled to integer bytecode in " + millis + " ms, rounding " + rounding;
        }
    }

    private Compiled compile(BoundModel bound) {
        long start = System.nanoTime();
        Graph graph = Build.integers(parent.console(), bound);
        Model model = JvmTarget.compile(graph).load();
        Rounding rounding = bound.graph().policy() == null
                ? Rounding.TOSA
                : bound.graph().policy().rounding();
        return new Compiled(model, graph, rounding, (System.nanoTime() - start) / 1_000_000);
    }

    /** Compares the compiled code's answer with the oracle's, byte for byte. */
    private static String agreement(Compiled compiled, Map<String, Tensor> in, Map<String, Tensor> out) {
        return agreement(compiled.graph(), compiled.rounding(), in, out);
    }

    static String agreement(Graph graph, Rounding rounding, Map<String, Tensor> in, Map<String, Tensor> out) {
        Map<String, Tensor> oracle = new Engine.Oracle(graph, rounding).run(in);
        int values = 0;
        for (Map.Entry<String, Tensor> e : oracle.entrySet()) {
            float[] found = Objects.requireNonNull(out.get(e.getKey())).floats();
            if (!Arrays.equals(e.getValue().floats(), found)) {
                throw new IllegalStateException("compiled code and oracle differ in output " + e.getKey());
            }
            values += found.length;
        }
        return "the oracle (a plain interpreter of the same integers) gives the same " + values
                + " values, bit for bit";
    }
}

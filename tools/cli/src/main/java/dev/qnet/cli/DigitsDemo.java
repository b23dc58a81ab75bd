package dev.qnet.cli;

import dev.qnet.cli.demo.Bars;
import dev.qnet.cli.demo.Drawn;
import dev.qnet.cli.image.Images;
import dev.qnet.cli.speed.Stopwatch;
import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.training.data.DrawnDigits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The part of {@code qnet demo} about digits: networks that were trained as they are quantized read a picture of several digits, and are
 * set beside the float network, and beside that network when it is only rounded.
 */
final class DigitsDemo {
    private static final int SIZE = DrawnDigits.SIZE;
    private static final int PIXELS = SIZE * SIZE;
    private static final int SHOWN = 16;
    private static final int TESTED = 2000;
    private static final int CALIBRATED = 128;
    /** Seeds of pictures that nothing was trained on, which had seed 1. */
    private static final long TEST_SEED = 2;

    private static final long SHOWN_SEED = 3;
    private static final long CALIBRATION_SEED = 4;
    private static final int[] BITS = {8, 4, 3, 2};

    private final Console console;
    private final Path folder;
    private final double seconds;

    /**
     * A demonstration.
     *
     * @param folder of the trained networks, {@code float/digits.qnet}, {@code int8/digits.qnet} and so on
     * @param seconds how long each is measured
     */
    DigitsDemo(Console console, Path folder, double seconds) {
        this.console = console;
        this.folder = folder;
        this.seconds = seconds;
    }

    /**
     * A network.
     *
     * @param bytes of weights and biases, packed
     */
    private record Network(String name, Graph lowered, Model model, long bytes) {
        int[] read(byte[] pixels) {
            int n = pixels.length / PIXELS;
            Map<String, Tensor> out = model.run(Map.of("image", tensor(pixels)));
            float[] scores = out.values().iterator().next().floats();
            int[] best = new int[n];
            for (int i = 0; i < n; i++) {
                for (int c = 1; c < DrawnDigits.CLASSES; c++) {
                    int at = i * DrawnDigits.CLASSES;
                    best[i] = scores[at + c] > scores[at + best[i]] ? c : best[i];
                }
            }
            return best;
        }

        double accuracy(Drawn test) {
            int[] found = read(test.items());
            int right = 0;
            for (int i = 0; i < found.length; i++) {
                right += found[i] == test.labels()[i] ? 1 : 0;
            }
            return right / (double) found.length;
        }
    }

    private static Tensor tensor(byte[] pixels) {
        return Tensor.ofFloats(unit(pixels), pixels.length / PIXELS, SIZE, SIZE, 1);
    }

    private static float[] unit(byte[] pixels) {
        float[] x = new float[pixels.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = (pixels[i] & 0xff) / 255f;
        }
        return x;
    }

    /** Shows it; pictures go to a folder. */
    void run(Path output) throws IOException {
        Drawn shown = Drawn.of(SHOWN, SHOWN_SEED);
        Path png = output.resolve("digits.png");
        Images.write(png, shown.picture());
        byte[] cells = Drawn.cut(Images.read(png));
        Network real = floats();
        List<Network> trained = new ArrayList<>();
        for (int bits : BITS) {
            Graph g = Build.integers(console, Frontend.load(folder.resolve("int" + bits + "/digits.qnet")));
            trained.add(network("int" + bits, g));
        }
        console.out().println("   " + png + "  " + shown.text());
        String agreement = "";
        for (Network n : trained.subList(0, 2)) {
            console.out()
                    .println("   " + n.name() + " reads"
                            + " ".repeat(Math.max(1, png.toString().length() - 8))
                            + new Drawn(n.read(cells), cells).text());
            Map<String, Tensor> in = Map.of("image", tensor(cells));
            agreement = DemoCommand.agreement(
                    n.lowered(), Build.rounding(n.lowered()), in, n.model().run(in));
        }
        console.out().println("   " + agreement);
        console.out().println();

        Drawn test = Drawn.of(TESTED, TEST_SEED);
        Table table = new Table("   network", ">weights", ">right of 2,000", ">only rounded", ">an answer");
        List<Bars.Row> rows = new ArrayList<>();
        for (int i = -1; i < BITS.length; i++) {
            Network n = i < 0 ? real : trained.get(i);
            double right = n.accuracy(test);
            double rounded = i < 0 ? Double.NaN : rounded(BITS[i]).accuracy(test);
            double nanos = nanos(n.model());
            table.row("   " + n.name(), Sizes.text(n.bytes()), percent(right), percent(rounded), Sizes.time(nanos));
            rows.add(new Bars.Row(n.name(), n.bytes(), right, rounded, nanos));
        }
        console.out().print(table);
        Path svg = output.resolve("digits.svg");
        AtomicFiles.write(svg, out -> out.write(Bars.svg(rows).getBytes(StandardCharsets.UTF_8)));
        console.out().println("   only rounded: the float network, calibrated on " + CALIBRATED + " pictures; " + svg);
    }

    private static String percent(double share) {
        return Double.isNaN(share) ? "" : String.format(Locale.ROOT, "%.2f %%", 100 * share);
    }

    private double nanos(Model model) {
        try (Stopwatch watch =
                new Stopwatch(model, Map.of("image", Tensor.ofFloats(new float[PIXELS], 1, SIZE, SIZE, 1)), 1)) {
            watch.settle(seconds, 3 * seconds);
            return Stopwatch.quantile(watch.measure(seconds), 0.5);
        }
    }

    private static Graph withPolicy(Graph g, Spec.@org.jspecify.annotations.Nullable Policy policy) {
        return new Graph(g.name(), g.params(), g.nodes(), g.results(), policy, g.plan(), g.states());
    }

    private Graph source() {
        return Frontend.load(folder.resolve("float/digits.qnet")).graph();
    }

    private Network floats() {
        return network("float", lower(withPolicy(source(), null), Calibration.NONE));
    }

    private static Graph lower(Graph g, Calibration calibration) {
        Diagnostics diagnostics = new Diagnostics();
        Graph lowered = Pipeline.run(g, Passes.all(), new PassContext(diagnostics, calibration), (p, x) -> {});
        diagnostics.throwIfErrors();
        return lowered;
    }

    private static Network network(String name, Graph lowered) {
        long bytes = 0;
        for (Node n : lowered.nodes()) {
            bytes += n.op() instanceof DataOp.Constant ? ExplainCommand.constantBytes(n.type()) : 0;
        }
        return new Network(name, lowered, JvmTarget.compile(lowered).load(), bytes);
    }

    /** The float network with so many bits, as calibration alone makes it: clipped where the squared error is least. */
    private Network rounded(int bits) {
        Graph g = Policies.withBits(source(), bits);
        Spec.Policy p = java.util.Objects.requireNonNull(g.policy());
        g = withPolicy(g, new Spec.Policy(untrained(p.weights()), untrained(p.activations()), p.rounding()));
        Diagnostics diagnostics = new Diagnostics();
        Graph open =
                Pipeline.run(g, Build.untilCalibration(), new PassContext(diagnostics, Calibration.NONE), (x, y) -> {});
        Calibrator calibrator = new Calibrator(open);
        Map<String, Value> all = new LinkedHashMap<>();
        float[] items = unit(Drawn.of(CALIBRATED, CALIBRATION_SEED).items());
        all.put("image", Value.of(Shape.of(CALIBRATED, SIZE, SIZE, 1), items));
        calibrator.accept(all);
        Calibration found = calibrator.finish(diagnostics);
        diagnostics.throwIfErrors();
        return network("rounded to " + bits, lower(g, found));
    }

    private static Spec untrained(Spec s) {
        return s.withQuantizer(null).withRange(new Spec.RangeMethod.Mse());
    }
}

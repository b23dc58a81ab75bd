package dev.qnet.cli;

import dev.qnet.cli.image.Scaling;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.front.write.SourceWriter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.formats.Importer;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.training.data.InputRange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet calibrate}: ranges from typical inputs. */
@Command(
        name = "calibrate",
        description =
                "Finds the ranges of a model's values on typical inputs, and writes them as a .qnet file that includes "
                        + "the model: run, compile and explain take that file.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet calibrate model.qnet --data photos/ -o calibrated.qnet",
            "  qnet calibrate model.qnet --data train.npz --items 300 -o calibrated.qnet",
            "  qnet calibrate model.qnet --data images.bin --bin u8 -o calibrated.qnet"
        })
final class CalibrateCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(
            names = "--data",
            paramLabel = "PATH",
            required = true,
            arity = "1..*",
            description =
                    "Typical inputs: files as for run --input, or folders of them. For a model with several inputs: npz "
                            + "files with an array for each.")
    @SuppressWarnings("NullAway.Init")
    private List<Path> data;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description = "The .qnet file to write.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Option(
            names = "--items",
            paramLabel = "N",
            defaultValue = "500",
            description = "Use this many items at most. Default: 500.")
    private int items;

    @Option(
            names = "--scale",
            paramLabel = "HOW",
            description =
                    "How pixels become numbers; see run. Default: what suits the range that the model says of its input, else raw.")
    private @Nullable String scale;

    @Option(
            names = "--bin",
            paramLabel = "TYPE",
            defaultValue = "f32",
            description = "What a .bin file holds: f32, u8, i8, u16, i16 or i32. Default: f32.")
    @SuppressWarnings("NullAway.Init")
    private ElementType bin;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        if (!output.toString().endsWith(".qnet")) {
            throw new UserException("calibrate writes a .qnet file, not " + output, "-o " + output + ".qnet");
        }
        if (Files.exists(output) && Files.isSameFile(output, model.file())) {
            throw new UserException("the output would overwrite the model " + output, "-o with another name");
        }
        if (items < 1) {
            throw new UserException("--items is at least 1, found " + items);
        }
        BoundModel bound = model.load(console);
        if (bound.graph().policy() == null) {
            if (Models.isInteger(bound.graph())) {
                throw new UserException(
                        model.file() + " is quantized as it is: there is nothing to calibrate",
                        "qnet run and qnet compile take it directly");
            }
            throw new UserException(
                    model.file() + ": model '" + bound.graph().name() + "' has no scheme, so nothing is quantized",
                    (Importer.reads(model.file()) ? "make a source of it with qnet import, and " : "")
                            + "write 'quantized SCHEME' after its results");
        }
        Graph graph = Build.run(console, bound, Build.untilCalibration());
        Calibrator calibrator = new Calibrator(graph);
        int used = 0;
        List<TensorInfo> inputs =
                bound.graph().params().stream().map(CalibrateCommand::info).toList();
        Map<String, InputRange.Outside> outside = new LinkedHashMap<>();
        List<String> places = new ArrayList<>();
        for (Graph.Param p : bound.graph().params()) {
            InputRange range = InputRange.declared(p);
            if (range != null) {
                outside.put(p.id().name(), range.outside());
            }
        }
        Inputs reader = new Inputs(inputs, scaling(bound.graph()), bin);
        List<Path> files = files();
        try (Progress progress = new Progress(console, "calibrating")) {
            for (Path file : files) {
                Map<String, Tensor> batch = batch(reader, inputs, file);
                int n = inputs.getFirst().batched()
                        ? batch.values().iterator().next().dim(0)
                        : 1;
                for (int i = 0; i < n && used < items; i++) {
                    Map<String, Value> item = item(batch, inputs, i);
                    places.add(file + ": item " + i);
                    look(item, used, outside);
                    calibrator.accept(item);
                    progress.at(++used, Math.min(items, files.size() == 1 ? n : items));
                }
            }
        }
        check(outside, places);
        outside.values().stream()
                .filter(InputRange.Outside::any)
                .forEach(o -> console.warn("--data: " + o.text() + ", and become the nearest code", null));
        Diagnostics diagnostics = new Diagnostics();
        Calibration found = calibrator.finish(diagnostics);
        diagnostics.throwIfErrors();
        String text = text(bound.graph().name(), found, used);
        AtomicFiles.write(output, out -> out.write(text.getBytes(StandardCharsets.UTF_8)));
        console.out()
                .println("wrote " + output + ": the ranges of " + found.values().size() + " values over " + used
                        + " items");
        return ExitCode.OK;
    }

    /** An input; where the source says what its codes stand for, as it will be when it is compiled: codes are taken as such. */
    private static TensorInfo info(Graph.Param p) {
        TensorInfo plain = Engine.Oracle.info(p.id().name(), p.type());
        Spec s = p.activations();
        if (s == null || InputRange.of(p) == null) {
            return plain;
        }
        Quant q = s.range() instanceof Spec.RangeMethod.Fixed f
                ? Parameters.choose(f.lo(), f.hi(), s)
                : Parameters.given((Spec.RangeMethod.Given) s.range(), s, 1, 0);
        return Engine.Oracle.info(p.id().name(), p.type().withElement(q));
    }

    private static void look(Map<String, Value> item, int number, Map<String, InputRange.Outside> outside) {
        outside.forEach((name, o) -> {
            if (item.get(name) instanceof Value.Floats f) {
                for (float v : f.data()) {
                    o.accept(v, number);
                }
            }
        });
    }

    /** That items are such as the model says of its inputs. */
    private static void check(Map<String, InputRange.Outside> outside, List<String> places) {
        outside.forEach((name, o) -> {
            if (o.wrong()) {
                throw new UserException(
                        places.get(o.worstItem()) + " holds " + InputRange.number(o.worst()) + ": " + o.text(),
                        "--scale for pictures, a scaled array, or the range that they have behind 'input " + name
                                + "'");
            }
        });
    }

    /** How pixels become numbers: as is asked for, or as suits the range that the source gives, or the codes of a scale. */
    private @Nullable Scaling scaling(Graph graph) {
        if (scale != null) {
            return Scaling.parse(scale);
        }
        return Inputs.suiting(graph);
    }

    private static Map<String, Tensor> batch(Inputs reader, List<TensorInfo> inputs, Path file) throws IOException {
        if (inputs.size() == 1) {
            return Map.of(inputs.getFirst().name(), reader.tensor(file, inputs.getFirst()));
        }
        if (!Inputs.extension(file).equals("npz")) {
            throw new UserException(
                    file + ": the model has " + inputs.size() + " inputs, a file of one array does not do",
                    "give .npz files with an array for each input");
        }
        return reader.read(List.of(file.toString()));
    }

    private static Map<String, Value> item(Map<String, Tensor> batch, List<TensorInfo> inputs, int i) {
        Map<String, Value> item = new LinkedHashMap<>();
        for (TensorInfo info : inputs) {
            int n = info.itemElements();
            Tensor t = Objects.requireNonNull(batch.get(info.name()));
            float[] values = Inputs.floats(t, i * n, n);
            Quantization q = info.quantization();
            for (int k = 0; k < n && q != null && t.type() == info.type(); k++) {
                values[k] = Codes.dequantize((int) values[k], q.scale(), q.zeroPoint());
            }
            item.put(info.name(), Value.of(Shape.of(info.shapeFor(1)), values));
        }
        return item;
    }

    private List<Path> files() throws IOException {
        List<Path> files = new ArrayList<>();
        for (Path p : data) {
            if (!Files.isDirectory(p)) {
                files.add(p);
                continue;
            }
            try (Stream<Path> s = Files.walk(p, 8)) {
                List<Path> found = s.filter(Files::isRegularFile)
                        .filter(f -> Inputs.readable(f))
                        .sorted()
                        .toList();
                if (found.isEmpty()) {
                    throw new UserException(p + ": there is no picture or array in this folder");
                }
                files.addAll(found);
            }
        }
        return files;
    }

    private String text(String name, Calibration found, int used) {
        Path folder = output.toAbsolutePath().normalize().getParent();
        Path included = model.file().toAbsolutePath().normalize();
        String include = folder == null
                ? included.toString()
                : folder.relativize(included).toString();
        String source = SourceWriter.calibration(include.replace('\\', '/'), name, found);
        return source.replaceFirst("\n", "\n\n// Written by qnet calibrate: ranges over " + used + " items.\n");
    }
}

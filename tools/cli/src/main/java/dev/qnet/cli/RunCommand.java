package dev.qnet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.cli.image.Scaling;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.target.jvm.JvmTarget;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.HostModel;
import dev.qnet.target.tvm.Tilings;
import dev.qnet.target.tvm.TvmModule;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code qnet run}: one answer. */
@Command(
        name = "run",
        description =
                "Runs a model (.qnet, .tflite, .onnx, a compiled .jar, or a .so of --abi c) on inputs and shows its outputs.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet run resnet8.qnet --input cat.png                       the five likeliest classes",
            "  qnet run edges.qnet --input photo.png --output edges.png  picture in, picture out",
            "  qnet run model.tflite --input cat.png                       a model of another system",
            "  qnet run model.jar --input a=a.npy --input b=b.npy --json",
            "  qnet run model.qnet --on float --input x.npy                the float network, for comparison"
        })
final class RunCommand implements Callable<Integer> {
    private static final int MOST_THREADS = 512;

    /** What answers. */
    enum On {
        JVM,
        TVM_CPU,
        TVM_CUDA,
        TVM_C,
        ORACLE,
        FLOAT;

        /** As it is written on the command line, and in messages about it. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        /** The other way round; picocli's own would list these names and Java's. */
        static On of(String text) {
            for (On on : values()) {
                if (on.toString().equalsIgnoreCase(text)) {
                    return on;
                }
            }
            throw new UserException(
                    "there is no target '" + text + "'",
                    "one of: " + Arrays.stream(values()).map(On::toString).collect(Collectors.joining(", ")));
        }
    }

    /** Called by picocli. */
    static final class OnConverter implements ITypeConverter<On> {
        @Override
        public On convert(String text) {
            return On.of(text);
        }
    }

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Parameters(
            index = "0",
            paramLabel = "MODEL",
            description =
                    "A .qnet, .tflite or .onnx file, or a jar or a library of C functions (--abi c) that qnet compile wrote.")
    @SuppressWarnings("NullAway.Init")
    private Path file;

    @Option(names = "--model", paramLabel = "NAME", description = "Which model of a .qnet file, if it holds several.")
    private @Nullable String name;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ImportArguments importing;

    @Option(
            names = {"-i", "--input"},
            paramLabel = "[NAME=]FILE",
            required = true,
            description =
                    "An input: .npy, .npz, a picture, MNIST's -ubyte files, or raw little-endian elements (.bin). "
                            + "Several files for one input make a batch.")
    @SuppressWarnings("NullAway.Init")
    private List<String> inputs;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "[NAME=]FILE",
            description = "Write an output: .npy, .npz (all outputs), .png, or .bin.")
    private List<String> outputs = new ArrayList<>();

    @Option(
            names = "--scale",
            paramLabel = "HOW",
            description = "How pixels become numbers: raw (0 to 255), unit (0 to 1), signed (-1 to 1), or "
                    + "MEAN,STD or MEAN,MEAN,MEAN,STD,STD,STD on 0 to 255. Default: raw, but unit or signed for a quantized "
                    + "input whose codes stand for no larger numbers.")
    private @Nullable String scale;

    @Option(
            names = "--white",
            paramLabel = "VALUE",
            defaultValue = "255",
            description = "In a .png output, this value is white and 0 is black. Default: ${DEFAULT-VALUE}.")
    private float white;

    @Option(names = "--labels", paramLabel = "FILE", description = "Names of the classes, one a line.")
    private @Nullable Path labels;

    @Option(
            names = {"-t", "--target", "--on"},
            paramLabel = "WHAT",
            defaultValue = "jvm",
            converter = OnConverter.class,
            description =
                    "What answers: jvm (compiled code), tvm-cpu (code of TVM's, docs/targets.md), tvm-cuda (the same "
                            + "on this machine's GPU), tvm-c (C for microcontrollers, compiled for this machine), oracle (the reference interpreter, integers), "
                            + "float (the network before quantization). Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private On on;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "1",
            description = "On tvm-cpu: threads that share large layers. Default: ${DEFAULT-VALUE}.")
    private int threads;

    @Option(
            names = "--top",
            paramLabel = "K",
            defaultValue = "5",
            description = "How many classes to show. Default: 5.")
    private int top;

    @Option(names = "--json", description = "Print the outputs as JSON.")
    private boolean json;

    @Override
    public Integer call() throws IOException {
        if (!(white > 0)) {
            throw new UserException("--white is above 0, found " + white);
        }
        if (top < 1) {
            throw new UserException("--top is at least 1, found " + top);
        }
        if (threads < 1 || threads > MOST_THREADS) {
            throw new UserException("--threads is 1 to " + MOST_THREADS + ", found " + threads);
        }
        if (threads > 1 && on != On.TVM_CPU) {
            throw new UserException(
                    "--threads is for tvm-cpu, not " + on,
                    "'qnet bench --threads " + threads + "' measures the jvm with several");
        }
        Outputs.check(outputs);
        Console console = parent.console();
        List<String> names = new ArrayList<>();
        BoundModel bound = Models.reads(file) ? Models.load(console, file, name, importing) : null;
        Engine engine = bound == null ? compiled() : engine(console, bound);
        if (bound != null) {
            names.addAll(bound.labels());
        }
        if (labels != null) {
            names.clear();
            names.addAll(labels(labels));
        }
        Map<String, Tensor> in = new Inputs(engine.inputs(), scaling(bound)).read(inputs);
        Inputs.check(console, in, engine.inputs());
        Map<String, Tensor> out = engine.run(in);
        if (json) {
            console.out().println(new ObjectMapper().writeValueAsString(json(out)));
        } else {
            Outputs.print(console, out, names, top, !outputs.isEmpty());
        }
        Outputs.write(out, outputs, white, console);
        return ExitCode.OK;
    }

    private static List<String> labels(Path file) throws IOException {
        try {
            return Files.readAllLines(file);
        } catch (CharacterCodingException e) {
            throw new UserException(file + ": this is no UTF-8 text", "--labels takes names of classes, one a line");
        }
    }

    /** What the compiled model takes, so that a file means the same to every engine; else what the graph itself takes. */
    private static List<TensorInfo> inputs(Engine.Oracle own, BoundModel bound) {
        try {
            return JvmTarget.inputs(Pipeline.run(
                    bound.graph(),
                    Passes.all(),
                    new PassContext(new Diagnostics(), bound.calibration()),
                    (p, g) -> {}));
        } catch (CompileException e) {
            return own.inputs();
        }
    }

    /** How pixels become numbers: as is asked for, or as suits the range that a source gives, or the codes. */
    private @Nullable Scaling scaling(@Nullable BoundModel bound) {
        if (scale != null) {
            return Scaling.parse(scale);
        }
        return bound == null ? null : Inputs.suiting(bound.graph());
    }

    /** What was compiled before. */
    private Engine compiled() throws IOException {
        boolean library = Inputs.extension(file).equals("so");
        if (!library && !Inputs.extension(file).equals("jar")) {
            throw Models.unknown(file);
        }
        if (on != On.JVM && !(library && on == On.TVM_CPU)) {
            throw new UserException(
                    file + " is compiled: it runs on " + (library ? "this CPU" : "the jvm") + " only",
                    "give the model itself, or leave out --on");
        }
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString());
        }
        return new Engine.Compiled(Model.load(file, LoadOptions.defaults().withThreads(threads)));
    }

    private Engine engine(Console console, BoundModel bound) throws IOException {
        Rounding rounding = Build.rounding(bound.graph());
        return switch (on) {
            case JVM -> new Engine.Compiled(Build.model(console, bound));
            case TVM_CPU -> {
                Tvm.require();
                Graph integers = Build.integers(console, bound);
                TvmModule module = Tvm.compile(integers, "native", threads > 1, Tilings.DEFAULT);
                yield new Engine.Oracle(
                        integers,
                        rounding,
                        JvmTarget.inputs(integers),
                        values -> Tvm.run(integers, module, values, threads));
            }
            case TVM_CUDA -> {
                Tvm.requireGpu();
                Graph integers = Build.integers(console, bound);
                TvmModule module = Tvm.loadOnGpu(integers);
                yield new Engine.Oracle(
                        integers, rounding, JvmTarget.inputs(integers), values -> Tvm.run(integers, module, values, 1));
            }
            case TVM_C -> {
                Tvm.requireClang();
                Graph integers = Build.integers(console, bound);
                HostModel host = HostModel.of(CTarget.compile(integers));
                yield new Engine.Oracle(
                        integers, rounding, JvmTarget.inputs(integers), values -> Tvm.run(integers, host, values));
            }
            case ORACLE -> {
                Graph integers = Build.integers(console, bound);
                yield new Engine.Oracle(integers, rounding, JvmTarget.inputs(integers));
            }
            case FLOAT -> {
                if (Models.isInteger(bound.graph())) {
                    throw new UserException(
                            file + " computes with integers as it is: there is no float network before quantization",
                            "--on oracle runs it in the reference interpreter");
                }
                Engine.Oracle own = new Engine.Oracle(bound.graph(), rounding);
                yield new Engine.Oracle(bound.graph(), rounding, inputs(own, bound));
            }
        };
    }

    private static Map<String, Object> json(Map<String, Tensor> out) {
        Map<String, Object> all = new LinkedHashMap<>();
        out.forEach((name, t) -> {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("shape", t.shape());
            one.put("type", t.type().toString());
            one.put("values", Engine.numbers(t, 0, t.size()));
            all.put(name, one);
        });
        return all;
    }
}

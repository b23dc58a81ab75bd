package dev.qnet.runtime;

import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.TensorFormatException;
import dev.qnet.runtime.kernel.Workers;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URISyntaxException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code java -jar model.jar} starts: runs the jar's model on npy files. Exit codes: 0 success, 1 the model or its
 * data is not as expected, 2 wrong usage, 3 a file cannot be read or written.
 */
public final class Main {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    private static final int FILES = 3;
    private static final int SHOWN = 16;
    private static final int MOST_RUNS = 1_000_000;

    private static final String HELP = """
            usage: java --add-modules jdk.incubator.vector -jar MODEL.jar --input [NAME=]FILE.npy …
              --input [NAME=]FILE.npy    an input; the name may be left out where there is one input
              --output [NAME=]FILE.npy   where an output goes; without any, outputs are printed
              --raw                      leave quantized outputs as codes
              --info                     print inputs, outputs, rounding contract and memory, and run nothing
              --threads N                spread large layers, or a batch, over N threads; the same results
              --repeat N                 run N times, and print the median and the slowest time on standard error
              --model PATH               the model jar, if it is not the jar that this program is in
              --help                     this text
            f32 for a quantized input is quantized by the model; codes are taken as they are.
            Exit codes: 0 success, 1 wrong model or data, 2 wrong usage, 3 a file cannot be read or written.
            """;

    private final PrintStream out;
    private final PrintStream err;
    private final Map<String, Path> inputs = new LinkedHashMap<>();
    private final Map<String, Path> outputs = new LinkedHashMap<>();
    private @Nullable Path path;
    private boolean raw;
    private boolean info;
    private int threads = 1;
    private int repeat = 1;

    private Main(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String[] args) {
        int code = run(args, System.out, System.err);
        if (code != OK) {
            System.exit(code);
        }
    }

    /** Runs the command line, and returns the exit code. */
    static int run(String[] args, PrintStream out, PrintStream err) {
        if (List.of(args).contains("--help")) {
            out.print(HELP);
            return OK;
        }
        try {
            Main m = new Main(out, err);
            m.parse(args);
            m.execute();
            return OK;
        } catch (UsageException e) {
            err.println("error: " + e.getMessage());
            err.print(HELP);
            return USAGE;
        } catch (ModelException | TensorFormatException e) {
            err.println("error: " + e.getMessage());
        } catch (IOException e) {
            err.println("error: " + reason(e));
            return FILES;
        } catch (OutOfMemoryError e) {
            err.println("error: out of memory: give java more with -Xmx");
        }
        return FAILED;
    }

    private static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException f -> f.getFile() + ": there is no such file";
            case AccessDeniedException f -> f.getFile() + ": permission denied";
            case FileSystemException f when f.getReason() != null -> f.getFile() + ": " + f.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }

    private void parse(String[] args) throws UsageException {
        for (int i = 0; i < args.length; i++) {
            switch (args[i]) {
                case "--input" -> put(inputs, value(args, ++i));
                case "--output" -> put(outputs, value(args, ++i));
                case "--model" -> path = Path.of(value(args, ++i));
                case "--raw" -> raw = true;
                case "--info" -> info = true;
                case "--threads" -> threads = count(args, ++i, Workers.MOST);
                case "--repeat" -> repeat = count(args, ++i, MOST_RUNS);
                default -> throw new UsageException("unknown argument '" + args[i] + "'");
            }
        }
        if (!info && inputs.isEmpty()) {
            throw new UsageException("an --input is missing");
        }
    }

    private static String value(String[] args, int i) throws UsageException {
        if (i >= args.length) {
            throw new UsageException(args[i - 1] + " needs a value");
        }
        return args[i];
    }

    private static int count(String[] args, int i, int most) throws UsageException {
        String value = value(args, i);
        try {
            int n = Integer.parseInt(value);
            if (n >= 1 && n <= most) {
                return n;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new UsageException(args[i - 1] + " needs a number from 1 to " + most + ", not '" + value + "'");
    }

    /** {@code name=file}, or a file under the empty name. */
    private static void put(Map<String, Path> to, String argument) throws UsageException {
        int at = argument.indexOf('=');
        String name = at < 0 ? "" : argument.substring(0, at);
        if (to.put(name, Path.of(argument.substring(at + 1))) != null) {
            throw new UsageException(name.isEmpty() ? "give names: NAME=FILE.npy" : "'" + name + "' is given twice");
        }
    }

    private void execute() throws IOException, UsageException {
        try (Model model = Model.load(path != null ? path : ownJar(), threads)) {
            if (info) {
                info(model);
            } else {
                run(model);
            }
        }
    }

    private void run(Model model) throws IOException, UsageException {
        Map<String, Tensor> given = new LinkedHashMap<>();
        for (Map.Entry<String, Path> e : inputs.entrySet()) {
            given.put(name(e.getKey(), model.inputs(), "input"), Tensor.of(Npy.read(e.getValue())));
        }
        Map<String, Path> wanted = new LinkedHashMap<>();
        for (Map.Entry<String, Path> e : outputs.entrySet()) {
            String name = name(e.getKey(), model.outputs(), "output");
            Session.index(model.outputs(), name, "output");
            wanted.put(name, writable(e.getValue()));
        }
        long[] nanos = new long[repeat];
        Map<String, Tensor> results = Map.of();
        for (int i = 0; i < repeat; i++) {
            long begin = System.nanoTime();
            results = raw ? model.runRaw(given) : model.run(given);
            nanos[i] = System.nanoTime() - begin;
        }
        if (repeat > 1) {
            Arrays.sort(nanos);
            err.println(
                    repeat + " runs: median " + micros(nanos[repeat / 2]) + ", slowest " + micros(nanos[repeat - 1]));
        }
        for (Map.Entry<String, Path> e : wanted.entrySet()) {
            Npy.write(
                    e.getValue(),
                    results.getOrDefault(e.getKey(), Tensor.ofFloats(new float[0], 0))
                            .toNpy());
        }
        if (wanted.isEmpty()) {
            for (Map.Entry<String, Tensor> e : results.entrySet()) {
                show(e.getKey(), e.getValue());
            }
        }
    }

    /** A file that can be written, as far as can be said before the model has run. */
    private static Path writable(Path file) throws IOException, UsageException {
        if (!file.toString().endsWith(".npy")) {
            throw new UsageException("outputs are written as .npy, and '" + file + "' ends otherwise");
        }
        Path folder = file.toAbsolutePath().getParent();
        if (folder == null || !Files.isDirectory(folder)) {
            throw new FileSystemException(file.toString(), null, "cannot be written: there is no folder " + folder);
        }
        if (!Files.isWritable(Files.exists(file) ? file : folder)) {
            throw new FileSystemException(file.toString(), null, "cannot be written: permission denied");
        }
        return file;
    }

    private static String micros(long nanos) {
        return nanos / 1000 + " us";
    }

    private static String name(String given, List<TensorInfo> infos, String kind) throws UsageException {
        if (!given.isEmpty()) {
            return given;
        }
        if (infos.size() != 1) {
            List<String> names = infos.stream().map(TensorInfo::name).toList();
            throw new UsageException("the model has " + infos.size() + " " + kind + "s " + names + ": give --" + kind
                    + " NAME=FILE.npy");
        }
        return infos.getFirst().name();
    }

    private void info(Model model) {
        out.println("model " + model.name() + ", compiled by Qnet " + model.compilerVersion());
        model.inputs().forEach(t -> out.println("  input  " + t));
        model.outputs().forEach(t -> out.println("  output " + t));
        model.states().forEach(t -> out.println("  state  " + t));
        out.println("  rounding " + model.roundingContract());
        out.println("  activations " + model.sessionBytes() + " bytes a session");
    }

    private void show(String name, Tensor t) {
        List<String> shown = new ArrayList<>();
        for (int i = 0; i < Math.min(SHOWN, t.size()); i++) {
            shown.add(
                    switch (t.type()) {
                        case F32 -> Float.toString(t.floats()[i]);
                        case BOOL -> Boolean.toString(t.bytes()[i] != 0);
                        case I8 -> Byte.toString(t.bytes()[i]);
                        case U8 -> Integer.toString(Byte.toUnsignedInt(t.bytes()[i]));
                        case I16 -> Short.toString(t.shorts()[i]);
                        case U16 -> Integer.toString(Short.toUnsignedInt(t.shorts()[i]));
                        case I32 -> Integer.toString(t.ints()[i]);
                        case I64 -> Long.toString(t.longs()[i]);
                    });
        }
        out.println(name + ": " + t + " " + String.join(" ", shown) + (t.size() > SHOWN ? " …" : ""));
    }

    private static Path ownJar() throws UsageException {
        CodeSource source = Main.class.getProtectionDomain().getCodeSource();
        if (source == null) {
            throw new UsageException("--model is missing");
        }
        try {
            return Path.of(source.getLocation().toURI());
        } catch (URISyntaxException | IllegalArgumentException e) {
            throw new UsageException("--model is missing: this program runs from " + source.getLocation());
        }
    }

    /** The command line is not as the help says. */
    private static final class UsageException extends Exception {
        private static final long serialVersionUID = 1L;

        UsageException(String message) {
            super(message);
        }
    }
}

package dev.qnet.cli;

import dev.qnet.cli.image.Images;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Shows and writes what a model answered. */
final class Outputs {
    private static final int MAX_ITEMS = 8;

    private Outputs() {}

    /**
     * Class scores as a table with the best of each item; anything else as a summary with its first values.
     *
     * @param written whether outputs go to files, too
     */
    static void print(Console console, Map<String, Tensor> out, List<String> labels, int top, boolean written) {
        out.forEach((name, t) -> {
            console.out().println(console.heading(name) + " " + t.type() + " " + Arrays.toString(t.shape()));
            int classes = t.rank() == 0 ? 1 : t.dim(t.rank() - 1);
            boolean scores =
                    t.rank() == 2 && classes > 1 && (!labels.isEmpty() ? labels.size() == classes : classes <= 1000);
            if (scores) {
                int items = Math.min(t.dim(0), MAX_ITEMS);
                Table table = new Table(t.dim(0) > 1 ? "item" : "", "class", ">score");
                for (int item = 0; item < items; item++) {
                    rank(table, t, item, classes, labels, top);
                }
                console.out().print(table);
                if (t.dim(0) > items) {
                    console.out()
                            .println("  and " + (t.dim(0) - items) + " items more"
                                    + (written ? "" : " (--output " + name + "=FILE writes all)"));
                }
            } else {
                console.out().println("  " + summary(t));
            }
        });
    }

    /** Adds the best classes of an item. */
    private static void rank(Table table, Tensor t, int item, int classes, List<String> labels, int top) {
        List<Double> scores = Engine.numbers(t, item * classes, classes);
        List<Integer> order = IntStream.range(0, classes)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> scores.get(i))
                        .reversed()
                        .thenComparing(i -> i))
                .limit(top)
                .toList();
        for (int i : order) {
            table.row(
                    t.dim(0) > 1 && i == order.getFirst() ? Integer.toString(item) : "",
                    labels.isEmpty() ? Integer.toString(i) : labels.get(i),
                    String.format(Locale.ROOT, "%.4f", scores.get(i)));
        }
    }

    private static String summary(Tensor t) {
        List<Double> values = Engine.numbers(t, 0, t.size());
        double min = values.stream().mapToDouble(v -> v).min().orElse(0);
        double max = values.stream().mapToDouble(v -> v).max().orElse(0);
        double mean = values.stream().mapToDouble(v -> v).average().orElse(0);
        String first = values.stream().limit(8).map(Outputs::number).collect(Collectors.joining(" "));
        return "min " + number(min) + ", max " + number(max) + ", mean " + number(mean) + "; " + first
                + (values.size() > 8 ? " …" : "");
    }

    private static String number(double v) {
        return v == Math.rint(v) && Math.abs(v) < 1e9 ? Long.toString((long) v) : String.format(Locale.ROOT, "%.5g", v);
    }

    /** That outputs can be written to the files that a command line names, as far as can be told before there are any. */
    static void check(List<String> given) throws IOException {
        for (String g : given) {
            Path file = Path.of(g.substring(g.indexOf('=') + 1));
            AtomicFiles.check(file);
            if (!List.of("npy", "npz", "png", "bin").contains(Inputs.extension(file))) {
                throw unknown(file);
            }
        }
    }

    private static UserException unknown(Path file) {
        return new UserException(
                file + ": unknown kind of output file '." + Inputs.extension(file) + "'",
                "give .npy, .npz, .png or .bin");
    }

    /** Writes outputs to the files that a command line names. */
    static void write(Map<String, Tensor> out, List<String> given, float white, Console console) throws IOException {
        for (String g : given) {
            int eq = g.indexOf('=');
            Path file = Path.of(eq > 0 ? g.substring(eq + 1) : g);
            String extension = Inputs.extension(file);
            if (extension.equals("npz")) {
                Map<String, NpyArray> arrays = new LinkedHashMap<>();
                out.forEach((name, t) -> arrays.put(name, t.toNpy()));
                AtomicFiles.writeAt(file, path -> Npz.write(path, arrays));
            } else {
                String name = eq > 0 ? g.substring(0, eq) : only(out, file);
                Tensor t = out.get(name);
                if (t == null) {
                    throw new UserException(
                            "the model has no output '" + name + "'",
                            "its outputs: " + String.join(", ", out.keySet()));
                }
                switch (extension) {
                    case "npy" -> AtomicFiles.writeAt(file, path -> Npy.write(path, t.toNpy()));
                    case "png" -> Images.writePng(file, t, white);
                    case "bin" -> AtomicFiles.write(file, o -> o.write(bytes(t)));
                    default -> throw unknown(file);
                }
            }
            console.out().println("wrote " + file);
        }
    }

    private static String only(Map<String, Tensor> out, Path file) {
        if (out.size() != 1) {
            throw new UserException(
                    "the model has " + out.size() + " outputs: say which goes to " + file,
                    "--output NAME=" + file + ", where NAME is one of: " + String.join(", ", out.keySet()));
        }
        return out.keySet().iterator().next();
    }

    private static byte[] bytes(Tensor t) {
        ByteBuffer b = ByteBuffer.allocate(t.size() * t.type().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        switch (t.type()) {
            case F32 -> b.asFloatBuffer().put(t.floats());
            case BOOL, I8, U8 -> b.put(t.bytes());
            case I16, U16 -> b.asShortBuffer().put(t.shorts());
            case I32 -> b.asIntBuffer().put(t.ints());
            case I64 -> b.asLongBuffer().put(t.longs());
        }
        return b.array();
    }
}

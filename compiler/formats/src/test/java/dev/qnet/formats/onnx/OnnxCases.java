package dev.qnet.formats.onnx;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;

/** Runs ONNX's backend tests (model.onnx, test_data_set_N) through the oracle. */
final class OnnxCases {
    /** What an outcome begins with where the importer refused the model. */
    static final String REFUSED = "refused: ";

    private static final double RELATIVE = 1e-3;
    private static final double ABSOLUTE = 1e-7;

    private OnnxCases() {}

    /** The folders of cases at or below a folder, sorted. */
    static List<Path> below(Path folder) throws IOException {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(p -> p.getFileName().toString().equals("model.onnx"))
                    .map(Path::getParent)
                    .sorted()
                    .toList();
        }
    }

    /** What is wrong with a case, or empty. */
    static String check(Path folder) throws IOException {
        Path model = folder.resolve("model.onnx");
        int sets = 0;
        for (Path set = folder.resolve("test_data_set_0");
                Files.isDirectory(set);
                set = folder.resolve("test_data_set_" + ++sets)) {
            String wrong = check(model, set);
            if (!wrong.isEmpty()) {
                return wrong;
            }
        }
        return sets == 0 ? "no test data" : "";
    }

    private static String check(Path model, Path set) throws IOException {
        List<String> names = OnnxImporter.inputs(model);
        List<OnnxTensor> inputs = tensors(set, "input_");
        Map<String, Tensor> fixed = new HashMap<>();
        Map<String, List<Integer>> shapes = new HashMap<>();
        for (int i = 0; i < Math.min(names.size(), inputs.size()); i++) {
            shapes.put(names.get(i), inputs.get(i).shape().dims());
        }
        Imported imported = null;
        while (imported == null) {
            try {
                imported = Importer.read(model, new ImportOptions(fixed, shapes));
            } catch (NeedsValues e) {
                int before = fixed.size();
                e.inputs()
                        .forEach(n -> fixed.put(n, inputs.get(names.indexOf(n)).value()));
                if (fixed.size() == before) {
                    return "asks again for " + e.inputs();
                }
            }
        }
        Graph g = imported.graph();
        Map<String, Value> values = new HashMap<>();
        int next = 0;
        for (int i = 0; i < names.size(); i++) {
            if (!fixed.containsKey(names.get(i))) {
                values.put(
                        g.params().get(next++).id().name(),
                        Value.of(inputs.get(i).value()));
            }
        }
        Map<String, Value> results = Interpreter.run(g, values);
        List<OnnxTensor> expected = tensors(set, "output_");
        if (expected.size() != g.results().size()) {
            return "has " + g.results().size() + " results for " + expected.size();
        }
        for (int i = 0; i < expected.size(); i++) {
            Graph.Result r = g.results().get(i);
            String wrong = differ(Objects.requireNonNull(results.get(r.name())), expected.get(i));
            if (!wrong.isEmpty()) {
                return r.name() + ": " + wrong;
            }
        }
        return "";
    }

    private static List<OnnxTensor> tensors(Path set, String prefix) throws IOException {
        List<OnnxTensor> list = new ArrayList<>();
        for (int i = 0; Files.isRegularFile(set.resolve(prefix + i + ".pb")); i++) {
            list.add(OnnxTensor.read(set.resolve(prefix + i + ".pb")));
        }
        return list;
    }

    private static String differ(Value found, OnnxTensor expected) {
        if (!found.shape().equals(expected.shape())) {
            return "has the shape " + found.shape() + ", not " + expected.shape();
        }
        Value wanted = Value.of(expected.value());
        if (found instanceof Value.Ints a && wanted instanceof Value.Ints b) {
            for (int i = 0; i < a.data().length; i++) {
                if (a.data()[i] != b.data()[i]) {
                    return "element " + i + " is " + a.data()[i] + ", not " + b.data()[i];
                }
            }
            return "";
        }
        if (found instanceof Value.Floats a && wanted instanceof Value.Floats b) {
            for (int i = 0; i < a.data().length; i++) {
                float x = a.data()[i];
                float y = b.data()[i];
                boolean near = Float.compare(x, y) == 0
                        || x == y
                        || Math.abs((double) x - y) <= ABSOLUTE + RELATIVE * Math.abs((double) y);
                if (!near) {
                    return "element " + i + " is " + x + ", not " + y;
                }
            }
            return "";
        }
        return "is " + found + ", not " + expected.type();
    }

    /** What is wrong with a case, exceptions included, or empty. */
    static String outcome(Path folder) throws IOException {
        try {
            return check(folder);
        } catch (CompileException e) {
            return REFUSED + e.getMessage();
        } catch (RuntimeException | StackOverflowError e) {
            return e + " at " + Stream.of(e.getStackTrace()).limit(4).toList();
        }
    }

    /** Prints what becomes of the cases below folders. */
    static void main(String... folders) throws IOException {
        int passed = 0;
        int all = 0;
        for (String f : folders) {
            for (Path p : below(Path.of(f))) {
                all++;
                String wrong = outcome(p);
                if (wrong.isEmpty()) {
                    passed++;
                } else {
                    System.out.println(p.getFileName() + ": " + wrong);
                }
            }
        }
        System.out.println(passed + " of " + all);
    }
}

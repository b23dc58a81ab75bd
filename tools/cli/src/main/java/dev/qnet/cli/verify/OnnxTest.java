package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import dev.qnet.formats.onnx.OnnxTensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A backend test as ONNX publishes them: model.onnx and folders test_data_set_N of tensors as .pb files. */
final class OnnxTest {
    private OnnxTest() {}

    /**
     * Reads a test.
     *
     * @param path the folder, or the model in it
     */
    static Loaded read(Path path) throws IOException {
        Path parent = path.toAbsolutePath().getParent();
        Path folder = Files.isDirectory(path) || parent == null ? path : parent;
        Path model = folder.resolve(Cases.ONNX_MODEL);
        List<String> names = Importer.inputs(model);
        return new ModelWithData(model, names, samples(folder, model)).load(Tolerance.ONNX);
    }

    private static List<Subject.Sample> samples(Path folder, Path model) throws IOException {
        List<Path> sets = Cases.dataSets(folder);
        List<Subject.Sample> samples = new ArrayList<>();
        try {
            for (int i = 0; i < sets.size(); i++) {
                List<List<Value>> expected =
                        tensors(sets.get(i), "output_").stream().map(List::of).toList();
                if (expected.isEmpty()) {
                    throw new CaseException(sets.get(i) + " has no output_0.pb");
                }
                samples.add(new Subject.Sample(
                        sets.size() > 1 ? Integer.toString(i) : "", List.of(tensors(sets.get(i), "input_")), expected));
            }
            return samples;
        } catch (CompileException e) {
            refusal(model, e);
            throw e;
        }
    }

    /**
     * Data that are no tensors (sequences, strings) belong to models of operators that take such things: which operators,
     * says more.
     */
    private static void refusal(Path model, CompileException data) throws IOException {
        try {
            Importer.read(model, ImportOptions.NONE);
        } catch (NeedsValues e) {
            throw data;
        }
    }

    private static List<Value> tensors(Path set, String prefix) throws IOException {
        List<Value> values = new ArrayList<>();
        for (int i = 0; ; i++) {
            Path file = set.resolve(prefix + i + ".pb");
            if (!Files.isRegularFile(file)) {
                return values;
            }
            values.add(Value.of(OnnxTensor.read(file).value()));
        }
    }
}

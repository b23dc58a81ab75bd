package dev.qnet.cli;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/** What a user says about a model of another system. */
final class ImportArguments {
    @Option(
            names = "--input-shape",
            paramLabel = "NAME=N,3,224,224",
            description =
                    "For a .tflite or .onnx file: the extents of an input that the model leaves open; N in front is any "
                            + "number of items.")
    private Map<String, String> shapes = new LinkedHashMap<>();

    @Option(
            names = "--fix",
            paramLabel = "NAME=FILE.npy",
            description = "For a .tflite or .onnx file: an input whose value must be known when compiling.")
    private Map<String, Path> fixed = new LinkedHashMap<>();

    boolean given() {
        return !shapes.isEmpty() || !fixed.isEmpty();
    }

    /**
     * Imports a model.
     *
     * @throws dev.qnet.compiler.source.CompileException if it is not understood
     * @throws UserException if it has to know inputs that are not given, or a shape is none
     */
    Imported read(Path file) throws IOException {
        Map<String, List<Integer>> extents = new HashMap<>();
        shapes.forEach((name, text) -> extents.put(name, shape(name, text)));
        Map<String, Tensor> values = new HashMap<>();
        for (Map.Entry<String, Path> e : fixed.entrySet()) {
            values.put(e.getKey(), tensor(Npy.read(e.getValue())));
        }
        if (given()) {
            checkNames(file);
        }
        try {
            return Importer.read(file, new ImportOptions(values, extents));
        } catch (NeedsValues e) {
            throw new UserException(
                    file + ": the value of " + (e.inputs().size() == 1 ? "input " : "inputs ")
                            + String.join(", ", e.inputs()) + " must be known when compiling",
                    String.join(
                            " ",
                            e.inputs().stream()
                                    .map(i -> "--fix " + i + "=FILE.npy")
                                    .toList()));
        }
    }

    private void checkNames(Path file) throws IOException {
        List<String> inputs = Importer.inputs(file);
        for (String name :
                Stream.concat(shapes.keySet().stream(), fixed.keySet().stream()).toList()) {
            if (!inputs.contains(name)) {
                throw new UserException(
                        file + ": the model has no input '" + name + "'", "its inputs: " + String.join(", ", inputs));
            }
        }
    }

    private static List<Integer> shape(String name, String text) {
        String[] parts = text.split(",", -1);
        try {
            return IntStream.range(0, parts.length)
                    .mapToObj(i -> parts[i].strip().equals("N") && i == 0
                            ? Shape.BATCH
                            : Integer.parseUnsignedInt(parts[i].strip()))
                    .toList();
        } catch (NumberFormatException e) {
            throw new UserException(
                    "--input-shape " + name + "=" + text + " is no shape",
                    "extents separated by commas, such as 1,3,224,224; N in front is any number of items");
        }
    }

    private static Tensor tensor(NpyArray a) {
        Shape shape = Shape.of(a.shape());
        if (a.type().isFloat()) {
            return new Tensor.OfFloat(shape, a.toFloats());
        }
        dev.qnet.runtime.Tensor t = dev.qnet.runtime.Tensor.of(a);
        long[] values = Engine.integers(t);
        if (Arrays.stream(values).anyMatch(v -> v != (int) v)) {
            return new Tensor.OfLong(shape, values);
        }
        return new Tensor.OfInt(
                shape, Arrays.stream(values).mapToInt(v -> (int) v).toArray());
    }
}

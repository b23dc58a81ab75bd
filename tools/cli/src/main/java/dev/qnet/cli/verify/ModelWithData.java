package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A model file together with values for all of its inputs, some of which it may have to know when it is imported. */
final class ModelWithData {
    private final Path file;
    private final List<String> names;
    private final List<Subject.Sample> samples;

    /**
     * @param names of the model's inputs, in its order
     * @param samples with a value for each of them, one step each
     */
    ModelWithData(Path file, List<String> names, List<Subject.Sample> samples) {
        this.file = file;
        this.names = names;
        this.samples = samples;
    }

    /**
     * Imports the model. Inputs that must be known, and all open shapes, are taken from the first sample.
     *
     * @throws dev.qnet.compiler.source.CompileException if the model is not understood
     * @throws CaseException if the samples do not fit the model
     */
    Loaded load(Tolerance tolerance) throws IOException {
        Map<String, List<Integer>> shapes = new HashMap<>();
        if (!samples.isEmpty()) {
            List<Value> first = samples.getFirst().steps().getFirst();
            for (int i = 0; i < names.size() && i < first.size(); i++) {
                shapes.put(names.get(i), first.get(i).shape().dims());
            }
        }
        Map<String, Tensor> fixed = new HashMap<>();
        while (true) {
            try {
                Imported model = Importer.read(file, new ImportOptions(fixed, shapes));
                return Reader.loaded(model, new Subject(model.graph(), fitted(model.graph(), fixed), tolerance));
            } catch (NeedsValues e) {
                int before = fixed.size();
                for (String input : e.inputs()) {
                    int at = names.indexOf(input);
                    if (at >= 0 && !samples.isEmpty()) {
                        fixed.putIfAbsent(input, tensor(sameInAll(at)));
                    }
                }
                if (fixed.size() == before) {
                    throw e;
                }
            }
        }
    }

    /** The value of an input that becomes a constant. */
    private Value sameInAll(int input) {
        Value first = samples.getFirst().steps().getFirst().get(input);
        for (Subject.Sample s : samples) {
            if (!s.steps().getFirst().get(input).equals(first)) {
                throw new CaseException("input '" + names.get(input)
                        + "' must be known when the model is imported, and differs from sample to sample");
            }
        }
        return first;
    }

    private static Tensor tensor(Value value) {
        return switch (value) {
            case Value.Floats f -> new Tensor.OfFloat(f.shape(), f.data());
            case Value.Ints i -> {
                if (Arrays.stream(i.data()).anyMatch(v -> v != (int) v)) {
                    yield new Tensor.OfLong(i.shape(), i.data());
                }
                yield new Tensor.OfInt(
                        i.shape(),
                        Arrays.stream(i.data()).mapToInt(v -> (int) v).toArray());
            }
        };
    }

    /** The samples with a value for each parameter of the graph: the inputs that did not become constants. */
    private List<Subject.Sample> fitted(Graph graph, Map<String, Tensor> fixed) {
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < names.size(); i++) {
            if (!fixed.containsKey(names.get(i))) {
                places.add(i);
            }
        }
        if (places.size() != graph.params().size()) {
            throw new CaseException("the model has " + graph.params().size() + " inputs, the case gives "
                    + places.size() + " (" + String.join(", ", names) + ")");
        }
        return samples.stream()
                .map(s -> new Subject.Sample(
                        s.name(),
                        s.steps().stream()
                                .map(step -> fitted(graph, places, step))
                                .toList(),
                        s.outputs()))
                .toList();
    }

    private List<Value> fitted(Graph graph, List<Integer> places, List<Value> step) {
        if (step.size() != names.size()) {
            throw new CaseException("the model has " + names.size() + " inputs, the case gives " + step.size());
        }
        List<Value> values = new ArrayList<>();
        for (int i = 0; i < places.size(); i++) {
            Value v = step.get(places.get(i));
            Shape wanted = graph.params().get(i).type().shape();
            boolean reshape = !wanted.hasBatch()
                    && !wanted.equals(v.shape())
                    && wanted.elements() == v.shape().elements();
            values.add(reshape ? v.reshaped(wanted) : v);
        }
        return values;
    }
}

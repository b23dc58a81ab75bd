package dev.qnet.benchmarks;

import static dev.qnet.benchmarks.measure.Results.number;

import dev.qnet.benchmarks.measure.Contest;
import dev.qnet.benchmarks.measure.Contest.Outcome;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.measure.Machine;
import dev.qnet.benchmarks.measure.Results;
import dev.qnet.benchmarks.model.ModelFile;
import dev.qnet.benchmarks.peer.QnetModel;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.TensorInfo;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.target.jvm.CompiledArtifact;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Threads and batches. */
@Command(
        name = "scaling",
        description = "Whole models on 1 and 2 threads, with batches of 1, 8 and 64 items: microseconds an item.",
        mixinStandardHelpOptions = true)
final class ScalingCommand implements Callable<Integer> {
    private static final int[] BATCHES = {1, 8, 64};

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private MeasureOptions options;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private DataOption data;

    @Option(
            names = "--threads",
            split = ",",
            defaultValue = "1,2",
            description = "Numbers of threads. Default: ${DEFAULT-VALUE}.")
    private List<Integer> threads = List.of();

    @Override
    public Integer call() throws IOException {
        List<String> columns = new ArrayList<>(List.of("model"));
        for (int t : threads) {
            for (int b : BATCHES) {
                columns.add(t + (t == 1 ? " thread x " : " threads x ") + b + " us");
            }
        }
        Results results = new Results("threads and batches, " + Machine.description(), columns);
        for (ModelFile m : data.models()) {
            if (options.wanted(m.name())) {
                System.err.println(m.name());
                measure(m, results);
            }
        }
        results.note("Microseconds an item. A model without N has no batches.");
        options.show(new PrintWriter(System.out, true, StandardCharsets.UTF_8), List.of(results));
        return 0;
    }

    private void measure(ModelFile m, Results results) throws IOException {
        CompiledArtifact artifact = QnetModel.compile(m.file());
        if (artifact.descriptor().rounding().equals("none")) {
            return;
        }
        List<Model> models = new ArrayList<>();
        List<Contestant> all = new ArrayList<>();
        List<int[]> kinds = new ArrayList<>();
        try {
            for (int t : threads) {
                Model model = artifact.load(LoadOptions.defaults().withThreads(t), Backend.VECTOR);
                models.add(model);
                boolean batched = model.inputs().stream().anyMatch(TensorInfo::batched);
                List<byte[]> one = m.inputs(model.inputs());
                for (int b : BATCHES) {
                    if (b == 1 || batched) {
                        all.add(new QnetModel(
                                model, one.stream().map(x -> repeated(x, b)).toList(), b));
                        kinds.add(new int[] {t, b});
                    }
                }
            }
            List<Outcome> outcomes = Contest.run(all, options.pace());
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("model", m.name());
            List<String> cells = new ArrayList<>(List.of(m.name()));
            for (int t : threads) {
                for (int b : BATCHES) {
                    String cell = "-";
                    for (int i = 0; i < kinds.size(); i++) {
                        if (kinds.get(i)[0] == t && kinds.get(i)[1] == b) {
                            double nanos = outcomes.get(i).median() / b;
                            row.put("nanos " + t + "x" + b, nanos);
                            cell = number(nanos / 1e3, 1);
                        }
                    }
                    cells.add(cell);
                }
            }
            results.row(cells, row);
        } finally {
            all.forEach(Contestant::close);
            models.forEach(Model::close);
        }
    }

    private static byte[] repeated(byte[] x, int times) {
        ByteArrayOutputStream all = new ByteArrayOutputStream(x.length * times);
        for (int i = 0; i < times; i++) {
            all.write(x, 0, x.length);
        }
        return all.toByteArray();
    }
}

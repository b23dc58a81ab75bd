package dev.qnet.cli.verify;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.formats.Imported;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;

/** A model without known outputs, on random inputs: whatever runs it must give the oracle's bits. */
final class LoneModel {
    private static final int SAMPLES = 3;
    private static final int ITEMS = 2;
    private static final long SEED = 20_260_101;

    private LoneModel() {}

    static Loaded read(Path file) throws IOException {
        if (isSource(file)) {
            Graph graph = integers(file);
            TreeSet<String> operators = new TreeSet<>();
            graph.nodes().forEach(n -> operators.add(OpText.of(n.op()).mnemonic()));
            return new Loaded(subject(graph), List.copyOf(operators));
        }
        Imported model = Reader.model(file);
        return Reader.loaded(model, subject(model.graph()));
    }

    /** Whether a file is a model in Qnet's own language. */
    static boolean isSource(Path file) {
        return file.toString().endsWith(Frontend.EXTENSION);
    }

    /**
     * The graph of a source after all passes, as a model of integers from elsewhere: without the policy that made it.
     *
     * @throws CaseException if it is wrong, or waits for calibration or training
     */
    private static Graph integers(Path file) {
        try {
            BoundModel bound = Frontend.load(file);
            PassContext context = new PassContext(new Diagnostics(), bound.calibration());
            Graph g = Pipeline.run(bound.graph(), Passes.all(), context, (pass, graph) -> {});
            return new Graph(g.name(), g.params(), g.nodes(), g.results(), null, null, g.states());
        } catch (CompileException e) {
            Diagnostic first = e.diagnostics().stream()
                    .filter(d -> d.severity() == Diagnostic.Severity.ERROR)
                    .findFirst()
                    .orElse(e.diagnostics().getFirst());
            throw new CaseException(first.message() + "; 'qnet check " + file + "' tells more", e);
        }
    }

    private static Subject subject(Graph graph) {
        Random random = new Random(SEED);
        List<Subject.Sample> samples = new ArrayList<>();
        for (int i = 0; i < SAMPLES; i++) {
            List<Value> inputs = new ArrayList<>();
            for (Graph.Param p : graph.params()) {
                Shape s = p.type().shape();
                Shape shape = s.hasBatch() ? s.with(0, ITEMS) : s;
                inputs.add(random(p.type().element(), shape, random));
            }
            samples.add(new Subject.Sample("random " + i, List.of(inputs), List.of()));
        }
        return new Subject(graph, samples, Tolerance.ONNX);
    }

    /** Reals around 0; any code in use; plain integers of 0 or 1, which are safe as indices. */
    private static Value random(Element element, Shape shape, Random random) {
        int n = shape.elements();
        return switch (element) {
            case Element.F32 f -> {
                float[] x = new float[n];
                for (int i = 0; i < n; i++) {
                    x[i] = (float) random.nextGaussian();
                }
                yield Value.of(shape, x);
            }
            case Element.Int i ->
                Value.of(shape, random.ints(n, 0, 2).asLongStream().toArray());
            case Quant q -> Value.of(shape, random.longs(n, q.lo(), q.hi() + 1L).toArray());
        };
    }
}

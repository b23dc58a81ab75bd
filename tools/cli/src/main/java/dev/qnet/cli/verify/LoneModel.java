package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.Imported;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** A model without known outputs, on random inputs: whatever runs it must give the oracle's bits. */
final class LoneModel {
    private static final int SAMPLES = 3;
    private static final int ITEMS = 2;
    private static final long SEED = 20_260_101;

    private LoneModel() {}

    static Loaded read(Path file) throws IOException {
        Imported model = Reader.model(file);
        Graph graph = model.graph();
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
        return Reader.loaded(model, new Subject(graph, samples, Tolerance.ONNX));
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

package dev.qnet.training.fit;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.BoundAccumulators;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.training.data.Dataset;
import dev.qnet.training.run.Crew;
import dev.qnet.training.run.Program;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntConsumer;

/** Runs a trained network's integers, on the oracle, beside its fake quantization. */
final class Comparison {
    /** What is counted of one value. */
    private static final class Counts {
        long elements;
        long off;
        int most;
        long through;
        int mostThrough;
    }

    private final ModelGraphs model;
    private final Store store;
    private final Graph integers;
    /** The grid of each quantized value of the integers. */
    private final Map<ValueId, Quant> grids = new HashMap<>();

    Comparison(ModelGraphs model, Store store, Graph graph, Calibration calibration) {
        this.model = model;
        this.store = store;
        List<Pass> all = Passes.all();
        // Later passes change no bit and merge what is to be seen.
        int last = all.stream().map(Pass::name).toList().indexOf(BoundAccumulators.NAME);
        Diagnostics diagnostics = new Diagnostics();
        integers =
                Pipeline.run(graph, all.subList(0, last + 1), new PassContext(diagnostics, calibration), (p, g) -> {});
        integers.params().forEach(p -> grid(p.id(), p.type()));
        integers.nodes().forEach(n -> {
            if (!(n.op() instanceof DataOp.Constant)) {
                grid(n.id(), n.type());
            }
        });
    }

    private void grid(ValueId v, Type type) {
        if (type.isQuant() && type.quant().scheme() instanceof Scheme.PerTensor) {
            grids.put(v, type.quant());
        }
    }

    Agreement on(Dataset data, int items, IntConsumer progress) {
        TrainingGraph whole = TrainingGraph.of(model, Phase.FROZEN, true, 1, TrainingGraph.Use.COMPARE);
        TrainingGraph apart = TrainingGraph.of(model, Phase.FROZEN, true, 1, TrainingGraph.Use.COMPARE_APART);
        Map<ValueId, Counts> counts = new LinkedHashMap<>();
        int different = 0;
        try (Crew crew = new Crew(1)) {
            Program together = program(whole, crew);
            Program alone = program(apart, crew);
            Interpreter oracle = Interpreter.prepare(integers);
            for (int i = 0; i < items; i++) {
                float[] item = new float[data.shape().elements()];
                data.copy(i, item, 0);
                Map<ValueId, int[]> codes = new HashMap<>();
                long[] scores = run(oracle, item, codes);
                System.arraycopy(item, 0, together.input(TrainingGraph.INPUT), 0, item.length);
                System.arraycopy(item, 0, alone.input(TrainingGraph.INPUT), 0, item.length);
                together.run();
                whole.points().forEach((point, value) -> {
                    ValueId v = grids.containsKey(point) ? point : value;
                    float[] given = alone.input(TrainingGraph.given(point));
                    Quant q = grids.get(v);
                    int[] c = codes.get(v);
                    if (q == null || c == null) {
                        // Where scales are dynamic there is no grid that is known beforehand.
                        float[] real = together.result(TrainingGraph.shown(point));
                        System.arraycopy(real, 0, given, 0, given.length);
                        return;
                    }
                    for (int k = 0; k < given.length; k++) {
                        given[k] = Codes.dequantize(
                                c[k], q.perTensor().scale(), q.perTensor().zero());
                    }
                });
                alone.run();
                whole.points().forEach((point, value) -> {
                    ValueId v = grids.containsKey(point) ? point : value;
                    Quant q = grids.get(v);
                    int[] c = codes.get(v);
                    if (q != null && c != null) {
                        Counts n = counts.computeIfAbsent(value, k -> new Counts());
                        String name = TrainingGraph.shown(point);
                        count(n, c, alone.result(name), together.result(name), q);
                    }
                });
                different += best(scores) == best(together.result(TrainingGraph.SCORES)) ? 0 : 1;
                progress.accept(i + 1);
            }
        }
        List<Agreement.Compared> values = new ArrayList<>();
        counts.forEach((v, n) ->
                values.add(new Agreement.Compared(v.name(), n.elements, n.off, n.most, n.through, n.mostThrough)));
        return new Agreement(items, different, values);
    }

    private Program program(TrainingGraph graph, Crew crew) {
        Program p = new Program(graph.graph(), crew);
        store.get(TrainingGraph.TEMPERATURE)[0] = Float.POSITIVE_INFINITY;
        store.load(graph, p, model);
        return p;
    }

    /** Runs the integers: their result's codes; and the codes of all values. */
    private long[] run(Interpreter oracle, float[] item, Map<ValueId, int[]> codes) {
        Graph.Param in = integers.params().getFirst();
        Type type = in.type();
        int[] shape = type.shape().toArray();
        shape[0] = 1;
        Value x;
        if (type.isQuant()) {
            long[] quantized = new long[item.length];
            for (int k = 0; k < item.length; k++) {
                quantized[k] = Codes.quantize(
                        item[k],
                        type.quant(),
                        Objects.requireNonNull(integers.policy()).rounding());
            }
            codes.put(in.id(), ints(quantized));
            x = Value.of(Shape.of(shape), quantized);
        } else {
            x = Value.of(Shape.of(shape), item);
        }
        Map<String, Value> results = oracle.run(Map.of(in.id().name(), x), (id, value) -> {
            if (grids.containsKey(id) && value instanceof Value.Ints v) {
                codes.put(id, ints(v.data()));
            }
        });
        Value y = results.values().iterator().next();
        if (y instanceof Value.Ints v) {
            return v.data();
        }
        float[] real = ((Value.Floats) y).data();
        long[] ordered = new long[real.length];
        for (int k = 0; k < real.length; k++) {
            ordered[k] = Float.floatToIntBits(real[k]) >= 0
                    ? Float.floatToIntBits(real[k])
                    : Integer.MIN_VALUE - (long) Float.floatToIntBits(real[k]);
        }
        return ordered;
    }

    private static int[] ints(long[] all) {
        return Arrays.stream(all).mapToInt(Math::toIntExact).toArray();
    }

    private static void count(Counts n, int[] codes, float[] alone, float[] together, Quant q) {
        float s = q.perTensor().scale();
        int z = q.perTensor().zero();
        n.elements += codes.length;
        for (int k = 0; k < codes.length; k++) {
            int off = (int) Math.abs(Math.rint(alone[k] / s) + z - codes[k]);
            int through = (int) Math.abs(Math.rint(together[k] / s) + z - codes[k]);
            n.off += off > 0 ? 1 : 0;
            n.most = Math.max(n.most, off);
            n.through += through > 0 ? 1 : 0;
            n.mostThrough = Math.max(n.mostThrough, through);
        }
    }

    private static int best(long[] scores) {
        int best = 0;
        for (int k = 1; k < scores.length; k++) {
            best = scores[k] > scores[best] ? k : best;
        }
        return best;
    }

    private static int best(float[] scores) {
        int best = 0;
        for (int k = 1; k < scores.length; k++) {
            best = scores[k] > scores[best] ? k : best;
        }
        return best;
    }
}

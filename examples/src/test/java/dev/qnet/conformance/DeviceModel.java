package dev.qnet.conformance;

import dev.qnet.cli.verify.TvmValues;
import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.target.tvm.CSource;
import dev.qnet.target.tvm.CTarget;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/**
 * A model for a device, with inputs drawn at random for a few runs, one after the other, and the oracle's outputs for them.
 *
 * @param name as messages have it
 * @param prefix of its names in C
 * @param steps of each run the elements of the inputs
 * @param outputs of each run those of the outputs
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record DeviceModel(String name, String prefix, CSource source, List<List<byte[]>> steps, List<List<byte[]>> outputs) {
    private static final int RUNS = 2;

    static DeviceModel of(String name, String prefix, Graph integers) {
        Graph graph = new Graph(
                prefix,
                integers.params(),
                integers.nodes(),
                integers.results(),
                integers.policy(),
                integers.plan(),
                integers.states());
        Interpreter oracle = Interpreter.prepare(graph);
        Interpreter.State state = oracle.newState();
        Random random = new Random(name.hashCode());
        List<List<byte[]>> steps = new ArrayList<>();
        List<List<byte[]>> outputs = new ArrayList<>();
        for (int run = 0; run < RUNS; run++) {
            Map<String, Value> inputs = new LinkedHashMap<>();
            List<byte[]> in = new ArrayList<>();
            for (Graph.Param p : graph.params()) {
                Value value = random(p.type(), random);
                inputs.put(p.id().name(), value);
                in.add(TvmValues.bytes(value, p.type()));
            }
            Map<String, Value> found = oracle.run(inputs, state);
            List<byte[]> out = new ArrayList<>();
            for (Graph.Result r : graph.results()) {
                out.add(TvmValues.bytes(
                        Objects.requireNonNull(found.get(r.name())),
                        Objects.requireNonNull(graph.types().get(r.value()))));
            }
            steps.add(in);
            outputs.add(out);
        }
        return new DeviceModel(name, prefix, CTarget.compile(graph), steps, outputs);
    }

    private static Value random(Type type, Random random) {
        Shape shape = type.shape().hasBatch() ? type.shape().with(0, 1) : type.shape();
        int n = shape.elements();
        return switch (type.element()) {
            case Element.F32 f -> {
                float[] x = new float[n];
                for (int i = 0; i < n; i++) {
                    // Now and then so small that it is no normal number.
                    x[i] = (float) random.nextGaussian() * (random.nextInt(8) == 0 ? 0x1p-140f : 1);
                }
                yield Value.of(shape, x);
            }
            case Quant q -> Value.of(shape, random.longs(n, q.lo(), q.hi() + 1L).toArray());
            case Element.Int i -> Value.of(shape, random.longs(n, 0, 2).toArray());
        };
    }
}

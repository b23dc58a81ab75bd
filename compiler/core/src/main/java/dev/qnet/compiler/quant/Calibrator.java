package dev.qnet.compiler.quant;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.observe.Observer;
import dev.qnet.compiler.quant.observe.Range;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Finds the ranges of a model's values by running it on typical inputs: the graph after fake quantization was inserted, on
 * the oracle, with an observer at each fake quantization that is still undecided. Memory does not grow with the number of
 * inputs. Not thread-safe.
 *
 * <p>Values whose range the source gives are observed too, by their extremes: so a range that does not suit the data
 * can be told.
 */
public final class Calibrator {
    private record Point(Node node, Spec spec, Observer observer) {}

    private final Interpreter interpreter;
    /** By the name of the fake quantization, in the graph's order. */
    private final Map<ValueId, Point> points = new LinkedHashMap<>();

    /** What the model remembers: its inputs are taken for one sequence, in the order given. */
    private final Interpreter.State state;

    private long inputs;

    /**
     * A calibrator that has seen nothing.
     *
     * @param graph after pass insert-fake-quant
     */
    public Calibrator(Graph graph) {
        this.interpreter = Interpreter.prepare(graph);
        this.state = interpreter.newState();
        for (Node n : graph.nodes()) {
            if (n.op() instanceof QuantOp.FakeQuant f
                    && f.chosen() == null
                    && !f.spec().dynamic()) {
                points.put(n.id(), new Point(n, f.spec(), observer(f.spec().range())));
            }
        }
    }

    private static Observer observer(RangeMethod range) {
        boolean known = range instanceof RangeMethod.Fixed || range instanceof RangeMethod.Given;
        return Observer.of(known ? new RangeMethod.MinMax() : range);
    }

    /**
     * Runs the model on one set of inputs, of one item or a batch. A model with states goes on from the inputs before.
     *
     * @param in a value for every input of the model
     * @throws IllegalArgumentException if names or shapes do not fit the model
     */
    public void accept(Map<String, Value> in) {
        interpreter.run(in, state, (id, value) -> {
            Point p = points.get(id);
            if (p != null && value instanceof Value.Floats f) {
                p.observer().accept(f.data());
            }
        });
        inputs++;
    }

    /**
     * Runs the model on many sets of inputs, one after another.
     *
     * @param progress hears how many are done
     */
    public void acceptAll(Iterable<Map<String, Value>> data, LongConsumer progress) {
        for (Map<String, Value> in : data) {
            accept(in);
            progress.accept(inputs);
        }
    }

    /**
     * The ranges found. Inputs without a finite value, NaN and infinities are errors, told for the first layer that gave
     * them.
     */
    public Calibration finish(Diagnostics diagnostics) {
        Map<ValueId, RangeMethod> found = new HashMap<>();
        for (Point p : points.values()) {
            ValueId value = p.node().operand(0);
            long bad = p.observer().nonFinite();
            long all = bad + p.observer().extremes().count();
            if (all == 0) {
                diagnostics.add(Diagnostic.error(
                                "no-calibration-data",
                                p.node().span(),
                                "no input was given to calibrate '" + value.name() + "' with")
                        .withFix("give at least one input with --data"));
                break;
            }
            if (bad > 0) {
                diagnostics.add(Diagnostic.error(
                                "not-finite",
                                p.node().span(),
                                "'" + value.name() + "' is NaN or infinite in " + bad + " of " + all + " values over "
                                        + inputs + " inputs, and so may be all that follows it")
                        .withFix("check the inputs, and the weights and statistics before '" + value.name() + "'"));
                break;
            }
            Range r = p.observer().range(p.spec());
            found.put(value, new RangeMethod.Fixed(r.lo(), r.hi()));
        }
        return new Calibration(found);
    }
}

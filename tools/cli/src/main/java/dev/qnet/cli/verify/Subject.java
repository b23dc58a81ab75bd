package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import java.util.List;

/**
 * A case, read: a graph and what it has to answer.
 *
 * @param graph as imported, before any pass
 * @param samples its samples; without their outputs where the oracle's answer is what the others must give
 * @param tolerance of float outputs; integers are compared bit for bit
 */
record Subject(Graph graph, List<Sample> samples, Tolerance tolerance) {
    /**
     * Inputs and the outputs for them. A graph with states runs the steps one after another, from its first state.
     *
     * @param name as reports call it; empty for an only one
     * @param steps for each run, a value for each of the graph's parameters, in their order
     * @param outputs what the last run must give: for each of the graph's results the values that count as right, of which
     *     one has to be met; empty if nothing is known of them
     */
    record Sample(String name, List<List<Value>> steps, List<List<Value>> outputs) {
        Sample {
            steps = List.copyOf(steps);
            outputs = List.copyOf(outputs);
        }
    }

    Subject {
        samples = List.copyOf(samples);
    }
}

package dev.qnet.formats;

import dev.qnet.compiler.ir.Graph;

/**
 * A model of another system as a graph.
 *
 * @param graph the same arithmetic; integer operations where the model's system computes in integers
 * @param report what was understood, folded and left in float
 */
public record Imported(Graph graph, Report report) {}

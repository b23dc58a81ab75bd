package dev.qnet.compiler.pass;

import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;

/**
 * What passes may know besides the graph.
 *
 * @param diagnostics where they say what the user must hear
 * @param calibration ranges and parameters known for values, by name
 */
public record PassContext(Diagnostics diagnostics, Calibration calibration) {}

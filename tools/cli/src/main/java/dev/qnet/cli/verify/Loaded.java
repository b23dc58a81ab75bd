package dev.qnet.cli.verify;

import java.util.List;

/**
 * A case that was read.
 *
 * @param operators the model's operators, by their names in its format, sorted
 */
record Loaded(Subject subject, List<String> operators) {}

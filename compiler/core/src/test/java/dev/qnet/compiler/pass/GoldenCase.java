package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.DiagnosticRenderer;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A test of passes as text: what goes in, what comes out, what the user hears.
 *
 * <pre>
 * // What the case shows.
 * passes: canonicalize, dead-code
 * unchanged                              (only where the passes must change nothing)
 * calibration: %relu fixed(0.0, 6.0)     (any number)
 * ---- input
 * graph @g { … }
 * ---- output
 * graph @g { … }                         (left out where an error stops the passes)
 * ---- diagnostics                       (left out where there is none)
 * warning[code]: message, with its place and fix as the user sees them
 * </pre>
 *
 * @param head the lines before the input
 * @param input a graph
 * @param output the graph expected, empty if none
 * @param diagnostics the diagnostics expected, empty if none
 */
record GoldenCase(List<String> head, String input, String output, String diagnostics) {
    /** What the passes really gave. */
    record Outcome(String output, String diagnostics) {}

    static GoldenCase parse(String text) {
        Map<String, String> parts = new LinkedHashMap<>();
        String part = "head";
        StringBuilder body = new StringBuilder();
        for (String line : text.split("\n", -1)) {
            if (line.startsWith("---- ")) {
                parts.put(part, body.toString());
                part = line.substring(5).strip();
                body.setLength(0);
            } else {
                body.append(line).append('\n');
            }
        }
        parts.put(part, body.toString().stripTrailing() + "\n");
        if (!List.of("head", "input", "output", "diagnostics").containsAll(parts.keySet())
                || !parts.containsKey("input")) {
            throw new IllegalArgumentException(
                    "a case has an input, an output and diagnostics, found " + parts.keySet());
        }
        return new GoldenCase(
                parts.getOrDefault("head", "").lines().toList(),
                parts.getOrDefault("input", ""),
                parts.getOrDefault("output", ""),
                parts.getOrDefault("diagnostics", ""));
    }

    GoldenCase with(Outcome outcome) {
        return new GoldenCase(head, input, outcome.output, outcome.diagnostics);
    }

    String print() {
        return String.join("\n", head)
                + "\n---- input\n"
                + input
                + (output.isEmpty() ? "" : "---- output\n" + output)
                + (diagnostics.isEmpty() ? "" : "---- diagnostics\n" + diagnostics);
    }

    /** Whether the case says that nothing shall change. */
    boolean unchanged() {
        return head.contains("unchanged");
    }

    /** Parses the input and runs the passes, verifying after each. */
    Outcome run() {
        Diagnostics diagnostics = new Diagnostics();
        Graph graph = GraphParser.parse(new SourceFile("input", input));
        String out = "";
        try {
            for (Pass p : passes()) {
                graph = Pipeline.step(graph, p, new PassContext(diagnostics, calibration()));
            }
            out = GraphPrinter.print(graph);
        } catch (CompileException e) {
            if (!diagnostics.hasErrors()) {
                throw e;
            }
        }
        return new Outcome(out, DiagnosticRenderer.plain().render(diagnostics.all()));
    }

    private List<Pass> passes() {
        List<Pass> passes = new ArrayList<>();
        for (String name : values("passes").getFirst().split(",", -1)) {
            passes.add(Passes.all().stream()
                    .filter(p -> p.name().equals(name.strip()))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("there is no pass '" + name.strip() + "'")));
        }
        return passes;
    }

    private List<String> values(String key) {
        return head.stream()
                .filter(l -> l.startsWith(key + ":"))
                .map(l -> l.substring(key.length() + 1).strip())
                .toList();
    }

    /** Ranges have a text form only within a spec; so each is read as one. */
    private Calibration calibration() {
        Map<ValueId, Spec.RangeMethod> known = new LinkedHashMap<>();
        for (String line : values("calibration")) {
            int space = line.indexOf(' ');
            String value = line.substring(0, space);
            Graph.Param p = GraphParser.parse("graph @calibration {\n param " + value
                            + " : f32[1] activations(i8(asymmetric, per_tensor, " + line.substring(space + 1)
                            + "))\n return y = " + value + "\n}\n")
                    .params()
                    .getFirst();
            known.put(p.id(), Objects.requireNonNull(p.activations()).range());
        }
        return new Calibration(known);
    }
}

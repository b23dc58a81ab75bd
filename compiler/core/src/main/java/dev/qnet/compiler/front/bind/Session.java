package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.DidYouMean;
import dev.qnet.compiler.source.Span;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What all parts of one binding share: what was declared, what was said, what was built, how much was spent. */
final class Session {
    private record Said(String code, Span span) {}

    private final Diagnostics diagnostics;
    private final Declarations declarations;
    private final Map<String, Value> constants = new LinkedHashMap<>();
    private final GraphBuilder graph = new GraphBuilder();
    private final WeightFiles weights;
    private final Set<Said> said = new HashSet<>();
    private Spec.@Nullable Policy policy;
    private long steps;
    private int depth;
    private long constantElements;

    Session(Diagnostics diagnostics, Declarations declarations, WeightFiles weights) {
        this.diagnostics = diagnostics;
        this.declarations = declarations;
        this.weights = weights;
    }

    Declarations declarations() {
        return declarations;
    }

    /** The constants declared at the top of the files. */
    Map<String, Value> constants() {
        return constants;
    }

    GraphBuilder graph() {
        return graph;
    }

    WeightFiles weights() {
        return weights;
    }

    /** How the model asks to be quantized, or null for a float model. */
    Spec.@Nullable Policy policy() {
        return policy;
    }

    void policy(Spec.@Nullable Policy chosen) {
        policy = chosen;
    }

    Diagnostics diagnostics() {
        return diagnostics;
    }

    /** Says something about a place, once: the same place in another turn or instance is not news. */
    void report(Frame frame, Diagnostic d) {
        if (said.add(new Said(d.code(), d.span()))) {
            diagnostics.add(frame.trace(d));
        }
    }

    /** Says why something was rejected, unless that has been said. */
    void report(Frame frame, Rejected rejected) {
        Diagnostic d = rejected.diagnostic();
        if (d != null) {
            report(frame, d);
        }
    }

    /** Says it and gives what stands for the failed value. */
    Value fail(Frame frame, Rejected rejected) {
        report(frame, rejected);
        return Value.ERROR;
    }

    /** Ends the whole run. */
    CompileException fatal(Frame frame, Diagnostic d) {
        report(frame, d);
        return new CompileException(diagnostics.all());
    }

    /** Accounts for one more expression or statement, nested in those that have not {@linkplain #leave left}. */
    void enter(Frame frame, Span at) {
        if (++steps > Limits.STEPS) {
            throw fatal(
                    frame,
                    Messages.limit(at, "this model takes more than " + Limits.STEPS + " steps to bind")
                            .withFix("lower the counts of the repeats"));
        }
        if (++depth > Limits.DEPTH) {
            throw fatal(frame, Messages.limit(at, "this is nested more than " + Limits.DEPTH + " levels deep"));
        }
    }

    void leave() {
        depth--;
    }

    /** Accounts for a tensor computed at compile time, before it is allocated. */
    void allocate(Span at, long elements) {
        constantElements += elements;
        if (constantElements > Limits.CONSTANT_ELEMENTS) {
            throw new Rejected(Messages.limit(
                            at,
                            "tensors computed at compile time have at most " + Limits.CONSTANT_ELEMENTS
                                    + " elements, all told")
                    .withFix("put large tensors into a parameters file"));
        }
    }

    /** {@code did you mean `x`?}, or null. */
    static @Nullable String didYouMean(String name, Collection<String> candidates) {
        Optional<String> near = DidYouMean.suggest(name, candidates);
        return near.map(n -> "did you mean `" + n + "`?").orElse(null);
    }

    /** The diagnostic with a suggestion, else with another fix, else as it is. */
    static Diagnostic suggest(Diagnostic d, String name, Collection<String> candidates, @Nullable String otherwise) {
        String fix = didYouMean(name, candidates);
        if (fix == null) {
            fix = otherwise;
        }
        return fix == null ? d : d.withFix(fix);
    }
}

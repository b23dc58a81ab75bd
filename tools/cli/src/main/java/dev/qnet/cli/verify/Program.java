package dev.qnet.cli.verify;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.pass.PassContext;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.compiler.pass.Pipeline;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import org.jspecify.annotations.Nullable;

/** A graph and what it is compiled to, once, when first asked for. For one thread. */
public final class Program {
    private final Graph source;
    private @Nullable Graph lowered;
    private @Nullable CompiledArtifact artifact;

    Program(Graph source) {
        this.source = source;
    }

    /** The graph as it was imported. */
    Graph source() {
        return source;
    }

    /** The graph after all passes. */
    Graph lowered() {
        Graph g = lowered;
        if (g == null) {
            PassContext context = new PassContext(new Diagnostics(), Calibration.NONE);
            g = Pipeline.run(source, Passes.all(), context, (pass, graph) -> {});
            lowered = g;
        }
        return g;
    }

    /** The graph after all passes, compiled for the JVM. */
    CompiledArtifact artifact() {
        CompiledArtifact a = artifact;
        if (a == null) {
            a = JvmTarget.compile(lowered());
            artifact = a;
        }
        return a;
    }
}

package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.lower.Lowering;

/** A compiled graph in this process. */
public final class TvmModule implements AutoCloseable {
    private final Graph graph;
    private final Scope scope;
    private final Ref module;

    TvmModule(Graph graph, Scope scope, Ref module) {
        this.graph = graph;
        this.scope = scope;
        this.module = module;
    }

    /** What it was compiled of. */
    public Graph graph() {
        return graph;
    }

    /** Something that runs it; for one thread at a time. To be closed before the module is. */
    public TvmSession session() {
        Scope own = scope.library().scope();
        try {
            Ref run = own.function(module, Lowering.ENTRY)
                    .orElseThrow(() -> new IllegalStateException("the module has no function " + Lowering.ENTRY));
            return new TvmSession(graph, own, run);
        } catch (RuntimeException e) {
            own.close();
            throw e;
        }
    }

    /** The machine code, as an assembler reads it. */
    public String assembly() {
        return scope.text("runtime.ModuleGetSource", module, "asm");
    }

    /** Frees it. */
    @Override
    public void close() {
        scope.close();
    }
}

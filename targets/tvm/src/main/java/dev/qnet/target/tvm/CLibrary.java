package dev.qnet.target.tvm;

import dev.qnet.target.tvm.ffi.Linker;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import java.io.IOException;
import java.nio.file.Path;

/** A graph compiled to plain C functions. */
public final class CLibrary implements AutoCloseable {
    private final Scope scope;
    private final Ref module;
    private final String header;

    CLibrary(Scope scope, Ref module, String header) {
        this.scope = scope;
        this.module = module;
        this.header = header;
    }

    /**
     * Writes it as a shared library, which needs nothing but the C library.
     *
     * @throws IOException if the file cannot be written
     */
    public void save(Path library) throws IOException {
        Linker.link(scope, module, library);
    }

    /** What C programs include. */
    public String header() {
        return header;
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

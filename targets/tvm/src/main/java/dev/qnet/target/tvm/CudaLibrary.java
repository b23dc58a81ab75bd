package dev.qnet.target.tvm;

import dev.qnet.target.tvm.cuda.CudaCompiler;
import dev.qnet.target.tvm.ffi.Linker;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/** A graph compiled for a GPU. */
public final class CudaLibrary implements AutoCloseable {
    private final Scope scope;
    private final Ref host;
    private final byte[] imports;
    private final String ptx;
    private final CudaCompiler compiler;

    CudaLibrary(Scope scope, Ref host, byte[] imports, String ptx, CudaCompiler compiler) {
        this.scope = scope;
        this.host = host;
        this.imports = imports.clone();
        this.ptx = ptx;
        this.compiler = compiler;
    }

    /**
     * Writes it as a shared library, kernels and weights in it, which TVM's runtime with CUDA loads.
     *
     * @throws IOException if the file cannot be written
     */
    public void save(Path library) throws IOException {
        Linker.link(scope, host, imports, library);
    }

    /** The kernels' code, which a driver compiles for its GPU. */
    public String ptx() {
        return ptx;
    }

    /** What compiled the kernels, and what for, in the user's terms. */
    public String kernels() {
        return ptx.isEmpty()
                ? "without kernels"
                : "kernels by " + compiler.name().toLowerCase(Locale.ROOT) + ", PTX " + directive(".version") + " for "
                        + directive(".target");
    }

    private String directive(String name) {
        return ptx.lines()
                .filter(line -> line.startsWith(name + " "))
                .map(line -> line.substring(name.length()).strip())
                .findFirst()
                .orElse("?");
    }

    /** Frees it. */
    @Override
    public void close() {
        scope.close();
    }
}

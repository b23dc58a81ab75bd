package dev.qnet.target.tvm.ffi;

import dev.qnet.target.tvm.natives.Tool;
import dev.qnet.target.tvm.natives.WorkFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** Writes compiled modules as shared libraries, with the linker that comes with LLVM. */
public final class Linker {
    private Linker() {}

    /**
     * Writes a shared library, whole or not at all.
     *
     * @throws IOException if it cannot be written
     */
    public static void link(Scope scope, Ref module, Path library) throws IOException {
        link(scope, module, new byte[0], library);
    }

    /**
     * As {@link #link(Scope, Ref, Path)}, with what TVM's runtime makes modules of that the module imports.
     *
     * @param imports as TVM reads them from {@code __tvm_dev_mblob}; of no bytes for none
     */
    public static void link(Scope scope, Ref module, byte[] imports, Path library) throws IOException {
        Path beside = library.toAbsolutePath().resolveSibling("." + library.getFileName() + "." + System.nanoTime());
        try (WorkFolder folder = WorkFolder.create()) {
            Path object = folder.resolve("module.o");
            scope.run("runtime.ModuleSaveToFile", module, object.toString(), "o");
            List<String> options = new ArrayList<>(List.of(
                    "-shared", "--eh-frame-hdr", "--build-id=none", "-o", beside.toString(), object.toString()));
            if (imports.length > 0) {
                Files.write(folder.resolve("imports"), imports);
                options.addAll(List.of("--format=binary", "imports", "--defsym=__tvm_dev_mblob=_binary_imports_start"));
            }
            run(scope.library().folder(), folder, options);
            Files.move(beside, library, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    /**
     * Runs the linker.
     *
     * @param tools where it is
     * @param folder that it runs in
     * @throws IOException if it fails, with what it said
     */
    public static void run(Path tools, WorkFolder folder, List<String> options) throws IOException {
        new Tool(tools.resolve("lld"), "-flavor", "gnu").run(folder.path(), options);
    }
}

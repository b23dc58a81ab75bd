package dev.qnet.target.tvm.cuda;

import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * What TVM's runtime makes a module of CUDA of, which a shared library imports: the bytes that TVM 0.18 writes for one, behind
 * the symbol {@code __tvm_dev_mblob}. Written here so that compiling needs no TVM with CUDA, which wants a driver to be loaded.
 */
public final class Imports {
    /** How a kernel is launched: what the arguments behind its own ones are. */
    private static final List<String> GRID = List.of("blockIdx.x", "blockIdx.y", "threadIdx.x");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Imports() {}

    /**
     * The bytes.
     *
     * @param kernels by whose names a function launches them
     * @param ptx their code
     */
    public static byte[] of(List<PrimFunc> kernels, String ptx) {
        Imports modules = new Imports();
        // The library itself, the module of CUDA, and which imports which: the first one the second one.
        modules.number(3).text("_lib").text("cuda").text("ptx").number(kernels.size());
        for (PrimFunc k : kernels) {
            modules.text(k.name()).kernel(k);
        }
        modules.text(ptx).text("_import_tree");
        modules.number(3).number(0).number(1).number(1);
        modules.number(1).number(1);
        byte[] content = modules.out.toByteArray();
        Imports all = new Imports().number(content.length);
        all.out.writeBytes(content);
        return all.out.toByteArray();
    }

    private void kernel(PrimFunc kernel) {
        text(kernel.name()).number(kernel.params().size());
        for (Var v : kernel.params()) {
            DataType t = v.type();
            out.write(t.code());
            out.write(t.bits());
            out.write(t.lanes());
            out.write(t.lanes() >> 8);
        }
        number(GRID.size());
        GRID.forEach(this::text);
    }

    private Imports number(long value) {
        for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
            out.write((int) (value >> shift));
        }
        return this;
    }

    private Imports text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        number(bytes.length);
        out.writeBytes(bytes);
        return this;
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr.Var;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** Functions that give a text that a module carries: its length in bytes, and the bytes, as UTF-8. */
public final class Metadata {
    /** Writes the length to a tensor of one int64. */
    public static final String SIZE = "metadata_size";

    /** Writes the text to a tensor of that many uint8. */
    public static final String TEXT = "metadata";

    private Metadata() {}

    /**
     * Functions for a text that take pointers.
     *
     * @param size the name of the one that stores the length, in 64 bits
     * @param text of the one that stores the bytes
     */
    public static List<PrimFunc> functionsForC(String size, String text, String value) {
        byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
        Buffer length = Buffer.of("size", DataType.INT64, 1);
        Buffer given = Buffer.of("text", DataType.UINT8, bytes.length);
        return List.of(
                new PrimFunc(
                        size,
                        List.of(length.data()),
                        Map.of(),
                        true,
                        new Stmt.Declare(length, store(length, i64(bytes.length), i32(0)))),
                new PrimFunc(text, List.of(given.data()), Map.of(), true, new Stmt.Declare(given, copy(bytes, given))));
    }

    private static Stmt copy(byte[] bytes, Buffer to) {
        Buffer constant = Buffer.of("constant", DataType.UINT8, bytes.length);
        return new Stmt.Constant(constant, bytes, loop("i", bytes.length, i -> store(to, load(constant, i), i)));
    }

    /** The functions for a text. */
    public static List<PrimFunc> functions(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Var size = Var.tensor("size");
        Buffer sizes = Buffer.tensor("size_data", DataType.INT64, List.of(i32(1)));
        Var out = Var.tensor("text");
        Buffer given = Buffer.tensor("text_data", DataType.UINT8, List.of(i32(bytes.length)));
        return List.of(
                new PrimFunc(SIZE, List.of(size), Map.of(size, sizes), true, store(sizes, i64(bytes.length), i32(0))),
                new PrimFunc(TEXT, List.of(out), Map.of(out, given), true, copy(bytes, given)));
    }
}

package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The constants of a function: static arrays in front of it, in which small integers lie side by side. */
final class CTables {
    /** The most letters of a line. */
    private static final int WIDTH = 100;

    /** Of a table with numbers that C cannot write: their bits are in it. */
    private static final int RAW = 0;

    /** How a table's elements lie in it: in so many bits, or as {@link #RAW}. */
    record Table(DataType type, int bits) {}

    private final String function;
    private final CUses uses;
    private final CNames names;
    private final Lines out;
    private final Map<Var, Table> tables = new HashMap<>();
    private long bytes;

    /** Prints the constants that stand in front of a function's statements. */
    CTables(PrimFunc function, CUses uses, CNames names, Lines out) {
        this.function = function.name();
        this.uses = uses;
        this.names = names;
        this.out = out;
        print(function.body());
    }

    /** What a pointer points to, if that is a table. */
    @Nullable Table get(Var v) {
        return tables.get(v);
    }

    /** Bytes that they take. */
    long bytes() {
        return bytes;
    }

    private void print(Stmt s) {
        switch (s) {
            case Stmt.Constant(Buffer b, byte[] elements, Stmt body) -> {
                if (uses.has(b.data())) {
                    print(b, elements);
                }
                print(body);
            }
            case Stmt.Declare(Buffer b, Stmt body) -> print(body);
            case Stmt.Seq _, Stmt.For _, Stmt.If _, Stmt.Let _, Stmt.Allocate _ -> {}
            case Stmt.Store _, Stmt.Evaluate _, Stmt.Assert _, Stmt.Workspace _ -> {}
        }
    }

    private void print(Buffer b, byte[] elements) {
        DataType type = b.type();
        long[] values = Words.of(type, elements);
        int bits = type.isFloat() ? (Words.finite(type, values) ? type.bits() : RAW) : Words.width(type, values);
        tables.put(b.data(), new Table(type, bits));
        String name = names.put(b.data(), function + "_" + b.name());
        List<String> shown = new ArrayList<>();
        String declared = CTypes.of(type);
        bytes += elements.length;
        if (bits != RAW && bits < 8) {
            byte[] packed = Words.pack(values, bits);
            declared = "uint8_t";
            bytes += packed.length - elements.length;
            for (byte p : packed) {
                shown.add(Integer.toString(p & 0xff));
            }
        } else {
            boolean raw = bits == RAW;
            declared = raw ? "uint" + type.bits() + "_t" : declared;
            for (long v : values) {
                shown.add(
                        raw
                                ? CLiterals.bits(type, v)
                                : type.isFloat()
                                        ? CLiterals.real(type, Words.real(type, v))
                                        : CLiterals.element(type, v));
            }
        }
        out.line("static const " + declared + " " + name + "[" + shown.size() + "] = {");
        StringBuilder row = new StringBuilder();
        for (String v : shown) {
            if (row.length() + v.length() + 2 > WIDTH) {
                out.line("    " + row.toString().stripTrailing());
                row.setLength(0);
            }
            row.append(v).append(", ");
        }
        out.line("    " + row.substring(0, row.length() - 2));
        out.line("};");
    }
}

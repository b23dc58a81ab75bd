package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Prints programs as C99 that needs no library: functions and the tables that are in them, all of them static, and in front of
 * them the helpers that they call ({@link CHelpers}). Vectors and instructions of one CPU are refused.
 *
 * <p>Arithmetic is the program's, operation for operation. Memory that is of one type here and of another there is read
 * and written through types that may alias.
 */
public final class CPrinter {
    /**
     * A module as text.
     *
     * @param helpers what the functions need in front of them
     * @param functions the functions, without the helpers
     * @param tables bytes of constants by function
     */
    public record Printed(String helpers, String functions, Map<String, Long> tables) {}

    private final Lines out = new Lines();
    private final Set<String> helpers = new TreeSet<>();
    private final Map<String, Long> tables = new LinkedHashMap<>();
    /** Of each function printed so far. */
    private final Map<String, List<CUses.Parameter>> parameters = new HashMap<>();

    private CPrinter() {}

    /** Prints a module. */
    public static Printed print(TirModule module) {
        CPrinter p = new CPrinter();
        module.functions().forEach(p::function);
        return new Printed(CHelpers.text(p.helpers), p.out.toString(), p.tables);
    }

    private void function(PrimFunc f) {
        CUses uses = new CUses(f.body(), parameters);
        CNames names = new CNames();
        CTables constants = new CTables(f, uses, names, out);
        if (constants.bytes() > 0) {
            tables.put(f.name(), constants.bytes());
        }
        List<String> params = new ArrayList<>();
        List<CUses.Parameter> known = new ArrayList<>();
        for (Var v : f.params()) {
            boolean pointer = v.type().equals(DataType.POINTER);
            boolean constant = pointer && !uses.isWritten(v);
            known.add(new CUses.Parameter(v.pointee(), constant));
            params.add(
                    pointer
                            ? (constant ? "const " : "") + CTypes.shared(v.pointee()) + " *" + names.of(v)
                            : CTypes.of(v.type()) + " " + names.of(v));
        }
        parameters.put(f.name(), known);
        out.block("QNET_LAYER static void " + f.name() + "(" + String.join(", ", params) + ")", () -> {
            for (Var v : f.params()) {
                if (!uses.has(v)) {
                    out.line("(void)" + names.of(v) + ";");
                }
            }
            new CFunction(uses, constants, names, parameters, helpers, out).stmt(f.body());
        });
        out.blank();
    }
}

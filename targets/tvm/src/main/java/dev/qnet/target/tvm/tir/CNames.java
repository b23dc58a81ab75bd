package dev.qnet.target.tvm.tir;

import dev.qnet.target.tvm.tir.Expr.Var;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** The names of a function's variables, as far as C allows them. */
final class CNames {
    /** Words that variables cannot be called. */
    private static final Set<String> RESERVED = Set.of(
            "auto",
            "break",
            "case",
            "char",
            "const",
            "continue",
            "default",
            "do",
            "double",
            "else",
            "enum",
            "extern",
            "float",
            "for",
            "goto",
            "if",
            "inline",
            "int",
            "long",
            "register",
            "restrict",
            "return",
            "short",
            "signed",
            "sizeof",
            "static",
            "struct",
            "switch",
            "typedef",
            "union",
            "unsigned",
            "void",
            "volatile",
            "while");

    private final Map<Var, String> names = new HashMap<>();
    private final Set<String> taken = new HashSet<>();

    /** A variable's name, with a number where another has the same. */
    String of(Var v) {
        String known = names.get(v);
        if (known == null) {
            String letters = v.name().replaceAll("[^A-Za-z0-9_]", "_");
            known = put(v, RESERVED.contains(letters) ? letters + "_" : letters);
        }
        return known;
    }

    /** Calls a variable so, with a number where another is called so. */
    String put(Var v, String wanted) {
        String name = wanted;
        for (int i = 1; !taken.add(name); i++) {
            name = wanted + "_" + i;
        }
        names.put(v, name);
        return name;
    }
}

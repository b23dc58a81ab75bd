package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.Program;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a program declares, by name. Schemes have names of their own; blocks, constants and models share one space.
 *
 * @param schemes by name
 * @param blocks by name
 * @param models by name, in the order of the text
 * @param constants in the order of the text
 * @param calibrations in the order of the text
 */
record Declarations(
        Map<String, Decl.Scheme> schemes,
        Map<String, Decl.Block> blocks,
        Map<String, Decl.Model> models,
        List<Const> constants,
        List<Decl.Calibration> calibrations) {

    /** Sorts what a program declares; a name declared twice is reported, and its first meaning kept. */
    static Declarations of(Program program, Diagnostics diagnostics) {
        Declarations d = new Declarations(
                new LinkedHashMap<>(),
                new LinkedHashMap<>(),
                new LinkedHashMap<>(),
                new ArrayList<>(),
                new ArrayList<>());
        Map<String, Name> schemeNames = new LinkedHashMap<>();
        Map<String, Name> names = new LinkedHashMap<>();
        program.declarations().forEach(decl -> {
            switch (decl) {
                case Decl.Scheme s -> {
                    if (isNew("scheme", s.name(), schemeNames, diagnostics)) {
                        d.schemes.put(s.name().text(), s);
                    }
                }
                case Decl.Block b -> {
                    if (Operations.find(b.name().text()) != null) {
                        diagnostics.add(Diagnostic.error(
                                        "duplicate-name",
                                        b.name().span(),
                                        "'" + b.name() + "' is an operation, so a block needs another name")
                                .withFix("rename the block, such as `my_" + b.name() + "`"));
                    } else if (isNew("block", b.name(), names, diagnostics)) {
                        d.blocks.put(b.name().text(), b);
                    }
                }
                case Decl.Model m -> {
                    if (isNew("model", m.name(), names, diagnostics)) {
                        d.models.put(m.name().text(), m);
                    }
                }
                case Const c -> {
                    if (isNew("const", c.name(), names, diagnostics)) {
                        d.constants.add(c);
                    }
                }
                case Decl.Calibration c -> d.calibrations.add(c);
                case Decl.Include _ -> {}
            }
        });
        return d;
    }

    private static boolean isNew(String kind, Name name, Map<String, Name> seen, Diagnostics diagnostics) {
        Name first = seen.putIfAbsent(name.text(), name);
        if (first != null) {
            diagnostics.add(
                    Diagnostic.error("duplicate-name", name.span(), "the " + kind + " '" + name + "' is declared twice")
                            .withNote(first.span(), "'" + name + "' is first declared here")
                            .withFix("rename one of them"));
        }
        return first == null;
    }
}

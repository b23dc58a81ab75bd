package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.DidYouMean;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Gives the models of a program a scheme that they do not name. */
final class OtherScheme {
    /** What needs no declaration: four bits by what is learned, and eight where nothing is. */
    private static final String KNOWN = """
            qnet 1
            scheme ste { weights i8 per_channel ste activations u8 ste }
            scheme pact { weights i4 per_channel ste activations u4 pact }
            scheme lsq { weights i4 per_channel lsq activations u4 lsq }
            scheme lsq_plus { weights i4 per_channel lsq activations u4 lsq_plus }
            scheme qil { weights i4 per_channel qil activations u4 lsq }
            scheme qn { weights i4 per_channel qn activations u4 lsq }
            scheme codebook { weights codebook(16) activations u4 lsq }
            """;

    private OtherScheme() {}

    static List<String> known() {
        return schemes(builtIn()).map(s -> s.name().text()).toList();
    }

    /**
     * The program with another scheme for its models.
     *
     * @param wanted the name of a scheme, or a file with one
     * @throws CompileException if there is none
     */
    static Program in(Program program, String wanted) {
        if (wanted.endsWith(Frontend.EXTENSION)) {
            Program file = Frontend.program(Path.of(wanted));
            return join(program, file, last(wanted, file));
        }
        if (declares(program, wanted)) {
            return join(program, new Program(List.of()), wanted);
        }
        Program known = builtIn();
        if (declares(known, wanted)) {
            return join(program, known, wanted);
        }
        List<String> all = Stream.concat(schemes(program), schemes(known))
                .map(s -> s.name().text())
                .toList();
        Diagnostic d = Diagnostic.error("unknown-name", Span.NONE, "there is no scheme '" + wanted + "'")
                .withNote("there are " + String.join(", ", all) + ", and any in a file: --scheme FILE.qnet");
        String spelled = wanted.replace("+", "_plus"); // as papers write LSQ+
        Optional<String> near = all.contains(spelled) ? Optional.of(spelled) : DidYouMean.suggest(wanted, all);
        throw new CompileException(near.isPresent() ? d.withFix("did you mean '" + near.get() + "'?") : d);
    }

    private static Program builtIn() {
        return new Program(List.of(Parser.parse(new SourceFile("<schemes>", KNOWN))));
    }

    private static Stream<Decl.Scheme> schemes(Program p) {
        return p.declarations().filter(Decl.Scheme.class::isInstance).map(Decl.Scheme.class::cast);
    }

    private static boolean declares(Program p, String name) {
        return schemes(p).anyMatch(s -> s.name().text().equals(name));
    }

    /** The only scheme of a file that no other extends. */
    private static String last(String file, Program program) {
        Set<String> parents = schemes(program)
                .map(Decl.Scheme::parent)
                .filter(Objects::nonNull)
                .map(Name::text)
                .collect(Collectors.toSet());
        List<String> tips = schemes(program)
                .map(s -> s.name().text())
                .filter(n -> !parents.contains(n))
                .toList();
        if (tips.size() != 1) {
            throw new CompileException(Diagnostic.error(
                            "no-scheme",
                            Span.NONE,
                            tips.isEmpty()
                                    ? "'" + file + "' declares no scheme"
                                    : "'" + file + "' declares " + String.join(", ", tips) + ": which is meant?")
                    .withFix("name a file with one scheme, such as: scheme s { weights i4 lsq activations u4 lsq }"));
        }
        return tips.getFirst();
    }

    /** Schemes of the other program take the place of those of the same name. */
    private static Program join(Program program, Program other, String scheme) {
        Set<String> replaced = schemes(other).map(s -> s.name().text()).collect(Collectors.toSet());
        List<Ast.File> files = new ArrayList<>();
        for (Ast.File f : other.files()) {
            files.add(with(
                    f,
                    f.declarations().stream()
                            .filter(Decl.Scheme.class::isInstance)
                            .toList()));
        }
        for (Ast.File f : program.files()) {
            List<Decl> declarations = new ArrayList<>();
            for (Decl d : f.declarations()) {
                if (d instanceof Decl.Model m) {
                    Name name = new Name(scheme, m.name().span());
                    declarations.add(new Decl.Model(m.name(), m.inputs(), m.results(), name, m.body(), m.span()));
                } else if (!(d instanceof Decl.Scheme s
                        && replaced.contains(s.name().text()))) {
                    declarations.add(d);
                }
            }
            files.add(with(f, declarations));
        }
        return new Program(files);
    }

    private static Ast.File with(Ast.File f, List<Decl> declarations) {
        return new Ast.File(f.source(), f.version(), declarations, f.span());
    }
}

package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.SourceReader;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Reads a file and what it includes. A path is relative to the file that includes it; a file that several include is
 * read once. Errors in several files are reported in one run.
 */
public final class Includes {
    /** How long a chain of files that include one another may be. */
    public static final int MAX_DEPTH = 32;

    /** How many files a program may have. */
    public static final int MAX_FILES = 256;

    private final Diagnostics diagnostics = new Diagnostics();
    private final List<Ast.File> files = new ArrayList<>();
    private final Set<Path> done = new HashSet<>();
    /** From the main file to the one being read. */
    private final List<Open> chain = new ArrayList<>();

    /** A file being read and where it is included ({@link Span#NONE} for the main file). */
    private record Open(Path identity, String name, Span includedAt) {}

    private Includes() {}

    /**
     * Reads the program whose main file is at a path.
     *
     * @throws CompileException with the errors of all its files
     */
    public static Program load(Path main) {
        SourceFile source = SourceReader.read(main);
        Includes includes = new Includes();
        includes.visit(main, source, Span.NONE);
        includes.diagnostics.throwIfErrors();
        return new Program(includes.files);
    }

    /**
     * Reads the program whose main file is already in memory.
     *
     * @param path where the main file lies or would lie; what it includes is looked up beside it
     * @throws CompileException with the errors of all its files
     */
    public static Program load(SourceFile main, Path path) {
        Includes includes = new Includes();
        includes.visit(path, main, Span.NONE);
        includes.diagnostics.throwIfErrors();
        return new Program(includes.files);
    }

    private void visit(Path path, SourceFile source, Span includedAt) {
        Path identity = identity(path);
        Ast.File file;
        try {
            file = Parser.parse(source);
        } catch (CompileException e) {
            done.add(identity);
            e.diagnostics().forEach(diagnostics::add);
            return;
        }
        chain.add(new Open(identity, source.name(), includedAt));
        for (Decl d : file.declarations()) {
            if (d instanceof Decl.Include include) {
                include(include, path);
            }
        }
        chain.removeLast();
        done.add(identity);
        files.add(file);
    }

    private void include(Decl.Include include, Path from) {
        Span at = include.path().span();
        String written = include.path().plainText();
        Path path;
        try {
            Path relative = Path.of(written);
            if (written.isEmpty() || relative.isAbsolute()) {
                diagnostics.add(chained(Diagnostic.error(
                                "include-path", at, "an included file is named by its path from the including file"))
                        .withFix("write a relative path, such as `include \"layers.qnet\"`"));
                return;
            }
            path = from.resolveSibling(relative).normalize();
        } catch (InvalidPathException e) {
            diagnostics.add(
                    chained(Diagnostic.error("include-path", at, "this is no path on this system: " + e.getReason())));
            return;
        }
        Path identity = identity(path);
        if (chain.stream().anyMatch(o -> o.identity().equals(identity))) {
            diagnostics.add(chained(Diagnostic.error("include-cycle", at, "'" + written + "' ends up including itself"))
                    .withFix("move what both need into a third file"));
            return;
        }
        if (done.contains(identity)) {
            return;
        }
        if (chain.size() >= MAX_DEPTH) {
            diagnostics.add(chained(Diagnostic.error(
                    "include-limit", at, "files include one another more than " + MAX_DEPTH + " deep")));
            return;
        }
        if (done.size() + chain.size() >= MAX_FILES) {
            throw new CompileException(chained(
                    Diagnostic.error("include-limit", at, "the program has more than " + MAX_FILES + " files")));
        }
        SourceFile source;
        try {
            source = SourceReader.read(path, path.toString(), at);
        } catch (CompileException e) {
            done.add(identity);
            e.diagnostics().stream().map(this::chained).forEach(diagnostics::add);
            return;
        }
        visit(path, source, at);
    }

    /** With the includes that led to the file being read, the nearest first. */
    private Diagnostic chained(Diagnostic d) {
        Diagnostic with = d;
        for (Open open : chain.reversed()) {
            if (!open.includedAt().isNone()) {
                with = with.withNote(open.includedAt(), "'" + open.name() + "' is included here");
            }
        }
        return with;
    }

    /** The one path of a file, however it is reached. */
    private static Path identity(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            return path.toAbsolutePath().normalize();
        }
    }
}

package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Decl;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file and everything it includes.
 *
 * @param files each file once, an included one before the one that includes it; the main file last
 */
public record Program(List<Ast.File> files) {
    public Program {
        files = List.copyOf(files);
    }

    /** The file that was asked for. */
    public Ast.File main() {
        return files.getLast();
    }

    /** Every declaration but the includes, those of included files first. */
    public Stream<Decl> declarations() {
        return files.stream().flatMap(f -> f.declarations().stream()).filter(d -> !(d instanceof Decl.Include));
    }
}

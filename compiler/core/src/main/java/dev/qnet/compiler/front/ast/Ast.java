package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.util.List;

/**
 * A piece of a `.qnet` text. Every piece knows the span it was read from, or {@link Span#NONE} if code built it; the
 * tree has no other tie to the text, so a built tree prints like a parsed one.
 */
public sealed interface Ast
        permits Ast.File,
                Annotation,
                Argument,
                Branch,
                Decl,
                Expr,
                Item,
                Name,
                Param,
                Result,
                SchemeEntry,
                Stmt,
                TypeRef {
    /** From the first character to after the last; comments around the piece are outside it. */
    Span span();

    /**
     * One file.
     *
     * @param source the text itself
     * @param version the language version that the header names
     * @param declarations in the order of the text
     * @param span the whole text
     */
    record File(SourceFile source, int version, List<Decl> declarations, Span span) implements Ast {
        public File {
            declarations = List.copyOf(declarations);
        }
    }
}

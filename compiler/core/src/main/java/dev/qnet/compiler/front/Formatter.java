package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.SourceFile;

/**
 * Writes `.qnet` text in the one canonical layout: two columns of indentation, lines of at most 100 columns where that
 * can be, entries of a scheme aligned, a pipe that does not fit broken before each stage, empty lines kept but never
 * two. Comments keep their places and literals their spelling; formatting what is formatted changes nothing.
 */
public final class Formatter {
    /** A comment that ends up between other tokens than it stood may break a line elsewhere the next time; then all stays. */
    private static final int ROUNDS = 4;

    private Formatter() {}

    /**
     * The text of a file in the canonical layout.
     *
     * @throws CompileException if the text is not a file of the language
     */
    public static String format(SourceFile source) {
        String text = once(source);
        for (int round = 1; round < ROUNDS; round++) {
            String again = once(new SourceFile(source.name(), text));
            if (again.equals(text)) {
                break;
            }
            text = again;
        }
        return text;
    }

    private static String once(SourceFile source) {
        Parser.Parsed parsed = Parser.read(source);
        return print(parsed.file(), new Tokens(new Lexemes(parsed)));
    }

    /** The text of a tree that code built (or of a parsed one, without its comments). */
    public static String print(Ast.File file) {
        return print(file, new Tokens(null));
    }

    private static String print(Ast.File file, Tokens tokens) {
        return DocPrinter.print(new Layout(tokens).file(file));
    }
}

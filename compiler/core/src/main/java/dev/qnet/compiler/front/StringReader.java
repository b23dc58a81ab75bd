package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Expr.StringLit;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import dev.qnet.grammar.QnetParser;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads what is between a string's quotes: escapes ({@code \n \t \r \" \\} and {@code \}{@code uXXXX}), doubled braces,
 * and expressions in braces, which it gives to the parser with their own place in the file.
 */
final class StringReader {
    private final SourceFile source;
    private final String text;
    private final Diagnostics diagnostics;
    private final ExprBuilder exprs;

    StringReader(SourceFile source, Diagnostics diagnostics, ExprBuilder exprs) {
        this.source = source;
        this.text = source.text();
        this.diagnostics = diagnostics;
        this.exprs = exprs;
    }

    /** The string whose quotes are the span's ends. */
    StringLit read(Span span) {
        List<StringLit.Part> parts = new ArrayList<>();
        StringBuilder plain = new StringBuilder();
        int end = span.end() - 1;
        int at = span.start() + 1;
        while (at < end) {
            char c = text.charAt(at);
            if (c == '\\') {
                at += escape(at, end, plain);
            } else if ((c == '{' || c == '}') && at + 1 < end && text.charAt(at + 1) == c) {
                plain.append(c);
                at += 2;
            } else if (c == '{') {
                int close = text.indexOf('}', at);
                if (close < 0 || close >= end) {
                    diagnostics.add(Diagnostic.error(
                                    "bad-interpolation", new Span(source, at, end), "this '{' has no '}' in the string")
                            .withFix("write {{ for a brace that is text"));
                    break;
                }
                Expr value = interpolation(new Span(source, at + 1, close));
                if (value != null) {
                    flush(plain, parts);
                    parts.add(new StringLit.Interpolation(value));
                }
                at = close + 1;
            } else if (c == '}') {
                diagnostics.add(
                        Diagnostic.error("bad-interpolation", new Span(source, at, at + 1), "this '}' closes nothing")
                                .withFix("write }} for a brace that is text"));
                at++;
            } else {
                plain.append(c);
                at++;
            }
        }
        flush(plain, parts);
        return new StringLit(parts, span);
    }

    private static void flush(StringBuilder plain, List<StringLit.Part> parts) {
        if (!plain.isEmpty()) {
            parts.add(new StringLit.Text(plain.toString()));
            plain.setLength(0);
        }
    }

    /** Appends the character that the escape at the backslash means; returns the escape's length. */
    private int escape(int at, int end, StringBuilder plain) {
        char c = text.charAt(at + 1);
        switch (c) {
            case 'n' -> plain.append('\n');
            case 't' -> plain.append('\t');
            case 'r' -> plain.append('\r');
            case '"', '\\' -> plain.append(c);
            case 'u' -> {
                if (at + 6 <= end && text.substring(at + 2, at + 6).matches("[0-9A-Fa-f]{4}")) {
                    plain.append((char) Integer.parseInt(text.substring(at + 2, at + 6), 16));
                    return 6;
                }
                diagnostics.add(Diagnostic.error(
                        "bad-escape", new Span(source, at, at + 2), "\\u is followed by four hexadecimal digits"));
            }
            default -> {
                int length = Character.charCount(text.codePointAt(at + 1));
                diagnostics.add(Diagnostic.error(
                                "bad-escape",
                                new Span(source, at, at + 1 + length),
                                "'" + text.substring(at, at + 1 + length) + "' is no escape")
                        .withFix("the escapes are \\n \\t \\r \\\" \\\\ and \\uXXXX; write \\\\ for a backslash"));
                return 1 + length;
            }
        }
        return 2;
    }

    /** The expression between a pair of braces, or null if it has errors. */
    private @Nullable Expr interpolation(Span inner) {
        Diagnostics found = new Diagnostics();
        TokenScan scan = TokenScan.of(inner, found);
        QnetParser.InterpolationContext tree =
                Parser.parser(source, scan.tokens(), found).interpolation();
        if (found.hasErrors()) {
            found.all().forEach(diagnostics::add);
            return null;
        }
        if (!scan.comments().isEmpty()) {
            diagnostics.add(Diagnostic.error(
                    "bad-interpolation", scan.comments().getFirst().span(), "a comment cannot stand inside a string"));
        }
        return exprs.expr(tree.expr());
    }
}

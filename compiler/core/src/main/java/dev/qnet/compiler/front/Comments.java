package dev.qnet.compiler.front;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides for each comment whether it stands in the line, on a line of its own or at the end of one, and breaks the
 * groups whose lines a comment needs. Knows nothing of widths: so the second formatting decides as the first did.
 */
final class Comments {
    /** Groups around the place that is being looked at, the innermost first. */
    private final Deque<Doc.Group> groups = new ArrayDeque<>();
    /** Groups around the last line, if no token has come since; null otherwise. */
    private @Nullable List<Doc.Group> line = List.of();
    /** True while some comment waits for a line's end. */
    private boolean waiting;

    private Comments() {}

    static void place(Doc doc) {
        new Comments().walk(doc);
    }

    private void walk(Doc doc) {
        switch (doc) {
            case Doc.Token token -> token(token);
            case Doc.Line l -> line(l);
            case Doc.Indent indent -> walk(indent.body());
            case Doc.Concat concat -> concat.parts().forEach(this::walk);
            case Doc.Group group -> {
                groups.push(group);
                if (group.broken) {
                    breakAll(groups);
                }
                walk(group.body);
                groups.pop();
            }
            case Doc.Blank _, Doc.IfBroken _ -> {}
        }
    }

    private void line(Doc.Line l) {
        if (waiting || l == Doc.Line.HARD || l == Doc.Line.EMPTY) {
            breakAll(groups);
        }
        waiting = false;
        line = List.copyOf(groups);
    }

    private static void breakAll(Iterable<Doc.Group> groups) {
        groups.forEach(g -> g.broken = true);
    }

    private void token(Doc.Token token) {
        if (token.lexeme != null) {
            List<Comment> leading = token.lexeme.leading;
            if (line != null) {
                // The last of them may stand before the token in its line; what is above that stands above the token.
                int from = leading.size();
                while (from > 0
                        && !token.text.isEmpty()
                        && leading.get(from - 1).isInline()
                        && leading.get(from - 1).firstLine() == token.lexeme.line()) {
                    from--;
                }
                token.above.addAll(leading.subList(0, from));
                token.before.addAll(leading.subList(from, leading.size()));
                if (!token.above.isEmpty()) {
                    breakAll(line);
                }
            } else {
                leading.forEach(c -> inLine(c, token.before, token));
            }
            token.lexeme.trailing.forEach(c -> inLine(c, token.after, token));
        }
        line = null;
    }

    /** A comment in the middle of a line stays if it can; behind one that waits it waits too, to keep their order. */
    private void inLine(Comment c, List<Comment> place, Doc.Token token) {
        if (!waiting && c.isInline()) {
            place.add(c);
        } else {
            token.waiting.add(c);
            waiting = true;
        }
    }
}

package dev.qnet.compiler.front;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/** Writes a {@link Doc} in lines of at most {@link #WIDTH} columns where that can be. */
final class DocPrinter {
    static final int WIDTH = 100;
    static final int INDENT = 2;

    /** Something still to write, at an indentation, in a group that is on one line or broken. */
    private record Todo(int indent, boolean broken, Doc doc) {}

    private final StringBuilder out = new StringBuilder();
    private final Deque<Todo> todo = new ArrayDeque<>();
    /** Comments for the end of the line being written. */
    private final List<Comment> waiting = new ArrayList<>();

    private int column;
    private int blanks;
    /** True right after a comment in the line, from which most tokens keep a blank. */
    private boolean adjoins;

    /** True where a comment needs no blank before it: at a line's begin and after '(' or '['. */
    private boolean tight;

    private boolean atFileStart = true;
    private boolean afterOpener;
    /** The line that has ended but is not yet written, as what comes next decides how. */
    private Doc.Line line = Doc.Line.HARD;

    private boolean lineEnded = true;
    private int lineIndent;
    private boolean flat;

    private DocPrinter() {}

    /** The text, ended by one line break. */
    static String print(Doc doc) {
        Comments.place(doc);
        DocPrinter printer = new DocPrinter();
        printer.todo.push(new Todo(0, true, doc));
        printer.run();
        return printer.finish();
    }

    /** The text on one line, for a document without comments. */
    static String flat(Doc doc) {
        DocPrinter printer = new DocPrinter();
        printer.lineEnded = false;
        printer.todo.push(new Todo(0, false, doc));
        printer.flat = true;
        printer.run();
        return printer.out.toString();
    }

    private void run() {
        while (!todo.isEmpty()) {
            Todo t = todo.pop();
            switch (t.doc()) {
                case Doc.Token token -> token(token);
                case Doc.Blank blank -> {
                    blanks += blank.width();
                    column += blank.width();
                }
                case Doc.Line l -> line(l, t);
                case Doc.IfBroken extra -> {
                    if (t.broken()) {
                        write(extra.text());
                    }
                }
                case Doc.Indent indent -> todo.push(new Todo(t.indent() + INDENT, t.broken(), indent.body()));
                case Doc.Concat concat -> pushAll(todo, concat, t.indent(), t.broken());
                case Doc.Group group -> {
                    boolean broken = !flat && (group.broken || !fits(new Todo(t.indent(), false, group.body)));
                    todo.push(new Todo(t.indent(), broken, group.body));
                }
            }
        }
    }

    private static void pushAll(Deque<Todo> to, Doc.Concat concat, int indent, boolean broken) {
        for (Doc part : concat.parts().reversed()) {
            to.push(new Todo(indent, broken, part));
        }
    }

    private void line(Doc.Line l, Todo t) {
        if (!t.broken() && l == Doc.Line.BLANK) {
            blanks++;
            column++;
        } else if (t.broken()) {
            lineEnded = true;
            line = l;
            lineIndent = t.indent();
            column = t.indent();
            blanks = 0;
        }
    }

    // ---- tokens and comments

    private void token(Doc.Token token) {
        if (lineEnded) {
            beginLine(token);
            tight = true;
        }
        for (Comment c : token.before) {
            comment(c);
        }
        if (adjoins && !token.text.equals(")") && !token.text.equals("]") && !token.text.equals(",")) {
            separate();
        }
        write(token.text);
        afterOpener = token.isOpener();
        tight = token.text.equals("(") || token.text.equals("[");
        for (Comment c : token.after) {
            comment(c);
        }
        waiting.addAll(token.waiting);
        if (!token.text.isEmpty()) {
            atFileStart = false;
        }
    }

    private void comment(Comment c) {
        // Blanks that align what follows stay between the comment and that.
        int aligning = blanks;
        blanks = tight ? 0 : 1;
        column += blanks;
        write(c.at(0));
        blanks = aligning;
        adjoins = true;
        tight = false;
    }

    private void separate() {
        if (blanks == 0) {
            blanks = 1;
            column++;
        }
    }

    /** Ends the line before, with the comments that waited for that, and writes those above the token. */
    private void beginLine(Doc.Token token) {
        int indent = token.isCloser() ? lineIndent + INDENT : lineIndent;
        List<Comment> above = endLine();
        above.addAll(token.above);
        boolean first = true;
        for (Comment c : above) {
            breakLine(c.hasBlankBefore() && mayBeBlank(first), first, indent);
            out.append(c.at(indent));
            atFileStart = false;
            first = false;
        }
        if (!token.text.isEmpty()) {
            breakLine(token.hasBlankBefore() && mayBeBlank(first) && !token.isCloser(), first, lineIndent);
        }
        column = lineIndent;
        lineEnded = false;
        blanks = 0;
        adjoins = false;
    }

    private boolean mayBeBlank(boolean first) {
        return (line == Doc.Line.HARD || line == Doc.Line.EMPTY) && !(first && afterOpener);
    }

    private void breakLine(boolean blank, boolean first, int indent) {
        if (!atFileStart) {
            out.append(blank || (first && line == Doc.Line.EMPTY) ? "\n\n" : "\n");
        }
        out.append(" ".repeat(indent));
    }

    /** Writes the first comment that waits at the end of the line; gives those that no longer have room there. */
    private List<Comment> endLine() {
        List<Comment> rest = new ArrayList<>(waiting);
        waiting.clear();
        if (!rest.isEmpty()) {
            Comment c = rest.removeFirst();
            out.append(' ').append(c.at(lineIndent));
        }
        return rest;
    }

    private void write(String text) {
        out.append(" ".repeat(blanks)).append(text);
        column += text.length();
        blanks = 0;
        adjoins = false;
    }

    private String finish() {
        for (Comment c : endLine()) {
            out.append('\n').append(c.at(0));
        }
        return out.append('\n').toString();
    }

    // ---- width

    /** True if this and what follows it up to the next line's end fits on the line. */
    private boolean fits(Todo first) {
        int room = WIDTH - column;
        Deque<Todo> ahead = new ArrayDeque<>();
        ahead.push(first);
        Iterator<Todo> behind = todo.iterator();
        while (room >= 0) {
            if (ahead.isEmpty()) {
                if (!behind.hasNext()) {
                    return true;
                }
                ahead.push(behind.next());
            }
            Todo t = ahead.pop();
            switch (t.doc()) {
                case Doc.Token token -> room -= width(token);
                case Doc.Blank blank -> room -= blank.width();
                case Doc.Line l -> {
                    if (t.broken()) {
                        return true;
                    }
                    room -= l == Doc.Line.BLANK ? 1 : 0;
                }
                case Doc.IfBroken extra -> room -= t.broken() ? extra.text().length() : 0;
                case Doc.Indent indent -> ahead.push(new Todo(t.indent(), t.broken(), indent.body()));
                case Doc.Concat concat -> pushAll(ahead, concat, t.indent(), t.broken());
                case Doc.Group group -> ahead.push(new Todo(t.indent(), group.broken || t.broken(), group.body));
            }
        }
        return false;
    }

    private static int width(Doc.Token token) {
        int width = token.text.length();
        for (Comment c : token.before) {
            width += c.text().length() + 1;
        }
        for (Comment c : token.after) {
            width += c.text().length() + 1;
        }
        return width;
    }
}

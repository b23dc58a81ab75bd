package dev.qnet.compiler.source;

import java.util.Arrays;

/**
 * A text that diagnostics can point into. Positions are UTF-16 offsets; line and column are computed only when a
 * diagnostic is shown. Two files are the same only if they are the same object.
 */
public final class SourceFile {
    /** What values that no text stands for point at (graphs built by code). */
    public static final SourceFile NONE = new SourceFile("<built by code>", "");

    private final String name;
    private final String text;
    private int[] lineStarts = {};

    /**
     * @param name the name shown to the user, usually the path as it was given
     * @param text the whole text
     */
    public SourceFile(String name, String text) {
        this.name = name;
        this.text = text;
    }

    public String name() {
        return name;
    }

    public String text() {
        return text;
    }

    /** The 1-based line of an offset. */
    public int line(int offset) {
        int at = Arrays.binarySearch(starts(), offset);
        return at >= 0 ? at + 1 : -at - 1;
    }

    /** The 1-based column of an offset, in code points. */
    public int column(int offset) {
        int end = Math.min(offset, text.length());
        return text.codePointCount(starts()[line(offset) - 1], end) + 1;
    }

    /** The text of a 1-based line, without its line break. */
    public String lineText(int line) {
        int from = starts()[line - 1];
        int to = line < starts().length ? starts()[line] : text.length();
        while (to > from && (text.charAt(to - 1) == '\n' || text.charAt(to - 1) == '\r')) {
            to--;
        }
        return text.substring(from, to);
    }

    /** The offset at which a 1-based line begins. */
    public int lineStart(int line) {
        return starts()[line - 1];
    }

    private int[] starts() {
        if (lineStarts.length == 0) {
            int[] starts = new int[(int) text.chars().filter(c -> c == '\n').count() + 1];
            int n = 1;
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) == '\n') {
                    starts[n++] = i + 1;
                }
            }
            lineStarts = starts;
        }
        return lineStarts;
    }

    @Override
    public String toString() {
        return name;
    }
}

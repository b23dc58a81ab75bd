package dev.qnet.compiler.source;

/**
 * One line of a source as it shows on a terminal, and where the carets go under it.
 *
 * @param text the line, tabs expanded, control characters replaced, and cut to a window around the span if it is long
 * @param indent columns before the first caret
 * @param carets how many, at least one
 */
record Excerpt(String text, int indent, int carets) {
    private static final int TAB = 4;
    /** The most characters of a line to show, and how many of them before the span. */
    private static final int WINDOW = 100;

    private static final int BEFORE = 40;
    private static final String CUT = "...";
    private static final char UNSHOWN = '\u2426';

    /** The part of a span that lies on a line, which the span must touch. */
    static Excerpt of(Span span, int line) {
        String text = span.file().lineText(line);
        int lineStart = span.file().lineStart(line);
        int from = Math.clamp((long) span.start() - lineStart, 0, text.length());
        int to = Math.clamp((long) span.end() - lineStart, from, text.length());
        if (span.start() < lineStart) {
            // The last line of a longer span: carets begin under the text, not under its indentation.
            while (from < to && Character.isWhitespace(text.charAt(from))) {
                from++;
            }
        }
        int windowFrom = 0;
        int windowTo = text.length();
        if (text.length() > WINDOW) {
            windowFrom = boundary(text, Math.max(0, Math.min(from - BEFORE, text.length() - WINDOW)));
            windowTo = boundary(text, Math.min(text.length(), windowFrom + WINDOW));
        }
        StringBuilder shown = new StringBuilder(windowFrom > 0 ? CUT : "");
        int column = shown.length();
        int indent = column;
        int end = column;
        for (int i = windowFrom; i < windowTo; ) {
            int c = text.codePointAt(i);
            int next = i + Character.charCount(c);
            int width = c == '\t' ? TAB - column % TAB : width(c);
            if (c == '\t') {
                shown.append(" ".repeat(width));
            } else {
                shown.appendCodePoint(Character.isISOControl(c) ? UNSHOWN : c);
            }
            column += width;
            if (next <= from) {
                indent = column;
            }
            if (next <= to) {
                end = column;
            }
            i = next;
        }
        if (windowTo < text.length()) {
            shown.append(CUT);
        }
        return new Excerpt(shown.toString(), indent, Math.max(1, end - indent));
    }

    /** Text with control characters replaced, so that no source can drive the terminal. */
    static String safe(String text) {
        StringBuilder s = new StringBuilder(text.length());
        text.codePoints().forEach(c -> s.appendCodePoint(Character.isISOControl(c) && c != '\n' ? UNSHOWN : c));
        return s.toString();
    }

    /** The nearest offset at or before that splits no surrogate pair. */
    private static int boundary(String text, int offset) {
        boolean splits = offset > 0
                && offset < text.length()
                && Character.isLowSurrogate(text.charAt(offset))
                && Character.isHighSurrogate(text.charAt(offset - 1));
        return splits ? offset - 1 : offset;
    }

    /**
     * Columns of a character: 0 for a combining one, 2 for a wide one (Unicode's East Asian Width, in broad ranges).
     */
    private static int width(int c) {
        int type = Character.getType(c);
        if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK || type == Character.FORMAT) {
            return 0;
        }
        boolean wide = (c >= 0x1100 && c <= 0x115F)
                || (c >= 0x2E80 && c <= 0xA4CF)
                || (c >= 0xAC00 && c <= 0xD7A3)
                || (c >= 0xF900 && c <= 0xFAFF)
                || (c >= 0xFE30 && c <= 0xFE6F)
                || (c >= 0xFF00 && c <= 0xFF60)
                || (c >= 0xFFE0 && c <= 0xFFE6)
                || (c >= 0x1F300 && c <= 0x1FAFF)
                || (c >= 0x20000 && c <= 0x3FFFD);
        return wide ? 2 : 1;
    }
}

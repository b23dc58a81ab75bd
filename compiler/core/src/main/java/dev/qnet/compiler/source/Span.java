package dev.qnet.compiler.source;

/**
 * A stretch of a source text: offsets {@code [start, end)}.
 *
 * @param file the text
 * @param start the first offset
 * @param end the offset after the last, at least {@code start}
 */
public record Span(SourceFile file, int start, int end) {
    /** The place of values that no text stands for. */
    public static final Span NONE = new Span(SourceFile.NONE, 0, 0);

    public Span {
        if (start < 0 || end < start) {
            throw new IllegalArgumentException("a span runs forward: [" + start + ", " + end + ")");
        }
    }

    /** The smallest span of the same file over both. */
    public Span to(Span other) {
        return other.file == file ? new Span(file, Math.min(start, other.start), Math.max(end, other.end)) : this;
    }

    public boolean isNone() {
        return file == SourceFile.NONE;
    }

    /** {@code file:line:column}. */
    @Override
    public String toString() {
        return isNone() ? file.name() : file.name() + ":" + file.line(start) + ":" + file.column(start);
    }
}

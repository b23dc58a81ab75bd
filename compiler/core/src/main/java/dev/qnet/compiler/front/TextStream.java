package dev.qnet.compiler.front;

import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import org.antlr.v4.runtime.CharStream;
import org.antlr.v4.runtime.IntStream;
import org.antlr.v4.runtime.misc.Interval;

/**
 * A stretch of a source text for ANTLR's lexer. Its indices are the source's own UTF-16 offsets (ANTLR's streams count
 * code points, or from the stretch's start), so a token's indices are a span without arithmetic.
 */
final class TextStream implements CharStream {
    private final SourceFile source;
    private final String text;
    private final int end;
    private int at;

    /** The stretch that the span covers. */
    TextStream(Span span) {
        this.source = span.file();
        this.text = source.text();
        this.at = span.start();
        this.end = span.end();
    }

    @Override
    public void consume() {
        if (at >= end) {
            throw new IllegalStateException("nothing is left to consume");
        }
        at++;
    }

    @Override
    public int LA(int i) {
        int index = at + (i > 0 ? i - 1 : i);
        return i == 0 ? 0 : index < 0 || index >= end ? IntStream.EOF : text.charAt(index);
    }

    @Override
    public int mark() {
        return -1;
    }

    @Override
    public void release(int marker) {
        // The whole text stays in memory: there is nothing to release.
    }

    @Override
    public int index() {
        return at;
    }

    @Override
    public void seek(int index) {
        at = Math.min(index, end);
    }

    @Override
    public int size() {
        return end;
    }

    @Override
    public String getSourceName() {
        return source.name();
    }

    @Override
    public String getText(Interval interval) {
        int to = Math.min(interval.b + 1, end);
        return interval.a >= to ? "" : text.substring(interval.a, to);
    }
}

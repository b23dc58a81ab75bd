package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.lang.reflect.RecordComponent;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Trees as text without their places, for comparisons. */
final class Trees {
    private Trees() {}

    static Ast.File parse(String text) {
        return Parser.parse(new SourceFile("test.qnet", text));
    }

    /** What a tree says, leaving out where. */
    static String show(@Nullable Object o) {
        return show(o, true);
    }

    /** What a tree means: without its parentheses, too. */
    static String showMeaning(@Nullable Object o) {
        return show(o, false);
    }

    private static String show(@Nullable Object o, boolean groups) {
        if (o instanceof Expr.Group g && !groups) {
            return show(g.inner(), false);
        }
        if (o instanceof List<?> list) {
            return list.stream().map(e -> show(e, groups)).collect(Collectors.joining(", ", "[", "]"));
        }
        if (o == null || !o.getClass().isRecord()) {
            return String.valueOf(o);
        }
        StringBuilder s = new StringBuilder(o.getClass().getSimpleName()).append('(');
        String separator = "";
        for (RecordComponent c : o.getClass().getRecordComponents()) {
            if (c.getType() != Span.class && c.getType() != SourceFile.class) {
                s.append(separator).append(show(get(o, c), groups));
                separator = ", ";
            }
        }
        return s.append(')').toString();
    }

    private static @Nullable Object get(Object o, RecordComponent c) {
        try {
            return c.getAccessor().invoke(o);
        } catch (ReflectiveOperationException e) {
            throw new LinkageError(e.getMessage(), e);
        }
    }
}

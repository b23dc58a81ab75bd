package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.Collection;
import java.util.List;

/** Wording that several parts of the binder share. */
final class Messages {
    private Messages() {}

    static Diagnostic limit(Span span, String message) {
        return Diagnostic.error("limit", span, message);
    }

    /** {@code a, b, c} and, past the limit, how many more. */
    static String list(Collection<String> names, int limit) {
        List<String> some = names.stream().limit(limit).toList();
        int more = names.size() - some.size();
        return String.join(", ", some) + (more > 0 ? " and " + more + " more" : "");
    }

    /** The error of a declaration that takes the batch's name. */
    static Rejected batchName(Name name) {
        return new Rejected(Diagnostic.error("duplicate-name", name.span(), "'N' is the batch, everywhere")
                .withFix("choose another name"));
    }

    static String plural(long n, String noun) {
        return n + " " + noun + (n == 1 ? "" : "s");
    }
}

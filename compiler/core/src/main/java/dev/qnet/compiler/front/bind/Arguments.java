package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Matches the arguments of a call with what the called thing takes: positional ones first, then named ones. */
final class Arguments {
    /**
     * An argument of a call.
     *
     * @param name null for a positional one
     * @param expr what is written, or null for a piped value
     * @param value the piped value, or null
     */
    record Given(
            @Nullable Name name,
            @Nullable Expr expr,
            @Nullable Value value,
            Span span) {
        static Given of(Argument a) {
            return new Given(a.name(), a.value(), null, a.value().span());
        }

        static Given piped(Value value, Span span) {
            return new Given(null, null, value, span);
        }
    }

    /**
     * What a called thing takes.
     *
     * @param takesRest whether it takes all positional arguments from here on
     */
    record Slot(String name, boolean required, boolean takesRest) {}

    private Arguments() {}

    /**
     * The arguments of each slot that has any.
     *
     * @param callee what is called, at its place
     * @param signature how it is called, for messages
     * @return null if they do not match, which has been reported
     */
    static @Nullable Map<String, List<Given>> match(
            Session session, Frame frame, Name callee, String signature, List<Slot> slots, List<Given> given) {
        Map<String, List<Given>> matched = new LinkedHashMap<>();
        List<String> names = slots.stream().map(Slot::name).toList();
        boolean ok = true;
        int position = 0;
        for (Given g : given) {
            Name name = g.name();
            if (name != null) {
                if (!names.contains(name.text())) {
                    session.report(
                            frame,
                            Session.suggest(
                                    Diagnostic.error(
                                                    "unknown-argument",
                                                    name.span(),
                                                    "'" + callee + "' has no argument '" + name + "'")
                                            .withNote("it is called as " + signature),
                                    name.text(),
                                    names,
                                    null));
                    ok = false;
                } else if (matched.putIfAbsent(name.text(), new ArrayList<>(List.of(g))) != null) {
                    session.report(
                            frame,
                            Diagnostic.error(
                                            "duplicate-argument",
                                            g.span(),
                                            "'" + name + "' of '" + callee + "' is given twice")
                                    .withNote("it is called as " + signature));
                    ok = false;
                }
                continue;
            }
            if (position >= slots.size()) {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "too-many-arguments",
                                        g.span(),
                                        "'" + callee + "' takes at most " + Messages.plural(slots.size(), "argument")
                                                + ", found one more")
                                .withNote("it is called as " + signature));
                return null;
            }
            Slot slot = slots.get(position);
            List<Given> before = matched.get(slot.name());
            if (before != null && (!slot.takesRest() || before.getFirst().name() != null)) {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "duplicate-argument",
                                        g.span(),
                                        "this is '" + slot.name() + "' of '" + callee + "', which is given by name too")
                                .withNote("it is called as " + signature)
                                .withFix("write positional arguments before named ones, and each argument once"));
                return null;
            }
            matched.computeIfAbsent(slot.name(), k -> new ArrayList<>()).add(g);
            if (!slot.takesRest()) {
                position++;
            }
        }
        for (Slot slot : slots) {
            if (ok && slot.required() && !matched.containsKey(slot.name())) {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "missing-argument",
                                        callee.span(),
                                        "'" + callee + "' needs its argument '" + slot.name() + "'")
                                .withNote("it is called as " + signature));
                ok = false;
            }
        }
        return ok ? matched : null;
    }
}

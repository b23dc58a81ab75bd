package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.SchemeEntry;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.Diagnostic;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns schemes into policies. A scheme begins as its parent, or as the defaults ({@link Items#WEIGHTS},
 * {@link Items#ACTIVATIONS}, {@link Rounding#TOSA}), and changes what its entries name.
 */
final class Schemes {
    private static final Spec.Policy DEFAULTS = new Spec.Policy(Items.WEIGHTS, Items.ACTIVATIONS, Rounding.TOSA);
    private static final List<String> ROUNDINGS =
            List.of(Rounding.values()).stream().map(Rounding::toString).toList();

    private final Session session;
    private final Evaluator evaluator;
    private final Frame frame = Frame.top();
    private final Map<String, Spec.Policy> known = new HashMap<>();

    Schemes(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /** Reads every scheme, so that a mistake in one that no model uses shows too. */
    void all() {
        session.declarations().schemes().values().forEach(s -> policy(s.name()));
    }

    /** The policy of a scheme; the defaults for one that is wrong, which has been reported. */
    Spec.Policy policy(Name name) {
        List<Decl.Scheme> line = line(name);
        Spec.Policy policy = DEFAULTS;
        for (Decl.Scheme s : line.reversed()) {
            Spec.Policy parent = policy;
            Spec.Policy read = known.get(s.name().text());
            if (read == null) {
                read = read(s, parent);
                known.put(s.name().text(), read);
            }
            policy = read;
        }
        return policy;
    }

    /** A scheme, its parent, its parent's parent, as far as they are declared and not already in the line. */
    private List<Decl.Scheme> line(Name name) {
        Map<String, Decl.Scheme> line = new LinkedHashMap<>();
        Name next = name;
        while (next != null) {
            Map<String, Decl.Scheme> all = session.declarations().schemes();
            Decl.Scheme s = all.get(next.text());
            if (s == null) {
                session.report(
                        frame,
                        Session.suggest(
                                Diagnostic.error("unknown-name", next.span(), "there is no scheme '" + next + "'"),
                                next.text(),
                                all.keySet(),
                                all.isEmpty()
                                        ? "declare it: scheme " + next + " { weights i8 activations u8 }"
                                        : null));
                break;
            }
            if (line.putIfAbsent(next.text(), s) != null) {
                List<String> cycle = new ArrayList<>(line.keySet());
                cycle = new ArrayList<>(cycle.subList(cycle.indexOf(next.text()), cycle.size()));
                // The same cycle is found from each of its members; it is told once, from the first by name.
                Collections.rotate(cycle, -cycle.indexOf(Collections.min(cycle)));
                Decl.Scheme first = line.get(cycle.getFirst());
                Name parent = first == null ? null : first.parent();
                session.report(
                        frame,
                        Diagnostic.error(
                                        "scheme-cycle",
                                        parent == null ? next.span() : parent.span(),
                                        "scheme '" + cycle.getFirst() + "' extends itself")
                                .withNote("the way round is " + Messages.list(cycle, 10) + ", " + cycle.getFirst())
                                .withFix("remove one `extends`"));
                break;
            }
            next = s.parent();
        }
        return new ArrayList<>(line.values());
    }

    private Spec.Policy read(Decl.Scheme scheme, Spec.Policy parent) {
        Spec weights = parent.weights();
        Spec activations = parent.activations();
        Rounding rounding = parent.rounding();
        Map<SchemeEntry.Role, SchemeEntry> said = new EnumMap<>(SchemeEntry.Role.class);
        for (SchemeEntry entry : scheme.entries()) {
            SchemeEntry before = said.putIfAbsent(entry.role(), entry);
            if (before != null) {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "duplicate-entry",
                                        entry.roleSpan(),
                                        "scheme '" + scheme.name() + "' speaks of "
                                                + entry.role().word() + " twice")
                                .withNote(before.roleSpan(), "first here")
                                .withFix("put everything into one entry"));
                continue;
            }
            switch (entry.role()) {
                case WEIGHTS -> weights = spec(Items.Subject.WEIGHTS, weights, entry);
                case ACTIVATIONS -> activations = spec(Items.Subject.ACTIVATIONS, activations, entry);
                case BIAS -> bias(entry);
                case ROUNDING -> {
                    Rounding r = rounding(entry);
                    rounding = r == null ? rounding : r;
                }
            }
        }
        return new Spec.Policy(weights, activations, rounding);
    }

    private Spec spec(Items.Subject subject, Spec base, SchemeEntry entry) {
        Spec read = Items.read(session, frame, evaluator, subject, base, entry.items());
        return read == null ? base : read;
    }

    /** A bias takes part in an i32 sum at the sum's scale, so there is nothing to choose yet. */
    private void bias(SchemeEntry entry) {
        for (Item item : entry.items()) {
            if (!item.name().text().equals("i32") || !item.arguments().isEmpty()) {
                session.report(
                        frame,
                        Diagnostic.error("item-subject", item.span(), "a bias is i32 at the scale of its accumulator")
                                .withNote("its scale is the input's times the weight's, and its zero point 0")
                                .withFix("write `bias i32`, or nothing"));
            }
        }
    }

    private @Nullable Rounding rounding(SchemeEntry entry) {
        Item item = entry.items().getFirst();
        String word = item.name().text();
        int at = ROUNDINGS.indexOf(word);
        if (at >= 0 && item.arguments().isEmpty()) {
            return Rounding.valueOf(word.toUpperCase(Locale.ROOT));
        }
        session.report(
                frame,
                Session.suggest(
                        Diagnostic.error("unknown-item", item.span(), "'" + word + "' is no rounding contract")
                                .withNote("the contracts are " + String.join(", ", ROUNDINGS)),
                        word,
                        ROUNDINGS,
                        null));
        return null;
    }
}

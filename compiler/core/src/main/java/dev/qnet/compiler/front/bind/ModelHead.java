package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The statements of a model that speak of all of it: its parameters files, its labels, how its inputs are quantized. */
final class ModelHead {
    private static final int MAX_LABELS = 100_000;
    private static final long MAX_LABEL_BYTES = 16L << 20;

    private final Session session;
    private final Evaluator evaluator;
    private final Frame frame;

    ModelHead(Session session, Evaluator evaluator, Frame frame) {
        this.session = session;
        this.evaluator = evaluator;
        this.frame = frame;
    }

    /** Opens the parameters files. */
    void parameters(Decl.Model model) {
        for (Stmt s : model.body()) {
            if (s instanceof Stmt.Parameters p) {
                Span at = p.path().span();
                Value path = evaluator.eval(p.path(), frame);
                if (path instanceof Value.Text t) {
                    Path file = resolve(at, t.value());
                    if (file == null) {
                        session.weights().unreadable(session, frame, at, "this is no path", null);
                    } else {
                        session.weights().open(session, frame, file, t.value(), at);
                    }
                }
            }
        }
    }

    /** A path beside the source in which it is written; null if it is none. */
    private static @Nullable Path resolve(Span at, String path) {
        try {
            return Path.of(at.file().name()).resolveSibling(path).normalize();
        } catch (InvalidPathException e) {
            return null;
        }
    }

    /** Gives the inputs what {@code input} statements say. */
    void inputs(Decl.Model model) {
        Map<String, Stmt.Input> said = new HashMap<>();
        for (Stmt s : model.body()) {
            if (s instanceof Stmt.Input i) {
                Stmt.Input before = said.putIfAbsent(i.name().text(), i);
                if (before == null) {
                    input(i);
                } else {
                    session.report(
                            frame,
                            Diagnostic.error("duplicate-entry", i.span(), "'input " + i.name() + "' is written twice")
                                    .withNote(before.span(), "first here"));
                }
            }
        }
    }

    private void input(Stmt.Input i) {
        List<Graph.Param> params = session.graph().params();
        for (int at = 0; at < params.size(); at++) {
            Graph.Param p = params.get(at);
            if (frame.variables().get(i.name().text()) instanceof Value.Computed c && c.id().equals(p.id())) {
                if (p.type().element() instanceof Element.Int) {
                    session.report(
                            frame,
                            Diagnostic.error(
                                            "item-subject",
                                            i.span(),
                                            "the input '" + i.name() + "' is " + p.type() + ", which is not quantized")
                                    .withFix("remove this, or declare the input as f32"));
                    return;
                }
                Spec.Policy policy = session.policy();
                Spec base = policy == null ? Items.ACTIVATIONS : policy.activations();
                Spec spec = Items.read(session, frame, evaluator, Items.Subject.ACTIVATIONS, base, i.items());
                session.graph().replaceParam(at, new Graph.Param(p.id(), p.type(), spec, p.span()));
                return;
            }
        }
        if (frame.variables().get(i.name().text()) instanceof Value.Failed) {
            return;
        }
        List<String> names = List.copyOf(frame.variables().keySet());
        session.report(
                frame,
                Session.suggest(
                        Diagnostic.error("unknown-name", i.name().span(), "the model has no input '" + i.name() + "'"),
                        i.name().text(),
                        names,
                        "its inputs are " + Messages.list(names, 8)));
    }

    /** The names of the classes, from a list or a file with one a line. */
    List<String> labels(Decl.Model model) {
        List<String> labels = List.of();
        Stmt.Labels first = null;
        for (Stmt s : model.body()) {
            if (s instanceof Stmt.Labels l) {
                if (first != null) {
                    session.report(
                            frame,
                            Diagnostic.error("duplicate-entry", l.span(), "'labels' is written twice")
                                    .withNote(first.span(), "first here"));
                    continue;
                }
                first = l;
                try {
                    labels = labels(l);
                } catch (Rejected e) {
                    session.report(frame, e);
                }
            }
        }
        return labels;
    }

    private List<String> labels(Stmt.Labels l) {
        Span at = l.value().span();
        return switch (evaluator.eval(l.value(), frame)) {
            case Value.Failed _ -> List.of();
            case Value.Text t -> file(t.value(), at);
            case Value.ListOf list -> {
                List<String> labels = new ArrayList<>();
                for (Value v : list.elements()) {
                    if (!(v instanceof Value.Text t)) {
                        throw new Rejected(
                                Diagnostic.error("argument-type", at, "labels are strings, found " + v.describe()));
                    }
                    labels.add(t.value());
                }
                yield labels;
            }
            case Value other ->
                throw new Rejected(Diagnostic.error(
                                "argument-type",
                                at,
                                "labels are a list of strings or a file, found " + other.describe())
                        .withFix("write labels [\"cat\", \"dog\"], or labels \"labels.txt\""));
        };
    }

    private static List<String> file(String shown, Span at) {
        Path path = resolve(at, shown);
        try {
            if (path == null || !Files.isRegularFile(path)) {
                throw new Rejected(Diagnostic.error("labels-file", at, "there is no labels file '" + shown + "'")
                        .withFix("the path is relative to this source"));
            }
            if (Files.size(path) > MAX_LABEL_BYTES) {
                throw new Rejected(Messages.limit(at, "the labels file '" + shown + "' is too large"));
            }
            List<String> lines = Files.readAllLines(path);
            if (lines.size() > MAX_LABELS) {
                throw new Rejected(Messages.limit(at, "there are at most " + MAX_LABELS + " labels"));
            }
            return lines;
        } catch (CharacterCodingException e) {
            throw new Rejected(Diagnostic.error("labels-file", at, "the labels file '" + shown + "' is not UTF-8"));
        } catch (IOException e) {
            throw new Rejected(Diagnostic.error("labels-file", at, "the labels file '" + shown + "' cannot be read"));
        }
    }
}

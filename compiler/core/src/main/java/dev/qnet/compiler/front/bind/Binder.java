package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.Program;
import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Param;
import dev.qnet.compiler.front.ast.Result;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Binds one model of a program: from declarations to a graph in f32 with the source's wishes on it. */
public final class Binder {
    /** The name of the output of a model whose head names none. */
    public static final String OUTPUT = "output";

    private final Program program;
    private final Session session;
    private final Evaluator evaluator;
    private final Frame global = Frame.top();
    private final Frame frame = Frame.model();

    private Binder(Program program, Declarations declarations, Diagnostics diagnostics, WeightFiles weights) {
        this.program = program;
        this.session = new Session(diagnostics, declarations, weights);
        this.evaluator = new Evaluator(session);
    }

    /** The names of a program's models, in the order of the text. */
    public static List<String> models(Program program) {
        return List.copyOf(Declarations.of(program, new Diagnostics()).models().keySet());
    }

    /**
     * Binds a model and reads its parameters.
     *
     * @param model its name, or null for the only one
     * @throws CompileException with all errors and warnings, if there is an error
     */
    public static BoundModel bind(Program program, @Nullable String model) {
        return bind(program, model, null);
    }

    /**
     * As {@link #bind(Program, String)}.
     *
     * @param seed where parameters that no file has begin at random; null if they must be there
     */
    public static BoundModel bind(Program program, @Nullable String model, @Nullable Long seed) {
        Diagnostics diagnostics = new Diagnostics();
        Declarations declarations = Declarations.of(program, diagnostics);
        try (WeightFiles weights = new WeightFiles(seed == null ? null : new InitialWeights(seed))) {
            return new Binder(program, declarations, diagnostics, weights).model(model);
        }
    }

    private BoundModel model(@Nullable String wanted) {
        Schemes schemes = new Schemes(session, evaluator);
        Decl.Model model = choose(wanted);
        if (model == null) {
            constants();
            schemes.all();
            session.diagnostics().throwIfErrors();
            throw new CompileException(Diagnostic.error(
                            "no-model",
                            Span.NONE,
                            "there is no model in " + program.main().source().name())
                    .withFix("declare one: model NAME(x: f32[N, 4]) -> f32[N, 2] { return … }"));
        }
        ModelHead head = new ModelHead(session, evaluator, frame);
        head.parameters(model);
        constants();
        schemes.all();
        Name scheme = model.scheme();
        session.policy(scheme == null ? null : schemes.policy(scheme));
        inputs(model);
        head.inputs(model);
        List<String> labels = head.labels(model);

        Bodies.Returned returned = new Bodies(session, evaluator).run(model.body(), frame, Bodies.Place.MODEL);
        states();
        List<Graph.Result> results = returned == null ? noReturn(model) : results(model, returned);
        session.weights()
                .reportMissing(session, model.name().text(), model.name().span());
        Calibration calibration =
                new Calibrations(session, evaluator).of(model.name().text());
        session.diagnostics().throwIfErrors();
        warnUnused(model, results);
        Graph graph = session.graph().build(model.name().text(), results, session.policy());
        return new BoundModel(graph, calibration, labels, session.diagnostics().all());
    }

    private Decl.@Nullable Model choose(@Nullable String wanted) {
        Map<String, Decl.Model> models = session.declarations().models();
        if (wanted != null) {
            Decl.Model model = models.get(wanted);
            if (model == null) {
                throw session.fatal(
                        global,
                        Session.suggest(
                                Diagnostic.error("unknown-name", Span.NONE, "there is no model '" + wanted + "'")
                                        .withNote("there are: " + Messages.list(models.keySet(), 20)),
                                wanted,
                                models.keySet(),
                                null));
            }
            return model;
        }
        if (models.size() <= 1) {
            return models.isEmpty() ? null : models.values().iterator().next();
        }
        // Included files may hold models for other uses: the main file's own comes first.
        List<Decl.Model> own = new ArrayList<>();
        for (Decl d : program.main().declarations()) {
            if (d instanceof Decl.Model m) {
                own.add(m);
            }
        }
        if (own.size() == 1) {
            return own.getFirst();
        }
        throw session.fatal(
                global,
                Diagnostic.error(
                                "model-choice",
                                Span.NONE,
                                "there are " + models.size() + " models, and none was chosen: "
                                        + Messages.list(models.keySet(), 20))
                        .withFix("choose one with --model NAME"));
    }

    private void constants() {
        Constants reader = new Constants(session, evaluator);
        for (Const c : session.declarations().constants()) {
            session.constants().put(c.name().text(), reader.value(c, global));
        }
    }

    private void inputs(Decl.Model model) {
        TensorTypes types = new TensorTypes(session, evaluator);
        for (Param p : model.inputs()) {
            String name = p.name().text();
            if (name.equals("N")) {
                session.report(frame, Messages.batchName(p.name()));
                continue;
            }
            if (frame.variables().containsKey(name)) {
                session.report(
                        frame,
                        Diagnostic.error("duplicate-name", p.name().span(), "the model has two inputs '" + name + "'"));
                continue;
            }
            frame.variables().put(name, input(types, p));
        }
    }

    private Value input(TensorTypes types, Param p) {
        try {
            if (p.type() == null || p.type().dims() == null) {
                throw new Rejected(Diagnostic.error(
                                "input-type",
                                p.type() == null ? p.span() : p.type().span(),
                                "an input is a tensor with a shape")
                        .withFix("write `" + p.name() + ": f32[N, …]`, and `input " + p.name()
                                + " u8 range(LO, HI)` in the model to say how it is quantized"));
            }
            Type type = types.read(p.type(), "'" + p.name() + "'", frame);
            String name = outside(p.annotations(), p.name().text());
            if (session.graph().taken(name)) {
                throw new Rejected(
                        Diagnostic.error("duplicate-name", p.span(), "the model has two inputs named '" + name + "'"));
            }
            return session.graph().param(new Graph.Param(new ValueId(name), type, null, p.span()));
        } catch (Rejected e) {
            return session.fail(frame, e);
        }
    }

    /** What callers name an input or a result: {@code @name("…")} takes any text. */
    private String outside(List<Annotation> annotations, String own) {
        String name = own;
        for (Annotation a : annotations) {
            boolean text = a.name().text().equals("name")
                    && a.arguments().size() == 1
                    && a.arguments().getFirst().name() == null;
            Value v = text ? evaluator.eval(a.arguments().getFirst().value(), frame) : null;
            if (!(v instanceof Value.Text t) || t.value().isEmpty()) {
                throw new Rejected(Diagnostic.error(
                                "annotation-place",
                                a.span(),
                                "inputs and results take one annotation: the name that callers use")
                        .withFix("write @name(\"…\")"));
            }
            name = t.value();
        }
        return name;
    }

    /** Every state becomes something, and none stands beside a batch. */
    private void states() {
        GraphBuilder graph = session.graph();
        for (Graph.State s : graph.states()) {
            if (!graph.hasNext(s.id())) {
                session.report(
                        frame,
                        Diagnostic.error("missing-next", s.span(), "nothing says what '" + s.id().name() + "' becomes")
                                .withFix("add `next " + s.id().name() + " = …` to the model"));
            }
            for (Graph.Param p : graph.params()) {
                if (p.type().shape().hasBatch()) {
                    session.report(
                            frame,
                            Diagnostic.error("shape", s.span(), "a model with states runs one item after the other")
                                    .withNote(p.span(), "this input has a batch N")
                                    .withFix("give its first dimension as 1"));
                    return;
                }
            }
        }
    }

    private List<Graph.Result> noReturn(Decl.Model model) {
        session.report(
                frame,
                Diagnostic.error("missing-return", model.name().span(), "model '" + model.name() + "' returns nothing")
                        .withFix("end it with `return …`"));
        return List.of();
    }

    // ---- results

    private List<Graph.Result> results(Decl.Model model, Bodies.Returned returned) {
        List<Result> declared = model.results();
        if (returned.values().size() != declared.size()) {
            if (!returned.values().contains(Value.ERROR)) {
                session.report(
                        frame,
                        Diagnostic.error(
                                        "result-count",
                                        returned.span(),
                                        "the model's head names " + Messages.plural(declared.size(), "result")
                                                + ", and this returns "
                                                + returned.values().size())
                                .withNote(declared.getFirst().span(), "the head is here"));
            }
            return List.of();
        }
        int[] order = order(declared, returned);
        Graph.Result[] results = new Graph.Result[declared.size()];
        TensorTypes types = new TensorTypes(session, evaluator);
        Set<String> names = new HashSet<>();
        for (int i = 0; i < order.length; i++) {
            if (order[i] < 0) {
                return List.of();
            }
            Result r = declared.get(order[i]);
            Span at = i < returned.arguments().size()
                    ? returned.arguments().get(i).value().span()
                    : returned.span();
            String name = r.name() == null ? OUTPUT : r.name().text();
            String known = known(r, name);
            if (!names.add(known)) {
                session.report(
                        frame, Diagnostic.error("duplicate-name", r.span(), "two results are named '" + known + "'"));
            }
            Value.Computed v = result(types, r, name, returned.values().get(i), at);
            if (v != null) {
                results[order[i]] = new Graph.Result(known, v.id());
            }
        }
        return session.diagnostics().hasErrors() ? List.of() : List.of(results);
    }

    /** For each returned value, which declared result it is; -1 where that is wrong, which has been reported. */
    private int[] order(List<Result> declared, Bodies.Returned returned) {
        int n = declared.size();
        int[] order = new int[n];
        Map<String, Integer> byName = new HashMap<>();
        for (int i = 0; i < n; i++) {
            Name name = declared.get(i).name();
            byName.put(name == null ? OUTPUT : name.text(), i);
        }
        boolean[] taken = new boolean[n];
        for (int i = 0; i < n; i++) {
            Argument a = i < returned.arguments().size() ? returned.arguments().get(i) : null;
            Name name = a == null ? null : a.name();
            Integer at = name == null ? Integer.valueOf(i) : byName.get(name.text());
            if (at == null || taken[at]) {
                Diagnostic d = Diagnostic.error(
                        "unknown-name",
                        name == null ? returned.span() : name.span(),
                        at == null
                                ? "the model has no result '" + name + "'"
                                : "the result '" + name + "' is returned twice");
                session.report(
                        frame,
                        name == null || at != null
                                ? d
                                : Session.suggest(
                                        d.withNote(declared.getFirst().span(), "its results are declared here"),
                                        name.text(),
                                        byName.keySet(),
                                        null));
                order[i] = -1;
            } else {
                taken[at] = true;
                order[i] = at;
            }
        }
        return order;
    }

    private String known(Result r, String name) {
        try {
            return outside(r.annotations(), name);
        } catch (Rejected e) {
            session.report(frame, e);
            return name;
        }
    }

    private Value.@Nullable Computed result(TensorTypes types, Result r, String name, Value value, Span at) {
        try {
            if (r.type().dims() == null) {
                throw new Rejected(Diagnostic.error("input-type", r.type().span(), "a result is a tensor with a shape")
                        .withFix("write f32" + (value instanceof Value.Computed c ? c.shape() : "[…]")));
            }
            Type type = types.read(r.type(), "'" + name + "'", frame);
            Value.Computed v = switch (value) {
                case Value.Failed _ -> null;
                case Value.Computed c -> c;
                case Value.Constant c ->
                    session.graph()
                            .constant(
                                    session.graph().free(name), type.isFloat() ? real(c.tensor(), at) : c.tensor(), at);
                case Value.ListOf l ->
                    session.graph().constant(session.graph().free(name), ConstTensors.ofList(session, l, at), at);
                case Value other ->
                    throw new Rejected(
                            Diagnostic.error("argument-type", at, "a result is a tensor, found " + other.describe()));
            };
            if (v == null) {
                return null;
            }
            Shape shape = type.shape();
            if (!v.type().element().equals(type.element())) {
                Diagnostic d = Diagnostic.error(
                                "element-type",
                                at,
                                "the result '" + name + "' is declared " + type + ", and this is " + v.type())
                        .withNote(r.type().span(), "it is declared here");
                throw new Rejected(
                        type.isFloat() && v.type().isQuant()
                                ? d.withFix("put `|> dequantize` after it, or declare the codes: a storage with"
                                        + " scale(S) zero(Z)")
                                : d.withFix("declare the result as it is"));
            }
            if (!v.shape().equals(shape)) {
                Diagnostic d = Diagnostic.error(
                                "shape-mismatch",
                                at,
                                "the result '" + name + "' is declared " + shape + ", and this is " + v.shape())
                        .labelled("expected " + shape + ", found " + v.shape())
                        .withNote(r.type().span(), "it is declared here");
                throw new Rejected(v.span().equals(at) ? d : d.withNote(v.span(), "the value is made here"));
            }
            return v;
        } catch (Rejected e) {
            session.report(frame, e);
            return null;
        }
    }

    private static ConstTensor real(ConstTensor t, Span at) {
        if (t.type().isQuant()) {
            throw new Rejected(Diagnostic.error("element-type", at, "a constant of codes cannot be a result")
                    .withFix("write it as f32"));
        }
        return t;
    }

    private void warnUnused(Decl.Model model, List<Graph.Result> results) {
        Set<ValueId> used = session.graph().used();
        results.forEach(r -> used.add(r.value()));
        Map<Span, Param> inputs = new HashMap<>();
        model.inputs().forEach(p -> inputs.put(p.span(), p));
        for (Graph.Param g : session.graph().params()) {
            Param p = inputs.get(g.span());
            if (p != null && !used.contains(g.id())) {
                session.report(
                        frame,
                        Diagnostic.warning(
                                        "unused-input", p.span(), "no result depends on the input '" + p.name() + "'")
                                .withFix("remove it, or use it"));
            }
        }
    }
}

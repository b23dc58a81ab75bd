package dev.qnet.compiler.front.write;

import dev.qnet.compiler.data.SafetensorsType;
import dev.qnet.compiler.data.SafetensorsWriter;
import dev.qnet.compiler.front.Formatter;
import dev.qnet.compiler.front.Parser;
import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Param;
import dev.qnet.compiler.front.ast.Result;
import dev.qnet.compiler.front.ast.SchemeEntry;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Writes a graph as a source that binds to the same graph: same operations, names, intents and constants. Constants that
 * a person would not read go into a parameters file beside it. Names of constants follow what uses them, names of other
 * values that the language cannot say are changed, and a memory plan is left out; inputs and results keep their names.
 */
public final class SourceWriter {
    private static final String SCHEME = "policy";

    /**
     * A source and what belongs beside it.
     *
     * @param text the source, in the canonical layout
     * @param parameters tensors for the parameters file that the source names, by name; empty if it names none
     * @param types in what type each is kept there
     */
    public record Written(String text, Map<String, Tensor> parameters, Map<String, SafetensorsType> types) {
        public Written {
            parameters = Map.copyOf(parameters);
            types = Map.copyOf(types);
        }

        /** Writes the parameters file. */
        public void saveParameters(Path file) throws IOException {
            SafetensorsWriter.write(file, new TreeMap<>(parameters), types, Map.of());
        }
    }

    private final Graph graph;
    private final Names names = new Names();
    private final List<Stmt> body = new ArrayList<>();
    private final Map<ValueId, String> variables = new HashMap<>();
    private final Constants constants = new Constants(names, body);
    private final TypedWriter typed = new TypedWriter(constants);
    private final NodeWriter nodes;

    /** Whether another scheme may take the place of the graph's: then values say that nothing is learned of them. */
    private final boolean trained;

    private SourceWriter(Graph graph, boolean trained) {
        this.graph = graph;
        this.trained = trained;
        this.nodes = new NodeWriter(graph, names, constants, variables);
    }

    /**
     * The source of a graph. What the language has words for is written with them, so that float graphs are ordinary
     * sources; everything else as typed statements in the IR's own terms.
     *
     * @param parametersFile what the source calls the parameters file, relative to itself
     */
    public static Written write(Graph graph, Calibration calibration, String parametersFile) {
        return new SourceWriter(graph, false).whole(calibration, List.of(), parametersFile);
    }

    /**
     * As {@link #write(Graph, Calibration, String)}, of what was trained: values of which nothing is learned say so, so that another scheme
     * may take the place of the graph's.
     *
     * @param labels the names of the classes, or empty
     */
    public static Written write(Graph graph, Calibration calibration, List<String> labels, String parametersFile) {
        return new SourceWriter(graph, true).whole(calibration, labels, parametersFile);
    }

    /**
     * Writes a source and, if it needs one, the parameters file {@code NAME.safetensors} beside it.
     *
     * @throws IOException if a file cannot be written
     */
    public static void save(Graph graph, Calibration calibration, Path file) throws IOException {
        save(graph, calibration, List.of(), file);
    }

    /**
     * As {@link #save(Graph, Calibration, Path)}.
     *
     * @param labels the names of the classes, or empty
     */
    public static void save(Graph graph, Calibration calibration, List<String> labels, Path file) throws IOException {
        Path last = file.getFileName();
        String name = last == null ? "model" : last.toString().replaceFirst("\\.qnet$", "");
        String beside = name + ".safetensors";
        Written written = write(graph, calibration, labels, beside);
        if (!written.parameters().isEmpty()) {
            written.saveParameters(file.resolveSibling(beside));
        }
        Files.writeString(file, written.text());
    }

    /**
     * The source of what calibration measured: a file that includes the model's own.
     *
     * @param include the model's source, relative to the new one
     */
    public static String calibration(String include, String model, Calibration calibration) {
        List<Decl> declarations = new ArrayList<>();
        declarations.add(new Decl.Include(Tree.string(include), Span.NONE));
        Map<ValueId, String> paths = new HashMap<>();
        calibration.values().keySet().forEach(id -> paths.put(id, id.name()));
        declarations.add(section(model, calibration, paths));
        return print(declarations);
    }

    private static Decl.Calibration section(String model, Calibration calibration, Map<ValueId, String> paths) {
        List<Decl.Calibration.Entry> entries = new ArrayList<>();
        calibration.values().forEach((id, range) -> {
            String path = paths.getOrDefault(id, id.name());
            entries.add(new Decl.Calibration.Entry(Tree.name(path), SpecWords.range(range), Span.NONE));
        });
        return new Decl.Calibration(Tree.name(model), entries, Span.NONE);
    }

    private static String print(List<Decl> declarations) {
        return Formatter.print(new Ast.File(SourceFile.NONE, Parser.VERSION, declarations, Span.NONE));
    }

    private Written whole(Calibration calibration, List<String> labels, String parametersFile) {
        List<Decl> declarations = new ArrayList<>();
        Spec.Policy policy = graph.policy();
        if (policy != null) {
            declarations.add(scheme(policy));
        }
        List<Param> inputs = inputs();
        for (Graph.State s : graph.states()) {
            String name = names.state(s.id());
            variables.put(s.id(), name);
            body.add(new Stmt.State(Tree.name(name), constants.type(s.type(), name), Span.NONE));
        }
        nodes.sort();
        for (Node n : graph.nodes()) {
            if (nodes.isOrdinary(n.id())) {
                statement(n);
            } else if (!nodes.isConstant(n.id())) {
                typed(n);
            }
        }
        for (Graph.State s : graph.states()) {
            body.add(new Stmt.Next(Tree.name(names.path(s.id())), nodes.raw(s.next()), Span.NONE));
        }
        List<Result> results = new ArrayList<>();
        List<Argument> returned = new ArrayList<>();
        results(results, returned);
        body.add(new Stmt.Return(returned, Span.NONE));
        if (!labels.isEmpty()) {
            List<Expr> names = labels.stream().<Expr>map(Tree::string).toList();
            body.addFirst(new Stmt.Labels(Tree.list(names), Span.NONE));
        }
        if (!constants.file().isEmpty()) {
            body.addFirst(new Stmt.Parameters(Tree.string(parametersFile), Span.NONE));
        }
        String model = new Names().variable(graph.name().isEmpty() ? "model_1" : graph.name());
        Name scheme = policy == null ? null : Tree.name(SCHEME);
        declarations.add(new Decl.Model(Tree.name(model), inputs, results, scheme, body, Span.NONE));
        if (!calibration.values().isEmpty()) {
            Map<ValueId, String> paths = new HashMap<>();
            graph.nodes().forEach(n -> paths.put(n.id(), names.path(n.id())));
            graph.params().forEach(p -> paths.put(p.id(), names.path(p.id())));
            declarations.add(section(model, calibration, paths));
        }
        return new Written(print(declarations), constants.file(), constants.types());
    }

    private static Decl.Scheme scheme(Spec.Policy policy) {
        return new Decl.Scheme(
                Tree.name(SCHEME),
                null,
                List.of(
                        new SchemeEntry(
                                SchemeEntry.Role.WEIGHTS, Span.NONE, SpecWords.of(policy.weights(), false), Span.NONE),
                        new SchemeEntry(
                                SchemeEntry.Role.ACTIVATIONS,
                                Span.NONE,
                                SpecWords.of(policy.activations(), true),
                                Span.NONE),
                        new SchemeEntry(
                                SchemeEntry.Role.ROUNDING,
                                Span.NONE,
                                List.of(Tree.item(policy.rounding().toString())),
                                Span.NONE)),
                Span.NONE);
    }

    private List<Param> inputs() {
        List<Param> inputs = new ArrayList<>();
        for (Graph.Param p : graph.params()) {
            String name = names.input(p.id());
            variables.put(p.id(), name);
            inputs.add(new Param(
                    Tree.name(name), constants.type(p.type(), name), null, outside(name, p.id().name()), Span.NONE));
            Spec spec = p.activations();
            Spec.Policy around = graph.policy();
            if (spec != null) {
                body.add(new Stmt.Input(
                        Tree.name(name),
                        SpecWords.of(spec, true, explicit(around == null ? null : around.activations())),
                        Span.NONE));
            }
        }
        return inputs;
    }

    private boolean explicit(@Nullable Spec around) {
        return trained || (around != null && around.quantizer() != null);
    }

    /** What callers name an input or a result, where that is not its name in the source. */
    private static List<Annotation> outside(String name, String own) {
        return name.equals(own)
                ? List.of()
                : List.of(new Annotation(Tree.name("name"), List.of(Tree.argument(Tree.string(own))), Span.NONE));
    }

    private void typed(Node n) {
        String path = names.path(n.id());
        List<Expr> operands = nodes.operands(n);
        String variable = names.variable(path);
        variables.put(n.id(), variable);
        List<Annotation> annotations = new ArrayList<>();
        if (!variable.equals(path)) {
            annotations.add(named(path));
        }
        annotations.addAll(intent(n.intent()));
        body.add(typed.statement(n, variable, path, operands, nodes.operandTypes(n), annotations));
    }

    private static Annotation named(String path) {
        return new Annotation(Tree.name("name"), List.of(Tree.argument(Tree.string(path))), Span.NONE);
    }

    private void statement(Node n) {
        String path = names.path(n.id());
        List<NodeWriter.Call> ways = nodes.calls(n);
        NodeWriter.Call way = ways.getFirst();
        List<Annotation> annotations = new ArrayList<>();
        boolean named = false;
        for (NodeWriter.Call w : ways) {
            if (!named && names.isNext(w.name(), path)) {
                way = w;
                named = true;
            }
        }
        if (!named) {
            annotations.add(named(path));
        }
        annotations.addAll(intent(n.intent()));
        Expr call = Tree.call(way.name(), way.arguments());
        String variable = names.variable(path);
        variables.put(n.id(), variable);
        body.add(new Stmt.Assign(
                List.of(Tree.name(variable)),
                annotations.isEmpty() ? call : new Expr.Annotated(call, annotations, Span.NONE),
                Span.NONE));
    }

    private List<Annotation> intent(Spec.Intent intent) {
        Spec.Policy around = graph.policy();
        List<Annotation> annotations = new ArrayList<>();
        Spec weights = intent.weights();
        if (weights != null) {
            annotations.add(Tree.annotation(
                    "weights", SpecWords.of(weights, false, explicit(around == null ? null : around.weights()))));
        }
        Spec activations = intent.activations();
        if (activations != null) {
            annotations.add(Tree.annotation(
                    "activations",
                    SpecWords.of(activations, true, explicit(around == null ? null : around.activations()))));
        }
        if (intent.keepFloat()) {
            annotations.add(new Annotation(Tree.name("float"), List.of(), Span.NONE));
        }
        return annotations;
    }

    private void results(List<Result> results, List<Argument> returned) {
        Map<ValueId, Type> types = graph.types();
        Names resultNames = new Names();
        for (Graph.Result r : graph.results()) {
            Type type = types.get(r.value());
            if (type == null) {
                throw new IllegalArgumentException("the graph does not define the result " + r.name());
            }
            String name = resultNames.variable(r.name());
            Expr value = nodes.raw(r.value());
            results.add(new Result(Tree.name(name), constants.type(type, name), outside(name, r.name()), Span.NONE));
            returned.add(new Argument(Tree.name(name), value, Span.NONE));
        }
    }
}

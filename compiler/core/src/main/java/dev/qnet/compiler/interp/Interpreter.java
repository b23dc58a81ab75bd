package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Runs a graph of any level, node by node, item by item. Made of a graph once, it can run many times and from many threads;
 * work that depends on constants alone (transposed weights, index maps) is done when it is made.
 *
 * <p>It is the judge, so it is strict: every value that a node computes must have the node's type, that is its shape, and
 * codes and integers within the type's bounds. An accumulator that does not fit its declared width is an error, never a
 * wrap.
 *
 * <p>What a graph remembers from run to run lies in a {@link State}, which a caller makes and hands to each run of one
 * sequence; a run without one starts from zeros and forgets.
 */
public final class Interpreter {
    private final Graph graph;
    private final List<Step> steps;
    private final List<Output> outputs;
    /** Where each of the graph's states finds its next value. */
    private final List<Integer> next;

    /**
     * What a graph remembers: a value for each of its states, in the graph's order. For one thread at a time, and for graphs
     * with these states only.
     */
    public static final class State {
        private final Graph graph;
        private List<Value> values;

        private State(Graph graph) {
            this.graph = graph;
            this.values = List.of();
            reset();
        }

        /** Back to zeros. */
        public void reset() {
            values = graph.states().stream().map(s -> zeros(s.type())).toList();
        }

        /** The states' values by name. */
        public Map<String, Value> values() {
            Map<String, Value> all = new LinkedHashMap<>();
            for (int i = 0; i < values.size(); i++) {
                all.put(graph.states().get(i).id().name(), values.get(i));
            }
            return all;
        }

        /** Real 0, as a quantizer gives it. */
        private static Value zeros(Type type) {
            int n = type.shape().elements();
            Value.Floats zeros = new Value.Floats(type.shape(), new float[n]);
            return switch (type.element()) {
                case Element.F32 f -> zeros;
                case Element.Int i -> new Value.Ints(type.shape(), new long[n]);
                case Quant q -> Codes.quantize(q, Rounding.TOSA, zeros);
            };
        }
    }

    /**
     * One node, its operands' places, and the values that no later node reads.
     *
     * @param constant the value of a node that needs no operand
     */
    private record Step(
            Node node,
            Kernel kernel,
            List<Integer> operands,
            List<Integer> dead,
            @Nullable Value constant) {}

    /**
     * A result.
     *
     * @param slot its value's place
     * @param batch whether it has N
     */
    private record Output(String name, int slot, boolean batch) {}

    private Interpreter(Graph graph, List<Step> steps, List<Output> outputs, List<Integer> next) {
        this.graph = graph;
        this.steps = steps;
        this.outputs = outputs;
        this.next = next;
    }

    /**
     * Runs a graph once.
     *
     * @param inputs a value for every parameter, by name; where the parameter has N, any number of items, the same for all
     * @return the results by name, with the items stacked where the result has N
     * @throws IllegalArgumentException if inputs are missing, unknown or not of the parameter's type, or the graph is not
     *     well formed
     * @throws ArithmeticException if an integer leaves the bounds of its type, an index those of its axis, or an integer is
     *     divided by 0
     */
    public static Map<String, Value> run(Graph graph, Map<String, Value> inputs) {
        return prepare(graph).run(inputs);
    }

    /** As {@link #run(Graph, Map)}, showing each computed value to an observer. */
    public static Map<String, Value> run(Graph graph, Map<String, Value> inputs, BiConsumer<ValueId, Value> observer) {
        return prepare(graph).run(inputs, observer);
    }

    /**
     * Prepares to run a graph many times.
     *
     * @throws IllegalArgumentException if the graph is not well formed
     */
    public static Interpreter prepare(Graph graph) {
        Map<ValueId, Integer> slots = new HashMap<>();
        graph.params().forEach(p -> slots.put(p.id(), slots.size()));
        graph.states().forEach(s -> slots.put(s.id(), slots.size()));
        Map<ValueId, Integer> lastUse = new HashMap<>();
        for (int i = 0; i < graph.nodes().size(); i++) {
            for (ValueId o : graph.nodes().get(i).operands()) {
                lastUse.put(o, i);
            }
        }
        graph.roots().forEach(r -> lastUse.put(r, Integer.MAX_VALUE));

        Map<ValueId, Type> types = graph.types();
        Map<ValueId, Value> constants = new HashMap<>();
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < graph.nodes().size(); i++) {
            Node n = graph.nodes().get(i);
            List<Type> operandTypes = new ArrayList<>();
            List<@Nullable Value> known = new ArrayList<>();
            List<Integer> operands = new ArrayList<>();
            List<Integer> dead = new ArrayList<>();
            for (ValueId o : n.operands()) {
                Integer slot = slots.get(o);
                Type type = types.get(o);
                if (slot == null || type == null) {
                    throw new IllegalArgumentException(n.id() + " uses " + o + " before it is defined");
                }
                operands.add(slot);
                operandTypes.add(type);
                known.add(constants.get(o));
                if (lastUse.getOrDefault(o, -1) == i && !dead.contains(slot)) {
                    dead.add(slot);
                }
            }
            slots.put(n.id(), slots.size());
            if (n.op() instanceof DataOp.Constant c) {
                Value value = Value.of(c.value());
                checkResult(n, value);
                constants.put(n.id(), value);
                steps.add(new Step(n, v -> value, operands, dead, value));
            } else {
                try {
                    steps.add(new Step(n, Kernels.of(n, operandTypes, known), operands, dead, null));
                } catch (IllegalArgumentException | ClassCastException | IndexOutOfBoundsException e) {
                    throw new IllegalArgumentException(
                            n.id() + " is not well formed (" + n.op() + " of " + operandTypes + "): " + e.getMessage(),
                            e);
                }
            }
        }
        List<Output> outputs = new ArrayList<>();
        for (Graph.Result r : graph.results()) {
            Integer slot = slots.get(r.value());
            Type type = types.get(r.value());
            if (slot == null || type == null) {
                throw new IllegalArgumentException("result " + r.name() + " names no value: " + r.value());
            }
            outputs.add(new Output(r.name(), slot, type.shape().hasBatch()));
        }
        List<Integer> next = new ArrayList<>();
        for (Graph.State s : graph.states()) {
            Integer slot = slots.get(s.next());
            if (slot == null || s.type().shape().hasBatch()) {
                throw new IllegalArgumentException("state " + s.id() + " has N or becomes no value: " + s.next());
            }
            next.add(slot);
        }
        return new Interpreter(graph, List.copyOf(steps), List.copyOf(outputs), List.copyOf(next));
    }

    /** What the graph remembers before its first run: zeros. */
    public State newState() {
        return new State(graph);
    }

    /** As {@link #run(Graph, Map)}. */
    public Map<String, Value> run(Map<String, Value> inputs) {
        return run(inputs, newState());
    }

    /**
     * As {@link #run(Graph, Map)}.
     *
     * @param state what earlier runs have left; it takes what this run leaves, once all has been computed
     */
    public Map<String, Value> run(Map<String, Value> inputs, State state) {
        return run(inputs, state, (id, value) -> {});
    }

    /** As {@link #run(Map, State, BiConsumer)}, from zeros. */
    public Map<String, Value> run(Map<String, Value> inputs, BiConsumer<ValueId, Value> observer) {
        return run(inputs, newState(), observer);
    }

    /**
     * As {@link #run(Graph, Map)}.
     *
     * @param state as in {@link #run(Map, State)}
     * @param observer is given every value that a node computes, parameters, states and constants left out, in the graph's
     *     order, one item of the batch after the other
     * @throws IllegalArgumentException also if the state is another graph's
     */
    public Map<String, Value> run(Map<String, Value> inputs, State state, BiConsumer<ValueId, Value> observer) {
        if (!state.graph.states().equals(graph.states())) {
            throw new IllegalArgumentException("the state is not one of " + graph.name());
        }
        int items = checkInputs(graph, inputs);
        List<List<Value>> parts = new ArrayList<>();
        outputs.forEach(o -> parts.add(new ArrayList<>()));
        List<Value> left = state.values;
        for (int item = 0; item < items; item++) {
            @Nullable Value[] values = runItem(inputs, left, item, items, observer);
            for (int i = 0; i < outputs.size(); i++) {
                parts.get(i).add(value(values, outputs.get(i).slot()));
            }
            left = next.stream().map(slot -> value(values, slot)).toList();
        }
        state.values = left;
        Map<String, Value> results = new LinkedHashMap<>();
        for (int i = 0; i < outputs.size(); i++) {
            Output o = outputs.get(i);
            results.put(o.name(), o.batch() ? stack(parts.get(i)) : parts.get(i).getFirst());
        }
        return results;
    }

    private @Nullable Value[] runItem(
            Map<String, Value> inputs, List<Value> states, int item, int items, BiConsumer<ValueId, Value> observer) {
        @Nullable Value[] values = new Value[graph.params().size() + states.size() + steps.size()];
        int slot = 0;
        for (Graph.Param p : graph.params()) {
            Value whole = inputs.get(p.id().name());
            if (whole == null) {
                throw new IllegalArgumentException("input " + p.id().name() + " is missing");
            }
            values[slot++] = p.type().shape().hasBatch() ? item(whole, item, items) : whole;
        }
        for (Value s : states) {
            values[slot++] = s;
        }
        for (Step s : steps) {
            if (s.constant() != null) {
                values[slot++] = s.constant();
                continue;
            }
            List<Value> operands =
                    s.operands().stream().map(o -> value(values, o)).toList();
            Value result;
            try {
                result = s.kernel().run(operands);
            } catch (ArithmeticException e) {
                throw new ArithmeticException(s.node().id() + ": " + e.getMessage());
            }
            checkResult(s.node(), result);
            values[slot++] = result;
            observer.accept(s.node().id(), result);
            s.dead().forEach(d -> values[d] = null);
        }
        return values;
    }

    private static Value value(@Nullable Value[] values, int slot) {
        Value v = values[slot];
        if (v == null) {
            throw new IllegalStateException("value " + slot + " is not there");
        }
        return v;
    }

    /**
     * Checks names, elements, shapes and ranges of a graph's inputs.
     *
     * @return the number of items; 1 if the graph has no batch
     * @throws InputException if the graph cannot be run on them
     */
    public static int checkInputs(Graph graph, Map<String, Value> inputs) {
        String names = graph.params().stream().map(p -> p.id().name()).collect(Collectors.joining(", "));
        for (String name : inputs.keySet()) {
            if (graph.params().stream().noneMatch(p -> p.id().name().equals(name))) {
                throw new InputException(graph.name() + " has no input " + name + "; its inputs are: " + names);
            }
        }
        int items = 1;
        String first = "";
        for (Graph.Param p : graph.params()) {
            String name = p.id().name();
            Value v = inputs.get(name);
            if (v == null) {
                throw new InputException(
                        "input " + name + " of " + graph.name() + " is missing; its inputs are: " + names);
            }
            Shape expected = p.type().shape();
            Shape found = v.shape();
            boolean batch = expected.hasBatch();
            boolean fits = found.rank() == expected.rank()
                    && (batch ? found.with(0, 1).equals(expected.item()) : found.equals(expected));
            if (!fits || v instanceof Value.Floats != p.type().isFloat()) {
                throw new InputException("input " + name + ": expected " + p.type() + ", found " + kind(v) + found);
            }
            if (batch && found.dim(0) < 1) {
                throw new InputException("input " + name + ": a batch has at least one item");
            }
            if (batch && !first.isEmpty() && found.dim(0) != items) {
                throw new InputException(
                        "input " + name + " has " + found.dim(0) + " items, but input " + first + " has " + items);
            }
            if (batch) {
                items = found.dim(0);
                first = name;
            }
            try {
                checkRange(p.type().element(), v);
            } catch (ArithmeticException e) {
                throw new InputException("input " + name + ": " + e.getMessage());
            }
        }
        return items;
    }

    private static void checkResult(Node n, Value v) {
        Shape expected = n.type().shape().item();
        if (!v.shape().equals(expected) || v instanceof Value.Floats != n.type().isFloat()) {
            throw new IllegalArgumentException(
                    n.id() + " is declared " + n.type() + ", but computes " + kind(v) + v.shape() + " an item");
        }
        try {
            checkRange(n.type().element(), v);
        } catch (ArithmeticException e) {
            throw new ArithmeticException(n.id() + ": " + e.getMessage());
        }
    }

    private static void checkRange(Element element, Value v) {
        if (!(v instanceof Value.Ints ints)) {
            return;
        }
        switch (element) {
            case Element.F32 f -> {}
            case Element.Int i -> {
                for (long q : ints.data()) {
                    if (q < i.min() || q > i.max()) {
                        throw new ArithmeticException(q + " does not fit " + i.bits() + " bits (" + i + ")");
                    }
                }
            }
            case Quant t -> {
                for (long q : ints.data()) {
                    if (q < t.lo() || q > t.hi() || !t.storage().holds(q)) {
                        throw new ArithmeticException(
                                "code " + q + " is not one of " + t.storage() + " " + t.lo() + ":" + t.hi());
                    }
                }
            }
        }
    }

    private static String kind(Value v) {
        return v instanceof Value.Floats ? "f32" : "integers ";
    }

    private static Value item(Value whole, int item, int items) {
        Shape shape = whole.shape().with(0, 1);
        if (items == 1) {
            return whole;
        }
        int n = shape.elements();
        return switch (whole) {
            case Value.Floats f -> new Value.Floats(shape, Arrays.copyOfRange(f.data(), item * n, (item + 1) * n));
            case Value.Ints i -> new Value.Ints(shape, Arrays.copyOfRange(i.data(), item * n, (item + 1) * n));
        };
    }

    private static Value stack(List<Value> parts) {
        Value first = parts.getFirst();
        if (parts.size() == 1) {
            return first;
        }
        int n = first.shape().elements();
        Shape shape = first.shape().with(0, parts.size());
        switch (first) {
            case Value.Floats f -> {
                float[] all = new float[shape.elements()];
                for (int i = 0; i < parts.size(); i++) {
                    System.arraycopy(Kernel.floats(parts.get(i)), 0, all, i * n, n);
                }
                return new Value.Floats(shape, all);
            }
            case Value.Ints f -> {
                long[] all = new long[shape.elements()];
                for (int i = 0; i < parts.size(); i++) {
                    System.arraycopy(Kernel.ints(parts.get(i)), 0, all, i * n, n);
                }
                return new Value.Ints(shape, all);
            }
        }
    }
}

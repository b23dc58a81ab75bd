package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.pass.MemoryPlanner;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.ElementType;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the values of one item lie: for each a bank, by the width of its elements, and an offset. A view lies where its
 * operand does. Inputs live from before the first step, outputs to after the last; constants that layers read as
 * activations live always.
 */
final class Placement {
    /** The most elements of a bank: what a Java array can hold, and some to spare. */
    private static final long LARGEST = Integer.MAX_VALUE - 64;

    private final Ports ports;
    private final Map<ValueId, ValueId> aliases = new HashMap<>();
    private final Map<ValueId, Life> lives = new LinkedHashMap<>();
    private final List<Descriptor.Constant> constants = new ArrayList<>();
    private final List<Descriptor.State> states = new ArrayList<>();
    private final Map<ValueId, ValueId> moves = new LinkedHashMap<>();
    private final Descriptor.Banks banks;

    /** From which step to which a place is needed. */
    private static final class Life {
        private final ElementType type;
        private final int elements;
        private final int first;
        private int last;
        private BankPlanner.Block block = BankPlanner.NOWHERE;

        private Life(ElementType type, int elements, int first) {
            this.type = type;
            this.elements = elements;
            this.first = first;
            last = first;
        }
    }

    /**
     * Places all values that layers read or write in the banks.
     *
     * @param weights receives the constants among them
     */
    Placement(Graph graph, Ports ports, WeightsWriter weights) {
        this.ports = ports;
        int end = graph.nodes().size();
        for (Ports.Port p : ports.inputs()) {
            lives.put(p.value(), new Life(p.info().type(), p.info().itemElements(), -1));
        }
        for (Graph.State s : graph.states()) {
            lives.put(s.id(), always(s.type()));
        }
        Map<ValueId, Node> banked = new LinkedHashMap<>();
        for (int step = 0; step < end; step++) {
            Node n = graph.nodes().get(step);
            if (ports.skips(n.id())) {
                continue;
            }
            if (n.op() instanceof DataOp.Constant) {
                banked.put(n.id(), n);
                continue;
            }
            for (int i = 0; i < n.operands().size(); i++) {
                if (Operands.inBanks(n, i)) {
                    use(n.operand(i), step, banked);
                }
            }
            if (MemoryPlanner.isView(n)) {
                aliases.put(n.id(), root(n.operand(0)));
            } else {
                lives.put(
                        n.id(),
                        new Life(
                                Elements.type(n.type().element()),
                                n.type().shape().elements(),
                                step));
            }
        }
        ports.outputs().forEach(p -> use(p.value(), end, banked));
        Map<ValueId, ValueId> nexts = nexts(graph, end, banked);
        banks = plan();
        for (Graph.State s : graph.states()) {
            ValueId next = nexts.getOrDefault(s.id(), s.id());
            states.add(new Descriptor.State(Ports.info(s.id().name(), s.type()), offset(s.id()), offset(next)));
        }
        for (Map.Entry<ValueId, Life> e : lives.entrySet()) {
            Node n = banked.get(e.getKey());
            if (n != null && n.op() instanceof DataOp.Constant(Tensor value)) {
                constants.add(constant(n.type(), value, e.getValue(), weights));
            }
        }
    }

    /** The first element of a value in its bank. */
    int offset(ValueId value) {
        return life(value).block.offset();
    }

    /** The sizes of the banks. */
    Descriptor.Banks banks() {
        return banks;
    }

    /** What is kept from run to run. */
    List<Descriptor.State> states() {
        return states;
    }

    /**
     * Places to copy to when all layers have run, and what to copy there: states that another state becomes, which would
     * else be overwritten before.
     */
    Map<ValueId, ValueId> moves() {
        return moves;
    }

    /** What lies in the banks from the beginning. */
    List<Descriptor.Constant> constants() {
        return constants;
    }

    private ValueId root(ValueId value) {
        ValueId v = ports.place(value);
        return aliases.getOrDefault(v, v);
    }

    private Life life(ValueId value) {
        Life life = lives.get(root(value));
        if (life == null) {
            throw new IllegalStateException("value " + value + " has no place");
        }
        return life;
    }

    private void use(ValueId value, int step, Map<ValueId, Node> constantNodes) {
        ValueId v = root(value);
        Node constant = constantNodes.get(v);
        if (constant != null) {
            lives.putIfAbsent(v, always(constant.type()));
        }
        Life life = life(value);
        life.last = Math.max(life.last, step);
    }

    private static ValueId unique(String name, Graph graph) {
        ValueId id = new ValueId(name);
        return graph.types().containsKey(id) ? unique(name + "'", graph) : id;
    }

    private static Life always(Type type) {
        Life always = new Life(Elements.type(type.element()), type.shape().elements(), -1);
        always.last = Integer.MAX_VALUE;
        return always;
    }

    /** Where, for each state, the value is that it becomes. */
    private Map<ValueId, ValueId> nexts(Graph graph, int end, Map<ValueId, Node> constantNodes) {
        Map<ValueId, Graph.State> byId = new HashMap<>();
        graph.states().forEach(s -> byId.put(s.id(), s));
        Map<ValueId, ValueId> nexts = new HashMap<>();
        for (Graph.State s : graph.states()) {
            ValueId from = root(s.next());
            if (byId.containsKey(from) && !from.equals(s.id())) {
                ValueId copy = unique("next of " + s.id().name(), graph);
                Life life = new Life(
                        Elements.type(s.type().element()), s.type().shape().elements(), end);
                life.last = end + 1;
                lives.put(copy, life);
                moves.put(copy, from);
                nexts.put(s.id(), copy);
            } else {
                use(s.next(), end + 1, constantNodes);
                nexts.put(s.id(), from);
            }
        }
        return nexts;
    }

    private Descriptor.Banks plan() {
        Map<ElementType, BankPlanner> planners = new EnumMap<>(ElementType.class);
        for (Life life : lives.values()) {
            BankPlanner p = planners.computeIfAbsent(bank(life.type), t -> new BankPlanner(t.bytes()));
            life.block = p.add(life.elements, life.first, life.last);
        }
        Map<ElementType, Integer> sizes = new EnumMap<>(ElementType.class);
        planners.forEach((type, p) -> {
            long size = p.plan();
            if (size > LARGEST) {
                throw new CompileException(Diagnostic.error(
                        "too-large",
                        Span.NONE,
                        "the activations of one item take " + size + " elements of " + type
                                + " at the same time, more than a Java array can hold"));
            }
            sizes.put(type, (int) size);
        });
        return new Descriptor.Banks(
                sizes.getOrDefault(ElementType.I8, 0),
                sizes.getOrDefault(ElementType.I16, 0),
                sizes.getOrDefault(ElementType.I32, 0),
                sizes.getOrDefault(ElementType.I64, 0),
                sizes.getOrDefault(ElementType.F32, 0));
    }

    /** Signed and unsigned elements share a bank. */
    private static ElementType bank(ElementType type) {
        return switch (type) {
            case BOOL, I8, U8 -> ElementType.I8;
            case I16, U16 -> ElementType.I16;
            case I32 -> ElementType.I32;
            case I64 -> ElementType.I64;
            case F32 -> ElementType.F32;
        };
    }

    private static int plain(Element.Int element, int[] values, WeightsWriter weights) {
        return switch (element.bits()) {
            case 1, 8 -> weights.codes(values, element.signed() ? Storage.I8 : Storage.U8);
            case 16 -> element.signed() ? weights.shorts(values) : weights.codes(values, Storage.U16);
            case 32 -> weights.ints(values);
            default -> weights.longs(values);
        };
    }

    private static Descriptor.Constant constant(Type type, Tensor value, Life life, WeightsWriter weights) {
        int bits = life.type.bytes() * 8;
        int at;
        switch (value) {
            case Tensor.OfFloat(Shape shape, float[] values) -> at = weights.floats(values);
            case Tensor.OfInt(Shape shape, int[] values) -> {
                if (type.element() instanceof Quant(Storage storage, int lo, int hi, var scheme)) {
                    at = weights.codes(values, storage);
                    bits = storage.bits();
                } else {
                    at = plain((Element.Int) type.element(), values, weights);
                }
            }
            case Tensor.OfLong(Shape shape, long[] values) -> at = weights.longs(values);
        }
        return new Descriptor.Constant(life.type, life.block.offset(), at, life.elements, bits);
    }
}

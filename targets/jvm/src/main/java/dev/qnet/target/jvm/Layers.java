package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.kernel.Banks;
import dev.qnet.runtime.kernel.BinaryKernel;
import dev.qnet.runtime.kernel.Copy;
import dev.qnet.runtime.kernel.QuaternaryKernel;
import dev.qnet.runtime.kernel.TernaryKernel;
import dev.qnet.runtime.kernel.UnaryKernel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the emitters of the operation families share: the graph, where its values lie, and how a layer is added. */
final class Layers {
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, Type> types;
    private final Placement placement;
    private final WeightsWriter weights;
    private final ProgramEmitter program;
    private final List<ValueId> values = new ArrayList<>();

    Layers(Graph graph, Placement placement, WeightsWriter weights, ProgramEmitter program) {
        definitions = graph.definitions();
        types = graph.types();
        this.placement = placement;
        this.weights = weights;
        this.program = program;
    }

    /** The value that each layer writes, by the layer's number. */
    List<ValueId> values() {
        return values;
    }

    /** The type of operand i. */
    Type operand(Node n, int i) {
        return types.getOrDefault(n.operand(i), n.type());
    }

    /**
     * The storage of the codes, less their zero point, that operand i holds as plain integers; null where it is not
     * known to hold such.
     */
    @Nullable Storage centred(Node n, int i) {
        Node d = definitions.get(n.operand(i));
        while (d != null && !(d.op() instanceof IntOp.DynamicQuantize)) {
            boolean moved = d.op() instanceof DataOp.Reshape
                    || d.op() instanceof DataOp.Transpose
                    || d.op() instanceof DataOp.Slice
                    || d.op() instanceof DataOp.MaxPool;
            d = moved ? definitions.get(d.operand(0)) : null;
        }
        if (d == null || !(d.op() instanceof IntOp.DynamicQuantize q)) {
            return null;
        }
        // Only there the zero point is sure to be one of the codes.
        Node params = definitions.get(d.operand(1));
        boolean sure = params != null
                && params.op() instanceof IntOp.DynamicParams p
                && p.storage().equals(q.storage());
        return sure ? q.storage() : null;
    }

    /** The elements of operand i, a constant of integers. */
    int[] ints(Node n, int i) {
        if (constant(n, i) instanceof Tensor.OfInt t) {
            return t.values();
        }
        throw new IllegalStateException("operand " + i + " of " + n.id() + " is no constant of integers");
    }

    /** The elements of operand i, a constant of integers that may need more than 32 bits. */
    long[] longs(Node n, int i) {
        return constant(n, i) instanceof Tensor.OfLong t
                ? t.values()
                : Arrays.stream(ints(n, i)).asLongStream().toArray();
    }

    /** Whether operand i is a constant with elements that do not fit 32 bits. */
    boolean isLong(Node n, int i) {
        return constant(n, i) instanceof Tensor.OfLong;
    }

    /** The elements of operand i, a constant of singles. */
    float[] floats(Node n, int i) {
        if (constant(n, i) instanceof Tensor.OfFloat t) {
            return t.values();
        }
        throw new IllegalStateException("operand " + i + " of " + n.id() + " is no constant of singles");
    }

    private @Nullable Tensor constant(Node n, int i) {
        Node d = definitions.get(n.operand(i));
        return d != null && d.op() instanceof DataOp.Constant c ? c.value() : null;
    }

    /** Adds a layer that computes a node from operand 0. */
    void unary(Node n, Consumer<Args> factory) {
        add(n, factory, UnaryKernel.class, n.operand(0));
    }

    /** Adds a layer that computes a node from operands 0 and 1. */
    void binary(Node n, Consumer<Args> factory) {
        add(n, factory, BinaryKernel.class, n.operand(0), n.operand(1));
    }

    /** Adds a layer that computes a node from operands i, j and k. */
    void ternary(Node n, int i, int j, int k, Consumer<Args> factory) {
        add(n, factory, TernaryKernel.class, n.operand(i), n.operand(j), n.operand(k));
    }

    /** Adds a layer that computes a node from operands i and j. */
    void binary(Node n, int i, int j, Consumer<Args> factory) {
        add(n, factory, BinaryKernel.class, n.operand(i), n.operand(j));
    }

    /** Adds a layer that computes a node from operands 0 to 3. */
    void quaternary(Node n, Consumer<Args> factory) {
        add(n, factory, QuaternaryKernel.class, n.operand(0), n.operand(1), n.operand(2), n.operand(3));
    }

    /** Adds a layer that computes a node, and images one behind the other, from operand 0 [N,H,W,C]. */
    void image(Node n, Consumer<Args> factory) {
        unary(n, a -> {
            factory.accept(a);
            a.images(operand(n, 0), n.type());
        });
    }

    /** Adds a layer that computes a part of a node from operand i. */
    void part(Node n, int i, Consumer<Args> factory) {
        add(n, factory, UnaryKernel.class, n.operand(i));
    }

    /** Adds a layer that copies a state to another place. */
    void move(ValueId from, ValueId to) {
        Type t = Objects.requireNonNull(types.get(from));
        add(
                to,
                0,
                a -> a.kind(t.element()).number(t.shape().elements()).call(Copy.class, "all"),
                UnaryKernel.class,
                from);
    }

    private void add(Node n, Consumer<Args> factory, Class<?> kernel, ValueId... operands) {
        int line = n.span().isNone() ? 0 : n.span().file().line(n.span().start());
        add(n.id(), line, factory, kernel, operands);
    }

    private void add(ValueId result, int line, Consumer<Args> factory, Class<?> kernel, ValueId... operands) {
        values.add(result);
        program.layer(
                Names.plain(result.name()), line, code -> factory.accept(new Args(code, weights)), kernel, code -> {
                    code.load(ProgramEmitter.BANKS);
                    for (ValueId o : operands) {
                        code.push(placement.offset(o));
                    }
                    code.push(placement.offset(result));
                    Class<?>[] parameters = new Class<?>[operands.length + 2];
                    Arrays.fill(parameters, int.class);
                    parameters[0] = Banks.class;
                    code.call(kernel, "run", void.class, parameters);
                });
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.floorDiv;
import static dev.qnet.target.tvm.tir.Tir.floorMod;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The function of one node while it is written: its operands, its result, its constants. Operands that are constants of the
 * graph are constants of the function; the others, each once, and the result are its parameters.
 */
final class Layer {
    /** A table inside the function. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Constant(Buffer buffer, byte[] elements) {}

    private final Options options;
    private final Node node;
    private final Tiling tiling;
    private final List<Type> types;
    private final List<@Nullable Tensor> tensors;
    private final Map<ValueId, Buffer> inputs = new LinkedHashMap<>();
    private final Buffer out;
    private final Buffer status;
    private final List<Constant> constants = new ArrayList<>();
    private final Map<Integer, Buffer> operandConstants = new LinkedHashMap<>();
    private final List<Buffer> scratches = new ArrayList<>();
    private @Nullable String failure;
    private boolean tiles;
    private boolean shared;

    /**
     * Begins a function.
     *
     * @param options how it is lowered
     * @param definitions the node of every value that is not a parameter
     * @param allTypes the type of every value
     */
    Layer(Node node, Options options, Map<ValueId, Node> definitions, Map<ValueId, Type> allTypes) {
        this.options = options;
        this.node = node;
        this.tiling = Tunable.key(node, allTypes)
                .map(k -> options.tilings().getOrDefault(k, Tiling.DEFAULT))
                .orElse(Tiling.DEFAULT);
        this.types = node.operands().stream()
                .map(o -> Objects.requireNonNull(allTypes.get(o)))
                .toList();
        this.tensors = new ArrayList<>();
        for (int i = 0; i < types.size(); i++) {
            Node definition = definitions.get(node.operand(i));
            if (definition != null && definition.op() instanceof DataOp.Constant(Tensor value)) {
                tensors.add(value);
            } else {
                tensors.add(null);
                Type t = types.get(i);
                inputs.computeIfAbsent(
                        node.operand(i),
                        id -> Buffer.of(
                                "x" + inputs.size(),
                                Elements.type(t.element()),
                                t.shape().elements()));
            }
        }
        out = Buffer.of(
                "y", Elements.type(node.type().element()), node.type().shape().elements());
        status = Buffer.of("status", DataType.INT32, 1);
    }

    /** What the CPU has. */
    Isa isa() {
        return options.isa();
    }

    /** Whether threads may share it. */
    boolean parallel() {
        return options.parallel();
    }

    /** How its sums are tiled. */
    Tiling tiling() {
        return tiling;
    }

    /** Says that threads share it, which may fail. */
    void share() {
        shared = true;
    }

    Node node() {
        return node;
    }

    int operands() {
        return types.size();
    }

    Type type(int operand) {
        return types.get(operand);
    }

    /** The extents of an operand, with N as 1. */
    int[] shape(int operand) {
        return types.get(operand).shape().toArray();
    }

    /** The extents of the result, with N as 1. */
    int[] shape() {
        return node.type().shape().toArray();
    }

    Buffer out() {
        return out;
    }

    /** The elements of an operand that is a constant. */
    Optional<Tensor> constant(int operand) {
        return Optional.ofNullable(tensors.get(operand));
    }

    /** An operand's memory: raw codes, singles, plain integers. */
    Buffer in(int operand) {
        Tensor tensor = tensors.get(operand);
        if (tensor == null) {
            return Objects.requireNonNull(inputs.get(node.operand(operand)));
        }
        return operandConstants.computeIfAbsent(operand, i -> {
            DataType type = Elements.type(types.get(i).element());
            return table(
                    "c" + i,
                    type,
                    switch (tensor) {
                        case Tensor.OfFloat f -> Elements.bytes(f.values());
                        case Tensor.OfInt q ->
                            Elements.bytes(
                                    type,
                                    Arrays.stream(q.values()).asLongStream().toArray());
                        case Tensor.OfLong q -> Elements.bytes(type, q.values());
                    });
        });
    }

    /** An element of an operand as it is. */
    Expr at(int operand, Expr index) {
        return load(in(operand), index);
    }

    /** Writes an element of the result, or several. */
    Stmt put(Expr index, Expr value) {
        return store(out, cast(out.type().vector(value.type().lanes()), value), index);
    }

    /**
     * What takes part in arithmetic: {@code q − z}, per group {@code m·q}, a plain integer itself.
     *
     * @param type int32 or int64, in which it fits
     */
    Expr centred(int operand, Expr index, DataType type) {
        Element element = types.get(operand).element();
        Expr raw = cast(type, at(operand, index));
        return switch (element) {
            case Element.F32 f -> throw new IllegalArgumentException("expected integers, found f32");
            case Element.Int i -> raw;
            case Quant q ->
                switch (q.scheme()) {
                    case Scheme.PerTensor t -> sub(raw, t.zero());
                    case Scheme.PerAxis a when a.zeros().stream().allMatch(z -> z == 0) -> raw;
                    case Scheme.PerAxis a -> {
                        Buffer zeros = table("zeros" + operand, DataType.INT32, a.zeros());
                        yield sub(raw, cast(type, load(zeros, channel(a, operand, index))));
                    }
                    case Scheme.PerGroup g -> {
                        Buffer multipliers = table("multipliers" + operand, DataType.INT32, g.multipliers());
                        int row = row(operand);
                        Expr group =
                                add(mul(floorDiv(index, row), g.groups()), floorDiv(floorMod(index, row), g.size()));
                        yield mul(raw, cast(type, load(multipliers, group)));
                    }
                };
        };
    }

    /** The index along a scheme's axis of an operand's element. */
    Expr channel(Scheme.PerAxis scheme, int operand, Expr index) {
        return channel(scheme, shape(operand), index);
    }

    /** As {@link #channel(Scheme.PerAxis, int, Expr)}, of any tensor of that shape. */
    static Expr channel(Scheme.PerAxis scheme, int[] shape, Expr index) {
        int inner = Nest.rowMajor(shape)[scheme.axis()];
        return floorMod(floorDiv(index, inner), shape[scheme.axis()]);
    }

    private int row(int operand) {
        int[] shape = shape(operand);
        return types.get(operand).shape().elements() / shape[0];
    }

    /** The centred values of an operand that is a constant, as {@link #centred} computes them. */
    long[] centredConstant(int operand) {
        Tensor tensor = constant(operand).orElseThrow();
        long[] q = switch (tensor) {
            case Tensor.OfFloat f -> throw new IllegalArgumentException("expected integers, found f32");
            case Tensor.OfInt i -> Arrays.stream(i.values()).asLongStream().toArray();
            case Tensor.OfLong l -> l.values().clone();
        };
        if (!(types.get(operand).element() instanceof Quant(Storage storage, int lo, int hi, Scheme scheme))) {
            return q;
        }
        int[] shape = shape(operand);
        for (int i = 0; i < q.length; i++) {
            switch (scheme) {
                case Scheme.PerTensor t -> q[i] -= t.zero();
                case Scheme.PerAxis a -> {
                    int inner = Nest.rowMajor(shape)[a.axis()];
                    q[i] -= a.zeros().get(i / inner % shape[a.axis()]);
                }
                case Scheme.PerGroup g -> {
                    int row = row(operand);
                    q[i] *= g.multipliers().get(i / row * g.groups() + i % row / g.size());
                }
            }
        }
        return q;
    }

    /** A table of integers inside the function. */
    Buffer table(String name, DataType type, List<Integer> values) {
        return table(
                name,
                type,
                Elements.bytes(type, values.stream().mapToLong(v -> v).toArray()));
    }

    /** A table of integers, in the narrowest type that holds them. */
    Buffer table(String name, long[] values) {
        DataType type = Elements.narrowest(values);
        return table(name, type, Elements.bytes(type, values));
    }

    Buffer table(String name, float[] values) {
        return table(name, DataType.FLOAT32, Elements.bytes(values));
    }

    private Buffer table(String name, DataType type, byte[] elements) {
        Buffer buffer = Buffer.of(name, type, elements.length / type.bytes());
        constants.add(new Constant(buffer, elements));
        return buffer;
    }

    /** Memory that the function may use while it runs. */
    Buffer scratch(String name, DataType type, long elements) {
        Buffer buffer = Buffer.of(name, type, elements);
        scratches.add(buffer);
        return buffer;
    }

    /** What {@link #scratch} was asked for, in order: the last parameters of the function. */
    List<Buffer> scratches() {
        return List.copyOf(scratches);
    }

    /**
     * Ends the run with an error, once the network has run through.
     *
     * @param message what went wrong, in the user's terms
     */
    Stmt fail(String message) {
        failure = message;
        return store(status, i32(1), i32(0));
    }

    /** What {@link #fail} was told, if it was called. */
    Optional<String> failure() {
        return Optional.ofNullable(failure);
    }

    /** Says that the function uses the processor's tiles (AMX), which a process has to be allowed. */
    void needTiles() {
        tiles = true;
    }

    boolean needsTiles() {
        return tiles;
    }

    /** The values that the function is given pointers to, in the order of its parameters, in front of the result. */
    List<ValueId> inputs() {
        return List.copyOf(inputs.keySet());
    }

    /** The memory of an operand, by the value, of those that the function is given. */
    Map<ValueId, Buffer> given() {
        return Collections.unmodifiableMap(inputs);
    }

    /** Where {@link #fail} tells that it was called. */
    Buffer status() {
        return status;
    }

    /** Constants around a body: those that it uses. */
    Stmt withConstants(Stmt body, Set<Expr.Var> used) {
        Stmt all = body;
        for (Constant c : constants.reversed()) {
            if (used.contains(c.buffer().data())) {
                all = new Stmt.Constant(c.buffer(), c.elements(), all);
            }
        }
        return all;
    }

    /** The finished function. */
    PrimFunc function(String name, Stmt body) {
        Stmt all = body;
        for (Constant c : constants.reversed()) {
            all = new Stmt.Constant(c.buffer(), c.elements(), all);
        }
        List<Expr.Var> params = new ArrayList<>();
        for (Buffer b : inputs.values()) {
            params.add(b.data());
            all = new Stmt.Declare(b, all);
        }
        params.add(out.data());
        all = new Stmt.Declare(out, all);
        if (failure != null) {
            params.add(status.data());
            all = new Stmt.Declare(status, all);
        }
        for (Buffer b : scratches) {
            params.add(b.data());
            all = new Stmt.Declare(b, all);
        }
        return new PrimFunc(name, params, Map.of(), false, shared, all);
    }
}

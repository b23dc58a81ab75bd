package dev.qnet.compiler.front.write;

import dev.qnet.compiler.data.SafetensorsType;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Writes one node as the call that makes it. */
final class NodeWriter {
    /** A call; the same node may be written as one of several. */
    record Call(String name, List<Argument> arguments) {}

    /** The language takes no larger windows. */
    private static final int MAX_WINDOW = 1 << 12;

    private final Graph graph;
    private final Names names;
    private final Constants constants;
    private final Map<ValueId, String> variables;
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, Type> types;
    private final Map<ValueId, List<Node>> users;
    private final Set<ValueId> roots;
    private final Map<ValueId, Expr> declared = new HashMap<>();
    private final Set<ValueId> ordinary = new HashSet<>();
    private final Set<ValueId> inline = new HashSet<>();
    private boolean trying;

    /** @param variables what stands for each value that has been written */
    NodeWriter(Graph graph, Names names, Constants constants, Map<ValueId, String> variables) {
        this.graph = graph;
        this.names = names;
        this.constants = constants;
        this.variables = variables;
        this.definitions = graph.definitions();
        this.types = graph.types();
        this.users = graph.users();
        this.roots = new HashSet<>(graph.roots());
    }

    /**
     * Finds out which nodes have words in the language, and which are written where they are used. Everything else is a typed
     * statement.
     */
    void sort() {
        trying = true;
        for (Node n : graph.nodes()) {
            if (isOrdinary(n)) {
                ordinary.add(n.id());
            }
        }
        trying = false;
        for (Node n : graph.nodes()) {
            List<Node> using = users.getOrDefault(n.id(), List.of());
            boolean ofCall =
                    isUsedOnce(n.id()) && ordinary.contains(using.getFirst().id());
            if (n.op() instanceof DataOp.Constant || (isDequantized(n) && ofCall)) {
                inline.add(n.id());
            }
        }
    }

    private boolean isUsedOnce(ValueId id) {
        return users.getOrDefault(id, List.of()).size() == 1 && !roots.contains(id);
    }

    private boolean isDequantized(Node n) {
        return n.op() instanceof QuantOp.Dequantize && isConstantNode(n.operand(0));
    }

    private boolean isConstantNode(ValueId id) {
        Node n = definitions.get(id);
        return n != null && n.op() instanceof DataOp.Constant;
    }

    /** Whether a value is written where it is used: a constant, or a quantized constant made real. */
    boolean isConstant(ValueId id) {
        return inline.contains(id);
    }

    /** Whether a call of the language's own makes the same node. */
    boolean isOrdinary(ValueId id) {
        return ordinary.contains(id);
    }

    private boolean isOrdinary(Node n) {
        if (n.op() instanceof DataOp.Constant || isDequantized(n) || !hasElements(n.type())) {
            return false;
        }
        boolean fixed = !n.operands().isEmpty();
        for (ValueId id : n.operands()) {
            Type t = type(id);
            boolean codes = t.isQuant() && isConstantNode(id);
            if (codes || !hasElements(t)) {
                return false;
            }
            fixed &= isKnown(id);
        }
        if (fixed) {
            // The language would compute it at compile time.
            return false;
        }
        try {
            return !calls(n).isEmpty();
        } catch (NotWritable e) {
            return false;
        }
    }

    /** Whether the language's own operations take and give tensors of a type. */
    private static boolean hasElements(Type t) {
        boolean known = t.isFloat() || (t.element() instanceof Quant q && q.scheme() instanceof Scheme.PerTensor);
        return known && t.shape().elements() > 0;
    }

    private boolean isKnown(ValueId id) {
        Node n = definitions.get(id);
        return n != null && (n.op() instanceof DataOp.Constant || isDequantized(n));
    }

    /** The types of a node's operands. */
    List<Type> operandTypes(Node n) {
        return n.operands().stream().map(this::type).toList();
    }

    /** The operands of a typed statement: constants are codes and numbers as they are. */
    List<Expr> operands(Node n) {
        return n.operands().stream().map(this::raw).toList();
    }

    /** A value as it is. */
    Expr raw(ValueId id) {
        String variable = variables.get(id);
        if (variable != null) {
            return Tree.ref(variable);
        }
        Node n = definitions.get(id);
        if (n != null && n.op() instanceof DataOp.Constant c) {
            Expr known = declared.get(id);
            if (known == null) {
                known = constants.expr(names.constant(id), c.value(), n.type());
                declared.put(id, known);
            }
            return known;
        }
        throw new IllegalArgumentException("the graph uses " + id + " before it defines it");
    }

    /**
     * The ways to write a node, the plainest first.
     *
     * @throws NotWritable if there is none
     */
    List<Call> calls(Node n) {
        return switch (n.op()) {
            case DataOp d -> data(n, d);
            case FloatOp f -> real(n, f);
            case QuantOp q -> List.of(quant(n, q));
            case NumOp _ -> throw new NotWritable("operations on plain numbers");
            case IntOp _ -> throw new NotWritable("integer operations");
            case TrainOp _ -> throw new NotWritable("operations of training");
        };
    }

    private List<Call> data(Node n, DataOp op) {
        return switch (op) {
            case DataOp.Constant _ -> throw new IllegalStateException("written where it is used: " + n.id());
            case DataOp.Reshape r -> {
                List<Call> all = new ArrayList<>();
                all.add(call("reshape", x(n), Tree.argument(Tree.list(Tree.extents(r.shape())))));
                Shape x = shape(n, 0);
                if (x.hasBatch() && r.shape().rank() == 2) {
                    all.add(call("flatten", x(n)));
                }
                yield all;
            }
            case DataOp.Transpose t ->
                List.of(call("transpose", x(n), Tree.argument("perm", Tree.ints(t.permutation()))));
            case DataOp.Concat c -> {
                List<Argument> arguments = new ArrayList<>();
                for (int i = 0; i < n.operands().size(); i++) {
                    arguments.add(operand(n, i, "x" + (i + 1)));
                }
                arguments.add(Tree.argument("axis", Tree.number((long) c.axis())));
                yield List.of(new Call("concat", arguments));
            }
            case DataOp.Slice s -> {
                Shape from = shape(n, 0);
                for (int i = from.hasBatch() ? 1 : 0; i < from.rank(); i++) {
                    if (s.begin().get(i) < 0 || s.begin().get(i) >= s.end().get(i)) {
                        throw new NotWritable("slices that are empty");
                    }
                }
                List<Expr> end = new ArrayList<>(
                        s.end().stream().map(e -> Tree.number((long) e)).toList());
                if (shape(n, 0).hasBatch()) {
                    end.set(0, Tree.ref("N"));
                }
                yield List.of(call(
                        "slice",
                        x(n),
                        Tree.argument("begin", Tree.ints(s.begin())),
                        Tree.argument("end", Tree.list(end)),
                        Tree.argument("step", Tree.ints(s.step()))));
            }
            case DataOp.Pad p -> List.of(pad(n, p));
            case DataOp.MaxPool p ->
                List.of(new Call("max_pool", window(n, p.window(), p.window().kernelH())));
            case DataOp.ResizeNearest r ->
                List.of(call(
                        "resize_nearest",
                        x(n),
                        Tree.argument("height", Tree.number((long) r.height())),
                        Tree.argument("width", Tree.number((long) r.width()))));
            case DataOp.Gather _, DataOp.Broadcast _, DataOp.Dilate _, DataOp.Select _ ->
                throw new NotWritable("operations of imported models");
        };
    }

    private Call pad(Node n, DataOp.Pad p) {
        List<Argument> arguments = new ArrayList<>(List.of(
                x(n), Tree.argument("before", Tree.ints(p.before())), Tree.argument("after", Tree.ints(p.after()))));
        if (n.type().element() instanceof Quant q) {
            if (!(q.scheme() instanceof Scheme.PerTensor s) || s.zero() != p.value()) {
                throw new NotWritable("quantized tensors that are padded with other codes than the zero point");
            }
        } else if (p.value() != 0 || Float.floatToRawIntBits(p.value()) != 0) {
            arguments.add(Tree.argument("value", finite(p.value())));
        }
        return new Call("pad", arguments);
    }

    private List<Call> real(Node n, FloatOp op) {
        return switch (op) {
            case FloatOp.Conv2d c -> List.of(conv(n, c));
            case FloatOp.Dense _ -> {
                List<Argument> arguments = new ArrayList<>();
                arguments.add(x(n));
                arguments.add(Tree.argument(Tree.number((long) shape(n, 1).dim(0))));
                weights(n, arguments, List.of("weight", "bias"));
                yield List.of(new Call("dense", arguments));
            }
            case FloatOp.MatMul _ -> List.of(call("matmul", x(n), operand(n, 1, "y")));
            case FloatOp.Binary b -> {
                String name = switch (b.fn()) {
                    case ADD -> "add";
                    case SUB -> "sub";
                    case MUL -> "mul";
                    case DIV -> "div";
                    case POW -> "pow";
                    case MIN -> "min";
                    case MAX -> "max";
                    case MOD -> "mod";
                };
                yield List.of(call(name, x(n), operand(n, 1, "y")));
            }
            case FloatOp.Unary u -> unary(n, u.fn());
            case FloatOp.AvgPool p ->
                List.of(new Call("avg_pool", window(n, p.window(), p.window().kernelH())));
            case FloatOp.Mean m -> {
                List<Call> all = new ArrayList<>();
                List<Argument> arguments = new ArrayList<>(List.of(x(n), Tree.argument("axes", Tree.ints(m.axes()))));
                List<Argument> pool = new ArrayList<>(List.of(x(n)));
                if (m.keepDims()) {
                    arguments.add(Tree.argument("keep_dims", Tree.bool(true)));
                    pool.add(Tree.argument("keep_dims", Tree.bool(true)));
                }
                all.add(new Call("mean", arguments));
                if (shape(n, 0).rank() == 4 && m.axes().equals(List.of(1, 2))) {
                    all.add(new Call("global_avg_pool", pool));
                }
                yield all;
            }
            case FloatOp.BatchNorm b -> {
                List<Argument> arguments = new ArrayList<>();
                arguments.add(x(n));
                arguments.add(Tree.argument("epsilon", finite(b.epsilon())));
                weights(n, arguments, List.of("gamma", "beta", "mean", "variance"));
                yield List.of(new Call("batch_norm", arguments));
            }
            case FloatOp.Softmax s ->
                List.of(call("softmax", x(n), Tree.argument("axis", Tree.number((long) s.axis()))));
            case FloatOp.Recurrent _ -> throw new NotWritable("operations of imported models");
        };
    }

    private List<Call> unary(Node n, ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu _ -> List.of(call("relu", x(n)));
            case ScalarFn.LeakyRelu l -> List.of(call("leaky_relu", x(n), Tree.argument("alpha", finite(l.alpha()))));
            case ScalarFn.Clip c -> {
                Call clip = call("clip", x(n), Tree.argument(finite(c.lo())), Tree.argument(finite(c.hi())));
                boolean six = c.lo() == 0 && c.hi() == 6;
                yield six ? List.of(call("relu6", x(n)), clip) : List.of(clip);
            }
            case ScalarFn.Elu e -> List.of(function("elu", n, "alpha", e.alpha()));
            case ScalarFn.Celu c -> List.of(function("celu", n, "alpha", c.alpha()));
            case ScalarFn.ThresholdedRelu t -> List.of(function("thresholded_relu", n, "alpha", t.alpha()));
            case ScalarFn.Selu s -> List.of(function("selu", n, "alpha", s.alpha(), "gamma", s.gamma()));
            case ScalarFn.HardSigmoid h -> List.of(function("hard_sigmoid", n, "alpha", h.alpha(), "beta", h.beta()));
            case ScalarFn.Affine _, ScalarFn.ScaledTanh _ ->
                throw new NotWritable("functions of recurrent cells outside of them");
            case ScalarFn.Sigmoid _,
                    ScalarFn.Tanh _,
                    ScalarFn.HardSwish _,
                    ScalarFn.Gelu _,
                    ScalarFn.GeluErf _,
                    ScalarFn.Mish _,
                    ScalarFn.Softplus _,
                    ScalarFn.Softsign _,
                    ScalarFn.Silu _,
                    ScalarFn.Erf _,
                    ScalarFn.Sqrt _,
                    ScalarFn.Exp _,
                    ScalarFn.Log _,
                    ScalarFn.Sin _,
                    ScalarFn.Cos _,
                    ScalarFn.Abs _,
                    ScalarFn.Neg _,
                    ScalarFn.Sign _,
                    ScalarFn.Floor _,
                    ScalarFn.Ceil _,
                    ScalarFn.Round _,
                    ScalarFn.Reciprocal _ -> List.of(call(OpText.of(n.op()).mnemonic(), x(n)));
        };
    }

    /** A function whose parameters have names. */
    private Call function(String name, Node n, Object... parameters) {
        List<Argument> arguments = new ArrayList<>(List.of(x(n)));
        for (int i = 0; i < parameters.length; i += 2) {
            arguments.add(Tree.argument((String) parameters[i], finite((float) parameters[i + 1])));
        }
        return new Call(name, arguments);
    }

    private Call quant(Node n, QuantOp op) {
        Spec.Policy policy = graph.policy();
        Rounding rounding = policy == null ? Rounding.TOSA : policy.rounding();
        return switch (op) {
            case QuantOp.Quantize q -> {
                Quant to = n.type().quant();
                if (!(to.scheme() instanceof Scheme.PerTensor s) || q.rounding() != rounding) {
                    throw new NotWritable(
                            "quantize operations per channel, or with another rounding than the scheme's");
                }
                boolean full = to.lo() == to.storage().min();
                if (to.hi() != to.storage().max()
                        || (!full && to.lo() != to.storage().min() + 1)) {
                    throw new NotWritable("quantized values that use only the codes " + to.lo() + " to " + to.hi());
                }
                yield call(
                        "quantize",
                        x(n),
                        Tree.argument(Tree.ref(to.storage().toString())),
                        Tree.argument(Tree.ref(full ? "full" : "narrow")),
                        Tree.argument(Tree.expr(Tree.item("scale", Tree.number(s.scale())))),
                        Tree.argument(Tree.expr(Tree.item("zero", Tree.number((long) s.zero())))));
            }
            case QuantOp.Dequantize _ -> call("dequantize", x(n));
            case QuantOp.FakeQuant f -> {
                if (f.chosen() != null || f.rounding() != rounding) {
                    throw new NotWritable("fake quantization whose parameters are chosen, or with another rounding than"
                            + " the scheme's");
                }
                List<Argument> arguments = new ArrayList<>(List.of(x(n)));
                SpecWords.of(f.spec(), true).forEach(i -> arguments.add(Tree.argument(Tree.expr(i))));
                yield new Call("fake_quant", arguments);
            }
        };
    }

    // ---- arguments

    private static Call call(String name, Argument... arguments) {
        return new Call(name, List.of(arguments));
    }

    private Shape shape(Node n, int operand) {
        return type(n.operand(operand)).shape();
    }

    private Type type(ValueId id) {
        Type t = types.get(id);
        if (t == null) {
            throw new IllegalArgumentException("the graph does not define " + id);
        }
        return t;
    }

    private Argument x(Node n) {
        return operand(n, 0, "x");
    }

    private Argument operand(Node n, int at, String role) {
        return Tree.argument(expr(n.operand(at), names.path(n.id()) + "." + role, scalars(n)));
    }

    /** Whether a number may stand for a constant of one element. */
    private static boolean scalars(Node n) {
        return n.op() instanceof FloatOp.Binary;
    }

    /**
     * An expression for a value.
     *
     * @param name what a constant is called
     */
    Expr expr(ValueId id, String name, boolean scalars) {
        if (trying) {
            return Tree.ref("_");
        }
        String variable = variables.get(id);
        if (variable != null) {
            return Tree.ref(variable);
        }
        Node n = definitions.get(id);
        if (isConstant(id)) {
            names.reserve(name);
            names.reserve(name + ".codes");
        }
        if (n != null && n.op() instanceof DataOp.Constant c) {
            if (scalars
                    && c.value() instanceof Tensor.OfFloat f
                    && f.shape().equals(Shape.of(1))
                    && Float.isFinite(f.values()[0])) {
                return Tree.number(f.values()[0]);
            }
            return constants.expr(name, c.value(), n.type());
        }
        if (n != null && isConstant(id)) {
            return expr(n.operand(0), name, false);
        }
        throw new IllegalArgumentException("the graph uses " + id + " before it defines it");
    }

    private static Expr finite(float value) {
        if (!Float.isFinite(value)) {
            throw new NotWritable("attributes that are not finite");
        }
        return Tree.number(value);
    }

    private Call conv(Node n, FloatOp.Conv2d c) {
        List<Argument> arguments = window(n, c.window(), 1);
        arguments.add(1, Tree.argument(Tree.number((long) shape(n, 1).dim(0))));
        if (c.groups() != 1) {
            arguments.add(Tree.argument("groups", Tree.number((long) c.groups())));
        }
        weights(n, arguments, List.of("weight", "bias"));
        return new Call("conv2d", arguments);
    }

    /** The input and the window. */
    private List<Argument> window(Node n, Window w, int standardStride) {
        for (int e : new int[] {
            w.kernelH(), w.kernelW(), w.dilationH(), w.dilationW(), w.top(), w.left(), w.bottom(), w.right()
        }) {
            if (e > MAX_WINDOW) {
                throw new NotWritable("windows of more than " + MAX_WINDOW + " rows or columns");
            }
        }
        List<Argument> arguments = new ArrayList<>();
        arguments.add(x(n));
        arguments.add(Tree.argument("kernel", Tree.pair(w.kernelH(), w.kernelW())));
        boolean pool = !(n.op() instanceof FloatOp.Conv2d);
        if (w.strideH() != standardStride || w.strideW() != (pool ? w.kernelW() : 1)) {
            arguments.add(Tree.argument("stride", Tree.pair(w.strideH(), w.strideW())));
        }
        if (w.dilationH() != 1 || w.dilationW() != 1) {
            arguments.add(Tree.argument("dilation", Tree.pair(w.dilationH(), w.dilationW())));
        }
        if (w.top() + w.left() + w.bottom() + w.right() != 0) {
            arguments.add(Tree.argument("padding", Tree.ints(List.of(w.top(), w.left(), w.bottom(), w.right()))));
        }
        return arguments;
    }

    /** Weights: those in the file need no argument, for they are called after the value. */
    private void weights(Node n, List<Argument> arguments, List<String> roles) {
        for (int i = 0; i < roles.size(); i++) {
            String role = roles.get(i);
            if (i + 1 >= n.operands().size()) {
                arguments.add(Tree.argument(role, Tree.bool(false)));
                continue;
            }
            ValueId id = n.operand(i + 1);
            Node from = definitions.get(id);
            boolean known =
                    from != null && (from.op() instanceof DataOp.Constant || (isDequantized(from) && isUsedOnce(id)));
            if (!known) {
                throw new NotWritable("weights that are computed at run time");
            }
            String name = names.path(n.id()) + "." + role;
            @Nullable Tensor large = large(id);
            if (trying) {
                continue;
            }
            if (large != null && !constants.isStored(name)) {
                names.reserve(name);
                constants.store(name, large, SafetensorsType.F32);
            } else {
                arguments.add(Tree.argument(role, expr(id, name, false)));
            }
        }
    }

    private @Nullable Tensor large(ValueId id) {
        Node n = definitions.get(id);
        return n != null && n.op() instanceof DataOp.Constant c && n.type().isFloat() && Constants.isLarge(c.value())
                ? c.value()
                : null;
    }
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Writes operations on real numbers and moves of elements as ONNX operators. */
final class OpWriter {
    private final Emitter to;
    private final Values values;
    private final Points points;

    OpWriter(Emitter to, Values values, Points points) {
        this.to = to;
        this.values = values;
        this.points = points;
    }

    // Arithmetic.

    /** @param grid the grid that the result is still on, or null */
    void compute(Node n, FloatOp op, @Nullable Quant grid) {
        String name = n.id().name();
        switch (op) {
            case FloatOp.Conv2d c -> conv(n, c);
            case FloatOp.Dense d -> dense(n);
            case FloatOp.MatMul m ->
                plain(n, to.node("MatMul", name, values.plain(n.operand(0)), values.plain(n.operand(1))));
            case FloatOp.Binary b -> {
                boolean first = values.prefersFirst(n.operands());
                List<String> in =
                        n.operands().stream().map(o -> values.tensor(o, first)).toList();
                values.put(n.id(), n.type(), null, first, binary(b.fn(), name, in));
            }
            case FloatOp.Unary u -> {
                boolean first = values.prefersFirst(n.operands());
                String y = new FunctionWriter(to).write(u.fn(), values.tensor(n.operand(0), first), name);
                values.put(n.id(), n.type(), grid, first, values.settle(y, grid));
            }
            case FloatOp.AvgPool p -> {
                Map<String, Proto.Attribute> attributes = new HashMap<>(window(p.window()));
                if (dilated(p.window())) {
                    to.needs(19);
                } else {
                    attributes.remove("dilations");
                }
                attributes.put("count_include_pad", new Proto.Attribute.Int(0));
                String x = values.first(n.operand(0));
                values.first(n.id(), n.type(), null, to.node("AveragePool", name, List.of(x), attributes));
            }
            case FloatOp.Mean m -> mean(n, m);
            case FloatOp.BatchNorm b -> batchNorm(n, b);
            case FloatOp.Softmax s -> plain(n, softmax(n, s));
            case FloatOp.Recurrent r ->
                throw new Refusal("is not exported: ONNX's layer gives other results and another layout");
        }
    }

    private String softmax(Node n, FloatOp.Softmax s) {
        String name = n.id().name();
        String x = values.plain(n.operand(0));
        if (n.type().shape().dim(s.axis()) == 1) {
            // Always 1, but ONNX Runtime's integer kernel overflows to 0 there: e^0, which it does not fuse.
            return to.node("Exp", name, to.node("Sub", name + ".difference", x, x));
        }
        return to.node("Softmax", name, List.of(x), Map.of("axis", new Proto.Attribute.Int(s.axis())));
    }

    private void plain(Node n, String tensor) {
        values.plain(n.id(), n.type(), null, tensor);
    }

    private String binary(FloatOp.Binary.Fn fn, String name, List<String> in) {
        return switch (fn) {
            case ADD -> to.node("Add", name, in, Map.of());
            case SUB -> to.node("Sub", name, in, Map.of());
            case MUL -> to.node("Mul", name, in, Map.of());
            case DIV -> to.node("Div", name, in, Map.of());
            case POW -> to.node("Pow", name, in, Map.of());
            case MIN -> to.node("Min", name, in, Map.of());
            case MAX -> to.node("Max", name, in, Map.of());
            case MOD -> to.node("Mod", name, in, Map.of("fmod", new Proto.Attribute.Int(1)));
        };
    }

    private static boolean dilated(Window w) {
        return w.dilationH() != 1 || w.dilationW() != 1;
    }

    private static Map<String, Proto.Attribute> window(Window w) {
        return Map.of(
                "kernel_shape", Emitter.ints(w.kernelH(), w.kernelW()),
                "strides", Emitter.ints(w.strideH(), w.strideW()),
                "dilations", Emitter.ints(w.dilationH(), w.dilationW()),
                "pads", Emitter.ints(w.top(), w.left(), w.bottom(), w.right()));
    }

    private void conv(Node n, FloatOp.Conv2d c) {
        String name = n.id().name();
        Values.Value w = values.get(n.operand(1));
        List<String> in = new ArrayList<>();
        in.add(values.first(n.operand(0)));
        // ONNX Runtime takes weights of one zero point only, unless they have more than 8 bits.
        in.add(
                w.literal != null
                        ? w.literal.write(to, n.operand(1).name(), true, Values.CHANNELS_FIRST)
                        : values.first(n.operand(1)));
        if (n.operands().size() > 2) {
            in.add(points.bias(n, n.operand(2), n.operand(2).name()));
        }
        Map<String, Proto.Attribute> attributes = new HashMap<>(window(c.window()));
        attributes.put("group", new Proto.Attribute.Int(c.groups()));
        values.first(n.id(), n.type(), null, to.node("Conv", name, in, attributes));
    }

    /**
     * As Gemm, of two axes: what has more is flattened before and shaped after. Without a bias MatMul does it as it is; with
     * one, MatMul and Add would be no pattern that ends in integers.
     */
    private void dense(Node n) {
        String name = n.id().name();
        Values.Value v = values.get(n.operand(0));
        Values.Value w = values.get(n.operand(1));
        if (v.rank() > 2 && n.operands().size() == 2 && w.literal != null) {
            String weights = w.literal.write(to, n.operand(1).name(), false, 1, 0);
            plain(n, to.node("MatMul", name, values.plain(n.operand(0)), weights));
            return;
        }
        int features = v.type.shape().dim(-1);
        String x = values.plain(n.operand(0));
        if (v.rank() != 2) {
            x = values.settle(to.reshape(x, name + ".rows", -1, features), v.grid);
        }
        List<String> in = new ArrayList<>();
        in.add(x);
        in.add(w.literal != null ? w.literal.write(to, n.operand(1).name(), false, 1, 0) : values.plain(n.operand(1)));
        if (n.operands().size() > 2) {
            in.add(points.bias(n, n.operand(2), n.operand(2).name()));
        }
        String y = to.node(
                "Gemm",
                v.rank() == 2 ? name : name + ".product",
                in,
                Map.of("transB", new Proto.Attribute.Int(w.literal != null ? 0 : 1)));
        if (v.rank() != 2) {
            // Quantized at once, so that the product is seen to end there.
            y = to.reshape(
                    values.settle(y, points.closing(n.id())),
                    name,
                    dims(n.type().shape(), -1));
        }
        plain(n, y);
    }

    /** Extents, with something else for N. */
    private static int[] dims(Shape shape, int batch) {
        return shape.dims().stream().mapToInt(d -> d == Shape.BATCH ? batch : d).toArray();
    }

    private void mean(Node n, FloatOp.Mean m) {
        String name = n.id().name();
        Values.Value v = values.get(n.operand(0));
        if (v.rank() == 4 && m.axes().equals(List.of(1, 2))) {
            String y = to.node("GlobalAveragePool", m.keepDims() ? name : name + ".pooled", values.first(n.operand(0)));
            if (m.keepDims()) {
                values.first(n.id(), n.type(), null, y);
            } else {
                y = values.settle(y, points.closing(n.id()));
                plain(n, to.reshape(y, name, dims(n.type().shape(), 0)));
            }
            return;
        }
        int[] axes = m.axes().stream().mapToInt(i -> i).toArray();
        plain(n, to.reduce("ReduceMean", values.plain(n.operand(0)), name, m.keepDims(), axes));
    }

    /** ONNX normalizes axis 1; the last one is brought there. */
    private void batchNorm(Node n, FloatOp.BatchNorm b) {
        String name = n.id().name();
        int rank = n.type().shape().rank();
        List<String> in = new ArrayList<>();
        if (rank == 4) {
            in.add(values.first(n.operand(0)));
        } else {
            String x = values.plain(n.operand(0));
            in.add(
                    rank == 1
                            ? to.reshape(x, name + ".row", 1, n.type().shape().dim(0))
                            : rank == 2 ? x : to.transpose(x, name + ".nchw", secondLast(rank)));
        }
        for (int i = 1; i < 5; i++) {
            in.add(values.plain(n.operand(i)));
        }
        String y = to.node(
                "BatchNormalization",
                rank == 2 || rank == 4 ? name : name + ".normal",
                in,
                Map.of("epsilon", Emitter.real(b.epsilon())));
        if (rank == 4) {
            values.first(n.id(), n.type(), null, y);
        } else {
            plain(
                    n,
                    rank == 1
                            ? to.reshape(y, name, n.type().shape().dim(0))
                            : rank == 2 ? y : to.transpose(y, name, lastSecond(rank)));
        }
    }

    /** The last axis behind the first. */
    private static int[] secondLast(int rank) {
        return IntStream.range(0, rank)
                .map(i -> i == 0 ? 0 : i == 1 ? rank - 1 : i - 1)
                .toArray();
    }

    private static int[] lastSecond(int rank) {
        return IntStream.range(0, rank)
                .map(i -> i == 0 ? 0 : i == rank - 1 ? 1 : i + 1)
                .toArray();
    }

    // Moves of elements.

    /** @param grid the grid that the elements are on, or null */
    void move(Node n, DataOp op, @Nullable Quant grid) {
        String name = n.id().name();
        ValueId x = n.operand(0);
        switch (op) {
            case DataOp.Constant c -> throw new IllegalStateException("a constant is no move");
            case DataOp.Reshape r -> reshape(n, r, grid);
            case DataOp.Transpose t -> transpose(n, t, grid);
            case DataOp.Concat c -> {
                boolean first = values.prefersFirst(n.operands());
                List<String> in =
                        n.operands().stream().map(o -> values.tensor(o, first)).toList();
                Proto.Attribute axis = new Proto.Attribute.Int(first ? axis(c.axis()) : c.axis());
                put(n, grid, first, to.node("Concat", name, in, Map.of("axis", axis)));
            }
            case DataOp.Slice s -> {
                boolean first = values.prefersFirst(n.operands());
                put(
                        n,
                        grid,
                        first,
                        slice(values.tensor(x, first), values.get(x).type.shape(), s, first, name));
            }
            case DataOp.Pad p -> {
                boolean first = values.prefersFirst(n.operands());
                int rank = p.before().size();
                int[] pads = new int[2 * rank];
                for (int i = 0; i < rank; i++) {
                    int at = first ? axis(i) : i;
                    pads[at] = p.before().get(i);
                    pads[at + rank] = p.after().get(i);
                }
                String padded =
                        to.node("Pad", name, values.tensor(x, first), to.longs(pads), element(n.type(), p.value()));
                put(n, grid, first, padded);
            }
            case DataOp.MaxPool p ->
                put(n, grid, true, to.node("MaxPool", name, List.of(values.first(x)), window(p.window())));
            case DataOp.ResizeNearest r -> put(n, grid, true, resize(n, r));
            case DataOp.Gather g ->
                put(
                        n,
                        grid,
                        false,
                        to.node(
                                "Gather",
                                name,
                                List.of(values.plain(x), indices(n.operand(1))),
                                Map.of("axis", new Proto.Attribute.Int(g.axis()))));
            case DataOp.Broadcast b ->
                put(n, grid, false, to.node("Expand", name, values.plain(x), to.longs(dims(b.shape(), 1))));
            case DataOp.Dilate d -> put(n, grid, false, dilate(n, d));
            case DataOp.Select s ->
                put(
                        n,
                        grid,
                        false,
                        to.node(
                                "Where",
                                name,
                                values.plain(x),
                                values.plain(n.operand(1)),
                                values.plain(n.operand(2))));
        }
    }

    private void put(Node n, @Nullable Quant grid, boolean first, String tensor) {
        values.put(n.id(), n.type(), grid, first, values.settle(tensor, grid));
    }

    /** Where an axis of NHWC is in NCHW. */
    private static int axis(int nhwc) {
        return Values.CHANNELS_LAST[0] == nhwc ? 0 : nhwc == 3 ? 1 : nhwc + 1;
    }

    private String element(dev.qnet.compiler.ir.Type type, float value) {
        return type.element() instanceof Element.Int i ? to.scalar(Emitter.type(i), (long) value) : to.scalar(value);
    }

    private String indices(ValueId v) {
        String tensor = values.plain(v);
        boolean wide = values.get(v).type.element() instanceof Element.Int i && i.bits() >= 32;
        return wide ? tensor : to.cast(tensor, DataType.INT64, v.name() + ".index");
    }

    private void reshape(Node n, DataOp.Reshape r, @Nullable Quant grid) {
        Values.Value v = values.get(n.operand(0));
        Shape from = v.type.shape();
        // Where there is one channel or one pixel, NCHW's elements lie as NHWC's.
        boolean alike = v.isFirst() && !v.isPlain() && (from.dim(3) == 1 || from.dim(1) * from.dim(2) == 1);
        String x = values.tensor(n.operand(0), alike);
        put(n, grid, false, to.reshape(x, n.id().name(), dims(r.shape(), 0)));
    }

    /** A transpose that only undoes another, or does what a convolution wants, needs no node. */
    private void transpose(Node n, DataOp.Transpose t, @Nullable Quant grid) {
        Values.Value v = values.get(n.operand(0));
        int[] wanted = t.permutation().stream().mapToInt(i -> i).toArray();
        if (v.rank() == 4 && v.literal == null) {
            for (boolean source : new boolean[] {false, true}) {
                for (boolean target : new boolean[] {false, true}) {
                    boolean there = source ? v.isFirst() : v.isPlain();
                    if (there && identity(moved(wanted, source, target))) {
                        values.put(n.id(), n.type(), grid, target, values.tensor(n.operand(0), source));
                        return;
                    }
                }
            }
        }
        boolean source = v.isFirst() && !v.isPlain();
        String y = to.transpose(
                values.tensor(n.operand(0), source), n.id().name(), source ? moved(wanted, true, false) : wanted);
        put(n, grid, false, y);
    }

    /** A permutation from NHWC or NCHW to NHWC or NCHW. */
    private static int[] moved(int[] permutation, boolean source, boolean target) {
        int[] out = new int[permutation.length];
        for (int i = 0; i < out.length; i++) {
            int axis = permutation[target ? Values.CHANNELS_FIRST[i] : i];
            out[i] = source ? axis(axis) : axis;
        }
        return out;
    }

    private static boolean identity(int[] permutation) {
        return Arrays.equals(permutation, IntStream.range(0, permutation.length).toArray());
    }

    private String slice(String x, Shape shape, DataOp.Slice s, boolean first, String name) {
        int[] cut = IntStream.range(0, shape.rank())
                .filter(i -> shape.dim(i) != Shape.BATCH
                        && (s.begin().get(i) != 0
                                || s.end().get(i) != shape.dim(i)
                                || s.step().get(i) != 1))
                .toArray();
        return to.node(
                "Slice",
                name,
                x,
                to.longs(IntStream.of(cut).map(s.begin()::get).toArray()),
                to.longs(IntStream.of(cut).map(s.end()::get).toArray()),
                to.longs(IntStream.of(cut).map(i -> first ? axis(i) : i).toArray()),
                to.longs(IntStream.of(cut).map(s.step()::get).toArray()));
    }

    /** By a whole factor as Resize; otherwise rows and columns are gathered, which rounds no position. */
    private String resize(Node n, DataOp.ResizeNearest r) {
        String name = n.id().name();
        Shape in = values.get(n.operand(0)).type.shape();
        String x = values.first(n.operand(0));
        if (r.height() % in.dim(1) == 0
                && r.width() % in.dim(2) == 0
                && n.type().isFloat()) {
            float high = (float) r.height() / in.dim(1);
            float wide = (float) r.width() / in.dim(2);
            String scales = to.floats(name + ".factors", new int[] {4}, new float[] {1, 1, high, wide});
            return to.node(
                    "Resize",
                    name,
                    List.of(x, "", scales),
                    Map.of(
                            "mode", Emitter.text("nearest"),
                            "nearest_mode", Emitter.text("floor"),
                            "coordinate_transformation_mode", Emitter.text("asymmetric")));
        }
        String rows = gather(x, 2, in.dim(1), r.height(), name + ".rows");
        return gather(rows, 3, in.dim(2), r.width(), name);
    }

    private String gather(String x, int axis, int from, int extent, String name) {
        int[] sources = IntStream.range(0, extent)
                .map(i -> (int) ((long) i * from / extent))
                .toArray();
        return to.node("Gather", name, List.of(x, to.longs(sources)), Map.of("axis", new Proto.Attribute.Int(axis)));
    }

    /** Each axis with a factor gets one behind it, is padded there, joined with it, and loses what follows its last element. */
    private String dilate(Node n, DataOp.Dilate d) {
        String name = n.id().name();
        Shape in = values.get(n.operand(0)).type.shape();
        List<Integer> split = new ArrayList<>();
        List<Integer> joined = new ArrayList<>();
        List<Integer> pads = new ArrayList<>();
        for (int i = 0; i < in.rank(); i++) {
            boolean batch = in.dim(i) == Shape.BATCH;
            split.add(batch ? 0 : in.dim(i));
            pads.add(0);
            if (!batch) {
                split.add(1);
                pads.add(d.factors().get(i) - 1);
            }
            joined.add(batch ? 0 : in.dim(i) * d.factors().get(i));
        }
        int[] around = new int[2 * pads.size()];
        for (int i = 0; i < pads.size(); i++) {
            around[pads.size() + i] = pads.get(i);
        }
        String x = to.reshape(values.plain(n.operand(0)), name + ".split", ints(split));
        String padded = to.node("Pad", name + ".spaced", x, to.longs(around), element(n.type(), d.value()));
        String whole = to.reshape(padded, name + ".joined", ints(joined));
        int[] axes = IntStream.range(0, in.rank())
                .filter(i -> in.dim(i) != Shape.BATCH)
                .toArray();
        return to.node(
                "Slice",
                name,
                whole,
                to.longs(new int[axes.length]),
                to.longs(IntStream.of(axes).map(n.type().shape()::dim).toArray()),
                to.longs(axes));
    }

    private static int[] ints(List<Integer> values) {
        return values.stream().mapToInt(i -> i).toArray();
    }

    // Plain numbers.

    void number(Node n, NumOp op) {
        String name = n.id().name();
        switch (op) {
            case NumOp.Binary b -> plain(n, integers(n, b.fn()));
            case NumOp.Unary u -> {
                Element.Int type = (Element.Int) n.type().element();
                String x = values.plain(n.operand(0));
                plain(
                        n,
                        switch (u.fn()) {
                            case NEG -> narrowed("Neg", type, name, List.of(x));
                            case ABS -> narrowed("Abs", type, name, List.of(x));
                            case SIGN -> narrowed("Sign", type, name, List.of(x));
                            case NOT -> {
                                if (type.bits() > 1) {
                                    to.needs(18);
                                }
                                yield to.node(type.bits() == 1 ? "Not" : "BitwiseNot", name, x);
                            }
                        });
            }
            case NumOp.Compare c -> plain(n, compare(n, c.fn()));
            case NumOp.Cast c -> {
                DataType type = n.type().element() instanceof Element.Int i ? Emitter.type(i) : DataType.FLOAT;
                plain(n, to.cast(values.plain(n.operand(0)), type, name));
            }
            case NumOp.Reinterpret r -> throw new Refusal("takes codes for plain integers");
            case NumOp.Reduce r -> {
                int[] axes = r.axes().stream().mapToInt(i -> i).toArray();
                String x = values.plain(n.operand(0));
                String y = switch (r.fn()) {
                    case SUM -> to.reduce("ReduceSum", x, name, r.keepDims(), axes);
                    case PROD -> to.reduce("ReduceProd", x, name, r.keepDims(), axes);
                    case MIN -> to.reduce("ReduceMin", x, name, r.keepDims(), axes);
                    case MAX -> to.reduce("ReduceMax", x, name, r.keepDims(), axes);
                };
                plain(n, y);
            }
            case NumOp.TopK t -> {
                List<String> hints = t.indices() ? List.of(name + ".values", name) : List.of(name, name + ".indices");
                List<String> out = to.nodes(
                        "TopK",
                        hints,
                        List.of(values.plain(n.operand(0)), to.longs(t.k())),
                        Map.of(
                                "axis", new Proto.Attribute.Int(t.axis()),
                                "largest", new Proto.Attribute.Int(t.largest() ? 1 : 0)));
                plain(n, out.get(t.indices() ? 1 : 0));
            }
        }
    }

    private String integers(Node n, NumOp.Binary.Fn fn) {
        String name = n.id().name();
        if (!(n.type().element() instanceof Element.Int type)) {
            throw new Refusal("compares codes");
        }
        List<String> in = n.operands().stream().map(values::plain).toList();
        return switch (fn) {
            case ADD -> narrowed("Add", type, name, in);
            case SUB -> narrowed("Sub", type, name, in);
            case MUL -> narrowed("Mul", type, name, in);
            case DIV -> narrowed("Div", type, name, in);
            case MIN -> narrowed("Min", type, name, in);
            case MAX -> narrowed("Max", type, name, in);
            case POW -> narrowed("Pow", type, name, in);
            case MOD -> narrowed("Mod", type, name, in);
            case AND -> bits("And", type, name, in);
            case OR -> bits("Or", type, name, in);
            case XOR -> bits("Xor", type, name, in);
        };
    }

    private String bits(String op, Element.Int type, String name, List<String> in) {
        if (type.bits() == 1) {
            return to.node(op, name, in, Map.of());
        }
        to.needs(18);
        return to.node("Bitwise" + op, name, in, Map.of());
    }

    /** Integers of fewer than 32 bits are computed in 32, which ONNX Runtime has kernels for, and wrap as they are stored. */
    private String narrowed(String op, Element.Int type, String name, List<String> in) {
        if (type.bits() >= 32) {
            return to.node(op, name, in, Map.of());
        }
        List<String> wide =
                in.stream().map(s -> to.cast(s, DataType.INT32, s + ".i32")).toList();
        return to.cast(to.node(op, name + ".i32", wide, Map.of()), Emitter.type(type), name);
    }

    private String compare(Node n, NumOp.Compare.Fn fn) {
        String name = n.id().name();
        boolean narrow = values.get(n.operand(0)).type.element() instanceof Element.Int i && i.bits() < 32;
        List<String> in = n.operands().stream()
                .map(values::plain)
                .map(s -> narrow ? to.cast(s, DataType.INT32, s + ".i32") : s)
                .toList();
        return switch (fn) {
            case EQ -> to.node("Equal", name, in, Map.of());
            case NE -> to.node("Not", name, to.node("Equal", name + ".equal", in, Map.of()));
            case LT -> to.node("Less", name, in, Map.of());
            case LE -> to.node("LessOrEqual", name, in, Map.of());
            case GT -> to.node("Greater", name, in, Map.of());
            case GE -> to.node("GreaterOrEqual", name, in, Map.of());
        };
    }
}

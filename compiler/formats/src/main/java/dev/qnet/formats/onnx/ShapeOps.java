package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Shapes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;

/** Operators that make and read shapes, and those that give the same elements other extents. */
final class ShapeOps {
    private ShapeOps() {}

    static void register(Operators ops) {
        ops.add("Constant", ShapeOps::constant);
        ops.add("ConstantOfShape", ShapeOps::constantOfShape);
        ops.add("Shape", ShapeOps::shape);
        ops.add("Size", ShapeOps::size);
        ops.add("Range", ShapeOps::range);
        ops.add("Reshape", ShapeOps::reshape);
        ops.add("Flatten", ShapeOps::flatten);
        ops.add("Squeeze", ShapeOps::squeeze);
        ops.add("Unsqueeze", ShapeOps::unsqueeze);
        ops.add("Expand", ShapeOps::expand);
    }

    private static void constant(Call c) throws TensorDecoder.BadTensor {
        Build b = c.build();
        for (String name : List.of("value", "value_float", "value_floats", "value_int", "value_ints")) {
            switch (c.attribute(name)) {
                case Proto.Attribute.Tensor t -> {
                    c.out(decoded(c, t.value()));
                    return;
                }
                case Proto.Attribute.Real f -> {
                    c.out(b.scalar(f.value()));
                    return;
                }
                case Proto.Attribute.Reals f -> {
                    float[] v = c.reals(name);
                    c.out(b.floats(List.of(f.values().size()), v == null ? new float[0] : v));
                    return;
                }
                case Proto.Attribute.Int i -> {
                    c.out(b.ints(Element.INT64, List.of(), i.value()));
                    return;
                }
                case Proto.Attribute.Ints i -> {
                    c.out(b.longs(i.values().stream().mapToLong(v -> v).toArray()));
                    return;
                }
                case null, default -> {}
            }
        }
        throw c.refuse("holds no tensor of numbers");
    }

    /** A tensor in an attribute; it lies in the model itself. */
    static Val decoded(Call c, Proto.TensorData data) throws TensorDecoder.BadTensor {
        OnnxTensor t = TensorDecoder.decode(data, null);
        Element element = t.type().element();
        if (element == null) {
            throw c.refuse("holds a tensor of " + t.type());
        }
        Val v = c.build().constant(t.value(), element);
        return t.type() == v.dataType() ? v : v.declared(t.type());
    }

    private static void constantOfShape(Call c) throws TensorDecoder.BadTensor {
        Build b = c.build();
        Val value = c.attribute("value") instanceof Proto.Attribute.Tensor t ? decoded(c, t.value()) : b.scalar(0);
        if (value.elements() != 1) {
            throw c.refuse("takes a value of one element, found " + value.type());
        }
        Shape to = new Shape(dims(c, c.longs(0)));
        if (!to.hasBatch() && to.elements() == 0) {
            c.out(b.filled(value.element(), to, 0).declared(value.dataType()));
            return;
        }
        Val one = b.reshape(value, Collections.nCopies(to.rank(), 1));
        c.out(b.broadcast(one, to).declared(value.dataType()));
    }

    /** Extents as a file gives them: N only in front. */
    private static List<Integer> dims(Call c, long[] extents) {
        List<Integer> dims = new ArrayList<>();
        for (long d : extents) {
            if (d == Build.BATCH) {
                dims.add(Shape.BATCH);
            } else if (d < 0 || d > Shape.MAX_ELEMENTS) {
                throw c.refuse("has the extent " + d);
            } else {
                dims.add((int) d);
            }
        }
        return dims;
    }

    private static void shape(Call c) {
        Val x = c.need(0);
        int rank = x.rank();
        long start = c.integer("start", 0);
        long end = c.integer("end", rank);
        int from = Math.clamp(start < 0 ? start + rank : start, 0, rank);
        int to = Math.clamp(end < 0 ? end + rank : end, 0, rank);
        long[] dims = IntStream.range(from, Math.max(from, to))
                .mapToLong(i -> x.dim(i) == Shape.BATCH ? Build.BATCH : x.dim(i))
                .toArray();
        c.out(c.build().longs(dims));
    }

    private static void size(Call c) {
        Val x = c.need(0);
        if (x.shape().hasBatch()) {
            throw c.refuse("counts the elements of a batch whose size the model leaves open");
        }
        c.out(c.build().ints(Element.INT64, List.of(), x.elements()));
    }

    private static void range(Call c) {
        c.known(0, 1, 2);
        Build b = c.build();
        Element element = c.need(0).element();
        if (c.need(0).isFloat()) {
            float start = c.floats(0)[0];
            float limit = c.floats(1)[0];
            float delta = c.floats(2)[0];
            double n = Math.max(0, Math.ceil(((double) limit - start) / delta));
            if (!(n <= Build.MAX_MADE)) {
                throw c.refuse("has " + n + " elements");
            }
            float[] v = new float[(int) n];
            for (int i = 0; i < v.length; i++) {
                v[i] = (float) (start + (double) i * delta);
            }
            c.out(b.floats(List.of(v.length), v));
            return;
        }
        long start = c.numbers(0)[0];
        long limit = c.numbers(1)[0];
        long delta = c.numbers(2)[0];
        if (delta == 0) {
            throw c.refuse("has a step of 0");
        }
        double n = Math.max(0, Math.ceil(((double) limit - start) / delta));
        if (!(n <= Build.MAX_MADE)) {
            throw c.refuse("has " + n + " elements");
        }
        long[] v = new long[(int) n];
        for (int i = 0; i < v.length; i++) {
            v[i] = start + i * delta;
        }
        c.out(b.ints(element, List.of(v.length), v));
    }

    private static void reshape(Call c) {
        Val x = c.need(0);
        long[] to;
        if (c.opset() < 5) {
            long[] given = c.integers("shape");
            if (given == null) {
                throw c.refuse("lacks its attribute 'shape'");
            }
            to = given;
        } else {
            to = c.longs(1);
        }
        boolean zeros = c.flag("allowzero", false);
        int open = -1;
        long known = 1;
        boolean batch = x.shape().hasBatch();
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < to.length; i++) {
            long d = to[i];
            if (d == 0 && !zeros) {
                if (i >= x.rank()) {
                    throw c.refuse("copies extent " + i + " of " + x.shape());
                }
                d = x.dim(i) == Shape.BATCH ? Build.BATCH : x.dim(i);
            }
            if (d == -1 && open < 0) {
                open = i;
                dims.add(1);
            } else if (d == Build.BATCH && batch && i == 0) {
                dims.add(Shape.BATCH);
            } else if (d < 0 || d > Shape.MAX_ELEMENTS) {
                throw c.refuse("has the target " + text(to) + " for " + x.shape());
            } else {
                dims.add((int) d);
                known *= d;
                if (known > Shape.MAX_ELEMENTS) {
                    throw c.refuse("has the target " + text(to) + " for " + x.shape());
                }
            }
        }
        boolean front = !dims.isEmpty() && dims.getFirst() == Shape.BATCH;
        if (batch && !front && open == 0 && known == x.elements()) {
            // What is left over is N.
            dims.set(0, Shape.BATCH);
        } else if (batch && !front) {
            throw c.refuse("reshapes " + x.shape() + " to " + text(to)
                    + ", which does not keep the batch, whose size the model leaves open");
        } else if (open >= 0) {
            if (known == 0 || x.elements() % known != 0) {
                throw c.refuse("has the target " + text(to) + " for " + x.shape());
            }
            dims.set(open, (int) (x.elements() / known));
        }
        c.out(c.build().reshape(x, dims).declared(x.dataType()));
    }

    private static String text(long[] dims) {
        return Arrays.stream(dims)
                .mapToObj(d -> d == Build.BATCH ? "N" : Long.toString(d))
                .toList()
                .toString();
    }

    private static void flatten(Call c) {
        Val x = c.need(0);
        long at = c.integer("axis", 1);
        int axis = at == x.rank() ? x.rank() : c.axis(at, x.rank());
        Shape s = x.shape();
        if (s.hasBatch() && axis == 0) {
            throw c.refuse("flattens the batch, whose size the model leaves open");
        }
        int front = 1;
        int back = 1;
        for (int i = 0; i < s.rank(); i++) {
            int d = s.dim(i) == Shape.BATCH ? 1 : s.dim(i);
            front *= i < axis ? d : 1;
            back *= i < axis ? 1 : d;
        }
        if (s.hasBatch() && front != 1) {
            throw c.refuse("merges the batch, whose size the model leaves open, with other axes");
        }
        c.out(c.build()
                .reshape(x, List.of(s.hasBatch() ? Shape.BATCH : front, back))
                .declared(x.dataType()));
    }

    /** Axes from an attribute, or since a version from an operand; null where neither is there. */
    static long @org.jspecify.annotations.Nullable [] axes(Call c, int operandSince, int operand) {
        if (c.opset() < operandSince) {
            return c.integers("axes");
        }
        return c.has(operand) ? c.numbers(operand) : null;
    }

    private static void squeeze(Call c) {
        Val x = c.need(0);
        long[] given = axes(c, 13, 1);
        List<Integer> axes = given == null
                ? IntStream.range(0, x.rank())
                        .filter(i -> x.dim(i) == 1)
                        .boxed()
                        .toList()
                : c.axes(given, x.rank());
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            if (!axes.contains(i)) {
                dims.add(x.dim(i));
            } else if (x.dim(i) != 1) {
                throw c.refuse("squeezes axis " + i + " of " + x.shape());
            }
        }
        c.out(c.build().reshape(x, dims).declared(x.dataType()));
    }

    private static void unsqueeze(Call c) {
        Val x = c.need(0);
        long[] given = axes(c, 13, 1);
        if (given == null) {
            throw c.refuse("lacks its axes");
        }
        int rank = x.rank() + given.length;
        List<Integer> axes = c.axes(given, rank);
        List<Integer> dims = new ArrayList<>();
        int next = 0;
        for (int i = 0; i < rank; i++) {
            dims.add(axes.contains(i) ? 1 : x.dim(next++));
        }
        if (x.shape().hasBatch() && axes.contains(0)) {
            throw c.refuse("puts an axis before the batch, whose size the model leaves open");
        }
        c.out(c.build().reshape(x, dims).declared(x.dataType()));
    }

    private static void expand(Call c) {
        Val x = c.need(0);
        Shape to = new Shape(dims(c, c.longs(1)));
        c.out(c.build().broadcast(x, Shapes.broadcast(x.shape(), to)));
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.bind.Invocation.Bound;
import dev.qnet.compiler.front.bind.Invocation.Operand;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Operations that move elements, and those made of several. */
final class ShapeRules {
    private static final int MAX_PARTS = 1024;

    private ShapeRules() {}

    static Value clip(Invocation call) {
        float lo = Attributes.number(call, "lo", 0);
        float hi = Attributes.number(call, "hi", 0);
        if (!(lo <= hi)) {
            throw new Rejected(
                    call.wrong("argument-range", "lo", "'clip' needs lo at most hi, found " + lo + " and " + hi)
                            .withFix("swap them"));
        }
        return call.emit(new FloatOp.Unary(new ScalarFn.Clip(lo, hi)), call.operand("x"));
    }

    static Value concat(Invocation call) {
        List<Operand> parts = new ArrayList<>();
        for (Bound b : call.all("x")) {
            parts.add(call.operand("x" + (parts.size() + 1), b));
        }
        int axis = Attributes.axis(call, "axis", -1, parts.getFirst().shape());
        return call.emit(new DataOp.Concat(axis), parts);
    }

    static Value split(Invocation call) {
        Operand x = call.operand("x");
        int axis = Attributes.axis(call, "axis", -1, x.shape());
        int extent = x.shape().dim(axis);
        List<Integer> sizes = sizes(call, extent, axis);
        if (sizes.size() > MAX_PARTS) {
            throw call.error("argument-range", "parts", "'split' gives at most " + MAX_PARTS + " parts");
        }
        List<Value> parts = new ArrayList<>();
        int begin = 0;
        for (int size : sizes) {
            int end = begin + size;
            DataOp.Slice slice = new DataOp.Slice(
                    along(x.shape(), axis, begin, 0), along(x.shape(), axis, end, Shape.BATCH), ones(x.shape()));
            parts.add(call.emitResult(Integer.toString(parts.size() + 1), slice, x));
            begin = end;
        }
        return parts.size() == 1 ? parts.getFirst() : new Value.Tuple(parts);
    }

    private static List<Integer> sizes(Invocation call, int extent, int axis) {
        if (call.has("parts") == call.has("sizes")) {
            throw new Rejected(call.wrong("missing-argument", "parts", "'split' takes parts, or sizes")
                    .withFix("write split(x, 2), or split(x, sizes: [3, 5])"));
        }
        if (call.has("sizes")) {
            List<Integer> sizes = Attributes.ints(call, "sizes", 1);
            long sum = sizes.stream().mapToLong(i -> i).sum();
            if (sum != extent) {
                throw call.error(
                        "shape-mismatch",
                        "sizes",
                        "the sizes add up to " + sum + ", and axis " + axis + " has extent " + extent);
            }
            return sizes;
        }
        int parts = Attributes.integer(call, "parts", 1, 1);
        if (extent % parts != 0) {
            throw new Rejected(call.wrong(
                            "shape-mismatch",
                            "parts",
                            "axis " + axis + " has extent " + extent + ", which " + parts + " does not divide")
                    .withFix("give the sizes: split(x, sizes: [...])"));
        }
        return Collections.nCopies(Math.min(parts, MAX_PARTS + 1), extent / parts);
    }

    /** One number an axis: the extent (or 0) everywhere but along one. */
    private static List<Integer> along(Shape x, int axis, int here, int elsewhere) {
        List<Integer> all = new ArrayList<>();
        for (int i = 0; i < x.rank(); i++) {
            boolean batch = x.dim(i) == Shape.BATCH;
            all.add(i == axis ? here : batch || elsewhere == 0 ? 0 : x.dim(i));
        }
        return all;
    }

    private static List<Integer> ones(Shape x) {
        return Collections.nCopies(x.rank(), 1);
    }

    static Value slice(Invocation call) {
        Operand x = call.operand("x");
        Shape shape = x.shape();
        List<Integer> begin = perAxis(call, "begin", shape);
        List<Integer> end = perAxis(call, "end", shape);
        List<Integer> step = call.has("step") ? perAxis(call, "step", shape) : ones(shape);
        List<Integer> from = new ArrayList<>();
        List<Integer> to = new ArrayList<>();
        List<Integer> by = new ArrayList<>();
        for (int i = 0; i < shape.rank(); i++) {
            int extent = shape.dim(i);
            if (extent == Shape.BATCH) {
                from.add(0);
                to.add(0);
                by.add(1);
                continue;
            }
            int b = begin.get(i) < 0 ? begin.get(i) + extent : begin.get(i);
            int e = end.get(i) < 0 ? end.get(i) + extent : end.get(i);
            if (b < 0 || e > extent || b >= e || step.get(i) < 1) {
                throw new Rejected(call.told(
                        call.wrong(
                                "shape-mismatch",
                                b < 0 || b >= extent ? "begin" : step.get(i) < 1 ? "step" : "end",
                                "the slice " + begin.get(i) + ".." + end.get(i) + " step " + step.get(i)
                                        + " takes nothing from axis " + i + " of " + shape
                                        + ", or leaves it"),
                        x));
            }
            from.add(b);
            to.add(e);
            by.add(step.get(i));
        }
        return call.emit(new DataOp.Slice(from, to, by), x);
    }

    private static List<Integer> perAxis(Invocation call, String argument, Shape x) {
        List<Integer> all = Attributes.extents(call, argument, 0);
        if (all.size() != x.rank()) {
            throw call.error(
                    "shape-mismatch",
                    argument,
                    "'" + argument + "' of '" + call.operation().name() + "' needs a number for each of the " + x.rank()
                            + " axes of " + x + ", found " + all.size());
        }
        return all;
    }

    static Value pad(Invocation call) {
        Operand x = call.operand("x");
        List<Integer> before = Attributes.ints(call, "before", 0);
        List<Integer> after = call.has("after") ? Attributes.ints(call, "after", 0) : before;
        float value = Attributes.number(call, "value", 0);
        if (x.type().element() instanceof Quant q) {
            // Quantized codes are padded with the code of the number.
            if (!(q.scheme() instanceof Scheme.PerTensor s) || value != 0) {
                throw call.error(
                        "element-type", "value", "a quantized tensor with one scale can be padded with 0 only");
            }
            value = s.zero();
        }
        return call.emit(new DataOp.Pad(before, after, value), x);
    }

    static Value reshape(Invocation call) {
        Operand x = call.operand("x");
        List<Integer> dims = new ArrayList<>();
        Bound bound = call.argument("shape");
        if (bound == null || !(bound.value() instanceof Value.ListOf list)) {
            throw call.kind(
                    "shape",
                    "a list such as [N, 10]",
                    bound == null ? new Bound(Value.ERROR, null, call.span()) : bound);
        }
        long known = 1;
        int free = -1;
        List<Integer> written = Attributes.extents(call, "shape", 0);
        for (int i = 0; i < written.size(); i++) {
            int d = written.get(i);
            if (list.elements().get(i) instanceof Value.Batch) {
                dims.add(Shape.BATCH);
                continue;
            }
            if (d == -1 && free < 0) {
                free = i;
            } else if (d < 1) {
                throw call.error(
                        "argument-range", "shape", "an extent is at least 1, N in front, or -1 once, found " + d);
            } else {
                known = Math.min(known * d, Shape.MAX_ELEMENTS + 1);
            }
            dims.add(d);
        }
        if (free >= 0) {
            int elements = x.shape().elements();
            if (known > elements || elements % known != 0) {
                throw new Rejected(call.told(
                        call.wrong(
                                "shape-mismatch",
                                "shape",
                                "no extent in place of -1 gives the " + elements + " elements of " + x.shape()),
                        x));
            }
            dims.set(free, (int) (elements / known));
        }
        try {
            return call.emit(new DataOp.Reshape(new Shape(dims)), x);
        } catch (IllegalArgumentException e) {
            throw call.error("shape", "shape", String.valueOf(e.getMessage()));
        }
    }

    static Value flatten(Invocation call) {
        Operand x = call.operand("x");
        Shape s = x.shape();
        Shape flat = s.hasBatch() ? new Shape(List.of(Shape.BATCH, s.elements())) : Shape.of(s.elements());
        return call.emit(new DataOp.Reshape(flat), x);
    }

    static Value transpose(Invocation call) {
        return call.emit(new DataOp.Transpose(Attributes.ints(call, "perm", 0)), call.operand("x"));
    }
}

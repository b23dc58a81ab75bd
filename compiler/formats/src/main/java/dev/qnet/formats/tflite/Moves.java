package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import java.util.ArrayList;
import java.util.List;

/** Operators that move elements as they are. */
final class Moves {
    private Moves() {}

    static void reshape(Call c) {
        c.arity(1, 2, 1);
        Val x = c.x(0);
        List<Integer> wish = new ArrayList<>();
        if (c.has(1)) {
            for (long d : c.extents(1)) {
                wish.add(Math.toIntExact(d));
            }
        } else if (c.options() != null) {
            wish.addAll(c.options().ints(0));
        } else {
            wish.addAll(c.out(0).shape());
        }
        c.result(c.reshaped(x, target(x.shape(), wish)));
    }

    /** The wished-for shape with its one -1 filled in; N stays in front. */
    private static Shape target(Shape from, List<Integer> wish) {
        long known = 1;
        int open = -1;
        for (int i = 0; i < wish.size(); i++) {
            int d = wish.get(i);
            if (d == -1 && open < 0) {
                open = i;
            } else if (d < 0) {
                throw new Unsupported("reshapes " + from + " to " + wish);
            } else {
                known = Math.multiplyExact(known, (long) d);
            }
        }
        List<Integer> dims = new ArrayList<>(wish);
        if (open >= 0) {
            if (known == 0 || from.elements() % known != 0) {
                throw new Unsupported("reshapes " + from + " to " + wish);
            }
            dims.set(open, Math.toIntExact(from.elements() / known));
        }
        if (from.hasBatch()) {
            if (dims.isEmpty() || dims.getFirst() != 1) {
                throw new Unsupported("reshapes " + from + " to " + wish + ", which mixes the items of a batch");
            }
            dims.set(0, Shape.BATCH);
        }
        return new Shape(dims);
    }

    static void squeeze(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        int rank = x.shape().rank();
        List<Integer> axes = new ArrayList<>();
        for (int a : c.options() == null ? List.<Integer>of() : c.options().ints(0)) {
            axes.add(Call.axis(a, rank));
        }
        List<Integer> dims = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            int d = x.shape().dim(i);
            boolean go = axes.isEmpty() ? d == 1 : axes.contains(i);
            if (go && d != 1) {
                throw new Unsupported("removes axis " + i + " of " + x.shape());
            }
            if (!go) {
                dims.add(d);
            }
        }
        c.result(c.reshaped(x, new Shape(dims)));
    }

    static void expandDims(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        long[] axis = c.integers(1);
        if (axis.length != 1) {
            throw new Unsupported("takes one axis, found " + axis.length);
        }
        List<Integer> dims = new ArrayList<>(x.shape().dims());
        dims.add(Call.axis(axis[0], dims.size() + 1), 1);
        c.result(c.reshaped(x, new Shape(dims)));
    }

    static void transpose(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        List<Integer> order = new ArrayList<>();
        for (long a : c.integers(1)) {
            order.add(Call.axis(a, x.shape().rank()));
        }
        c.result(c.emit(new DataOp.Transpose(order), x.element(), x));
    }

    static void pad(Call c) {
        c.arity(2, 3, 1);
        Val x = c.x(0);
        List<Integer> sizes = c.ints(1);
        int rank = x.shape().rank();
        if (sizes.size() != 2 * rank) {
            throw new Unsupported("has " + sizes.size() + " paddings for " + x.shape());
        }
        List<Integer> before = new ArrayList<>();
        List<Integer> after = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            before.add(sizes.get(2 * i));
            after.add(sizes.get(2 * i + 1));
        }
        c.result(c.emit(new DataOp.Pad(before, after, padding(c, x)), x.element(), x));
    }

    private static float padding(Call c, Val x) {
        if (!c.has(2)) {
            return x.isQuant() ? x.zero() : 0;
        }
        if (x.isFloat()) {
            return single(c.floats(2));
        }
        // A code; TFLite asks for the input's scale.
        long[] code = c.integers(2);
        if (code.length != 1 || (float) code[0] != code[0]) {
            throw new Unsupported("pads with a value that is no single code");
        }
        return code[0];
    }

    private static float single(float[] values) {
        if (values.length != 1) {
            throw new Unsupported("pads with " + values.length + " values");
        }
        return values[0];
    }

    /** Codes of other scales are scaled in singles where they have 8 unsigned bits; TFLite refuses others. */
    static void concatenation(Call c) {
        c.arity(1, Integer.MAX_VALUE, 1);
        if (c.byteOption(1, 0) != 0) {
            throw new Unsupported("fuses an activation");
        }
        List<Val> parts = new ArrayList<>();
        for (int i = 0; i < c.count(); i++) {
            Val x = c.x(i);
            if (x.isQuant()) {
                x = scaled(c, x, c.outCodes(0));
            }
            if (x.shape().rank() == 0 || !x.shape().equals(Shape.of(0))) {
                parts.add(x);
            }
        }
        int axis = Call.axis(c.option(0, 0), parts.getFirst().shape().rank());
        if (parts.size() == 1) {
            c.result(parts.getFirst());
        } else {
            c.result(c.emit(new DataOp.Concat(axis), parts.getFirst().element(), parts.toArray(new Val[0])));
        }
    }

    private static Val scaled(Call c, Val x, Quant to) {
        if (x.quant().equals(to)) {
            return x;
        }
        if (x.quant().storage() != to.storage()) {
            throw new Unsupported("joins " + x.quant().storage() + " to " + to.storage());
        }
        boolean same = x.scale() == to.perTensor().scale()
                && x.zero() == to.perTensor().zero();
        if (same || to.storage().bits() > 16) {
            return c.graph().reinterpret(x, to);
        }
        if (to.storage() != Storage.U8) {
            throw new Unsupported("joins " + to.storage() + " codes of different scales");
        }
        float inverse = 1f / to.perTensor().scale();
        float scale = x.scale() * inverse;
        float bias = -x.zero() * scale;
        return Tables.of(
                c,
                x,
                to,
                q -> (int) FixedPoint.round(q * scale + bias) + to.perTensor().zero());
    }

    /** The extents of a value, known while importing; -1 for N. */
    static void shape(Call c) {
        c.arity(1, 1, 1);
        Val x = c.x(0);
        c.known(x.shape().dims().stream().mapToLong(d -> d).toArray());
    }

    static void pack(Call c) {
        int n = c.count();
        c.arity(1, Integer.MAX_VALUE, 1);
        boolean known = false;
        for (int i = 0; i < n; i++) {
            known |= c.isKnown(i);
        }
        if (known) {
            long[] all = new long[n];
            for (int i = 0; i < n; i++) {
                long[] part = c.extents(i);
                if (part.length != 1) {
                    throw new Unsupported("packs shapes of " + part.length + " extents");
                }
                all[i] = part[0];
            }
            c.known(all);
            return;
        }
        List<Val> parts = new ArrayList<>();
        int axis = -1;
        for (int i = 0; i < n; i++) {
            Val x = c.x(i);
            List<Integer> dims = new ArrayList<>(x.shape().dims());
            axis = Call.axis(c.option(1, 0), dims.size() + 1);
            dims.add(axis, 1);
            parts.add(c.reshaped(x, new Shape(dims)));
        }
        c.result(
                n == 1
                        ? parts.getFirst()
                        : c.emit(new DataOp.Concat(axis), parts.getFirst().element(), parts.toArray(new Val[0])));
    }
}

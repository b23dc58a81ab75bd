package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Operators that move, repeat and pick elements. */
final class MoveOps {
    private MoveOps() {}

    static void register(Operators ops) {
        ops.add("Transpose", MoveOps::transpose);
        ops.add("Tile", MoveOps::tile);
        ops.add("Concat", MoveOps::concat);
        ops.add("Split", MoveOps::split);
        ops.add("Slice", MoveOps::slice);
        ops.add("Pad", MoveOps::pad);
        ops.add("Gather", MoveOps::gather);
        ops.add("GatherElements", MoveOps::gatherElements);
        ops.add("OneHot", MoveOps::oneHot);
        ops.add("DepthToSpace", MoveOps::depthToSpace);
        ops.add("SpaceToDepth", MoveOps::spaceToDepth);
    }

    private static void transpose(Call c) {
        Val x = c.need(0);
        long[] given = c.integers("perm");
        List<Integer> permutation = given == null
                ? IntStream.range(0, x.rank()).mapToObj(i -> x.rank() - 1 - i).toList()
                : Arrays.stream(given).mapToObj(p -> c.axis(p, x.rank())).toList();
        if (permutation.size() != x.rank() || permutation.stream().distinct().count() != x.rank()) {
            throw c.refuse("permutes " + x.rank() + " axes by " + permutation);
        }
        c.out(c.build().transpose(x, permutation));
    }

    private static void tile(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        long[] repeats;
        if (c.opset() < 6) {
            // One axis and how often.
            repeats = new long[x.rank()];
            Arrays.fill(repeats, 1);
            repeats[c.axis(c.numbers(2)[0], x.rank())] = c.numbers(1)[0];
        } else {
            repeats = c.numbers(1);
        }
        if (repeats.length != x.rank()) {
            throw c.refuse("repeats " + x.rank() + " axes " + repeats.length + " times");
        }
        Val y = x;
        for (int axis = 0; axis < repeats.length; axis++) {
            if (repeats[axis] == 1) {
                continue;
            }
            int n = x.dim(axis);
            if (n == Shape.BATCH) {
                throw c.refuse("repeats the batch, whose size the model leaves open");
            }
            if (repeats[axis] < 0 || repeats[axis] > Build.MAX_MADE || n * repeats[axis] > Build.MAX_MADE) {
                throw c.refuse("repeats an axis " + repeats[axis] + " times");
            }
            y = b.pick(
                    y,
                    axis,
                    IntStream.range(0, (int) (n * repeats[axis]))
                            .map(i -> i % n)
                            .toArray());
        }
        c.out(y);
    }

    private static void concat(Call c) {
        List<Val> parts = c.all();
        Val first = parts.getFirst();
        int axis = c.axis(c.integer("axis", 1), first.rank());
        if (first.dim(axis) == Shape.BATCH) {
            throw c.refuse("joins along the batch, whose size the model leaves open");
        }
        for (Val v : parts) {
            if (!v.element().equals(first.element())) {
                throw c.refuse("joins operands of several types: " + first.type() + " and " + v.type());
            }
            if (v.rank() != first.rank()) {
                throw c.refuse("joins operands of several ranks: " + first.type() + " and " + v.type());
            }
        }
        c.out(c.build().concat(axis, parts));
    }

    private static void split(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        int axis = c.axis(c.integer("axis", 0), x.rank());
        int extent = x.dim(axis);
        if (extent == Shape.BATCH) {
            throw c.refuse("splits the batch, whose size the model leaves open");
        }
        long[] given = c.opset() >= 13 ? (c.has(1) ? c.numbers(1) : null) : c.integers("split");
        long[] sizes;
        if (given != null) {
            sizes = given;
        } else {
            int parts = (int) c.integer("num_outputs", c.outputs());
            if (parts < 1 || parts != c.outputs()) {
                throw c.refuse("has " + c.outputs() + " outputs for " + parts + " parts");
            }
            // The last part is smaller where the extent does not divide.
            int size = (extent + parts - 1) / parts;
            sizes = new long[parts];
            for (int i = 0; i < parts; i++) {
                sizes[i] = Math.clamp(extent - (long) i * size, 0, size);
            }
        }
        if (Arrays.stream(sizes).sum() != extent
                || Arrays.stream(sizes).anyMatch(s -> s < 0)
                || sizes.length < c.outputs()) {
            throw c.refuse("splits an extent of " + extent + " into " + Arrays.toString(sizes));
        }
        int at = 0;
        for (int i = 0; i < sizes.length; i++) {
            c.out(i, b.slice(x, axis, at, at + (int) sizes[i], 1));
            at += (int) sizes[i];
        }
    }

    private static void slice(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        long[] starts;
        long[] ends;
        long[] axes;
        long[] steps;
        if (c.opset() < 10) {
            starts = c.integers("starts");
            ends = c.integers("ends");
            axes = c.integers("axes");
            steps = null;
        } else {
            c.known(1, 2, 3, 4);
            starts = c.numbers(1);
            ends = c.longs(2);
            axes = c.has(3) ? c.numbers(3) : null;
            steps = c.has(4) ? c.numbers(4) : null;
        }
        if (starts == null
                || ends == null
                || ends.length != starts.length
                || (axes != null && axes.length != starts.length)
                || (steps != null && steps.length != starts.length)) {
            throw c.refuse("needs as many starts, ends, axes and steps");
        }
        Val y = x;
        for (int i = 0; i < starts.length; i++) {
            int axis = c.axis(axes == null ? i : axes[i], x.rank());
            int n = x.dim(axis);
            long step = steps == null ? 1 : steps[i];
            if (n == Shape.BATCH) {
                if (starts[i] == 0 && step == 1 && (ends[i] == Build.BATCH || ends[i] >= Integer.MAX_VALUE)) {
                    continue;
                }
                throw c.refuse("takes a part of the batch, whose size the model leaves open");
            }
            if (step == 0 || ends[i] == Build.BATCH) {
                throw c.refuse("has a step of 0, or ends at the batch's size");
            }
            long from = starts[i] < 0 ? starts[i] + n : starts[i];
            long to = ends[i] < 0 ? ends[i] + n : ends[i];
            if (step > 0) {
                int begin = Math.clamp(from, 0, n);
                int end = Math.clamp(to, begin, n);
                y = b.slice(y, axis, begin, end, (int) Math.min(step, Math.max(1, n)));
            } else {
                long first = Math.clamp(from, -1, n - 1L);
                long last = Math.clamp(to, -1, n - 1L);
                List<Integer> picked = new ArrayList<>();
                for (long k = first; k > last; k += Math.max(step, -Shape.MAX_ELEMENTS)) {
                    picked.add((int) k);
                }
                y = picked.isEmpty()
                        ? b.slice(y, axis, 0, 0, 1)
                        : b.pick(y, axis, picked.stream().mapToInt(k -> k).toArray());
            }
        }
        c.out(y.declared(x.dataType()));
    }

    private static void pad(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        int rank = x.rank();
        long[] pads;
        float value = 0;
        List<Integer> axes = IntStream.range(0, rank).boxed().toList();
        if (c.opset() < 11) {
            pads = c.integers(c.opset() < 2 ? "paddings" : "pads");
            value = c.real("value", 0);
        } else {
            c.known(1, 2, 3);
            pads = c.numbers(1);
            if (c.has(2) && c.floats(2).length > 0) {
                value = c.floats(2)[0];
            }
            if (c.has(3)) {
                axes = Arrays.stream(c.numbers(3))
                        .mapToObj(a -> c.axis(a, rank))
                        .toList();
            }
        }
        if (pads == null || pads.length != 2 * axes.size()) {
            throw c.refuse("needs two pads for each of " + axes.size() + " axes");
        }
        int n = axes.size();
        int[] before = new int[rank];
        int[] after = new int[rank];
        for (int i = 0; i < n; i++) {
            before[axes.get(i)] = Math.toIntExact(pads[i]);
            after[axes.get(i)] = Math.toIntExact(pads[n + i]);
        }
        // Negative pads take away; that comes first.
        Val y = x;
        for (int i = 0; i < rank; i++) {
            if (before[i] < 0 || after[i] < 0) {
                int from = Math.max(0, -before[i]);
                int to = y.dim(i) - Math.max(0, -after[i]);
                if (y.dim(i) == Shape.BATCH || to < from) {
                    throw c.refuse("pads " + x.shape() + " by " + Arrays.toString(pads));
                }
                y = b.slice(y, i, from, to, 1);
                before[i] = Math.max(0, before[i]);
                after[i] = Math.max(0, after[i]);
            }
        }
        String mode = c.text("mode", "constant");
        if (mode.equals("constant")) {
            c.out(b.pad(y, list(before), list(after), value));
            return;
        }
        for (int i = 0; i < rank; i++) {
            if (before[i] != 0 || after[i] != 0) {
                y = b.pick(y, i, source(c, mode, y.dim(i), before[i], after[i]));
            }
        }
        c.out(y);
    }

    private static List<Integer> list(int[] v) {
        return Arrays.stream(v).boxed().toList();
    }

    /** Where the elements of a padded axis come from. */
    private static int[] source(Call c, String mode, int n, int before, int after) {
        if (n < 1) {
            throw c.refuse("pads an axis without elements, or the batch");
        }
        Build.made((long) before + n + after);
        int period = 2 * n - 2;
        return IntStream.range(-before, n + after)
                .map(i -> switch (mode) {
                    case "edge" -> Math.clamp(i, 0, n - 1);
                    case "wrap" -> Math.floorMod(i, n);
                    case "reflect" -> {
                        int k = period == 0 ? 0 : Math.floorMod(i, period);
                        yield k < n ? k : period - k;
                    }
                    default -> throw c.refuse("has the unknown mode '" + mode + "'");
                })
                .toArray();
    }

    private static void gather(Call c) {
        Val x = c.need(0);
        Val indices = c.need(1);
        int axis = c.axis(c.integer("axis", 0), x.rank());
        if (indices.isFloat()) {
            throw c.refuse("takes integers as indices, found " + indices.type());
        }
        if (indices.shape().hasBatch()) {
            throw c.refuse("takes indices with a batch whose size the model leaves open");
        }
        Val y = x.isConstant() && indices.isConstant() ? null : scalarIndex(c, x, axis, indices);
        c.out(y == null ? c.build().gather(x, axis, indices) : y);
    }

    /** One known index is a slice. */
    private static @org.jspecify.annotations.Nullable Val scalarIndex(Call c, Val x, int axis, Val indices) {
        if (!indices.isConstant() || indices.elements() != 1 || indices.rank() != 0 || x.dim(axis) == Shape.BATCH) {
            return null;
        }
        long i = c.numbers(1)[0];
        int at = c.axis(i, x.dim(axis));
        List<Integer> dims = new ArrayList<>(x.shape().dims().subList(0, axis));
        dims.addAll(x.shape().dims().subList(axis + 1, x.rank()));
        return c.build().reshape(c.build().slice(x, axis, at, at + 1, 1), dims);
    }

    /**
     * Every element of the result names its own index along the axis: a gather from the flattened operand, whose positions
     * are arithmetic on the indices.
     */
    private static void gatherElements(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        Val indices = c.need(1);
        int axis = c.axis(c.integer("axis", 0), x.rank());
        if (indices.isFloat() || indices.rank() != x.rank()) {
            throw c.refuse("takes integers of the operand's rank as indices, found " + indices.type());
        }
        if (x.shape().hasBatch() || indices.shape().hasBatch()) {
            throw c.refuse("picks elements of a batch whose size the model leaves open");
        }
        Shape from = x.shape();
        Shape to = indices.shape();
        int[] strides = new int[from.rank()];
        for (int i = from.rank() - 1, s = 1; i >= 0; s *= from.dim(i), i--) {
            strides[i] = s;
        }
        // The position that the other axes give, and the axis's share, with negative indices counted from the back.
        long[] base = new long[Build.made(to.elements())];
        for (int e = 0; e < base.length; e++) {
            int rest = e;
            for (int i = to.rank() - 1; i >= 0; i--) {
                int at = rest % to.dim(i);
                rest /= to.dim(i);
                base[e] += i == axis ? 0 : (long) at * strides[i];
            }
        }
        Element wide = Element.INT64;
        Val extent = b.number(wide, from.dim(axis));
        Val positive = b.integer(NumOp.Binary.Fn.MOD, b.cast(indices, wide), extent);
        Val place = b.integer(
                NumOp.Binary.Fn.ADD,
                b.integer(NumOp.Binary.Fn.MUL, positive, b.number(wide, strides[axis])),
                b.ints(wide, to.dims(), base));
        Val flat = b.reshape(x, List.of(x.elements()));
        c.out(b.gather(flat, 0, place));
    }

    private static void oneHot(Call c) {
        Build b = c.build();
        Val indices = c.need(0);
        int depth = Build.made(Math.max(0, (long) c.floats(1)[0]));
        Val values = c.need(2);
        int rank = indices.rank() + 1;
        int axis = c.axis(c.integer("axis", -1), rank);
        if (depth < 1 || values.rank() != 1 || values.dim(0) != 2) {
            throw c.refuse("takes a depth of at least 1 and two values, found " + depth + " and " + values.type());
        }
        List<Integer> dims = new ArrayList<>(indices.shape().dims());
        dims.add(axis, 1);
        if (indices.shape().hasBatch() && axis == 0) {
            throw c.refuse("puts an axis before the batch, whose size the model leaves open");
        }
        Val place = b.reshape(b.cast(indices, Element.INT64), dims);
        Integer[] line = new Integer[rank];
        Arrays.fill(line, 1);
        line[axis] = depth;
        long[] numbers = IntStream.range(0, depth).asLongStream().toArray();
        long[] fromBack = IntStream.range(-depth, 0).asLongStream().toArray();
        Val hit = b.integer(
                NumOp.Binary.Fn.OR,
                b.compare(NumOp.Compare.Fn.EQ, place, b.ints(Element.INT64, List.of(line), numbers)),
                b.compare(NumOp.Compare.Fn.EQ, place, b.ints(Element.INT64, List.of(line), fromBack)));
        Val off = b.reshape(b.slice(values, 0, 0, 1, 1), List.of());
        Val on = b.reshape(b.slice(values, 0, 1, 2, 1), List.of());
        c.out(b.select(hit, on, off));
    }

    private static void depthToSpace(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        int s = Math.toIntExact(c.integer("blocksize", 0));
        if (x.rank() != 4 || s < 1 || s > 65536 || x.dim(1) % (s * s) != 0) {
            throw c.refuse("takes [N, C, H, W] with C divisible by the squared block size, found " + x.shape());
        }
        int n = x.dim(0);
        int ch = x.dim(1) / (s * s);
        int h = x.dim(2);
        int w = x.dim(3);
        boolean depthFirst = c.text("mode", "DCR").equals("DCR");
        Val split = b.reshape(x, depthFirst ? List.of(n, s, s, ch, h, w) : List.of(n, ch, s, s, h, w));
        Val moved = b.transpose(split, depthFirst ? List.of(0, 3, 4, 1, 5, 2) : List.of(0, 1, 4, 2, 5, 3));
        c.out(b.reshape(moved, List.of(n, ch, h * s, w * s)));
    }

    private static void spaceToDepth(Call c) {
        Build b = c.build();
        Val x = c.need(0);
        int s = Math.toIntExact(c.integer("blocksize", 0));
        if (x.rank() != 4 || s < 1 || x.dim(2) % s != 0 || x.dim(3) % s != 0) {
            throw c.refuse("takes [N, C, H, W] with H and W divisible by the block size, found " + x.shape());
        }
        int n = x.dim(0);
        int ch = x.dim(1);
        int h = x.dim(2) / s;
        int w = x.dim(3) / s;
        boolean depthFirst = c.text("mode", "DCR").equals("DCR");
        Val split = b.reshape(x, List.of(n, ch, h, s, w, s));
        Val moved = b.transpose(split, depthFirst ? List.of(0, 3, 5, 1, 2, 4) : List.of(0, 1, 3, 5, 2, 4));
        c.out(b.reshape(moved, List.of(n, ch * s * s, h, w)));
    }
}

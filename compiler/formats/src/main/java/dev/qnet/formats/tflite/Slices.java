package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Operators that take parts. */
final class Slices {
    /** An axis that is walked backwards has no more elements. */
    private static final int MAX_INDICES = 1 << 20;

    private Slices() {}

    static void split(Call c) {
        Val x = c.x(1);
        int axis = axis(c, 0, x);
        int parts = c.op().outputs().size();
        int extent = extent(x, axis);
        if (parts == 0 || extent % parts != 0) {
            throw new Unsupported("splits axis " + axis + " of " + x.shape() + " into " + parts);
        }
        int from = 0;
        for (int i = 0; i < parts; i++) {
            c.result(i, part(c, x, axis, from, from + extent / parts));
            from += extent / parts;
        }
    }

    static void splitV(Call c) {
        Val x = c.x(0);
        int axis = axis(c, 2, x);
        List<Integer> sizes = new ArrayList<>(c.ints(1));
        int extent = extent(x, axis);
        int open = sizes.indexOf(-1);
        if (open >= 0) {
            sizes.set(open, extent - 1 - sizes.stream().mapToInt(s -> s).sum());
        }
        if (sizes.size() != c.op().outputs().size()
                || sizes.stream().mapToLong(s -> s).sum() != extent) {
            throw new Unsupported("splits axis " + axis + " of " + x.shape() + " into " + sizes);
        }
        int from = 0;
        for (int i = 0; i < sizes.size(); i++) {
            c.result(i, part(c, x, axis, from, from + sizes.get(i)));
            from += sizes.get(i);
        }
    }

    static void unpack(Call c) {
        c.arity(1, 1, c.op().outputs().size());
        Val x = c.x(0);
        int axis = Call.axis(c.option(1, 0), x.shape().rank());
        if (extent(x, axis) != c.op().outputs().size()) {
            throw new Unsupported("unpacks axis " + axis + " of " + x.shape() + " into "
                    + c.op().outputs().size());
        }
        List<Integer> dims = new ArrayList<>(x.shape().dims());
        dims.remove(/* index */ axis);
        for (int i = 0; i < c.op().outputs().size(); i++) {
            c.result(i, c.reshaped(part(c, x, axis, i, i + 1), new Shape(dims)));
        }
    }

    private static int axis(Call c, int operand, Val x) {
        long[] axis = c.integers(operand);
        if (axis.length != 1) {
            throw new Unsupported("takes one axis, found " + axis.length);
        }
        return Call.axis(axis[0], x.shape().rank());
    }

    private static int extent(Val x, int axis) {
        int extent = x.shape().dim(axis);
        if (extent == Shape.BATCH) {
            throw new Unsupported("splits a batch");
        }
        return extent;
    }

    private static Val part(Call c, Val x, int axis, int from, int to) {
        List<Integer> begin = new ArrayList<>();
        List<Integer> end = new ArrayList<>();
        List<Integer> step = new ArrayList<>();
        for (int i = 0; i < x.shape().rank(); i++) {
            boolean whole = x.shape().dim(i) == Shape.BATCH;
            begin.add(i == axis ? from : 0);
            end.add(i == axis ? to : whole ? 0 : x.shape().dim(i));
            step.add(1);
        }
        return taken(c, x, begin, end, step);
    }

    private static Val taken(Call c, Val x, List<Integer> begin, List<Integer> end, List<Integer> step) {
        boolean all = true;
        for (int i = 0; i < begin.size(); i++) {
            int d = x.shape().dim(i);
            all &= d == Shape.BATCH || (begin.get(i) == 0 && end.get(i) == d && step.get(i) == 1);
        }
        return all ? x : c.emit(new DataOp.Slice(begin, end, step), x.element(), x);
    }

    static void slice(Call c) {
        c.arity(3, 3, 1);
        Val x = c.x(0);
        List<Integer> from = c.ints(1);
        List<Integer> size = c.ints(2);
        int rank = x.shape().rank();
        if (from.size() != rank || size.size() != rank) {
            throw new Unsupported("takes " + from + " and " + size + " of " + x.shape());
        }
        List<Integer> begin = new ArrayList<>();
        List<Integer> end = new ArrayList<>();
        List<Integer> step = new ArrayList<>();
        for (int i = 0; i < rank; i++) {
            int d = x.shape().dim(i);
            step.add(1);
            if (d == Shape.BATCH) {
                if (from.get(i) != 0 || size.get(i) != -1) {
                    throw new Unsupported("takes items of a batch");
                }
                begin.add(0);
                end.add(0);
                continue;
            }
            long to = size.get(i) == -1 ? d : (long) from.get(i) + size.get(i);
            if (from.get(i) < 0 || size.get(i) < -1 || from.get(i) > to || to > d) {
                throw new Unsupported("takes " + from + " and " + size + " of " + x.shape());
            }
            begin.add(from.get(i));
            end.add((int) to);
        }
        c.result(taken(c, x, begin, end, step));
    }

    /**
     * What a strided slice does to one axis of its operand.
     *
     * @param whole whether it takes all of the axis, however long
     * @param drop whether the axis goes away
     */
    private record Range(int begin, int end, int stride, boolean whole, boolean drop) {
        int count() {
            long span = (long) end - begin;
            long n = stride > 0 ? (span + stride - 1) / stride : (span + stride + 1) / stride;
            return (int) Math.max(0, n);
        }
    }

    static void stridedSlice(Call c) {
        c.arity(4, 4, 1);
        if (c.isKnown(0)) {
            shapePart(c);
            return;
        }
        Val x = c.x(0);
        List<Range> ranges = new ArrayList<>();
        List<Integer> dims = ranges(c, x.shape().dims(), ranges);
        List<Integer> begin = new ArrayList<>();
        List<Integer> end = new ArrayList<>();
        List<Integer> step = new ArrayList<>();
        for (Range r : ranges) {
            boolean forward = r.stride() > 0 && !r.whole();
            begin.add(forward ? r.begin() : 0);
            end.add(forward ? Math.max(r.begin(), r.end()) : -1);
            step.add(forward ? r.stride() : 1);
        }
        for (int i = 0; i < ranges.size(); i++) {
            int d = x.shape().dim(i);
            if (end.get(i) < 0) {
                end.set(i, d == Shape.BATCH ? 0 : d);
            }
        }
        Val y = taken(c, x, begin, end, step);
        for (int i = 0; i < ranges.size(); i++) {
            Range r = ranges.get(i);
            if (r.stride() < 0) {
                int n = r.count();
                if (n > MAX_INDICES) {
                    throw new Unsupported("walks back over " + n + " elements");
                }
                y = c.gathered(
                        y,
                        i,
                        IntStream.range(0, n)
                                .mapToObj(k -> r.begin() + k * r.stride())
                                .toList());
            }
        }
        c.result(c.reshaped(y, new Shape(dims)));
    }

    /** A part of a shape. */
    private static void shapePart(Call c) {
        long[] x = c.extents(0);
        List<Range> ranges = new ArrayList<>();
        ranges(c, List.of(x.length), ranges);
        Range r = ranges.getFirst();
        long[] y = new long[r.count()];
        for (int i = 0; i < y.length; i++) {
            y[i] = x[r.begin() + i * r.stride()];
        }
        c.known(y);
    }

    /** The ranges of an operand's axes, and the extents of the result. */
    private static List<Integer> ranges(Call c, List<Integer> dims, List<Range> ranges) {
        List<Integer> begin = c.ints(1);
        List<Integer> end = c.ints(2);
        List<Integer> stride = c.ints(3);
        if (end.size() != begin.size() || stride.size() != begin.size() || begin.size() > 2 * Shape.MAX_RANK) {
            throw new Unsupported(
                    "has " + begin.size() + " begins, " + end.size() + " ends and " + stride.size() + " strides");
        }
        int ellipsis = c.option(2, 0);
        int newAxis = c.option(3, 0);
        int shrink = c.option(4, 0);
        int named = 0;
        for (int i = 0; i < begin.size(); i++) {
            named += (ellipsis >> i & 1) == 0 && (newAxis >> i & 1) == 0 ? 1 : 0;
        }
        if (Integer.bitCount(ellipsis) > 1 || named > dims.size()) {
            throw new Unsupported("names " + named + " axes of " + dims);
        }
        List<Integer> result = new ArrayList<>();
        for (int i = 0; i < begin.size(); i++) {
            if ((ellipsis >> i & 1) != 0) {
                for (int k = dims.size() - named; k > 0; k--) {
                    add(whole(dims.get(ranges.size())), dims, ranges, result);
                }
            } else if ((newAxis >> i & 1) != 0) {
                result.add(1);
            } else {
                int d = dims.get(ranges.size());
                boolean fromStart = (c.option(0, 0) >> i & 1) != 0;
                boolean toEnd = (c.option(1, 0) >> i & 1) != 0;
                boolean drop = (shrink >> i & 1) != 0;
                long to = c.flag(5) ? (long) begin.get(i) + end.get(i) : end.get(i);
                add(range(d, begin.get(i), to, stride.get(i), fromStart, toEnd, drop), dims, ranges, result);
            }
        }
        while (ranges.size() < dims.size()) {
            add(whole(dims.get(ranges.size())), dims, ranges, result);
        }
        return result;
    }

    private static Range whole(int d) {
        return new Range(0, d, 1, true, false);
    }

    private static void add(Range r, List<Integer> dims, List<Range> ranges, List<Integer> result) {
        int d = dims.get(ranges.size());
        ranges.add(r);
        if (!r.drop()) {
            result.add(r.whole() ? d : r.count());
        }
    }

    private static Range range(
            int d, long begin, long end, int stride, boolean fromStart, boolean toEnd, boolean drop) {
        if (stride == 0 || (drop && stride < 0)) {
            throw new Unsupported("has a stride of " + stride);
        }
        if (d == Shape.BATCH) {
            if (!fromStart || !toEnd || stride != 1 || drop) {
                throw new Unsupported("takes items of a batch");
            }
            return whole(d);
        }
        if (drop) {
            long at = begin < 0 ? begin + d : begin;
            if (fromStart) {
                at = 0;
            }
            if (at < 0 || at >= d) {
                throw new Unsupported("takes element " + begin + " of " + d);
            }
            return new Range((int) at, (int) at + 1, 1, false, true);
        }
        long lo = stride > 0 ? 0 : -1;
        long hi = stride > 0 ? d : d - 1L;
        long from = fromStart ? (stride > 0 ? lo : hi) : Math.clamp(begin < 0 ? begin + d : begin, lo, hi);
        long to = toEnd ? (stride > 0 ? hi : lo) : Math.clamp(end < 0 ? end + d : end, lo, hi);
        return new Range((int) from, (int) to, stride, false, false);
    }

    static void gather(Call c) {
        c.arity(2, 2, 1);
        Val x = c.x(0);
        if (c.option(1, 0) != 0) {
            throw new Unsupported("gathers in each item of a batch");
        }
        Val indices = c.x(1);
        if (!(indices.element() instanceof Element.Int)) {
            throw new Unsupported("takes plain indices, found " + indices.type());
        }
        int axis = Call.axis(c.option(0, 0), x.shape().rank());
        c.result(c.emit(new DataOp.Gather(axis), x.element(), x, indices));
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * Loops over a shape, with the place of each tensor that takes part: row-major places, or strided, or broadcast. Axes over
 * which all places run on evenly become one loop.
 */
final class Nest {
    private final List<Integer> extents = new ArrayList<>();
    private final List<int[]> strides = new ArrayList<>();
    private final long[] offsets;

    private Nest(int tensors) {
        offsets = new long[tensors];
    }

    /** A tensor's steps along the axes of a shape, and its first element. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Walk(int[] strides, long offset) {}

    /** Over all elements in order. */
    static Walk contiguous(int[] shape) {
        return new Walk(rowMajor(shape), 0);
    }

    /** Over an operand as NumPy broadcasts it to a shape. */
    static Walk broadcast(Shape from, int[] to) {
        int[] own = rowMajor(from.toArray());
        int[] walk = new int[to.length];
        for (int axis = 1; axis <= from.rank(); axis++) {
            int extent = from.item().dim(-axis);
            walk[to.length - axis] = extent == 1 ? 0 : own[own.length - axis];
        }
        return new Walk(walk, 0);
    }

    /** Over the indices along the last axis: the channel of each element. */
    static Walk channel(int[] shape) {
        int[] walk = new int[shape.length];
        if (shape.length > 0) {
            walk[shape.length - 1] = 1;
        }
        return new Walk(walk, 0);
    }

    /** The distances between neighbours along each axis. */
    static int[] rowMajor(int[] shape) {
        int[] steps = new int[shape.length];
        int step = 1;
        for (int axis = shape.length - 1; axis >= 0; axis--) {
            steps[axis] = step;
            step *= shape[axis];
        }
        return steps;
    }

    /**
     * The loops.
     *
     * @param body given the place in each tensor
     */
    static Stmt over(int[] shape, List<Walk> walks, Function<List<Expr>, Stmt> body) {
        Nest nest = new Nest(walks.size());
        for (int t = 0; t < walks.size(); t++) {
            nest.offsets[t] = walks.get(t).offset();
        }
        for (int axis = 0; axis < shape.length; axis++) {
            int at = axis;
            if (shape[axis] != 1) {
                nest.axis(
                        shape[axis],
                        walks.stream().mapToInt(w -> w.strides()[at]).toArray());
            }
        }
        return nest.loops(0, new ArrayList<>(), body);
    }

    private void axis(int extent, int[] steps) {
        int last = extents.size() - 1;
        boolean even = last >= 0;
        for (int t = 0; even && t < steps.length; t++) {
            even = strides.get(last)[t] == steps[t] * extent;
        }
        if (even) {
            extents.set(last, extents.get(last) * extent);
            strides.set(last, steps);
        } else {
            extents.add(extent);
            strides.add(steps);
        }
    }

    private Stmt loops(int depth, List<Expr> indices, Function<List<Expr>, Stmt> body) {
        if (depth == extents.size()) {
            return body.apply(places(indices));
        }
        return loop("i" + depth, extents.get(depth), i -> {
            List<Expr> more = new ArrayList<>(indices);
            more.add(i);
            return loops(depth + 1, more, body);
        });
    }

    private List<Expr> places(List<Expr> indices) {
        Expr[] places = new Expr[offsets.length];
        Arrays.setAll(places, t -> i32(0));
        for (int axis = 0; axis < indices.size(); axis++) {
            for (int t = 0; t < places.length; t++) {
                int step = strides.get(axis)[t];
                places[t] = step == 0 ? places[t] : add(places[t], mul(indices.get(axis), step));
            }
        }
        for (int t = 0; t < places.length; t++) {
            places[t] = add(places[t], offsets[t]);
        }
        return List.of(places);
    }
}

package dev.qnet.target.tvm.lower;

import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Loops over a result, and for each of its elements over those that are reduced into it, ascending row-major. */
final class Reductions {
    private Reductions() {}

    /** The elements that are reduced into one. */
    @FunctionalInterface
    interface Elements {
        Stmt each(Function<Expr, Stmt> body);
    }

    /**
     * The loops.
     *
     * @param body given the result's element, and the elements reduced into it
     */
    static Stmt over(Layer layer, List<Integer> axes, BiFunction<Expr, Elements, Stmt> body) {
        int[] x = layer.shape(0);
        int[] steps = Nest.rowMajor(x);
        int[] kept = x.clone();
        int[] reduced = x.clone();
        for (int axis = 0; axis < x.length; axis++) {
            if (axes.contains(axis)) {
                kept[axis] = 1;
            } else {
                reduced[axis] = 1;
            }
        }
        return Nest.over(
                kept,
                List.of(Nest.contiguous(kept), new Nest.Walk(steps, 0)),
                p -> body.apply(
                        p.get(0),
                        each -> Nest.over(
                                reduced,
                                List.of(new Nest.Walk(steps, 0)),
                                q -> each.apply(dev.qnet.target.tvm.tir.Tir.add(p.get(1), q.get(0))))));
    }

    /** How many elements are reduced into one. */
    static int count(Layer layer, List<Integer> axes) {
        int count = 1;
        for (int axis : axes) {
            count *= layer.shape(0)[axis];
        }
        return count;
    }
}

package dev.qnet.target.tvm.tir;

import java.util.List;
import java.util.Map;

/**
 * A function.
 *
 * @param name unique in its module
 * @param params pointers to elements, numbers; for an entry of TVM's, tensors
 * @param tensors of an entry, what each parameter is; empty for a function that only the module calls
 * @param entry whether users call it
 * @param status whether it returns 0, or another number where threads could not run it; else it returns nothing
 */
public record PrimFunc(
        String name, List<Expr.Var> params, Map<Expr.Var, Buffer> tensors, boolean entry, boolean status, Stmt body) {
    public PrimFunc(String name, List<Expr.Var> params, Map<Expr.Var, Buffer> tensors, boolean entry, Stmt body) {
        this(name, params, tensors, entry, false, body);
    }

    public PrimFunc {
        params = List.copyOf(params);
        tensors = Map.copyOf(tensors);
    }
}

package dev.qnet.target.tvm.tir;

import java.util.List;

/** Functions that are compiled together. A function calls only functions in front of it. */
public record TirModule(List<PrimFunc> functions) {
    public TirModule {
        functions = List.copyOf(functions);
    }
}

package dev.qnet.target.tvm.tir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a program does. {@link Tir} builds them. */
public sealed interface Stmt {
    /** One element, or with a vector of indices several. */
    record Store(Buffer buffer, Expr value, Expr index) implements Stmt {
        public Store {
            if (!value.type().equals(buffer.type().vector(index.type().lanes()))) {
                throw new IllegalArgumentException(
                        "storing " + value.type() + " in " + buffer + " of " + buffer.type());
            }
        }
    }

    /** How the passes of a loop follow each other. */
    enum LoopKind {
        SERIAL(0),
        PARALLEL(1),
        VECTORIZED(2),
        UNROLLED(3),
        /** A pass is a block of threads of a GPU. */
        BLOCK_X(4, "blockIdx.x"),
        /** As {@link #BLOCK_X}, of the other dimension of a grid. */
        BLOCK_Y(4, "blockIdx.y"),
        /** A pass is a thread of a block. */
        THREAD_X(4, "threadIdx.x");

        private final int code;
        private final String thread;

        LoopKind(int code) {
            this(code, "");
        }

        LoopKind(int code, String thread) {
            this.code = code;
            this.thread = thread;
        }

        /** TVM's number for it. */
        public int code() {
            return code;
        }

        /** What CUDA calls the number of the pass, of one that a GPU's thread or block is; else empty. */
        public String thread() {
            return thread;
        }
    }

    record For(Expr.Var var, Expr min, Expr extent, LoopKind kind, Stmt body) implements Stmt {}

    record If(Expr condition, Stmt then, @Nullable Stmt otherwise) implements Stmt {}

    record Seq(List<Stmt> steps) implements Stmt {
        public Seq {
            steps = List.copyOf(steps);
        }
    }

    /** A name for a value. */
    record Let(Expr.Var var, Expr value, Stmt body) implements Stmt {}

    /**
     * Memory for as long as the body runs.
     *
     * @param stack on the stack; else from the runtime's pool
     */
    record Allocate(Buffer buffer, long elements, boolean stack, Stmt body) implements Stmt {}

    /**
     * Memory of the device that the function runs on, for as long as the body runs.
     *
     * @param elements how many, which may vary
     */
    record Workspace(Buffer buffer, Expr elements, Stmt body) implements Stmt {}

    /**
     * Constants inside the module.
     *
     * @param elements little-endian, row-major
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Constant(Buffer buffer, byte[] elements, Stmt body) implements Stmt {}

    /** A buffer where a pointer, an argument of the function, points to. */
    record Declare(Buffer buffer, Stmt body) implements Stmt {}

    record Evaluate(Expr value) implements Stmt {}

    /** Ends the function with an error where the condition does not hold. */
    record Assert(Expr condition, String message, Stmt body) implements Stmt {}
}

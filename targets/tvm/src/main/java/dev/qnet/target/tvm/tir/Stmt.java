package dev.qnet.target.tvm.tir;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a program does. {@link Tir} builds them. */
public sealed interface Stmt {
    /** The values that it computes itself, in order, without those of {@link #bodies}. */
    default List<Expr> operands() {
        return switch (this) {
            case Store(Buffer buffer, Expr value, Expr index) -> List.of(value, index);
            case For f -> List.of(f.min(), f.extent());
            case If i -> List.of(i.condition());
            case Let l -> List.of(l.value());
            case Workspace w -> List.of(w.elements());
            case Assert a -> List.of(a.condition());
            case Evaluate(Expr value) -> List.of(value);
            case Seq _, Allocate _, Constant _, Declare _ -> List.of();
        };
    }

    /** The statements inside it, in order. */
    default List<Stmt> bodies() {
        return switch (this) {
            case Store _, Evaluate _ -> List.of();
            case For f -> List.of(f.body());
            case If i -> i.otherwise() == null ? List.of(i.then()) : List.of(i.then(), i.otherwise());
            case Seq(List<Stmt> steps) -> steps;
            case Let l -> List.of(l.body());
            case Allocate a -> List.of(a.body());
            case Workspace w -> List.of(w.body());
            case Constant c -> List.of(c.body());
            case Declare d -> List.of(d.body());
            case Assert a -> List.of(a.body());
        };
    }

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

package dev.qnet.target.tvm.tir;

import java.util.List;

/**
 * Memory of elements of one type: a pointer, and how many elements are there. Each is itself only, whatever its name.
 * Indices are flat.
 */
public final class Buffer {
    private final Expr.Var data;
    private final DataType type;
    private final List<Expr> shape;

    private Buffer(Expr.Var data, DataType type, List<Expr> shape) {
        this.data = data;
        this.type = type;
        this.shape = List.copyOf(shape);
    }

    /** So many elements. */
    public static Buffer of(String name, DataType type, long elements) {
        return new Buffer(Expr.Var.pointer(name, type), type, List.of(new Expr.Imm(DataType.INT32, elements)));
    }

    /** A tensor that an entry takes, with its extents checked on entry. A variable among them takes its value from there. */
    public static Buffer tensor(String name, DataType type, List<Expr> shape) {
        return new Buffer(Expr.Var.pointer(name, type), type, shape);
    }

    /** As {@link #tensor(String, DataType, List)}, with a pointer to its elements that is known before. */
    public static Buffer tensor(Expr.Var data, List<Expr> shape) {
        return new Buffer(data, data.pointee(), shape);
    }

    /** Elements where a pointer points to. */
    public static Buffer at(Expr.Var data, long elements) {
        return new Buffer(data, data.pointee(), List.of(new Expr.Imm(DataType.INT32, elements)));
    }

    public String name() {
        return data.name();
    }

    /** The pointer to the first element. */
    public Expr.Var data() {
        return data;
    }

    /** The type of an element. */
    public DataType type() {
        return type;
    }

    /** Bytes, of one whose extents are constants. */
    public long bytes() {
        long n = type.bytes();
        for (Expr d : shape) {
            if (!(d instanceof Expr.Imm(DataType t, long extent))) {
                throw new IllegalStateException(this + " has extents that vary");
            }
            n = Math.multiplyExact(n, extent);
        }
        return n;
    }

    public List<Expr> shape() {
        return shape;
    }

    @Override
    public String toString() {
        return name();
    }
}

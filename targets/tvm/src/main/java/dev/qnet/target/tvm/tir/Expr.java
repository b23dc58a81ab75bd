package dev.qnet.target.tvm.tir;

import java.util.List;

/**
 * A value. Integers of 32 and 64 bits must not overflow (LLVM is told so); narrower ones wrap. {@link Tir} builds them.
 */
public sealed interface Expr {
    DataType type();

    /** The values that it is computed of, in order. */
    default List<Expr> operands() {
        return switch (this) {
            case Imm _, FloatImm _, Text _, Var _ -> List.of();
            case Binary(Op op, Expr a, Expr b) -> List.of(a, b);
            case Select(Expr condition, Expr a, Expr b) -> List.of(condition, a, b);
            case Cast(DataType type, Expr value) -> List.of(value);
            case Ramp(Expr base, int stride, int lanes) -> List.of(base);
            case Broadcast(Expr value, int lanes) -> List.of(value);
            case Load(Buffer buffer, Expr index) -> List.of(index);
            case Address(Buffer buffer, Expr index) -> List.of(index);
            case Call c -> c.arguments();
            case Intrinsic i -> i.arguments();
            case Invoke i -> i.arguments();
        };
    }

    /** An integer, or a truth value as 0 or 1. */
    record Imm(DataType type, long value) implements Expr {}

    /** A real number, exact in its type. */
    record FloatImm(DataType type, double value) implements Expr {}

    /** A text, as an argument of a call. */
    record Text(String value) implements Expr {
        @Override
        public DataType type() {
            return DataType.POINTER;
        }
    }

    /** A variable: each is itself only, whatever its name. */
    final class Var implements Expr {
        private final String name;
        private final DataType type;
        private final DataType pointee;

        private Var(String name, DataType type, DataType pointee) {
            this.name = name;
            this.type = type;
            this.pointee = pointee;
        }

        public static Var of(String name, DataType type) {
            return new Var(name, type, type);
        }

        /** A pointer to elements of a type. */
        public static Var pointer(String name, DataType pointee) {
            return new Var(name, DataType.POINTER, pointee);
        }

        /** A pointer to a tensor's description: an argument of an entry. */
        public static Var tensor(String name) {
            return new Var(name, DataType.POINTER, DataType.POINTER);
        }

        public String name() {
            return name;
        }

        @Override
        public DataType type() {
            return type;
        }

        /** What a pointer points to; {@link DataType#POINTER} for a tensor's description. */
        public DataType pointee() {
            return pointee;
        }

        @Override
        public String toString() {
            return name;
        }
    }

    /** The functions of two operands of one type. */
    enum Op {
        ADD("Add", "+", 6),
        SUB("Sub", "-", 6),
        MUL("Mul", "*", 7),
        /** The quotient rounded down; of floats the quotient. */
        FLOOR_DIV("FloorDiv", "//", 7),
        FLOOR_MOD("FloorMod", "%", 7),
        /** The quotient truncated. */
        DIV("Div", "/", 7),
        MIN("Min", "min", 0),
        MAX("Max", "max", 0),
        EQ("EQ", "==", 5),
        NE("NE", "!=", 5),
        LT("LT", "<", 5),
        LE("LE", "<=", 5),
        GT("GT", ">", 5),
        GE("GE", ">=", 5),
        AND("And", "and", 3),
        OR("Or", "or", 2);

        private final String node;
        private final String sign;
        private final int precedence;

        Op(String node, String sign, int precedence) {
            this.node = node;
            this.sign = sign;
            this.precedence = precedence;
        }

        /** The name of TVM's node. */
        public String node() {
            return node;
        }

        String sign() {
            return sign;
        }

        /** How tightly it binds in print; 0 for those that print as calls. */
        int precedence() {
            return precedence;
        }

        boolean compares() {
            return precedence == 5;
        }
    }

    record Binary(Op op, Expr a, Expr b) implements Expr {
        public Binary {
            if (!a.type().equals(b.type())) {
                throw new IllegalArgumentException(op + " of " + a.type() + " and " + b.type());
            }
        }

        @Override
        public DataType type() {
            return op.compares() ? DataType.BOOL.vector(a.type().lanes()) : a.type();
        }
    }

    /** Both sides are evaluated. */
    record Select(Expr condition, Expr a, Expr b) implements Expr {
        public Select {
            if (!a.type().equals(b.type()) || !condition.type().isBool()) {
                throw new IllegalArgumentException(
                        "select of " + condition.type() + ", " + a.type() + " and " + b.type());
            }
        }

        @Override
        public DataType type() {
            return a.type();
        }
    }

    /** A conversion; of integers it keeps the low bits, floats must fit. */
    record Cast(DataType type, Expr value) implements Expr {}

    /** {@code base, base + stride, …}. */
    record Ramp(Expr base, int stride, int lanes) implements Expr {
        @Override
        public DataType type() {
            return base.type().vector(lanes);
        }
    }

    /** The same in every lane. */
    record Broadcast(Expr value, int lanes) implements Expr {
        @Override
        public DataType type() {
            return value.type().vector(lanes);
        }
    }

    /** One element, or with a vector of indices several. */
    record Load(Buffer buffer, Expr index) implements Expr {
        @Override
        public DataType type() {
            return buffer.type().vector(index.type().lanes());
        }
    }

    /** The address of an element. */
    record Address(Buffer buffer, Expr index) implements Expr {
        @Override
        public DataType type() {
            return DataType.POINTER;
        }
    }

    /** One of TVM's built-in functions, without its {@code tir.}: {@code shift_left}. */
    record Call(DataType type, String op, List<Expr> arguments) implements Expr {
        public Call {
            arguments = List.copyOf(arguments);
        }
    }

    /**
     * An intrinsic function of LLVM.
     *
     * @param overloads the number of its arguments if their types choose its variant, else 0
     * @param pure whether it reads and writes no memory
     */
    record Intrinsic(DataType type, String name, int overloads, boolean pure, List<Expr> arguments) implements Expr {
        public Intrinsic {
            arguments = List.copyOf(arguments);
        }
    }

    /** A call of another function of the module, which returns nothing. */
    record Invoke(String function, List<Expr> arguments) implements Expr {
        public Invoke {
            arguments = List.copyOf(arguments);
        }

        @Override
        public DataType type() {
            return DataType.INT32;
        }
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.source.Diagnostic;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Operators on compile-time values. Ints are 64 bits wide and never wrap; {@code /} of two ints drops the fraction; an int
 * beside a float counts as a float.
 */
final class Arithmetic {
    private Arithmetic() {}

    /** {@code !a}, or {@code -a} of a number. */
    static Value unary(Expr.Unary e, Value a) {
        return switch (e.op()) {
            case NOT -> {
                if (a instanceof Value.Bool b) {
                    yield new Value.Bool(!b.value());
                }
                throw mismatch(e, "'!' takes a bool, found " + a.describe());
            }
            case NEGATE -> {
                if (a instanceof Value.Int i && i.value() != Long.MIN_VALUE) {
                    yield new Value.Int(-i.value());
                }
                if (a instanceof Value.Real r) {
                    yield new Value.Real(-r.value());
                }
                throw mismatch(e, "'-' takes a number or a tensor, found " + a.describe());
            }
        };
    }

    /** An operator on two values, of which neither is a tensor. {@code &&} and {@code ||} are decided before. */
    static Value binary(Expr.Binary e, Value a, Value b) {
        if (e.op() == Expr.BinaryOp.EQ || e.op() == Expr.BinaryOp.NE) {
            Boolean equal = equal(a, b);
            if (equal == null) {
                throw mismatch(e, a, b);
            }
            return new Value.Bool(equal == (e.op() == Expr.BinaryOp.EQ));
        }
        if (a instanceof Value.Batch || b instanceof Value.Batch) {
            throw new Rejected(Diagnostic.error(
                            "type-mismatch",
                            e.span(),
                            "N is known only at run time, so nothing can be computed from it")
                    .withFix("compute with the other dimensions"));
        }
        if (a instanceof Value.Int i && b instanceof Value.Int j) {
            return ints(e, i.value(), j.value());
        }
        Double x = real(a);
        Double y = real(b);
        if (x == null || y == null) {
            throw mismatch(e, a, b);
        }
        return reals(e, x, y);
    }

    private static @Nullable Boolean equal(Value a, Value b) {
        Double x = real(a);
        Double y = real(b);
        if (a instanceof Value.Int i && b instanceof Value.Int j) {
            return i.value() == j.value();
        }
        if (x != null && y != null) {
            return x.doubleValue() == y.doubleValue();
        }
        boolean comparable = a.getClass() == b.getClass()
                && (a instanceof Value.Text || a instanceof Value.Bool || a instanceof Value.Batch);
        if ((a instanceof Value.Batch && b instanceof Value.Int)
                || (b instanceof Value.Batch && a instanceof Value.Int)) {
            return false;
        }
        return comparable ? Objects.equals(a, b) : null;
    }

    private static Value ints(Expr.Binary e, long x, long y) {
        try {
            return switch (e.op()) {
                case ADD -> new Value.Int(Math.addExact(x, y));
                case SUB -> new Value.Int(Math.subtractExact(x, y));
                case MUL -> new Value.Int(Math.multiplyExact(x, y));
                case DIV -> new Value.Int(Math.divideExact(x, notZero(e, y)));
                case REM -> new Value.Int(x % notZero(e, y));
                case LT -> new Value.Bool(x < y);
                case LE -> new Value.Bool(x <= y);
                case GT -> new Value.Bool(x > y);
                case GE -> new Value.Bool(x >= y);
                case EQ, NE, AND, OR -> throw logic(e);
            };
        } catch (ArithmeticException tooLarge) {
            throw new Rejected(Diagnostic.error(
                            "arithmetic", e.span(), x + " " + e.op().symbol() + " " + y + " does not fit an int")
                    .withNote("ints have 64 bits"));
        }
    }

    private static long notZero(Expr.Binary e, long y) {
        if (y == 0) {
            throw new Rejected(Diagnostic.error("arithmetic", e.right().span(), "this divisor is 0"));
        }
        return y;
    }

    private static Value reals(Expr.Binary e, double x, double y) {
        return switch (e.op()) {
            case ADD -> new Value.Real(x + y);
            case SUB -> new Value.Real(x - y);
            case MUL -> new Value.Real(x * y);
            case DIV -> new Value.Real(x / y);
            case REM -> new Value.Real(x % y);
            case LT -> new Value.Bool(x < y);
            case LE -> new Value.Bool(x <= y);
            case GT -> new Value.Bool(x > y);
            case GE -> new Value.Bool(x >= y);
            case EQ, NE, AND, OR -> throw logic(e);
        };
    }

    private static IllegalStateException logic(Expr.Binary e) {
        return new IllegalStateException("decided before: " + e.op());
    }

    private static @Nullable Double real(Value v) {
        return v instanceof Value.Int i
                ? (Double) (double) i.value()
                : v instanceof Value.Real r ? (Double) r.value() : null;
    }

    private static Rejected mismatch(Expr.Binary e, Value a, Value b) {
        Diagnostic d = Diagnostic.error(
                "type-mismatch",
                e.opSpan(),
                "'" + e.op().symbol() + "' does not work between " + a.describe() + " and " + b.describe());
        return new Rejected(
                e.op() == Expr.BinaryOp.ADD && (a instanceof Value.Text || b instanceof Value.Text)
                        ? d.withFix("put values into a string with braces: \"conv_{i}\"")
                        : d);
    }

    private static Rejected mismatch(Expr.Unary e, String message) {
        return new Rejected(Diagnostic.error("type-mismatch", e.span(), message));
    }
}

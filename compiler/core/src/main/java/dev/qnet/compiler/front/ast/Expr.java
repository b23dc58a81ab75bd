package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;

/**
 * An expression: of a tensor or of a value known at compile time. Depth is limited by the parser
 * ({@code Parser.MAX_DEPTH}), so plain recursion over a parsed tree is safe.
 */
public sealed interface Expr extends Ast {

    /** A whole number, with its sign if one stands right before it. */
    record IntLit(long value, Span span) implements Expr {}

    /**
     * A number with a fraction or an exponent, with its sign if one stands right before it.
     *
     * @param text as written, so that it prints as it was read
     * @param value the nearest double
     */
    record FloatLit(String text, double value, Span span) implements Expr {}

    /** {@code true} or {@code false}. */
    record BoolLit(boolean value, Span span) implements Expr {}

    /**
     * A string, with compile-time values in braces: {@code "conv2d_{i}.weight"}.
     *
     * @param parts in order; no two texts side by side, none empty; no parts for the empty string
     */
    record StringLit(List<Part> parts, Span span) implements Expr {
        /** A piece of a string. */
        public sealed interface Part {}

        /** Literal text, escapes resolved. */
        public record Text(String value) implements Part {}

        /** A value to be put in, without its braces. */
        public record Interpolation(Expr value) implements Part {}

        public StringLit {
            parts = List.copyOf(parts);
        }

        /** True if nothing is left to be put in. */
        public boolean isPlain() {
            return parts.stream().allMatch(p -> p instanceof Text);
        }

        /**
         * The text of a plain string.
         *
         * @throws IllegalStateException if the string has interpolations
         */
        public String plainText() {
            StringBuilder s = new StringBuilder();
            for (Part p : parts) {
                switch (p) {
                    case Text t -> s.append(t.value());
                    case Interpolation _ -> throw new IllegalStateException("a string with interpolations");
                }
            }
            return s.toString();
        }
    }

    /** {@code [1, 2]}, nested for a tensor of higher rank: {@code [[-1, 0], [1, 2]]}. */
    record ListLit(List<Expr> elements, Span span) implements Expr {
        public ListLit {
            elements = List.copyOf(elements);
        }
    }

    /** A use of a name: of a value, a constant or, as an argument, of an option such as the padding {@code valid}. */
    record Ref(String name, Span span) implements Expr {}

    /** {@code conv2d(x, 16, kernel: 3)}. */
    record Call(Name callee, List<Argument> arguments, Span span) implements Expr {
        public Call {
            arguments = List.copyOf(arguments);
        }
    }

    /**
     * {@code head |> f(args) |> g}: each stage is a call whose first positional argument is what came before.
     *
     * @param stages at least one; flat, so a chain may be long
     */
    record Pipe(Expr head, List<Stage> stages, Span span) implements Expr {
        /**
         * One stage.
         *
         * @param arguments without the piped one
         * @param annotations those that stand after it
         */
        public record Stage(Name callee, List<Argument> arguments, List<Annotation> annotations, Span span) {
            public Stage {
                arguments = List.copyOf(arguments);
                annotations = List.copyOf(annotations);
            }
        }

        public Pipe {
            stages = List.copyOf(stages);
        }
    }

    /**
     * {@code f(x) @weights(i4)}: annotations on the outermost operation of the operand. (Those on a pipe's stages are
     * in {@link Pipe.Stage}; the head of a pipe may be one of these.)
     *
     * @param annotations at least one
     */
    record Annotated(Expr operand, List<Annotation> annotations, Span span) implements Expr {
        public Annotated {
            annotations = List.copyOf(annotations);
        }
    }

    /** {@code -x} or {@code !c}. */
    record Unary(UnaryOp op, Expr operand, Span span) implements Expr {}

    /**
     * {@code a + b}; on tensors the arithmetic operators are the operations add, sub, mul and so on.
     *
     * @param opSpan where the operator stands
     */
    record Binary(BinaryOp op, Expr left, Expr right, Span opSpan, Span span) implements Expr {}

    /** {@code from..to}. */
    record Range(Expr from, Expr to, Span span) implements Expr {}

    /**
     * A choice at compile time.
     *
     * @param branches the {@code if} and each {@code else if}, at least one
     */
    record If(List<Branch.OfExpr> branches, Expr otherwise, Span span) implements Expr {
        public If {
            branches = List.copyOf(branches);
        }
    }

    /** {@code x.shape}. */
    record Attribute(Expr target, Name name, Span span) implements Expr {}

    /** {@code x.shape[1]}; at least one index. */
    record Index(Expr target, List<Expr> indices, Span span) implements Expr {
        public Index {
            indices = List.copyOf(indices);
        }
    }

    /** {@code (inner)}: kept so that a formatted file keeps its parentheses; means what {@code inner} means. */
    record Group(Expr inner, Span span) implements Expr {}

    /** Operators before an operand. */
    enum UnaryOp {
        NEGATE("-"),
        NOT("!");

        private final String symbol;

        UnaryOp(String symbol) {
            this.symbol = symbol;
        }

        public String symbol() {
            return symbol;
        }
    }

    /** Operators between operands; {@code ..} binds looser than all of them, {@code |>} looser still. */
    enum BinaryOp {
        OR("||", 1),
        AND("&&", 2),
        EQ("==", 3),
        NE("!=", 3),
        LT("<", 3),
        LE("<=", 3),
        GT(">", 3),
        GE(">=", 3),
        ADD("+", 4),
        SUB("-", 4),
        MUL("*", 5),
        DIV("/", 5),
        REM("%", 5);

        private final String symbol;
        private final int precedence;

        BinaryOp(String symbol, int precedence) {
            this.symbol = symbol;
            this.precedence = precedence;
        }

        public String symbol() {
            return symbol;
        }

        /** Higher binds tighter. All associate to the left, except comparisons, which do not chain. */
        public int precedence() {
            return precedence;
        }

        /** True for the six that give a boolean from two numbers. */
        public boolean isComparison() {
            return precedence == 3;
        }
    }
}

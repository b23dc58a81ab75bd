package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A statement of a block or a model. The parser takes every statement in every body; which belongs where (parameters,
 * input and labels only at the top of a model, return last) is the binder's to check.
 */
public sealed interface Stmt extends Ast
        permits Const,
                Stmt.Parameters,
                Stmt.Input,
                Stmt.Labels,
                Stmt.State,
                Stmt.Next,
                Stmt.Typed,
                Stmt.Assign,
                Stmt.Repeat,
                Stmt.If,
                Stmt.Return {

    /** {@code parameters "weights.safetensors"}: a file to look weights up in, relative to the source file. */
    record Parameters(Expr.StringLit path, Span span) implements Stmt {}

    /** {@code input image u8 range(0, 255)}: how a model's input is quantized. */
    record Input(Name name, List<Item> items, Span span) implements Stmt {
        public Input {
            items = List.copyOf(items);
        }
    }

    /** {@code labels "labels.txt"} or {@code labels ["cat", "dog"]}: names of the classes, for people. */
    record Labels(Expr value, Span span) implements Stmt {}

    /** {@code state h: i16[1, 128] scale(0.001)}: a value that is kept from one run to the next, from 0 on. */
    record State(Name name, TypeRef type, Span span) implements Stmt {}

    /** {@code next h = value}: what a state becomes after the run. */
    record Next(Name name, Expr value, Span span) implements Stmt {}

    /**
     * {@code h: i8[1, 10] scale(0.5) = int.dense(x, w, b, acc: i32, rescale: tflite)}: one operation of the IR in the IR's
     * own terms, with the type of its result.
     *
     * @param mnemonic the operation, a word or two with a dot between
     * @param arguments operands by position, attributes by name
     */
    record Typed(
            Name target, TypeRef type, Name mnemonic, List<Argument> arguments, List<Annotation> annotations, Span span)
            implements Stmt {
        public Typed {
            arguments = List.copyOf(arguments);
            annotations = List.copyOf(annotations);
        }
    }

    /**
     * {@code a = value} or {@code a, b = value}. A name may be assigned again: later uses see the later value.
     *
     * @param targets at least one
     */
    record Assign(List<Name> targets, Expr value, Span span) implements Stmt {
        public Assign {
            targets = List.copyOf(targets);
        }
    }

    /** {@code repeat i in 0..3 { ... }}: the body once for each i from the first up to, not including, the last. */
    record Repeat(Name variable, Expr range, List<Stmt> body, Span span) implements Stmt {
        public Repeat {
            body = List.copyOf(body);
        }
    }

    /**
     * A choice at compile time.
     *
     * @param branches the {@code if} and each {@code else if}, at least one
     * @param otherwise the {@code else}, null where there is none
     */
    record If(List<Branch.OfStmts> branches, @Nullable List<Stmt> otherwise, Span span) implements Stmt {
        public If {
            branches = List.copyOf(branches);
            otherwise = otherwise == null ? null : List.copyOf(otherwise);
        }
    }

    /**
     * {@code return e} or {@code return logits: e1, probs: e2}.
     *
     * @param values at least one
     */
    record Return(List<Argument> values, Span span) implements Stmt {
        public Return {
            values = List.copyOf(values);
        }
    }
}

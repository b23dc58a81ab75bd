package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What stands at the top of a file. */
public sealed interface Decl extends Ast
        permits Const, Decl.Include, Decl.Scheme, Decl.Block, Decl.Model, Decl.Calibration {

    /** {@code include "layers.qnet"}; the path is relative to the including file and has no interpolation. */
    record Include(Expr.StringLit path, Span span) implements Decl {}

    /**
     * {@code scheme NAME extends PARENT { ... }}.
     *
     * @param parent null where it stands alone
     */
    record Scheme(Name name, @Nullable Name parent, List<SchemeEntry> entries, Span span) implements Decl {
        public Scheme {
            entries = List.copyOf(entries);
        }
    }

    /**
     * {@code block NAME(params) { ... }}: a function over tensors and compile-time values, expanded where it is
     * called.
     */
    record Block(Name name, List<Param> params, List<Stmt> body, Span span) implements Decl {
        public Block {
            params = List.copyOf(params);
            body = List.copyOf(body);
        }
    }

    /**
     * {@code model NAME(inputs) -> results quantized SCHEME { ... }}.
     *
     * @param results at least one; all named if several
     * @param scheme null for a model left in floats
     */
    record Model(
            Name name,
            List<Param> inputs,
            List<Result> results,
            @Nullable Name scheme,
            List<Stmt> body,
            Span span) implements Decl {
        public Model {
            inputs = List.copyOf(inputs);
            results = List.copyOf(results);
            body = List.copyOf(body);
        }
    }

    /** {@code calibration MODEL { path: items ... }}: what calibration measured, value by value. */
    record Calibration(Name model, List<Entry> entries, Span span) implements Decl {
        /**
         * One measured value.
         *
         * @param path the value's dotted path, such as {@code residual_1.conv2d_1}
         */
        public record Entry(Name path, List<Item> items, Span span) {
            public Entry {
                items = List.copyOf(items);
            }
        }

        public Calibration {
            entries = List.copyOf(entries);
        }
    }
}

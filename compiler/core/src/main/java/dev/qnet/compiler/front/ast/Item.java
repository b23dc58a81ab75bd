package dev.qnet.compiler.front.ast;

import dev.qnet.compiler.source.Span;
import java.util.List;
import java.util.Optional;

/**
 * One word of how something is quantized: {@code symmetric}, {@code per_group(32)}, {@code range(percentile(99.99))}.
 * The grammar knows no item by name; what items there are is the binder's matter.
 */
public record Item(Name name, List<Argument> arguments, Span span) implements Ast {
    public Item {
        arguments = List.copyOf(arguments);
    }

    /** An expression read as an item, as in an annotation's arguments: a name or a call; empty for any other. */
    public static Optional<Item> from(Expr e) {
        return switch (e) {
            case Expr.Ref ref -> Optional.of(new Item(new Name(ref.name(), ref.span()), List.of(), ref.span()));
            case Expr.Call call -> Optional.of(new Item(call.callee(), call.arguments(), call.span()));
            case Expr.Group g -> from(g.inner());
            case Expr.IntLit _,
                    Expr.FloatLit _,
                    Expr.BoolLit _,
                    Expr.StringLit _,
                    Expr.ListLit _,
                    Expr.Pipe _,
                    Expr.Annotated _,
                    Expr.Unary _,
                    Expr.Binary _,
                    Expr.Range _,
                    Expr.If _,
                    Expr.Attribute _,
                    Expr.Index _ -> Optional.empty();
        };
    }
}

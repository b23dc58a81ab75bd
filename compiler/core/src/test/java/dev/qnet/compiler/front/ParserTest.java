package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.source.Span;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParserTest {
    /** Operators show as calls: their order is what is tested. */
    private static String prefix(Expr e) {
        return switch (e) {
            case Expr.Binary b -> "(" + b.op().symbol() + " " + prefix(b.left()) + " " + prefix(b.right()) + ")";
            case Expr.Unary u -> "(" + u.op().symbol() + " " + prefix(u.operand()) + ")";
            case Expr.Range r -> "(.. " + prefix(r.from()) + " " + prefix(r.to()) + ")";
            case Expr.IntLit i -> Long.toString(i.value());
            case Expr.FloatLit f -> f.text();
            case Expr.Ref r -> r.name();
            case Expr.Group g -> "[" + prefix(g.inner()) + "]";
            case Expr.Attribute a -> prefix(a.target()) + "." + a.name();
            case Expr.Index i -> prefix(i.target()) + "#" + prefix(i.indices().getFirst());
            case Expr.Pipe p -> "(|> " + prefix(p.head()) + " " + p.stages().size() + ")";
            case Expr.Annotated a -> "(@ " + prefix(a.operand()) + ")";
            case Expr.BoolLit _, Expr.StringLit _, Expr.ListLit _, Expr.Call _, Expr.If _ -> Trees.show(e);
        };
    }

    private static Expr expr(String text) {
        return ((Const) Trees.parse("qnet 1 const c = " + text).declarations().getFirst()).value();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "a + b * c - d; (- (+ a (* b c)) d)",
                "a || b && c == d + e; (|| a (&& b (== c (+ d e))))",
                "a - b - c; (- (- a b) c)",
                "a % b / c; (/ (% a b) c)",
                "a + 1 .. b * 2; (.. (+ a 1) (* b 2))",
                "5..50; (.. 5 50)",
                "-1..1; (.. -1 1)",
                "0.5..1e-3; (.. 0.5 1e-3)",
                "- - a; (- (- a))",
                "--1; (- -1)",
                "-0; (- 0)",
                "-0.0; -0.0",
                "a - -1; (- a -1)",
                "a -1; (- a 1)",
                "!a && !b; (&& (! a) (! b))",
                "-x.shape[1]; (- x.shape#1)",
                "-1[0]; (- 1#0)",
                "(a + b) * c; (* [(+ a b)] c)",
                "a + b |> f |> g; (|> (+ a b) 2)",
                "a + b @float; (@ (+ a b))",
                "a @float |> f; (|> (@ a) 1)",
                "weights + input; (+ weights input)",
            })
    void bindsOperatorsByPrecedence(String text, String expected) {
        assertThat(prefix(expr(text))).isEqualTo(expected);
    }

    @Test
    void keepsTheSpellingOfNumbers() {
        assertThat(expr("-1.50e+3")).isInstanceOfSatisfying(Expr.FloatLit.class, f -> {
            assertThat(f.text()).isEqualTo("-1.50e+3");
            assertThat(f.value()).isEqualTo(-1500.0);
        });
        assertThat(expr("-9223372036854775808"))
                .isInstanceOfSatisfying(
                        Expr.IntLit.class, i -> assertThat(i.value()).isEqualTo(Long.MIN_VALUE));
    }

    @Test
    void readsEscapesAndInterpolations() {
        Expr.StringLit s = (Expr.StringLit) expr("\"a\\n\\u00e9{{{i + 1}}}\\\\\"");
        assertThat(Trees.show(s))
                .isEqualTo("StringLit([Text(a\né{), Interpolation(Binary(ADD, Ref(i), IntLit(1))), Text(}\\)])");
        Span i = ((Expr.Binary) ((Expr.StringLit.Interpolation) s.parts().get(1)).value())
                .left()
                .span();
        assertThat(i.file().text().substring(i.start(), i.end())).isEqualTo("i");
        assertThat(s.isPlain()).isFalse();
    }

    @Test
    void annotationsBelongToTheStageBeforeThem() {
        Expr.Pipe pipe =
                (Expr.Pipe) expr("x |> conv2d(16) @weights(i4, per_group(32)) |> relu @activations(u4) @float");
        assertThat(pipe.stages().get(0).annotations()).hasSize(1);
        assertThat(pipe.stages().get(1).annotations()).hasSize(2);
        Optional<Item> item = Item.from(
                pipe.stages().get(0).annotations().getFirst().arguments().get(1).value());
        assertThat(Trees.show(item.orElseThrow())).isEqualTo("Item(Name(per_group), [Argument(null, IntLit(32))])");
    }

    @Test
    void needsNoLineBreaks() {
        for (String text : Samples.ALL) {
            String oneLine = text.replace("\n", " ");
            assertThat(Trees.show(Trees.parse(oneLine))).isEqualTo(Trees.show(Trees.parse(text)));
        }
    }

    @Test
    void wordsOfEntriesAndStatementsAreNamesElsewhere() {
        Ast.File file = Trees.parse("""
                qnet 1
                model m(input: f32[N]) -> f32[N] {
                  input input u8
                  weights = dense(input, 10, bias: false)
                  labels, parameters = split(weights)
                  return labels
                }
                """);
        Decl.Model model = (Decl.Model) file.declarations().getFirst();
        assertThat(model.body()).hasSize(4);
        assertThat(model.body().get(2)).isInstanceOf(Stmt.Assign.class);
    }

    @Test
    void spansCoverWhatTheyName() {
        Ast.File file = Trees.parse(Samples.RESNET);
        Decl.Model model = (Decl.Model) file.declarations().getLast();
        Stmt.Assign last = (Stmt.Assign) model.body().get(5);
        assertThat(text(last.span()))
                .isEqualTo("h = residual(h, 32, stride: 2) @activations(u4, pact(alpha: 6.0)) @float");
        Expr.Annotated annotated = (Expr.Annotated) last.value();
        assertThat(text(annotated.operand().span())).isEqualTo("residual(h, 32, stride: 2)");
        assertThat(text(annotated.annotations().getFirst().span())).isEqualTo("@activations(u4, pact(alpha: 6.0))");
        assertThat(text(model.results().getFirst().type().span())).isEqualTo("f32[N, 10]");
    }

    @Test
    void readsAVeryLongPipe() {
        Expr e = expr("x" + " |> relu".repeat(10_000));
        assertThat(((Expr.Pipe) e).stages()).hasSize(10_000);
    }

    private static String text(Span span) {
        return span.file().text().substring(span.start(), span.end());
    }
}

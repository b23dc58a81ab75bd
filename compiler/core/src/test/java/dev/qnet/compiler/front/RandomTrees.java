package dev.qnet.compiler.front;

import dev.qnet.compiler.front.ast.Annotation;
import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.front.ast.Branch;
import dev.qnet.compiler.front.ast.Const;
import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.front.ast.Name;
import dev.qnet.compiler.front.ast.Param;
import dev.qnet.compiler.front.ast.Result;
import dev.qnet.compiler.front.ast.SchemeEntry;
import dev.qnet.compiler.front.ast.Stmt;
import dev.qnet.compiler.front.ast.TypeRef;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Trees of every shape that the parser can give, built by code: no spans, no parentheses. */
final class RandomTrees {
    private static final Span NONE = Span.NONE;
    private static final String[] WORDS = {
        "x",
        "h",
        "image",
        "conv2d",
        "relu",
        "a_rather_long_name_of_a_value",
        "_",
        "i8",
        "per_group",
        "weights",
        "input",
        "bias",
        "labels",
        "state",
        "next",
        "qnet",
        "kernel"
    };
    private static final String[] PLAIN = {"x", "u8", "symmetric", "per_channel", "range", "a_rather_long_item"};
    private static final String[] FLOATS = {"0.5", "1e-3", "99.99", "-6.0", "1.50E+10", "-0.0"};
    private static final String[] TEXTS = {
        "a", "conv2d_", "{", "}", "\"", "\\", "\n", "é\uD83D\uDE00", "//", "/*", "\u0001"
    };

    private final Random random;

    RandomTrees(Random random) {
        this.random = random;
    }

    Ast.File file() {
        return new Ast.File(SourceFile.NONE, 1, some(0, 5, this::declaration), NONE);
    }

    private Decl declaration() {
        return switch (random.nextInt(6)) {
            case 0 -> new Decl.Include(plainString(), NONE);
            case 1 -> new Decl.Scheme(name(), maybe(this::name), some(0, 4, this::schemeEntry), NONE);
            case 2 -> new Decl.Block(name(), some(0, 5, () -> param(true)), body(2), NONE);
            case 3 -> {
                boolean one = random.nextBoolean();
                yield new Decl.Model(
                        name(),
                        some(0, 4, () -> param(false)),
                        one
                                ? List.of(new Result(maybe(this::name), type(), some(0, 1, this::annotation), NONE))
                                : some(2, 3, () -> new Result(name(), type(), some(0, 1, this::annotation), NONE)),
                        maybe(this::name),
                        body(2),
                        NONE);
            }
            case 4 -> constant();
            default -> new Decl.Calibration(name(), some(0, 3, this::calibrated), NONE);
        };
    }

    private SchemeEntry schemeEntry() {
        SchemeEntry.Role role = pick(SchemeEntry.Role.values());
        return new SchemeEntry(role, NONE, some(1, role == SchemeEntry.Role.ROUNDING ? 1 : 8, () -> item(PLAIN)), NONE);
    }

    private Decl.Calibration.Entry calibrated() {
        String path = random.nextBoolean() ? "block_1.conv2d_2.weights" : "odd \"{name}\"";
        return new Decl.Calibration.Entry(new Name(path, NONE), some(1, 6, () -> item(PLAIN)), NONE);
    }

    private Item item(String[] words) {
        return new Item(new Name(pick(words), NONE), maybeArguments(2), NONE);
    }

    private Param param(boolean block) {
        TypeRef type = block ? maybe(this::type) : type();
        Expr standard = block ? maybe(() -> expr(2)) : null;
        return new Param(name(), type, standard, standard == null ? some(0, 1, this::annotation) : List.of(), NONE);
    }

    private TypeRef type() {
        return new TypeRef(
                new Name(random.nextBoolean() ? "f32" : "int", NONE),
                maybe(() -> some(0, 4, () -> expr(1))),
                some(0, 2, () -> item(PLAIN)),
                NONE);
    }

    private Const constant() {
        return new Const(name(), maybe(this::type), expr(3), NONE);
    }

    // ---- statements

    private List<Stmt> body(int depth) {
        return some(0, 4, () -> statement(depth));
    }

    private Stmt statement(int depth) {
        return switch (random.nextInt(depth > 0 ? 11 : 9)) {
            case 0 -> constant();
            case 1 -> new Stmt.Parameters(string(), NONE);
            case 2 -> new Stmt.Input(name(), some(0, 3, () -> item(PLAIN)), NONE);
            case 3 -> new Stmt.Labels(expr(2), NONE);
            case 4 -> new Stmt.Assign(some(1, 3, this::name), expr(4), NONE);
            case 5 -> new Stmt.Return(arguments(1, 3), NONE);
            case 6 -> new Stmt.State(name(), type(), NONE);
            case 7 -> new Stmt.Next(name(), expr(2), NONE);
            case 8 ->
                new Stmt.Typed(
                        name(),
                        type(),
                        new Name(random.nextBoolean() ? "relu" : "int.conv2d", NONE),
                        arguments(0, 4),
                        some(0, 2, this::annotation),
                        NONE);
            case 9 -> new Stmt.Repeat(name(), expr(2), body(depth - 1), NONE);
            default ->
                new Stmt.If(
                        some(1, 3, () -> new Branch.OfStmts(expr(2), body(depth - 1), NONE)),
                        maybe(() -> body(depth - 1)),
                        NONE);
        };
    }

    // ---- expressions

    private Expr expr(int depth) {
        if (depth == 0) {
            return leaf();
        }
        Supplier<Expr> inner = () -> expr(random.nextInt(depth));
        return switch (random.nextInt(15)) {
            case 0, 1 -> new Expr.Pipe(inner.get(), some(1, 5, this::stage), NONE);
            case 2, 3 -> new Expr.Call(name(), arguments(0, 5), NONE);
            case 4 -> new Expr.Annotated(inner.get(), some(1, 3, this::annotation), NONE);
            case 5 -> new Expr.Unary(pick(Expr.UnaryOp.values()), inner.get(), NONE);
            case 6, 7, 8 -> new Expr.Binary(pick(Expr.BinaryOp.values()), inner.get(), inner.get(), NONE, NONE);
            case 9 -> new Expr.Range(inner.get(), inner.get(), NONE);
            case 10 ->
                new Expr.If(some(1, 2, () -> new Branch.OfExpr(inner.get(), inner.get(), NONE)), inner.get(), NONE);
            case 11 -> new Expr.Attribute(inner.get(), name(), NONE);
            case 12 -> new Expr.Index(inner.get(), some(1, 2, inner), NONE);
            case 13 -> new Expr.ListLit(some(0, 6, inner), NONE);
            default -> leaf();
        };
    }

    private Expr leaf() {
        return switch (random.nextInt(6)) {
            case 0 -> new Expr.IntLit(random.nextBoolean() ? random.nextInt(-9, 300) : random.nextLong(), NONE);
            case 1 -> {
                String text = pick(FLOATS);
                yield new Expr.FloatLit(text, Double.parseDouble(text), NONE);
            }
            case 2 -> new Expr.BoolLit(random.nextBoolean(), NONE);
            case 3 -> string();
            case 4 -> new Expr.ListLit(some(0, 30, () -> new Expr.IntLit(random.nextInt(-99, 99), NONE)), NONE);
            default -> new Expr.Ref(pick(WORDS), NONE);
        };
    }

    private Expr.Pipe.Stage stage() {
        return new Expr.Pipe.Stage(name(), maybeArguments(2), some(0, 2, this::annotation), NONE);
    }

    private Annotation annotation() {
        return new Annotation(name(), maybeArguments(2), NONE);
    }

    private List<Argument> maybeArguments(int most) {
        return random.nextBoolean() ? List.of() : arguments(0, most);
    }

    /** By position first, and then with names that differ. */
    private List<Argument> arguments(int least, int most) {
        List<Argument> arguments = new ArrayList<>();
        int count = random.nextInt(least, most + 1);
        int positional = random.nextInt(count + 1);
        for (int i = 0; i < count; i++) {
            Name name = i < positional ? null : new Name("option_" + i, NONE);
            arguments.add(new Argument(name, expr(random.nextInt(3)), NONE));
        }
        return arguments;
    }

    private Expr.StringLit plainString() {
        return new Expr.StringLit(List.of(new Expr.StringLit.Text(text())), NONE);
    }

    private Expr.StringLit string() {
        List<Expr.StringLit.Part> parts = new ArrayList<>();
        for (int i = random.nextInt(4); i > 0; i--) {
            boolean afterText = !parts.isEmpty() && parts.getLast() instanceof Expr.StringLit.Text;
            parts.add(
                    afterText || random.nextBoolean()
                            ? new Expr.StringLit.Interpolation(new Expr.Binary(
                                    Expr.BinaryOp.ADD, new Expr.Ref("i", NONE), new Expr.IntLit(1, NONE), NONE, NONE))
                            : new Expr.StringLit.Text(text()));
        }
        return new Expr.StringLit(parts, NONE);
    }

    private String text() {
        return pick(TEXTS) + pick(TEXTS);
    }

    private Name name() {
        return new Name(pick(WORDS), NONE);
    }

    private <T> T pick(T[] from) {
        return from[random.nextInt(from.length)];
    }

    private <T> @Nullable T maybe(Supplier<T> make) {
        return random.nextBoolean() ? make.get() : null;
    }

    private <T> List<T> some(int least, int most, Supplier<T> make) {
        List<T> list = new ArrayList<>();
        for (int n = random.nextInt(least, most + 1); n > 0; n--) {
            list.add(make.get());
        }
        return list;
    }
}

package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.front.Includes;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.SourceFile;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Sources that ask for too much: each ends in a clear error, or in a graph. */
class HostileSourceTest {
    private static BoundModel bind(String text) {
        return Binder.bind(Includes.load(new SourceFile("hostile.qnet", text), Path.of("hostile.qnet")), null);
    }

    private static void rejects(String text, String message) {
        assertThatThrownBy(() -> bind(text))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining(message);
    }

    private static String model(String body) {
        return "qnet 1\nmodel m(x: f32[N, 4]) -> f32[N, 4] {\n" + body + "\n}\n";
    }

    @Test
    void tenThousandLayersBind() {
        BoundModel m =
                bind(model("h = x\nrepeat i in 0..10000 { h = h |> dense(4, weight: fill([4, 4], 0.5), bias: false)"
                        + " |> relu }\nreturn h"));
        assertThat(m.graph().nodes()).hasSize(30_000);
        Verifier.verify(m.graph());
    }

    @Test
    void endlessWorkIsCutShort() {
        rejects(model("repeat i in 0..1000000 { repeat j in 0..1000000 { a = i * j } }\nreturn x"), "steps");
        rejects(model("h = x\nrepeat i in 0..500000 { h = relu(h) }\nreturn h"), "at most 200000 operations");
        rejects(model("repeat i in 0..9223372036854775807 { a = i }\nreturn x"), "turns");
        rejects(model("repeat i in -9223372036854775807..9223372036854775807 { a = i }\nreturn x"), "turns");
    }

    @Test
    void blocksThatDoubleAreCutShort() {
        String blocks = IntStream.range(0, 40)
                .mapToObj(i -> "block b" + i + "(x) { return b" + (i + 1) + "(b" + (i + 1) + "(x)) }")
                .collect(Collectors.joining("\n"));
        rejects(
                "qnet 1\n" + blocks + "\nblock b40(x) { return relu(x) }\n"
                        + model("return b0(x)").substring(7),
                "200000");
    }

    @Test
    void blocksThatNestDeeplyAreRejected() {
        String blocks = IntStream.range(0, 5000)
                .mapToObj(i -> "block b" + i + "(x) { return ((((b" + (i + 1) + "(((x))))))) }")
                .collect(Collectors.joining("\n"));
        rejects(
                "qnet 1\n" + blocks + "\nblock b5000(x) { return x }\n"
                        + model("return b0(x)").substring(7),
                "64 levels");
    }

    @Test
    void deepExpressionsInDeepBlocksDoNotOverflowTheStack() throws InterruptedException {
        String deep = "(".repeat(90);
        String end = ")".repeat(90);
        String blocks = IntStream.range(0, 60)
                .mapToObj(i -> "block b" + i + "(x) { return " + deep + "b" + (i + 1) + "(x)" + end + " }")
                .collect(Collectors.joining("\n"));
        String text = "qnet 1\n" + blocks + "\nblock b60(x) { return x }\n"
                + model("return b0(x)").substring(7);
        // A thread with a small stack, as a service may have.
        Throwable[] thrown = new Throwable[1];
        Thread t = new Thread(null, () -> bind(text), "small", 1L << 20);
        t.setUncaughtExceptionHandler((thread, e) -> thrown[0] = e);
        t.start();
        t.join();
        assertThat(thrown[0]).isInstanceOf(CompileException.class).hasMessageContaining("levels deep");
    }

    @Test
    void schemesMayExtendOneAnotherAtLength() {
        String schemes = IntStream.range(0, 5000)
                .mapToObj(i -> "scheme s" + i + " extends s" + (i + 1) + " { weights i4 }")
                .collect(Collectors.joining("\n"));
        assertThat(bind("qnet 1\n" + schemes + "\nscheme s5000 { weights i8 }\n"
                                + "model m(x: f32[N, 4]) -> f32[N, 4] quantized s0 { return relu(x) }")
                        .graph()
                        .policy())
                .isNotNull();
    }

    @Test
    void growingValuesAreLimited() {
        rejects(model("s = \"ab\"\nrepeat i in 0..100 { s = \"{s}{s}\" }\nreturn x"), "characters");
        rejects(model("l = [1, 2]\nrepeat i in 0..100 { l = [l, l] }\nreturn x"), "elements");
        rejects(model("w = fill([1000, 1000], 1)\nrepeat i in 0..1000 { v = w * 2 }\nreturn x"), "all told");
        rejects(model("w = fill([30000, 30000], 1)\nreturn x"), "at most");
    }

    @Test
    void hugeShapesAreRejected() {
        rejects("qnet 1\nmodel m(x: f32[N, 99999999999]) -> f32[N, 4] { return x }", "dimension");
        rejects("qnet 1\nmodel m(x: f32[N, 65536, 65536]) -> f32[N, 4] { return x }", "at most");
        rejects("qnet 1\nmodel m(x: f32[1, 1, 1, 1, 1, 1, 1, 1, 1]) -> f32[N, 4] { return x }", "dimensions");
        rejects(model("return x |> reshape([N, 2, 2, 1]) |> resize_nearest(scale: 268435456) |> flatten"), "large");
        rejects(
                model("return x |> reshape([N, 2, 2, 1]) |> max_pool(268435456, padding: 268435455) |> flatten"),
                "at most 4096");
        rejects(model("return x |> reshape([N, 2, 2, 1]) |> conv2d(268435456, kernel: 1024) |> flatten"), "at most");
    }

    @Test
    void aCalibratedValueHasAName() {
        rejects(model("return x") + "calibration m { \"\": range(0, 1) }", "empty name");
    }

    @Test
    void errorsInRepeatsAreToldOnce() {
        assertThatThrownBy(() -> bind(model("repeat i in 0..10000 { h = rellu(x) }\nreturn x")))
                .isInstanceOfSatisfying(
                        CompileException.class, e -> assertThat(e.diagnostics()).hasSize(1));
    }
}

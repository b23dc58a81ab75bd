package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import org.junit.jupiter.api.Test;

class LimitsTest {
    private static void refused(String text, String code) {
        assertThatThrownBy(() -> Trees.parse(text))
                .isInstanceOfSatisfying(
                        CompileException.class,
                        e -> assertThat(e.diagnostics())
                                .extracting(Diagnostic::code)
                                .containsExactly(code));
    }

    @Test
    void refusesMoreTextThanAllowed() {
        assertThat(Trees.parse("qnet 1" + " ".repeat(Parser.MAX_CHARS - 6)).declarations())
                .isEmpty();
        refused("qnet 1" + " ".repeat(Parser.MAX_CHARS - 5), "too-large");
    }

    @Test
    void refusesMoreTokensThanAllowed() {
        refused("qnet 1 const a = [" + "1,".repeat(Parser.MAX_TOKENS / 2) + "]", "too-large");
    }

    @Test
    void stopsAfterTwentyErrors() {
        assertThatThrownBy(() -> Trees.parse("qnet 1 " + "const a = ) \n".repeat(1000)))
                .isInstanceOfSatisfying(
                        CompileException.class, e -> assertThat(e.diagnostics()).hasSize(20));
    }
}

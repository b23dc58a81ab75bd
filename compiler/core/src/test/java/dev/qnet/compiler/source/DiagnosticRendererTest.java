package dev.qnet.compiler.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class DiagnosticRendererTest {
    private static String render(String text, int from, int to) {
        Span span = new Span(new SourceFile("a.qnet", text), from, to);
        return DiagnosticRenderer.plain()
                .render(Diagnostic.error("code", span, "message").labelled("label"));
    }

    @Test
    void showsEveryPart() {
        SourceFile file = new SourceFile("a.qnet", "one\ntwo three\nfour\n");
        Diagnostic d = Diagnostic.warning("unused-codes", new Span(file, 8, 13), "half the codes are never used")
                .labelled("range is 0 to 6")
                .withNote(new Span(file, 0, 3), "measured here")
                .withNote("calibrated on 10 images")
                .withFix("narrow the range");
        assertThat(DiagnosticRenderer.plain().render(d)).isEqualTo("""
                warning[unused-codes]: half the codes are never used
                 --> a.qnet:2:5
                  |
                2 | two three
                  |     ^^^^^ range is 0 to 6
                note: measured here
                 --> a.qnet:1:1
                  |
                1 | one
                  | ^^^
                note: calibrated on 10 images
                fix: narrow the range
                """);
    }

    @Test
    void alignsTheBarWithTheWidestNumber() {
        assertThat(render("\n".repeat(99) + "x = 1", 99, 100)).isEqualTo("""
                error[code]: message
                   --> a.qnet:100:1
                    |
                100 | x = 1
                    | ^ label
                """);
    }

    @Test
    void putsCaretsUnderTabsAndWideCharacters() {
        assertThat(render("\tx = \"日本\" + y\n", 12, 13)).isEqualTo("""
                error[code]: message
                 --> a.qnet:1:13
                  |
                1 |     x = "日本" + y
                  |                  ^ label
                """);
        // A combining accent takes no column, a character beyond the first 65,536 is one.
        assertThat(render("e\u0301 \uD835\uDC31 y", 6, 7))
                .endsWith("  |     ^ label\n")
                .contains("a.qnet:1:6");
    }

    @Test
    void showsBothEndsOfASpanOverSeveralLines() {
        String text = "a = f(\n  b,\n  c\n)\n";
        assertThat(render(text, 4, 17)).isEqualTo("""
                error[code]: message
                 --> a.qnet:1:5
                  |
                1 | a = f(
                  |     ^^
                ...
                4 | )
                  | ^ label
                """);
        assertThat(render("ab\n  cd\n", 1, 7)).isEqualTo("""
                error[code]: message
                 --> a.qnet:1:2
                  |
                1 | ab
                  |  ^
                2 |   cd
                  |   ^^ label
                """);
    }

    @Test
    void aSpanThatEndsWithItsLineStaysOnIt() {
        assertThat(render("ab\ncd\n", 1, 3)).endsWith("1 | ab\n  |  ^ label\n");
    }

    @Test
    void marksAnEmptySpanAndTheEndOfTheFile() {
        assertThat(render("ab", 2, 2)).endsWith("1 | ab\n  |   ^ label\n");
        assertThat(render("ab\n", 3, 3)).endsWith("a.qnet:2:1\n  |\n2 |\n  | ^ label\n");
        assertThat(render("", 0, 0)).endsWith("a.qnet:1:1\n  |\n1 |\n  | ^ label\n");
    }

    @Test
    void showsAWindowOfAVeryLongLine() {
        String text = "x".repeat(100_000) + "HERE" + "y".repeat(100_000);
        String line = "1 | ..." + "x".repeat(40) + "HERE" + "y".repeat(56) + "...\n";
        assertThat(render(text, 100_000, 100_004))
                .contains("a.qnet:1:100001", line)
                .endsWith("  | " + " ".repeat(43) + "^^^^ label\n");
        assertThat(render(text, 0, 200_000).lines()).allMatch(l -> l.length() < 120);
    }

    @Test
    void keepsControlCharactersFromTheTerminal() {
        String text = "a\u001b[31mb\r\0\n";
        Diagnostic d = Diagnostic.error("code", new Span(new SourceFile("\u001bname", text), 0, 1), "bad \u001b[2J")
                .withFix("no \u0007 bell");
        String out = DiagnosticRenderer.plain().render(d);
        assertThat(out).doesNotContain("\u001b", "\u0007", "\0").contains("bad \u2426[2J", "a\u2426[31mb");
    }

    @Test
    void coloursOnlyWhatItIsAskedTo() {
        Diagnostic d = Diagnostic.error("code", new Span(new SourceFile("a", "x"), 0, 1), "message");
        String coloured = DiagnosticRenderer.coloured().render(d);
        assertThat(coloured).startsWith("\u001b[1;31merror[code]\u001b[0m");
        assertThat(coloured.replaceAll("\u001b\\[[0-9;]*m", ""))
                .isEqualTo(DiagnosticRenderer.plain().render(d));
    }

    @Test
    void showsWhatHasNoPlace() {
        assertThat(DiagnosticRenderer.plain().render(Diagnostic.error("code", Span.NONE, "message")))
                .isEqualTo("error[code]: message\n");
    }

    @Test
    void separatesSeveralAndCountsThem() {
        Diagnostic e = Diagnostic.error("e", Span.NONE, "one");
        Diagnostic w = Diagnostic.warning("w", Span.NONE, "two");
        assertThat(DiagnosticRenderer.plain().render(List.of(e, w))).isEqualTo("error[e]: one\n\nwarning[w]: two\n");
        assertThat(DiagnosticRenderer.summary(List.of(e, w, w))).isEqualTo("1 error, 2 warnings");
        assertThat(DiagnosticRenderer.summary(List.of(w))).isEqualTo("1 warning");
        assertThat(DiagnosticRenderer.summary(List.of())).isEmpty();
    }
}

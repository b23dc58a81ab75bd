package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.DiagnosticRenderer;
import dev.qnet.compiler.source.SourceFile;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** No text whatever gets more out of the front end than diagnostics. */
class ParserFuzzTest {
    private static final Pattern TOKEN = Pattern.compile("\\w+|\"[^\"]*\"|\\s+|.");
    private static final String NASTY = "(){}[]\"\\/*.,:@|>=-+!'#;\n\t\0\u2028é\uD83D\u001b";

    /** Parses, renders what is wrong, and formats what is right. */
    private static void check(String text) {
        SourceFile source = new SourceFile("fuzz.qnet", text);
        try {
            Parser.parse(source);
        } catch (CompileException e) {
            assertThat(e.diagnostics()).isNotEmpty();
            for (Diagnostic d : e.diagnostics()) {
                assertThat(d.span().end()).isLessThanOrEqualTo(text.length());
                assertThat(DiagnosticRenderer.plain().render(d))
                        .contains(d.code())
                        .doesNotContain("\u001b");
            }
            return;
        }
        String once = Formatter.format(source);
        assertThat(Formatter.format(new SourceFile("once.qnet", once))).isEqualTo(once);
    }

    @Test
    void truncatedSources() {
        for (String text : Samples.ALL) {
            for (int i = 0; i <= text.length(); i++) {
                check(text.substring(0, i));
            }
        }
    }

    @Property(tries = 400)
    void changedCharacters(@ForAll long seed) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder(Samples.ALL.get(random.nextInt(Samples.ALL.size())));
        for (int n = random.nextInt(1, 6); n > 0; n--) {
            int at = 7 + random.nextInt(text.length() - 7);
            char c = NASTY.charAt(random.nextInt(NASTY.length()));
            switch (random.nextInt(3)) {
                case 0 -> text.setCharAt(at, c);
                case 1 -> text.insert(at, c);
                default -> text.deleteCharAt(at);
            }
        }
        check(text.toString());
    }

    @Property(tries = 400)
    void shuffledTokens(@ForAll long seed) {
        Random random = new Random(seed);
        List<String> tokens =
                new java.util.ArrayList<>(TOKEN.matcher(Samples.ALL.get(random.nextInt(Samples.ALL.size())))
                        .results()
                        .map(MatchResult::group)
                        .toList());
        for (int n = random.nextInt(1, 8); n > 0; n--) {
            int at = 3 + random.nextInt(tokens.size() - 3);
            int other = 3 + random.nextInt(tokens.size() - 3);
            switch (random.nextInt(4)) {
                case 0 -> tokens.set(at, tokens.get(other));
                case 1 -> tokens.add(at, tokens.get(other));
                case 2 -> tokens.remove(at);
                default ->
                    tokens.subList(Math.min(at, other), Math.min(tokens.size(), Math.min(at, other) + 5))
                            .clear();
            }
        }
        check(String.join("", tokens));
    }

    /** Each would overflow the stack, or take minutes, in a parser without limits. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            nullValues = "none",
            value = {
                "const a = ; (; ; too-deep",
                "const a = ; [; ; too-deep",
                "const a = ; f(; ; too-deep",
                "const a = ; (); ; syntax",
                "const a = ; f()(; ; syntax",
                "const a = ; {; ; syntax",
                "const a = ; -; 1; too-deep",
                "const a = ; !; 1; too-deep",
                "const a = 1; +1; ; too-deep",
                "const a = 1; ==1; ; too-deep",
                "const a = 1; ..1; ; too-deep",
                "const a = x; .y; ; too-deep",
                "const a = x; [0]; ; too-deep",
                "const a = 1; |> f(1; ; too-deep",
                "const a = if x { 1 } ; else if x { 1 } ; else { 2 }; none",
                "const a = ; if x { ; ; too-deep",
                "const a = x; @a; ; none",
                "block b() {; if x {; ; too-deep",
                "block b() {; repeat i in x {; ; too-deep",
                "block b() { if x {} ; else if x {} ; }; none",
                "scheme s {; weights i8 ; }; none",
                "; const a = \"{\"; ; bad-interpolation",
                "; }; ; syntax",
                "; #; ; bad-character",
                "; /*; ; unterminated-comment",
                "; \"; ; syntax",
                "; (((((((((]; ; syntax",
                "model m(x: f32[; [; ; too-deep",
            })
    void repeatedPieces(String head, String piece, String tail, String code) {
        String text = "qnet 1 " + (head == null ? "" : head) + " " + piece.repeat(20_000) + (tail == null ? "" : tail);
        try {
            Parser.parse(new SourceFile("deep.qnet", text));
            assertThat(code).isNull();
        } catch (CompileException e) {
            assertThat(e.diagnostics()).extracting(Diagnostic::code).contains(code);
        }
    }

    /** The deepest trees that are let through can be walked with an ordinary stack. */
    @Test
    void deepestTrees() {
        int nesting = Parser.MAX_NESTING - 1;
        check("qnet 1 const a = " + "(".repeat(nesting) + "1" + ")".repeat(nesting));
        check("qnet 1 const a = " + "f(1 + x[".repeat(nesting / 2) + "1" + "])".repeat(nesting / 2));
        check("qnet 1 const a = 1" + " + 1".repeat(Parser.MAX_DEPTH - 1));
        check("qnet 1 const a = " + "-".repeat(Parser.MAX_DEPTH - 1) + "x");
        check("qnet 1 block b() { " + "if x { ".repeat(nesting - 1) + "}".repeat(nesting));
    }
}

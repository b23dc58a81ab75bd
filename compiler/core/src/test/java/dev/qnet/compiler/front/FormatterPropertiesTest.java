package dev.qnet.compiler.front;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.front.ast.Ast;
import dev.qnet.compiler.source.SourceFile;
import dev.qnet.compiler.source.Span;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class FormatterPropertiesTest {
    /** None begins with a slash, which after a division would make another token. */
    private static final List<String> NOISE = List.of(
            " ",
            " ",
            "\n",
            "\n\n\n",
            "\t",
            " // note\n",
            "  // note  \n",
            " /* b */",
            " /* b */ /* c */",
            "\n/* b */ ",
            " /* two\n  lines */",
            "\n/*\n * star\n  * star */\n");

    private static SourceFile source(String text) {
        return new SourceFile("test.qnet", text);
    }

    /** Same tree, same comments, and nothing left to do for a second run. */
    private static void checkFormat(String text) {
        Parser.Parsed before = Parser.read(source(text));
        String once = Formatter.format(source(text));
        Parser.Parsed after = Parser.read(source(once));
        assertThat(Trees.show(after.file())).isEqualTo(Trees.show(before.file()));
        assertThat(words(after.comments())).containsExactlyInAnyOrderElementsOf(words(before.comments()));
        assertThat(Formatter.format(source(once))).isEqualTo(once);
        assertThat(once)
                .doesNotContainPattern("[ \\t]\\n")
                .doesNotContain("\n\n\n")
                .endsWith("\n");
    }

    /** What comments say, whatever their indentation. */
    private static List<String> words(List<Comment> comments) {
        return comments.stream()
                .map(c -> c.text().replaceAll("\\s+", " ").strip())
                .toList();
    }

    @Property(tries = 300)
    void printedTreesReadBack(@ForAll long seed) {
        Ast.File file = new RandomTrees(new Random(seed)).file();
        String text = Formatter.print(file);
        assertThat(Trees.showMeaning(Trees.parse(text))).isEqualTo(Trees.showMeaning(file));
        assertThat(Formatter.format(source(text))).isEqualTo(text);
    }

    /** Other spaces, other line breaks and comments in the oddest places, between any two tokens. */
    @Property(tries = 300)
    void anyLayoutFormats(@ForAll long seed) {
        checkLayout(seed);
    }

    /** Comments between an annotation and its arguments, in which lines break otherwise the second time. */
    @Test
    void whatBreaksOtherwiseTheSecondTimeFormats() {
        checkLayout(219038);
    }

    private static void checkLayout(long seed) {
        Random random = new Random(seed);
        String text = random.nextInt(3) == 0
                ? Samples.ALL.get(random.nextInt(Samples.ALL.size()))
                : Formatter.print(new RandomTrees(random).file());
        int noise = random.nextInt(1, 40);
        StringBuilder noisy = new StringBuilder();
        for (Span token : Parser.read(source(text)).tokens()) {
            noisy.append(text, token.start(), token.end());
            noisy.append(random.nextInt(noise) == 0 ? NOISE.get(random.nextInt(NOISE.size())) : "");
            noisy.append(random.nextInt(noise) == 0 ? NOISE.get(random.nextInt(NOISE.size())) : " ");
        }
        checkFormat(noisy.toString());
    }
}

package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * docs/operations.md says what the table of operations says. With {@code -Dqnet.golden.rewrite=true} it is written anew
 * between its marks.
 */
class OperationsReferenceTest {
    private static final String BEGIN =
            "<!-- The rest is written from the binder's table by OperationsReferenceTest. -->\n";

    @Test
    void theReferenceIsComplete() throws IOException {
        Path file = Path.of(System.getProperty("qnet.root", ".")).resolve("docs/operations.md");
        String text = Files.readString(file);
        String head = text.substring(0, text.indexOf(BEGIN) + BEGIN.length());
        String expected = head + reference();
        if (Boolean.getBoolean("qnet.golden.rewrite")) {
            Files.writeString(file, expected);
        } else {
            assertThat(text).isEqualTo(expected);
        }
    }

    private static String reference() {
        StringBuilder s = new StringBuilder();
        for (Operation o : Operations.all()) {
            s.append("\n## ")
                    .append(o.name())
                    .append("\n\n`")
                    .append(o.signature())
                    .append("`\n\n");
            s.append(o.summary()).append("\n\n");
            s.append("| argument | what it may be | left out | meaning |\n|---|---|---|---|\n");
            for (Operation.Parameter p : o.parameters()) {
                s.append("| `")
                        .append(p.name())
                        .append("` | ")
                        .append(p.kind().text())
                        .append(" | ");
                s.append(p.required() ? "must be given" : p.standard()).append(" | ");
                s.append(p.meaning()).append(" |\n");
            }
        }
        return s.toString();
    }
}

package dev.qnet.compiler.front.bind;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.Attr;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.quant.Rescales;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
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
        return s.append(typed()).toString();
    }

    /** The operations of typed statements. */
    private static String typed() {
        StringBuilder s = new StringBuilder("""

                # Typed statements

                The operations of the intermediate representation, as typed statements write them: `NAME: TYPE = OPERATION(…)`. Operands
                that may be left out have a `?`, and so have attributes. docs/language.md explains the statement; docs/numerics.md what
                the integer operations compute.

                | operation | attributes, by example |
                |---|---|
                """);
        for (OpText.Form f : OpText.forms().values()) {
            String attributes = OpText.of(f.example()).attributes().entrySet().stream()
                    .map(e -> "`" + e.getKey() + ": " + value(f, e.getKey(), e.getValue()) + "`"
                            + (f.optional().contains(e.getKey()) ? "?" : ""))
                    .collect(Collectors.joining(", "));
            s.append("| `")
                    .append(f.mnemonic())
                    .append('(')
                    .append(f.operands())
                    .append(")` | ");
            s.append(attributes).append(attributes.isEmpty() ? "|\n" : " |\n");
        }
        return s.toString();
    }

    private static String value(OpText.Form f, String attribute, Attr value) {
        if (attribute.equals(Rescales.attribute(f.mnemonic()))) {
            return "tflite";
        }
        String text = value instanceof Attr.OfQuant ? "quant(u8, scale(0.5), zero(3))" : value.toString();
        return value instanceof Attr.Items && text.length() > 70 ? text.substring(0, 7) + " …]" : text;
    }
}

package dev.qnet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.cli.demo.Drawn;
import dev.qnet.cli.image.Images;
import dev.qnet.runtime.io.Npz;
import dev.qnet.training.data.DrawnDigits;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Digits are drawn, learned and read. */
class DigitsTest extends InProcess {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("qnet.root", "../..")).resolve("examples/digits");

    @Test
    void drawsArraysAndPictures() throws IOException {
        assertThat(qnet("digits", "-o", folder.resolve("a.npz"), "--items", "30", "--seed", "7"))
                .isZero();
        DrawnDigits digits = new DrawnDigits(7);
        int[] labels = digits.labels(30);
        try (Npz npz = Npz.open(folder.resolve("a.npz"))) {
            assertThat(npz.read("x").shape()).containsExactly(30, 28, 28, 1);
            assertThat(npz.read("y").ints()).isEqualTo(labels);
            assertThat(Arrays.copyOf(npz.read("x").bytes(), 784)).isEqualTo(digits.draw(labels[0]));
        }
        assertThat(qnet("digits", "-o", folder.resolve("a.png"), "--items", "11", "--seed", "7"))
                .isZero();
        Drawn drawn = Drawn.of(11, 7);
        assertThat(out).contains(drawn.text());
        byte[] cut = Drawn.cut(Images.read(folder.resolve("a.png")));
        assertThat(cut).hasSize(16 * 784);
        assertThat(Arrays.copyOf(cut, 11 * 784)).isEqualTo(drawn.items());

        assertThat(qnet("digits", "-o", folder.resolve("a.txt"))).isEqualTo(ExitCode.INPUT);
        assertThat(err).contains("written as .npz or .png");
        assertThat(qnet("digits", "-o", folder.resolve("a.npz"), "--items", "0"))
                .isEqualTo(ExitCode.INPUT);
    }

    /** What the example's README says, within what another machine may round otherwise. */
    @Test
    void trainedNetworksOfTheExampleReadDigits() throws IOException {
        StringWriter o = new StringWriter();
        Console console = new Console(new PrintWriter(o), new PrintWriter(o), false, false);
        new DigitsDemo(console, EXAMPLES, 0.01).run(folder);
        console.out().flush();
        String shown = Drawn.of(16, 3).text();
        assertThat(o.toString())
                .contains("int8 reads")
                .contains("int4 reads")
                .contains("gives the same 160 values, bit for bit");
        assertThat(o.toString().split(shown))
                .as("the picture, and what two networks read")
                .hasSize(4);
        Matcher rows = Pattern.compile("(float|int\\d) +([0-9.]+) KB +([0-9.]+) %(?: +([0-9.]+) %)?")
                .matcher(o.toString());
        double[] right = new double[5];
        double rounded = 100;
        double bytes = Double.POSITIVE_INFINITY;
        for (int i = 0; i < 5; i++) {
            assertThat(rows.find()).isTrue();
            right[i] = Double.parseDouble(rows.group(3));
            assertThat(Double.parseDouble(rows.group(2))).isLessThan(bytes);
            bytes = Double.parseDouble(rows.group(2));
            rounded = rows.group(4) == null ? 100 : Double.parseDouble(rows.group(4));
        }
        assertThat(right[0]).isGreaterThan(99.5);
        assertThat(right[1]).isGreaterThan(99.5);
        assertThat(right[2]).as("4 bits, within half a point of float").isGreaterThan(right[0] - 0.5);
        assertThat(right[4]).as("2 bits, trained").isGreaterThan(98.5).isGreaterThan(rounded + 10);
        assertThat(folder.resolve("digits.svg")).content().startsWith("<svg ").contains("int2");
    }

    @Test
    void theExampleIsLearned() throws IOException {
        assertThat(qnet("digits", "-o", folder.resolve("train.npz"), "--items", "1500"))
                .isZero();
        assertThat(qnet(
                        "train",
                        EXAMPLES.resolve("digits.qnet"),
                        "--data",
                        folder.resolve("train.npz"),
                        "--float-epochs",
                        "2",
                        "--epochs",
                        "2",
                        "-o",
                        folder.resolve("t")))
                .as(err)
                .isZero();
        double right = Double.parseDouble(out.replaceAll("(?s).*: ([0-9.]+) % of 300.*", "$1"));
        assertThat(right).isGreaterThan(95);
        assertThat(Files.exists(folder.resolve("t/digits.safetensors"))).isTrue();
    }
}

package dev.qnet.cli;

import dev.qnet.cli.demo.Drawn;
import dev.qnet.cli.image.Images;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import dev.qnet.training.data.DrawnDigits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet digits}: pictures to train on. */
@Command(
        name = "digits",
        description = "Draws digits as a pen might, 28x28 grey pixels each: something to train on where no data is at "
                + "hand. The same seed gives the same pictures everywhere.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet digits -o train.npz --items 8000 --seed 1     labelled pictures: arrays x and y",
            "  qnet digits -o digits.png --items 16 --seed 3      one picture of 16 digits, 8 in a row"
        })
final class DigitsCommand implements Callable<Integer> {
    private static final int MOST = 1_000_000;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            required = true,
            description =
                    "An .npz with x, u8 [items, 28, 28, 1], and y, i32 [items]; or a .png of all digits side by side.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Option(names = "--items", paramLabel = "N", description = "How many digits. Default: 8000; 16 in a .png.")
    private @Nullable Integer items;

    @Option(names = "--seed", paramLabel = "N", defaultValue = "1", description = "Default: 1.")
    private long seed;

    @Override
    public Integer call() throws IOException {
        boolean picture = Inputs.extension(output).equals("png");
        if (!picture && !Inputs.extension(output).equals("npz")) {
            throw new UserException(output + ": digits are written as .npz or .png", "-o train.npz");
        }
        int n = items != null ? items : picture ? 16 : 8000;
        if (n < 1 || n > MOST) {
            throw new UserException("--items " + n + ": 1 to " + MOST + " digits are drawn", "--items 8000");
        }
        if (picture) {
            Drawn drawn = Drawn.of(n, seed);
            Images.write(output, drawn.picture());
            parent.console().out().println("wrote " + output + ": " + drawn.text());
            return ExitCode.OK;
        }
        DrawnDigits digits = new DrawnDigits(seed);
        int[] labels = digits.labels(n);
        int pixels = DrawnDigits.SIZE * DrawnDigits.SIZE;
        byte[] all = new byte[n * pixels];
        for (int i = 0; i < n; i++) {
            System.arraycopy(digits.draw(labels[i]), 0, all, i * pixels, pixels);
        }
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("x", NpyArray.ofUint8(all, n, DrawnDigits.SIZE, DrawnDigits.SIZE, 1));
        arrays.put("y", NpyArray.ofInt32(labels, n));
        AtomicFiles.writeAt(output, path -> Npz.write(path, arrays));
        parent.console().out().println("wrote " + output + ": " + n + " digits, arrays x and y");
        return ExitCode.OK;
    }
}

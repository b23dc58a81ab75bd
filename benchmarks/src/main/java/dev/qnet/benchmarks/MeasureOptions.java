package dev.qnet.benchmarks;

import dev.qnet.benchmarks.measure.Contest.Pace;
import dev.qnet.benchmarks.measure.Results;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What all measurements take. */
final class MeasureOptions {
    /** How long each number is measured. */
    enum Speed {
        normal(Pace.NORMAL),
        quick(Pace.QUICK),
        smoke(Pace.SMOKE);

        @SuppressWarnings("ImmutableEnumChecker") // a record of numbers
        private final Pace pace;

        Speed(Pace pace) {
            this.pace = pace;
        }
    }

    @Option(
            names = "--pace",
            defaultValue = "normal",
            description = "normal, quick (a look), or smoke (only whether it runs). Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private Speed speed;

    @Option(names = "--only", paramLabel = "REGEX", description = "Rows whose name holds a match.")
    private Pattern only = Pattern.compile("");

    @Option(names = "--json", paramLabel = "FILE", description = "Write the results as JSON, too.")
    private @Nullable Path json;

    Pace pace() {
        return speed.pace;
    }

    boolean wanted(String row) {
        return only.matcher(row).find();
    }

    /** Shows tables, and writes them where asked. */
    void show(PrintWriter out, List<Results> tables) throws IOException {
        for (Results t : tables) {
            out.printf("%n%s%n%n%s", t.title(), t.text());
        }
        out.flush();
        if (json != null) {
            Results.writeJson(json, tables);
        }
    }
}

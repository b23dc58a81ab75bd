package dev.qnet.cli;

import dev.qnet.training.fit.Curves;
import dev.qnet.training.fit.Epoch;
import dev.qnet.training.fit.Progress;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Tells of a training: each epoch to the user, as a line of JSON and in a picture of the curves; on a terminal, each step too. */
final class TrainReport implements Progress {
    private static final long EVERY_NANOS = 200_000_000L;

    private final Console console;
    private final Path log;
    private final Path picture;
    private final String title;
    private final List<Epoch> epochs = new ArrayList<>();
    private long shown;
    private double left = Double.NaN;

    /** @param folder where {@code log.jsonl} and {@code curves.svg} lie; older ones are replaced, once there is an epoch to tell of */
    TrainReport(Console console, Path folder, String title) {
        this.console = console;
        this.log = folder.resolve("log.jsonl");
        this.picture = folder.resolve("curves.svg");
        this.title = title;
    }

    @Override
    public void resumed(List<Epoch> before) {
        StringBuilder lines = new StringBuilder();
        before.forEach(e -> lines.append(json(e)));
        epochs.addAll(before);
        try {
            Files.writeString(log, lines);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Epoch last = before.getLast();
        console.err().println("goes on after epoch " + last.number() + " of " + last.of());
        console.err().flush();
    }

    @Override
    public void step(Step s) {
        left = s.secondsLeft();
        long now = System.nanoTime();
        if (!console.terminal() || now - shown < EVERY_NANOS) {
            return;
        }
        shown = now;
        console.err()
                .printf(
                        Locale.ROOT,
                        "\repoch %d of %d, step %d of %d  loss %.4f  %,.0f items/s  %s left\u001b[K",
                        s.epoch(),
                        s.epochs(),
                        s.done(),
                        s.steps(),
                        s.loss(),
                        s.itemsPerSecond(),
                        time(s.secondsLeft()));
        console.err().flush();
    }

    @Override
    public void epoch(Epoch e) {
        epochs.add(e);
        end();
        console.err()
                .printf(
                        Locale.ROOT,
                        "epoch %d of %d  %-9s  loss %.4f  accuracy %s  %,.0f items/s%s%n",
                        e.number(),
                        e.of(),
                        e.phase().name().toLowerCase(Locale.ROOT),
                        e.loss(),
                        TrainCommand.percent(e.accuracy()),
                        e.itemsPerSecond(),
                        e.number() < e.of() ? "  " + time(left) + " left" : "");
        console.err().flush();
        try {
            Files.writeString(
                    log,
                    json(e),
                    StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.WRITE,
                    epochs.size() == 1 ? StandardOpenOption.TRUNCATE_EXISTING : StandardOpenOption.APPEND);
            AtomicFiles.write(
                    picture, out -> out.write(Curves.svg(title, epochs).getBytes(StandardCharsets.UTF_8)));
        } catch (IOException x) {
            throw new UncheckedIOException(x);
        }
    }

    /** Wipes what is redrawn in place. */
    void end() {
        if (console.terminal() && shown != 0) {
            console.err().print("\r\u001b[K");
            console.err().flush();
            shown = 0;
        }
    }

    private static String json(Epoch e) {
        return String.format(
                Locale.ROOT,
                "{\"epoch\": %d, \"of\": %d, \"phase\": \"%s\", \"rate\": %.6g, \"loss\": %.6f, \"accuracy\": %.6f, "
                        + "\"items_per_second\": %.1f}%n",
                e.number(),
                e.of(),
                e.phase().name().toLowerCase(Locale.ROOT),
                e.rate(),
                e.loss(),
                e.accuracy(),
                e.itemsPerSecond());
    }

    private static String time(double seconds) {
        return seconds < 99.5
                ? String.format(Locale.ROOT, "%.0f s", seconds)
                : String.format(Locale.ROOT, "%.0f min", seconds / 60);
    }
}

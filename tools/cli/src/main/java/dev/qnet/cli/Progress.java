package dev.qnet.cli;

import java.util.Locale;

/**
 * Tells how far a long job is: after two seconds, redrawn in place on a terminal, else a line every ten seconds. Wiped when
 * closed.
 */
final class Progress implements AutoCloseable {
    private static final long QUIET_NANOS = 2_000_000_000L;

    private final Console console;
    private final String what;
    private final long start = System.nanoTime();
    private long lastShown;
    private boolean shown;

    Progress(Console console, String what) {
        this.console = console;
        this.what = what;
    }

    /** @param total 0 where it is not known */
    void at(long done, long total) {
        long now = System.nanoTime();
        long every = console.terminal() ? 100_000_000L : 10_000_000_000L;
        if (now - start < QUIET_NANOS || (shown && now - lastShown < every)) {
            return;
        }
        lastShown = now;
        shown = true;
        double seconds = (now - start) / 1e9;
        String text = total > 0
                ? String.format(
                        Locale.ROOT,
                        "%s: %d of %d (%d %%), %.0f s left",
                        what,
                        done,
                        total,
                        100 * done / total,
                        done == 0 ? 0 : seconds / done * (total - done))
                : String.format(Locale.ROOT, "%s: %d, %.0f s", what, done, seconds);
        if (console.terminal()) {
            console.err().print("\r\u001b[K" + text);
        } else {
            console.err().println(text);
        }
        console.err().flush();
    }

    @Override
    public void close() {
        if (shown && console.terminal()) {
            console.err().print("\r\u001b[K");
            console.err().flush();
        }
    }
}

package dev.qnet.cli;

import java.util.Locale;

/** Sizes for people. */
final class Sizes {
    private Sizes() {}

    /** Bytes: {@code 312 B}, {@code 78.6 KB}, {@code 1.2 MB}; a KB is 1,024 bytes. */
    static String text(long bytes) {
        return bytes < 1024
                ? bytes + " B"
                : bytes < 1 << 20
                        ? String.format(Locale.ROOT, "%.1f KB", bytes / 1024.0)
                        : String.format(Locale.ROOT, "%.1f MB", bytes / 1048576.0);
    }

    /** Counts: {@code 812}, {@code 12.5 k}, {@code 12.5 M}. */
    static String count(long n) {
        return n < 1000
                ? Long.toString(n)
                : n < 1_000_000
                        ? String.format(Locale.ROOT, "%.1f k", n / 1e3)
                        : String.format(Locale.ROOT, "%.1f M", n / 1e6);
    }

    /** Times: {@code 85 ns}, {@code 12.5 us}, {@code 3.21 ms}, {@code 1.50 s}. */
    static String time(double nanos) {
        return nanos < 1e3
                ? String.format(Locale.ROOT, "%.0f ns", nanos)
                : nanos < 1e6
                        ? String.format(Locale.ROOT, "%.1f us", nanos / 1e3)
                        : nanos < 1e9
                                ? String.format(Locale.ROOT, "%.2f ms", nanos / 1e6)
                                : String.format(Locale.ROOT, "%.2f s", nanos / 1e9);
    }
}

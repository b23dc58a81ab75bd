package dev.qnet.compiler.source;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Finds the known name that a misspelt one probably stands for. */
public final class DidYouMean {
    /** Longer names are not compared: the distance takes time quadratic in the length. */
    private static final int MAX_LENGTH = 200;

    private DidYouMean() {}

    /**
     * The nearest candidate, if one is near enough: within a third of the name's length (at least one edit), letter
     * case apart.
     *
     * @param name what was written
     * @param candidates what could have been; of equally near ones the first in alphabetical order wins
     */
    public static Optional<String> suggest(String name, Collection<String> candidates) {
        List<String> all = suggestions(name, candidates);
        return all.isEmpty() ? Optional.empty() : Optional.of(all.getFirst());
    }

    /** Every near candidate, the nearest first, at most three. */
    public static List<String> suggestions(String name, Collection<String> candidates) {
        if (name.isEmpty() || name.length() > MAX_LENGTH) {
            return List.of();
        }
        record Near(String candidate, int distance) {}
        int limit = Math.max(1, name.length() / 3);
        String lower = name.toLowerCase(Locale.ROOT);
        return candidates.stream()
                .distinct()
                .filter(c -> !c.equals(name) && Math.abs(c.length() - name.length()) <= limit)
                .map(c -> new Near(c, distance(lower, c.toLowerCase(Locale.ROOT))))
                // A one-letter name is one edit from every other: that is no resemblance.
                .filter(n -> n.distance() <= limit && n.distance() < Math.max(name.length(), 1))
                .sorted(Comparator.comparingInt(Near::distance).thenComparing(Near::candidate))
                .limit(3)
                .map(Near::candidate)
                .toList();
    }

    /**
     * The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours, each one
     * edit.
     */
    public static int distance(String a, String b) {
        int[] before = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            last[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int same = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                int best = Math.min(Math.min(last[j] + 1, row[j - 1] + 1), last[j - 1] + same);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    best = Math.min(best, before[j - 2] + 1);
                }
                row[j] = best;
            }
            int[] free = before;
            before = last;
            last = row;
            row = free;
        }
        return last[b.length()];
    }
}

package dev.qnet.benchmarks.measure;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a command has measured: rows for people, and the same for machines. */
public final class Results {
    private final String title;
    private final List<String> columns;
    private final List<List<String>> cells = new ArrayList<>();
    private final List<Map<String, Object>> rows = new ArrayList<>();
    private final List<String> notes = new ArrayList<>();

    /**
     * Begins a table.
     *
     * @param title what was measured
     * @param columns their heads, the first of which is the row's name
     */
    public Results(String title, List<String> columns) {
        this.title = title;
        this.columns = List.copyOf(columns);
    }

    /**
     * Adds a row.
     *
     * @param shown a cell a column
     * @param data the row for machines
     */
    public void row(List<String> shown, Map<String, Object> data) {
        if (shown.size() != columns.size()) {
            throw new IllegalArgumentException(shown.size() + " cells in " + columns.size() + " columns");
        }
        cells.add(List.copyOf(shown));
        rows.add(new LinkedHashMap<>(data));
    }

    /** Adds a line below the table. */
    public void note(String line) {
        notes.add(line);
    }

    public String title() {
        return title;
    }

    /** A number with so many digits behind the point; a dash where there is none. */
    public static String number(double x, int digits) {
        return Double.isNaN(x) ? "-" : String.format(Locale.ROOT, "%." + digits + "f", x);
    }

    /** The table in aligned columns: it is a Markdown table, too. */
    public String text() {
        int[] width = new int[columns.size()];
        List<List<String>> all = new ArrayList<>(cells);
        all.addFirst(columns);
        for (List<String> r : all) {
            for (int i = 0; i < width.length; i++) {
                width[i] = Math.max(width[i], r.get(i).length());
            }
        }
        StringBuilder s = new StringBuilder();
        for (int n = 0; n < all.size(); n++) {
            for (int i = 0; i < width.length; i++) {
                String pad = " ".repeat(width[i] - all.get(n).get(i).length());
                String cell = all.get(n).get(i);
                s.append("| ").append(i == 0 ? cell + pad : pad + cell).append(' ');
            }
            s.append("|\n");
            if (n == 0) {
                for (int i = 0; i < width.length; i++) {
                    s.append('|').append("-".repeat(width[i] + 1)).append(i == 0 ? "-" : ":");
                }
                s.append("|\n");
            }
        }
        if (!notes.isEmpty()) {
            s.append('\n');
        }
        notes.forEach(n -> s.append(n).append("  \n"));
        return s.toString();
    }

    /** The rows and notes for machines. */
    public Map<String, Object> data() {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("title", title);
        all.put("rows", rows);
        all.put("notes", notes);
        return all;
    }

    /** Writes tables as JSON, with what they were measured on. */
    public static void writeJson(Path file, List<Results> tables) throws IOException {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("machine", Machine.description());
        all.put("java", Runtime.version().toString());
        all.put("tables", tables.stream().map(Results::data).toList());
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(file.toFile(), all);
    }
}

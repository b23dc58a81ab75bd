package dev.qnet.cli;

import java.util.ArrayList;
import java.util.List;

/** Rows in aligned columns: text to the left, numbers to the right. */
final class Table {
    private final List<String> header;
    private final boolean[] right;
    private final List<List<String>> rows = new ArrayList<>();

    /** @param header the columns' names; one that begins with {@code >} is set to the right */
    Table(String... header) {
        this.header = new ArrayList<>();
        this.right = new boolean[header.length];
        for (int i = 0; i < header.length; i++) {
            right[i] = header[i].startsWith(">");
            this.header.add(right[i] ? header[i].substring(1) : header[i]);
        }
    }

    Table row(Object... cells) {
        if (cells.length != header.size()) {
            throw new IllegalArgumentException("a row of " + cells.length + " cells in " + header.size() + " columns");
        }
        List<String> row = new ArrayList<>();
        for (Object c : cells) {
            row.add(String.valueOf(c));
        }
        rows.add(row);
        return this;
    }

    /** A name in at most so many characters; of a long one its end, which tells it from its neighbours. */
    static String brief(String name, int most) {
        return name.length() <= most ? name : "…" + name.substring(name.length() - most + 1);
    }

    boolean isEmpty() {
        return rows.isEmpty();
    }

    /** The table with two spaces between columns, each line ended. */
    @Override
    public String toString() {
        int[] width = new int[header.size()];
        List<List<String>> all = new ArrayList<>(rows);
        all.addFirst(header);
        for (List<String> r : all) {
            for (int i = 0; i < width.length; i++) {
                width[i] =
                        Math.max(width[i], r.get(i).codePointCount(0, r.get(i).length()));
            }
        }
        StringBuilder s = new StringBuilder();
        for (List<String> r : all) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < width.length; i++) {
                String pad = " "
                        .repeat(width[i] - r.get(i).codePointCount(0, r.get(i).length()));
                line.append(i == 0 ? "" : "  ").append(right[i] ? pad + r.get(i) : r.get(i) + pad);
            }
            s.append(line.toString().stripTrailing()).append(System.lineSeparator());
        }
        return s.toString();
    }
}

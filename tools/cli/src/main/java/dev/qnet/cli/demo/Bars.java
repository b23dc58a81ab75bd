package dev.qnet.cli.demo;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Networks side by side, as a picture of bars. */
public final class Bars {
    private static final int ROW = 44;
    private static final int TOP = 56;
    private static final int LEFT = 70;
    private static final int COLUMN = 200;
    private static final int BAR = 120;

    private Bars() {}

    /**
     * A network.
     *
     * @param bytes of its weights
     * @param right share of test items that are classified rightly
     * @param rounded that share for the float network, only rounded; NaN where there is no such
     * @param nanos of an answer
     */
    public record Row(String name, long bytes, double right, double rounded, double nanos) {}

    /** Draws them: an SVG document. */
    public static String svg(List<Row> rows) {
        int width = LEFT + 3 * COLUMN + 10;
        int height = TOP + rows.size() * ROW + 30;
        StringBuilder s = new StringBuilder();
        s.append(text(
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>%n",
                width, height));
        s.append(text("<rect width='%d' height='%d' fill='white'/>%n", width, height));
        s.append(text("<text x='10' y='22' font-size='14'>Drawn digits: the same network in fewer bits</text>%n"));
        for (int i = 0; i < rows.size(); i++) {
            s.append(text(
                    "<text x='10' y='%d'>%s</text>%n",
                    TOP + i * ROW + 15, rows.get(i).name()));
        }
        column(s, 0, "weights, KB", rows, r -> r.bytes() / 1024.0, "#1b6ca8", "%.1f", 0);
        column(s, 1, "right, %: trained, only rounded", rows, r -> 100 * r.right(), "#2e8b57", "%.2f", 0);
        column(s, 1, "", rows, r -> 100 * r.rounded(), "#b8c8bd", "%.2f", 18);
        column(s, 2, "an answer, us", rows, r -> r.nanos() / 1e3, "#c8553d", "%.1f", 0);
        return s.append("</svg>\n").toString();
    }

    private static void column(
            StringBuilder s,
            int column,
            String title,
            List<Row> rows,
            ToDoubleFunction<Row> value,
            String colour,
            String format,
            int down) {
        int x = LEFT + column * COLUMN;
        if (!title.isEmpty()) {
            s.append(text("<text x='%d' y='46' fill='#555555'>%s</text>%n", x, title));
        }
        double most = rows.stream()
                .mapToDouble(value)
                .filter(v -> !Double.isNaN(v))
                .max()
                .orElse(1);
        for (int i = 0; i < rows.size(); i++) {
            double v = value.applyAsDouble(rows.get(i));
            if (Double.isNaN(v)) {
                continue;
            }
            int y = TOP + i * ROW + down;
            double length = BAR * v / most;
            s.append(text("<rect x='%d' y='%d' width='%.1f' height='16' fill='%s'/>%n", x, y, length, colour));
            s.append(text(
                    "<text x='%.1f' y='%d'>%s</text>%n",
                    x + length + 6, y + 13, String.format(Locale.ROOT, format, v)));
        }
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format.replace("%n", "\n"), values);
    }
}

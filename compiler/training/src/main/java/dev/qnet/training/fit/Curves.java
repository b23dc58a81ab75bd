package dev.qnet.training.fit;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** The curves of a training as a picture. */
public final class Curves {
    private static final int WIDTH = 640;
    private static final int PANEL = 190;
    private static final int LEFT = 60;
    private static final int RIGHT = 20;
    private static final int TOP = 34;
    private static final int GAP = 46;

    private Curves() {}

    /**
     * Draws loss and accuracy by epoch, one above the other, with the phases behind them.
     *
     * @param epochs at least one
     * @return an SVG document
     */
    public static String svg(String title, List<Epoch> epochs) {
        StringBuilder s = new StringBuilder();
        int height = TOP + 2 * PANEL + GAP + 40;
        s.append(text(
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12'>%n",
                WIDTH, height));
        s.append(text("<rect width='%d' height='%d' fill='white'/>%n", WIDTH, height));
        s.append(text("<text x='%d' y='20' font-size='14'>%s</text>%n", LEFT, escaped(title)));
        double most = epochs.stream().mapToDouble(Epoch::loss).max().orElse(1);
        double least = 100 * epochs.stream().mapToDouble(Epoch::accuracy).min().orElse(0);
        panel(s, "loss", TOP, epochs, Epoch::loss, 0, most > 0 ? most : 1, "%.3g");
        double floor = Math.min(10 * Math.floor(least / 10), 90);
        panel(s, "accuracy, %", TOP + PANEL + GAP, epochs, e -> 100 * e.accuracy(), floor, 100, "%.0f");
        s.append(text(
                "<text x='%d' y='%d' text-anchor='middle'>epoch</text>%n", (LEFT + WIDTH - RIGHT) / 2, height - 8));
        return s.append("</svg>\n").toString();
    }

    private static void panel(
            StringBuilder s,
            String name,
            int top,
            List<Epoch> epochs,
            ToDoubleFunction<Epoch> value,
            double from,
            double to,
            String format) {
        int last = Math.max(2, epochs.getLast().of());
        for (Epoch e : epochs) {
            double x = x(e.number() - 1, last);
            String colour = switch (e.phase()) {
                case FLOAT -> "#f4f4f4";
                case QUANTIZED -> "#e4eef6";
                case FROZEN -> "#d3e6d8";
            };
            s.append(text(
                    "<rect x='%.1f' y='%d' width='%.1f' height='%d' fill='%s'/>%n",
                    x, top, x(e.number(), last) - x, PANEL, colour));
            if (e.number() == 1 || epochs.get(e.number() - 2).phase() != e.phase()) {
                s.append(text(
                        "<text x='%.1f' y='%d' fill='#888888'>%s</text>%n",
                        x + 4, top + 14, e.phase().name().toLowerCase(Locale.ROOT)));
            }
        }
        for (int i = 0; i <= 4; i++) {
            double y = top + PANEL - i * PANEL / 4.0;
            s.append(text(
                    "<path d='M%d %.1f L%d %.1f' stroke='#cccccc'/><text x='%d' y='%.1f' text-anchor='end'>%s</text>%n",
                    LEFT,
                    y,
                    WIDTH - RIGHT,
                    y,
                    LEFT - 6,
                    y + 4,
                    String.format(Locale.ROOT, format, from + (to - from) * i / 4)));
        }
        StringBuilder path = new StringBuilder();
        for (Epoch e : epochs) {
            double px = x(e.number() - 0.5, last);
            double py = top + PANEL - (value.applyAsDouble(e) - from) / (to - from) * PANEL;
            path.append(text("%s%.1f %.1f", path.isEmpty() ? "M" : " L", px, py));
            s.append(text("<circle cx='%.1f' cy='%.1f' r='3' fill='#1b6ca8'/>%n", px, py));
            if ((e.number() == 1 || e.number() % Math.max(1, last / 10) == 0)) {
                s.append(text(
                        "<text x='%.1f' y='%d' text-anchor='middle'>%d</text>%n", px, top + PANEL + 16, e.number()));
            }
        }
        s.append(text("<path d='%s' fill='none' stroke='#1b6ca8' stroke-width='1.5'/>%n", path));
        s.append(text(
                "<text transform='translate(16 %d) rotate(-90)' text-anchor='middle'>%s</text>%n",
                top + PANEL / 2, name));
    }

    private static double x(double epoch, int last) {
        return LEFT + epoch / last * (WIDTH - LEFT - RIGHT);
    }

    private static String escaped(String s) {
        return s.replace("&", "&amp;").replace("<", "&lt;");
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format.replace("%n", "\n"), values);
    }
}

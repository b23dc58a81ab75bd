package dev.qnet.benchmarks.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A plot of some series over logarithmic axes, as SVG. */
public final class Plot {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 400;
    private static final int LEFT = 70;
    private static final int BOTTOM = 50;
    private static final int TOP = 40;
    private static final int RIGHT = 150;
    private static final String[] COLOURS = {"#1b6ca8", "#c8553d", "#2e8b57", "#8e44ad", "#b8860b", "#444444"};

    private final String title;
    private final String x;
    private final String y;
    private final List<Series> all = new ArrayList<>();

    private record Series(String name, List<double[]> points) {}

    public Plot(String title, String x, String y) {
        this.title = title;
        this.x = x;
        this.y = y;
    }

    /** Adds points, (x, y), both above zero. */
    public void series(String name, List<double[]> points) {
        all.add(new Series(name, List.copyOf(points)));
    }

    public void write(Path file) throws IOException {
        double[] xs = decades(0);
        double[] ys = decades(1);
        StringBuilder s = new StringBuilder();
        s.append(text(
                "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif'"
                        + " font-size='12'>%n",
                WIDTH, HEIGHT));
        s.append(text("<rect width='%d' height='%d' fill='white'/>%n", WIDTH, HEIGHT));
        s.append(text("<text x='%d' y='22' font-size='14'>%s</text>%n", LEFT, title));
        for (double d = xs[0]; d <= xs[1]; d++) {
            double at = LEFT + (d - xs[0]) / (xs[1] - xs[0]) * (WIDTH - LEFT - RIGHT);
            s.append(line(at, TOP, at, HEIGHT - BOTTOM));
            s.append(
                    text("<text x='%.1f' y='%d' text-anchor='middle'>%s</text>%n", at, HEIGHT - BOTTOM + 16, power(d)));
        }
        for (double d = ys[0]; d <= ys[1]; d++) {
            double at = HEIGHT - BOTTOM - (d - ys[0]) / (ys[1] - ys[0]) * (HEIGHT - TOP - BOTTOM);
            s.append(line(LEFT, at, WIDTH - RIGHT, at));
            s.append(text("<text x='%d' y='%.1f' text-anchor='end'>%s</text>%n", LEFT - 6, at + 4, power(d)));
        }
        s.append(text(
                "<text x='%d' y='%d' text-anchor='middle'>%s</text>%n", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x));
        s.append(
                text("<text transform='translate(14 %d) rotate(-90)' text-anchor='middle'>%s</text>%n", HEIGHT / 2, y));
        for (int i = 0; i < all.size(); i++) {
            String colour = COLOURS[i % COLOURS.length];
            StringBuilder path = new StringBuilder();
            for (double[] p : all.get(i).points()) {
                double px = LEFT + (Math.log10(p[0]) - xs[0]) / (xs[1] - xs[0]) * (WIDTH - LEFT - RIGHT);
                double py = HEIGHT - BOTTOM - (Math.log10(p[1]) - ys[0]) / (ys[1] - ys[0]) * (HEIGHT - TOP - BOTTOM);
                path.append(text("%s%.1f %.1f", path.isEmpty() ? "M" : " L", px, py));
                s.append(text("<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>%n", px, py, colour));
            }
            s.append(text("<path d='%s' fill='none' stroke='%s' stroke-width='1.5'/>%n", path, colour));
            s.append(text(
                    "<text x='%d' y='%d' fill='%s'>%s</text>%n",
                    WIDTH - RIGHT + 10, TOP + 16 + 18 * i, colour, all.get(i).name()));
        }
        Files.writeString(file, s.append("</svg>\n"));
    }

    private double[] decades(int axis) {
        double low = Double.POSITIVE_INFINITY;
        double high = Double.NEGATIVE_INFINITY;
        for (Series s : all) {
            for (double[] p : s.points()) {
                low = Math.min(low, Math.floor(Math.log10(p[axis])));
                high = Math.max(high, Math.ceil(Math.log10(p[axis])));
            }
        }
        return new double[] {low, Math.max(high, low + 1)};
    }

    private static String power(double decade) {
        double v = Math.pow(10, decade);
        return decade >= 0 ? String.format(Locale.ROOT, "%,.0f", v) : String.format(Locale.ROOT, "%.3g", v);
    }

    private static String line(double x1, double y1, double x2, double y2) {
        return text("<path d='M%.1f %.1f L%.1f %.1f' stroke='#dddddd'/>%n", x1, y1, x2, y2);
    }

    private static String text(String format, Object... values) {
        return String.format(Locale.ROOT, format.replace("%n", "\n"), values);
    }
}

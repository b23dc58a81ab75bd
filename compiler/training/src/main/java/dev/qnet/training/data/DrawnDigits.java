package dev.qnet.training.data;

import java.util.Random;

/**
 * Pictures of digits, drawn here: each digit is a few strokes (lines and arcs in the unit square) with one or two ways to
 * write it; a picture draws them after shifting their points a little, under a random affine map, with a pen of random
 * width, and adds noise. The same seed gives the same pictures on every machine: the arithmetic is {@link StrictMath}'s and
 * {@link Random}'s.
 */
public final class DrawnDigits {
    /** Rows and columns of a picture. */
    public static final int SIZE = 28;

    /** How many digits there are. */
    public static final int CLASSES = 10;

    /** Points of an arc. */
    private static final int ARC_POINTS = 14;

    /** How far a point is shifted, in units of the glyph's height: standard deviation. */
    private static final double SHIFT = 0.022;

    private static final double LEAST_PEN = 0.9;
    private static final double MOST_PEN = 1.9;

    /** Of the pen's edge: over how many pixels ink fades. */
    private static final double EDGE = 0.9;

    private final Random random;

    /** Pictures by a seed. */
    public DrawnDigits(long seed) {
        random = new Random(seed);
    }

    /**
     * Draws the next picture of a digit: {@link #SIZE}² bytes, row by row, 0 for paper, 255 for ink.
     *
     * @param digit 0 to 9
     */
    public byte[] draw(int digit) {
        double[][][] ways = GLYPHS[digit];
        double[][] strokes = ways[random.nextInt(ways.length)];
        double[] map = map();
        double pen = LEAST_PEN + (MOST_PEN - LEAST_PEN) * random.nextDouble();
        double[] ink = new double[SIZE * SIZE];
        for (double[] stroke : strokes) {
            stroke(ink, shifted(stroke), map, pen);
        }
        return noisy(ink);
    }

    /** Labels in random order, as many of each digit as of every other (one more of some, where it does not come out even). */
    public int[] labels(int count) {
        int[] labels = new int[count];
        for (int i = 0; i < count; i++) {
            labels[i] = i % CLASSES;
        }
        for (int i = count - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int t = labels[i];
            labels[i] = labels[j];
            labels[j] = t;
        }
        return labels;
    }

    /** From the unit square to pixels: x' = m0·x + m1·y + m2, y' = m3·x + m4·y + m5. */
    private double[] map() {
        double angle = random.nextGaussian() * 0.13;
        double slant = random.nextGaussian() * 0.16;
        double height = 17.5 + 4 * random.nextDouble();
        double width = height * (0.62 + 0.26 * random.nextDouble());
        double cos = StrictMath.cos(angle);
        double sin = StrictMath.sin(angle);
        // Slant, then scale, then turn, all about the middle of the glyph, which lands near the middle of the picture.
        double a = cos * width;
        double b = cos * width * slant - sin * height;
        double c = sin * width;
        double d = sin * width * slant + cos * height;
        double x = SIZE / 2.0 + random.nextGaussian() * 0.9;
        double y = SIZE / 2.0 + random.nextGaussian() * 0.9;
        return new double[] {a, b, x - (a + b) / 2, c, d, y - (c + d) / 2};
    }

    private double[] shifted(double[] stroke) {
        double[] s = stroke.clone();
        // Neighbouring points move together, or lines would become jagged: a slow wave is added, not white noise.
        double[] phase = {random.nextDouble() * 6.28, random.nextDouble() * 6.28};
        double[] reach = {random.nextGaussian() * 2 * SHIFT, random.nextGaussian() * 2 * SHIFT};
        double[] move = {random.nextGaussian() * SHIFT, random.nextGaussian() * SHIFT};
        int points = s.length / 2;
        for (int i = 0; i < points; i++) {
            for (int axis = 0; axis < 2; axis++) {
                s[2 * i + axis] += move[axis] + reach[axis] * StrictMath.sin(phase[axis] + 4.0 * i / points);
            }
        }
        return s;
    }

    /** Inks every pixel by its distance from a stroke of points x0, y0, x1, y1, … */
    private static void stroke(double[] ink, double[] points, double[] map, double pen) {
        for (int i = 0; i + 3 < points.length; i += 2) {
            double x0 = map[0] * points[i] + map[1] * points[i + 1] + map[2];
            double y0 = map[3] * points[i] + map[4] * points[i + 1] + map[5];
            double x1 = map[0] * points[i + 2] + map[1] * points[i + 3] + map[2];
            double y1 = map[3] * points[i + 2] + map[4] * points[i + 3] + map[5];
            int left = bound(Math.min(x0, x1) - pen - 1);
            int right = bound(Math.max(x0, x1) + pen + 2);
            int top = bound(Math.min(y0, y1) - pen - 1);
            int bottom = bound(Math.max(y0, y1) + pen + 2);
            for (int y = top; y < bottom; y++) {
                for (int x = left; x < right; x++) {
                    double d = distance(x + 0.5, y + 0.5, x0, y0, x1, y1);
                    double covered = Math.clamp((pen + EDGE / 2 - d) / EDGE, 0, 1);
                    ink[y * SIZE + x] = Math.max(ink[y * SIZE + x], covered);
                }
            }
        }
    }

    private static int bound(double pixel) {
        return Math.clamp((long) StrictMath.floor(pixel), 0, SIZE);
    }

    /** Of a point from a line segment. */
    private static double distance(double x, double y, double x0, double y0, double x1, double y1) {
        double dx = x1 - x0;
        double dy = y1 - y0;
        double length = dx * dx + dy * dy;
        double t = length == 0 ? 0 : Math.clamp(((x - x0) * dx + (y - y0) * dy) / length, 0, 1);
        double ex = x - x0 - t * dx;
        double ey = y - y0 - t * dy;
        return StrictMath.sqrt(ex * ex + ey * ey);
    }

    private byte[] noisy(double[] ink) {
        double strength = 0.75 + 0.25 * random.nextDouble();
        double grain = 0.02 + 0.06 * random.nextDouble();
        byte[] picture = new byte[ink.length];
        for (int i = 0; i < ink.length; i++) {
            double v = strength * ink[i] + grain * random.nextGaussian();
            picture[i] = (byte) Math.clamp(StrictMath.round(255 * v), 0, 255);
        }
        return picture;
    }

    /** Digits, ways to write each, strokes of each way: x to the right, y down, from 0 to 1. */
    private static final double[][][][] GLYPHS = {
        {{arc(0.5, 0.5, 0.46, 0.5, -90, 270)}, {arc(0.5, 0.5, 0.38, 0.5, -60, 310)}},
        {
            {line(0.5, 0, 0.5, 1)},
            {line(0.28, 0.22, 0.56, 0, 0.56, 1)},
            {line(0.28, 0.22, 0.54, 0, 0.54, 1), line(0.24, 1, 0.82, 1)}
        },
        {
            {join(arc(0.48, 0.28, 0.4, 0.28, -165, 40), line(0.72, 0.5, 0.08, 1, 0.94, 1))},
            {
                join(
                        arc(0.48, 0.26, 0.38, 0.26, -170, 60),
                        line(0.5, 0.62, 0.1, 0.97),
                        arc(0.34, 0.93, 0.16, 0.07, 180, 330),
                        line(0.6, 1, 0.95, 0.93))
            }
        },
        {
            {join(arc(0.44, 0.25, 0.38, 0.25, -150, 90), arc(0.44, 0.74, 0.44, 0.26, -90, 150))},
            {join(line(0.1, 0, 0.85, 0, 0.42, 0.4), arc(0.44, 0.7, 0.44, 0.3, -90, 150))}
        },
        {
            {line(0.62, 0, 0.02, 0.66, 0.98, 0.66), line(0.7, 0.32, 0.7, 1)},
            {line(0.12, 0, 0.08, 0.5, 0.86, 0.5), line(0.84, 0, 0.78, 1)}
        },
        {
            {join(line(0.86, 0, 0.2, 0, 0.14, 0.44), arc(0.46, 0.69, 0.42, 0.31, -130, 150))},
            {join(line(0.2, 0.02, 0.16, 0.42), arc(0.46, 0.69, 0.42, 0.31, -130, 150)), line(0.18, 0.02, 0.88, 0)}
        },
        {
            {join(arc(0.86, 0.7, 0.78, 0.7, -95, -180), arc(0.49, 0.7, 0.4, 0.3, -180, 180))},
            {join(line(0.66, 0, 0.2, 0.5), arc(0.5, 0.7, 0.4, 0.3, -160, 200))}
        },
        {
            {line(0.06, 0, 0.94, 0, 0.4, 1)},
            {line(0.06, 0, 0.94, 0, 0.42, 1), line(0.3, 0.52, 0.86, 0.52)},
            {line(0.08, 0.16, 0.1, 0, 0.92, 0, 0.5, 0.5, 0.44, 1)}
        },
        {
            {arc(0.5, 0.25, 0.34, 0.25, -90, 270), arc(0.5, 0.74, 0.42, 0.26, -90, 270)},
            {
                join(
                        arc(0.5, 0.25, 0.34, 0.25, -40, -270),
                        arc(0.5, 0.75, 0.4, 0.25, -90, 180),
                        line(0.1, 0.72, 0.76, 0.12))
            }
        },
        {
            {join(arc(0.46, 0.3, 0.38, 0.3, 0, -360), line(0.84, 0.32, 0.76, 1))},
            {join(arc(0.46, 0.3, 0.38, 0.3, 0, -360), arc(0.16, 0.34, 0.68, 0.66, 0, 80))}
        }
    };

    private static double[] line(double... points) {
        // Long lines are cut, so that they can bend as arcs do.
        double[] cut = new double[4 * points.length - 6];
        int at = 0;
        for (int i = 0; i + 3 < points.length; i += 2) {
            cut[at++] = points[i];
            cut[at++] = points[i + 1];
            cut[at++] = (points[i] + points[i + 2]) / 2;
            cut[at++] = (points[i + 1] + points[i + 3]) / 2;
        }
        cut[at++] = points[points.length - 2];
        cut[at++] = points[points.length - 1];
        return java.util.Arrays.copyOf(cut, at);
    }

    /** Part of an ellipse, from one angle to another, in degrees: 0 to the right, 90 down. */
    private static double[] arc(double x, double y, double rx, double ry, double from, double to) {
        double[] points = new double[2 * ARC_POINTS];
        for (int i = 0; i < ARC_POINTS; i++) {
            double angle = StrictMath.toRadians(from + (to - from) * i / (ARC_POINTS - 1));
            points[2 * i] = x + rx * StrictMath.cos(angle);
            points[2 * i + 1] = y + ry * StrictMath.sin(angle);
        }
        return points;
    }

    private static double[] join(double[]... parts) {
        int length = 0;
        for (double[] p : parts) {
            length += p.length;
        }
        double[] all = new double[length];
        int at = 0;
        for (double[] p : parts) {
            System.arraycopy(p, 0, all, at, p.length);
            at += p.length;
        }
        return all;
    }
}

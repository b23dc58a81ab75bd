package dev.qnet.cli.demo;

import java.awt.image.BufferedImage;

/**
 * A landscape with the statistics of a photograph: smooth sky, textured ridges with haze, water with reflections, a cabin
 * with hard edges, grain. Computed, so that a demonstration needs no picture of unknown origin; the same on every machine.
 */
public final class Scene {
    private final int width;
    private final int height;
    private final double horizon;

    private Scene(int width, int height) {
        this.width = width;
        this.height = height;
        this.horizon = 0.62 * height;
    }

    /** The scene as an RGB picture. */
    public static BufferedImage render(int width, int height) {
        Scene scene = new Scene(width, height);
        BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double[] c = scene.colour(x, y);
                double grain = (hash(x, y, 77) - 0.5) * 9;
                image.setRGB(x, y, byteOf(c[0] + grain) << 16 | byteOf(c[1] + grain) << 8 | byteOf(c[2] + grain));
            }
        }
        return image;
    }

    private double[] colour(int x, int y) {
        if (y <= horizon) {
            return land(x, y);
        }
        // Water: the land upside down, blurred by ripples that grow towards the viewer, darker and bluer.
        double depth = (y - horizon) / (height - horizon);
        double ripple = (noise(x / 34.0, y / (1.5 + 5 * depth), 5) - 0.5) * (2 + 26 * depth);
        double[] up = land(x + ripple, horizon - (y - horizon) * 0.95 + ripple * 0.4);
        double glint = noise(x / 16.0, y / 1.7, 9) > 0.74 ? 26 * depth : 0;
        return new double[] {up[0] * 0.62 + 8 + glint, up[1] * 0.68 + 14 + glint, up[2] * 0.74 + 24 + glint};
    }

    private double[] land(double x, double y) {
        double[] c = cabin(x, y);
        if (c.length != 0) {
            return c;
        }
        for (int ridge = 0; ridge < 3; ridge++) {
            double near = ridge / 2.0;
            double top = ridgeTop(x, 2 - ridge);
            int layer = 2 - ridge;
            if (y > top) {
                double rock =
                        fractal(x / 13.0, y / 9.0, 30 + layer) * 0.55 + fractal(x / 4.0, y / 3.0, 40 + layer) * 0.45;
                double light =
                        0.55 + 0.7 * (rock - 0.5) + 0.35 * (fractal((x + 7) / 21.0, (y + 5) / 17.0, 50 + layer) - 0.4);
                double snow = layer == 0 && y < top + 18 + 22 * rock ? 90 : 0;
                double haze = 0.25 + 0.3 * near;
                return new double[] {
                    mix(96 * light + snow, 186, haze),
                    mix(104 * light + snow, 198, haze),
                    mix(84 * light + snow, 214, haze)
                };
            }
        }
        return sky(x, y);
    }

    private double[] sky(double x, double y) {
        double t = Math.max(0, y) / horizon;
        double cloud = Math.max(0, fractal(x / 70.0, y / 26.0, 3) * 1.9 - 0.85);
        double dx = (x - 0.76 * width) / width;
        double dy = (y - 0.17 * height) / width;
        double sun = Math.exp(-(dx * dx + dy * dy) * 260) * 150 + Math.exp(-(dx * dx + dy * dy) * 12) * 34;
        return new double[] {
            mix(92 + 96 * t, 244, cloud) + sun,
            mix(142 + 62 * t, 240, cloud) + sun * 0.9,
            mix(206 + 24 * t, 238, cloud) + sun * 0.6
        };
    }

    /** The cabin's colour, or nothing beside it. */
    private double[] cabin(double x, double y) {
        double u = (x - 0.17 * width) / (0.2 * width);
        double v = (y - (horizon - 0.21 * height)) / (0.21 * height);
        double grain = fractal(x / 2.0, y / 11.0, 60) * 40;
        if (u > -0.12 && u < 1.12 && v >= 0 && v < 0.42) {
            double slope = 0.42 * Math.abs(u - 0.5) / 0.62;
            if (v > slope) {
                double shingle = Math.floorMod((int) (y * 0.7), 4) == 0 ? -22 : 0;
                return new double[] {128 + grain + shingle, 58 + grain * 0.6 + shingle, 46 + grain * 0.5 + shingle};
            }
        }
        if (u > 0 && u < 1 && v >= 0.42 && v <= 1) {
            boolean window = ((u > 0.14 && u < 0.34) || (u > 0.66 && u < 0.86)) && v > 0.55 && v < 0.76;
            boolean bar =
                    window && (Math.abs(u - 0.24) < 0.012 || Math.abs(u - 0.76) < 0.012 || Math.abs(v - 0.655) < 0.02);
            if (u > 0.42 && u < 0.58 && v > 0.58) {
                return new double[] {58 + grain * 0.4, 40 + grain * 0.3, 30 + grain * 0.2};
            }
            if (window && !bar) {
                return new double[] {250, 222, 140};
            }
            double plank = Math.floorMod((int) (y * 0.9), 5) == 0 ? -30 : 0;
            return new double[] {176 + grain * 0.6 + plank, 138 + grain * 0.6 + plank, 96 + grain * 0.5 + plank};
        }
        return new double[0];
    }

    private double ridgeTop(double x, int layer) {
        double base = horizon - (0.4 - 0.15 * layer) * height;
        double rough = 0.34 - 0.09 * layer;
        return base
                + (fractal(x / (90.0 - 22 * layer), 0, 20 + layer) - 0.5) * rough * height
                + (layer == 2 ? 0.06 * height : 0);
    }

    /** Five octaves of value noise, 0 to 1. */
    private static double fractal(double x, double y, int seed) {
        double sum = 0;
        double weight = 0.5;
        for (int octave = 0; octave < 5; octave++) {
            sum += weight * noise(x * (1 << octave), y * (1 << octave), seed + 100 * octave);
            weight /= 2;
        }
        return sum / (1 - 1 / 32.0);
    }

    /** Value noise: random numbers on a grid, smoothly joined. */
    private static double noise(double x, double y, int seed) {
        int xi = (int) Math.floor(x);
        int yi = (int) Math.floor(y);
        double fx = smooth(x - xi);
        double fy = smooth(y - yi);
        return mix(
                mix(hash(xi, yi, seed), hash(xi + 1, yi, seed), fx),
                mix(hash(xi, yi + 1, seed), hash(xi + 1, yi + 1, seed), fx),
                fy);
    }

    private static double hash(int x, int y, int seed) {
        int h = x * 0x27d4eb2d ^ y * 0x165667b1 ^ seed * 0x9e3779b1;
        h = (h ^ h >>> 15) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return (h >>> 8 & 0xffff) / 65535.0;
    }

    private static double smooth(double t) {
        return t * t * (3 - 2 * t);
    }

    private static double mix(double a, double b, double t) {
        return a + (b - a) * t;
    }

    private static int byteOf(double v) {
        return (int) Math.clamp(Math.round(v), 0L, 255L);
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.TrainOp;
import java.util.List;

/** The rules of learned quantizers and their gradients, an element at a time in double, as {@link Quantizer} states them. */
final class LearnedRules {
    /** What one element gives: the value, its derivative by x, and by each parameter of its channel. */
    private static final class Element {
        double y;
        double byX;
        final double[] byP;

        Element(int parameters) {
            byP = new double[parameters];
        }
    }

    private LearnedRules() {}

    static Value forward(TrainOp.Quantized op, List<Value> v) {
        float[] x = Kernel.floats(v.get(0));
        float[] y = new float[x.length];
        each(op.quantizer(), op.lo(), op.hi(), v, (i, channel, e) -> y[i] = (float) e.y);
        return new Value.Floats(v.get(0).shape(), y);
    }

    static Value byInput(TrainOp.QuantizedInputGrad op, List<Value> v) {
        float[] x = Kernel.floats(v.get(0));
        float[] g = Kernel.floats(v.getLast());
        float[] dx = new float[x.length];
        float commitment = op.quantizer() instanceof Quantizer.Codebook c ? c.commitment() : 0;
        each(
                op.quantizer(),
                op.lo(),
                op.hi(),
                v,
                (i, channel, e) -> dx[i] = (float) (g[i] * e.byX + commitment * (x[i] - e.y)));
        return new Value.Floats(v.get(0).shape(), dx);
    }

    static Value byParameters(TrainOp.QuantizedParameterGrad op, List<Value> v) {
        float[] g = Kernel.floats(v.getLast());
        int k = v.get(1).shape().dim(1);
        double[] dp = new double[v.get(1).shape().elements()];
        each(op.quantizer(), op.lo(), op.hi(), v, (i, channel, e) -> {
            for (int j = 0; j < k; j++) {
                dp[channel * k + j] += g[i] * e.byP[j];
            }
        });
        float[] rounded = new float[dp.length];
        for (int j = 0; j < dp.length; j++) {
            rounded[j] = (float) (dp[j] * op.factor());
        }
        return new Value.Floats(v.get(1).shape(), rounded);
    }

    @FunctionalInterface
    private interface Visitor {
        void at(int i, int channel, Element e);
    }

    private static void each(Quantizer q, int lo, int hi, List<Value> v, Visitor visitor) {
        float[] x = Kernel.floats(v.get(0));
        float[] all = Kernel.floats(v.get(1));
        double t = q.hasTemperature() ? Kernel.floats(v.get(2))[0] : 0;
        int channels = v.get(1).shape().dim(0);
        int k = v.get(1).shape().dim(1);
        double[] p = new double[k];
        Element e = new Element(k);
        for (int i = 0; i < x.length; i++) {
            int channel = (int) ((long) i * channels / x.length);
            for (int j = 0; j < k; j++) {
                p[j] = all[channel * k + j];
                e.byP[j] = 0;
            }
            e.byX = 0;
            rule(q, x[i], p, t, lo, hi, e);
            visitor.at(i, channel, e);
        }
    }

    private static void rule(Quantizer q, double x, double[] p, double t, int lo, int hi, Element e) {
        switch (q) {
            case Quantizer.Affine _ -> {
                // The quotient is a single's, as fake quantization has it.
                double code = Math.rint((float) (x / p[0])) + p[1];
                e.y = p[0] * (Math.clamp(code, lo, hi) - p[1]);
                e.byX = code >= lo && code <= hi ? 1 : 0;
            }
            case Quantizer.Pact _ -> {
                double low = lo < 0 ? -p[0] : 0;
                e.y = Math.rint((float) (Math.clamp(x, low, p[0]) * hi / p[0])) * p[0] / hi;
                e.byX = x > low && x < p[0] ? 1 : 0;
                e.byP[0] = x >= p[0] ? 1 : lo < 0 && x <= low ? -1 : 0;
            }
            case Quantizer.Lsq _ -> step(x, p[0], 0, lo, hi, e);
            case Quantizer.LsqPlus _ -> {
                double zero = Math.clamp(Math.rint(-p[1] / p[0]), lo, hi);
                step(x, p[0], zero, lo, hi, e);
                double v = (float) (x / p[0]) + zero;
                // s also moves β = −s·z, which is a parameter of its own: only what s scales counts.
                e.byP[1] = v > lo && v < hi ? 0 : 1;
                e.byP[0] = v > lo && v < hi ? Math.rint(v) - v : v <= lo ? lo : hi;
            }
            case Quantizer.Qil _ -> interval(x, p, lo, hi, e);
            case Quantizer.Qn n -> {
                int[] levels = n.of(lo, hi);
                double level = levels[0];
                double slope = 0;
                for (int i = 1; i < levels.length; i++) {
                    int step = levels[i] - levels[i - 1];
                    double s = 1 / (1 + StrictMath.exp(-t * (p[1] * x - p[1 + i])));
                    double d = step * t * s * (1 - s);
                    level += step * s;
                    slope += d;
                    e.byP[1 + i] = -p[0] * d;
                }
                e.y = p[0] * level;
                e.byX = p[0] * slope * p[1];
                e.byP[0] = level;
                e.byP[1] = p[0] * slope * x;
            }
            case Quantizer.Codebook _ -> {
                int best = 0;
                for (int i = 1; i < p.length; i++) {
                    best = Math.abs(x - p[i]) < Math.abs(x - p[best]) ? i : best;
                }
                double largest = 0;
                for (double entry : p) {
                    largest = Math.max(largest, Math.abs(entry));
                }
                float s = Math.max((float) (largest / Quantizer.Codebook.HIGHEST), Float.MIN_NORMAL);
                e.y = (float) Math.rint((float) p[best] / s) * s;
                e.byX = 1;
                e.byP[best] = 1;
            }
            case Quantizer.Ternary _ -> {
                e.y = Math.abs(x) > p[0] ? Math.signum(x) * p[1] : 0;
                e.byX = 1;
            }
            case Quantizer.Bipolar _ -> {
                e.y = x < 0 ? -p[0] : p[0];
                e.byX = Math.abs(x) <= 1 ? 1 : 0;
            }
        }
    }

    private static void step(double x, double s, double zero, int lo, int hi, Element e) {
        double v = (float) (x / s) + zero;
        double code = Math.clamp(Math.rint(v - zero) + zero, lo, hi);
        e.y = s * (code - zero);
        boolean inside = v > lo && v < hi;
        e.byX = inside ? 1 : 0;
        e.byP[0] = inside ? code - v : code;
    }

    private static void interval(double x, double[] p, int lo, int hi, Element e) {
        double sign = lo < 0 ? Math.signum(x) : 1;
        double m = lo < 0 ? Math.abs(x) : x;
        double gamma = lo < 0 ? p[2] : 1;
        double u = (m - p[0] + p[1]) / (2 * p[1]);
        double in = Math.clamp(u, 0, 1);
        double code = Math.rint((float) (StrictMath.pow(in, gamma) * hi));
        e.y = p[3] * sign * code / hi;
        e.byP[3] = sign * code / hi;
        if (u > 0 && u < 1) {
            double slope = p[3] * sign * gamma * StrictMath.pow(u, gamma - 1);
            e.byX = slope * sign / (2 * p[1]);
            e.byP[0] = -slope / (2 * p[1]);
            e.byP[1] = slope * (p[0] - m) / (2 * p[1] * p[1]);
            e.byP[2] = lo < 0 ? p[3] * sign * StrictMath.pow(u, gamma) * StrictMath.log(u) : 0;
        }
    }
}

package dev.qnet.training.quantizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import dev.qnet.training.grad.Drawing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.ShrinkingMode;
import org.junit.jupiter.api.Test;

class QuantizersTest {
    private static final List<Quantizer> ALL = List.of(
            new Quantizer.Affine(),
            new Quantizer.Pact(0, 0),
            new Quantizer.Lsq(),
            new Quantizer.LsqPlus(),
            new Quantizer.Qil(),
            new Quantizer.Qn(5, 50),
            new Quantizer.Affine(true),
            new Quantizer.Codebook(6, 0.25f),
            new Quantizer.Ternary(),
            new Quantizer.Bipolar());

    private static float[] random(Random r, int n, double from, double to) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = (float) (from + (to - from) * r.nextDouble());
        }
        return v;
    }

    private static float[] oracle(TrainOp op, List<Value> operands) {
        Drawing d = new Drawing();
        List<Graph.Param> params = new ArrayList<>();
        Map<String, Value> in = new HashMap<>();
        ValueId[] ids = new ValueId[operands.size()];
        for (int i = 0; i < ids.length; i++) {
            Type t =
                    new Type(dev.qnet.compiler.ir.Element.FLOAT, operands.get(i).shape());
            ids[i] = d.input(new ValueId("v" + i), t);
            params.add(new Graph.Param(ids[i], t, null, Span.NONE));
            in.put("v" + i, operands.get(i));
        }
        ValueId y = d.add("y", op, ids);
        Graph g = new Graph("q", params, d.nodes(), List.of(new Graph.Result("y", y)));
        return ((Value.Floats) Objects.requireNonNull(Interpreter.run(g, in).get("y"))).data();
    }

    private static void close(float[] found, float[] expected, double scale, String what) {
        for (int i = 0; i < expected.length; i++) {
            assertThat((double) found[i])
                    .as("%s, element %d", what, i)
                    .isCloseTo(expected[i], within(1e-5 * scale + 1e-4 * Math.abs(expected[i])));
        }
    }

    /**
     * Whether the last bits of a value decide its code or its gradient. The oracle divides in double where a
     * quantizer divides in float, so that the two may take different sides of such an edge.
     */
    private static boolean atAnEdge(LearnedQuantizer q, float x, float[] p, int at, float t) {
        float[] around = {x * (1 - 1e-6f), x, x * (1 + 1e-6f)};
        float[] ones = {1, 1, 1};
        float[] y = new float[3];
        float[] dx = new float[3];
        q.forward(around, 0, 3, p, at, t, y);
        q.byInput(around, ones, 0, 3, p, at, t, dx);
        return spread(y) > 1e-4 || spread(dx) > 1e-3;
    }

    private static float spread(float[] v) {
        return Math.max(Math.abs(v[0] - v[1]), Math.abs(v[2] - v[1]));
    }

    /** Every quantizer, at random parameters near where it begins, against the rules on the oracle. */
    @Property(tries = 150, shrinking = ShrinkingMode.OFF)
    void allFollowTheOracle(@ForAll long seed) {
        Random r = new Random(seed);
        int bits = 2 + r.nextInt(7);
        boolean signed = r.nextBoolean();
        int lo = signed ? -(1 << (bits - 1)) + r.nextInt(2) : 0;
        int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        for (Quantizer kind : ALL) {
            LearnedQuantizer q = LearnedQuantizer.of(kind, lo, hi);
            if (q.parameters() > 40) {
                continue;
            }
            int k = q.parameters();
            assertThat(k).isEqualTo(kind.parameters(lo, hi));
            int channels = 1 + r.nextInt(2);
            int n = 24;
            float[] x = random(r, n, signed ? -1.5 : -0.5, 1.5);
            float[] g = random(r, n, -1, 1);
            float[] p = new float[channels * k];
            for (int c = 0; c < channels; c++) {
                q.initialize(x, c * n / channels, (c + 1) * n / channels, p, c * k);
                for (int j = c * k; j < (c + 1) * k && kind.learned(); j++) {
                    p[j] *= (float) (0.8 + 0.4 * r.nextDouble());
                }
                q.repair(p, c * k);
            }
            float t = 1 + 10 * r.nextFloat();
            for (int i = 0; i < n; i++) {
                while (atAnEdge(q, x[i], p, i * channels / n * k, t)) {
                    x[i] = random(r, 1, signed ? -1.5 : -0.5, 1.5)[0];
                }
            }
            float[] y = new float[n];
            float[] dx = new float[n];
            float[] dp = new float[p.length];
            for (int c = 0; c < channels; c++) {
                int from = c * n / channels;
                int to = (c + 1) * n / channels;
                q.forward(x, from, to, p, c * k, t, y);
                q.byInput(x, g, from, to, p, c * k, t, dx);
                double[] sums = new double[k];
                q.byParameters(x, g, from, to, p, c * k, t, sums);
                for (int j = 0; j < k; j++) {
                    dp[c * k + j] = (float) (sums[j] * 0.5);
                }
            }
            List<Value> in = new ArrayList<>(
                    List.of(Value.of(Shape.of(channels, n / channels), x), Value.of(Shape.of(channels, k), p)));
            if (kind.hasTemperature()) {
                in.add(Value.of(Shape.SCALAR, t));
            }
            close(y, oracle(new TrainOp.Quantized(kind, lo, hi, 1), in), 1, kind + " forward");
            in.add(Value.of(Shape.of(channels, n / channels), g));
            close(dx, oracle(new TrainOp.QuantizedInputGrad(kind, lo, hi), in), 10, kind + " by x");
            close(dp, oracle(new TrainOp.QuantizedParameterGrad(kind, lo, hi, 0.5f), in), 100, kind + " by p");
        }
    }

    /** What a quantizer gives while it learns is what its integer form gives. */
    @Property(tries = 500, shrinking = ShrinkingMode.OFF)
    void integerFormsAreExact(@ForAll long seed) {
        Random r = new Random(seed);
        int bits = 2 + r.nextInt(7);
        boolean signed = r.nextBoolean();
        int lo = signed ? -(1 << (bits - 1)) : 0;
        int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        for (Quantizer kind : ALL) {
            LearnedQuantizer q = LearnedQuantizer.of(kind, lo, hi);
            float[] x = random(r, 200, signed ? -1.5 : -0.5, 1.5);
            float[] p = new float[q.parameters()];
            q.initialize(x, 0, x.length, p, 0);
            float[] y = new float[x.length];
            q.forward(x, 0, x.length, p, 0, Float.POSITIVE_INFINITY, y);
            IntegerForm form = q.integerForm(p, 0);
            double bound = form instanceof IntegerForm.Table t ? t.scale() / 2 * 1.0001 : 1e-6 * Math.abs(hi * 2.0);
            for (int i = 0; i < x.length; i++) {
                int code = form.code(x[i]);
                if (!(form instanceof IntegerForm.Table) && !(form instanceof IntegerForm.Sign)) {
                    assertThat(code).isBetween(Math.min(lo, -1), hi);
                }
                assertThat((double) form.real(code)).as("%s of %f", kind, x[i]).isCloseTo(y[i], within(bound));
            }
        }
    }

    /** The scale alone is that of the whole form, wherever parameters begin and training moves them. */
    @Property(tries = 100, shrinking = ShrinkingMode.OFF)
    void scalesAreThoseOfIntegerForms(@ForAll long seed) {
        Random r = new Random(seed);
        int bits = 2 + r.nextInt(7);
        boolean signed = r.nextBoolean();
        int lo = signed ? -(1 << (bits - 1)) + r.nextInt(2) : 0;
        int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        for (Quantizer kind : ALL) {
            LearnedQuantizer q = LearnedQuantizer.of(kind, lo, hi);
            int at = r.nextInt(3);
            float[] p = random(r, at + q.parameters() + 2, -1, 1);
            float[] x = random(r, 100, signed ? -1.5 : -0.5, 1.5);
            q.initialize(x, 0, x.length, p, at);
            for (int j = at; j < at + q.parameters() && kind.learned(); j++) {
                p[j] *= (float) (0.5 + r.nextDouble());
            }
            q.repair(p, at);
            assertThat(q.scale(p, at))
                    .as("%s", kind)
                    .isPositive()
                    .isEqualTo(q.integerForm(p, at).scale());
        }
    }

    /** Right at each threshold of an interval that is learned, and beside it, codes are those that it is trained with. */
    @Property(tries = 100, shrinking = ShrinkingMode.OFF)
    void intervalsDeployAsTheyAreTrained(@ForAll long seed) {
        Random r = new Random(seed);
        int bits = 2 + r.nextInt(7);
        boolean signed = r.nextBoolean();
        int lo = signed ? -(1 << (bits - 1)) + r.nextInt(2) : 0;
        int hi = signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Qil(), lo, hi);
        // Below and above 0, wider and narrower than what lies in it, with steps that are near each other at either
        // end.
        float[] p = {
            (float) (-0.5 + 2 * r.nextDouble()),
            (float) Math.pow(10, -6 + 7 * r.nextDouble()),
            (float) Math.pow(2, -4 + 7 * r.nextDouble()),
            (float) Math.pow(10, -4 + 6 * r.nextDouble())
        };
        q.repair(p, 0);
        IntegerForm.Staircase form = (IntegerForm.Staircase) q.integerForm(p, 0);
        assertThat(form.thresholds()).hasSize(signed ? 2 * hi : hi).isSorted();
        List<Float> near = new ArrayList<>(List.of(0f, -0f, Float.MIN_VALUE, -Float.MIN_VALUE, 1e30f, -1e30f));
        for (float begins : form.thresholds()) {
            near.addAll(List.of(Math.nextDown(begins), begins, Math.nextUp(begins)));
            near.addAll(List.of(-Math.nextDown(begins), -begins, -Math.nextUp(begins)));
        }
        float[] x = new float[near.size()];
        float[] y = new float[x.length];
        for (int i = 0; i < x.length; i++) {
            x[i] = near.get(i);
        }
        q.forward(x, 0, x.length, p, 0, 0, y);
        for (int i = 0; i < x.length; i++) {
            float deployed = form.real(form.code(x[i]));
            // Bits, but for the sign of 0, which no code has.
            if (Float.floatToRawIntBits(deployed) != Float.floatToRawIntBits(y[i] + 0f)) {
                throw new AssertionError("%d to %d of %s: %s is %s, deployed %s"
                        .formatted(lo, hi, Arrays.toString(p), x[i], y[i], deployed));
            }
        }
    }

    /** With its first parameters no quantizer is further from its values than the coarsest uniform one. */
    @Property(tries = 50, shrinking = ShrinkingMode.OFF)
    void allBeginNearTheValues(@ForAll long seed) {
        Random r = new Random(seed);
        float[] x = new float[500];
        double power = 0;
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (r.nextGaussian() * 0.3);
            power += (double) x[i] * x[i];
        }
        for (Quantizer kind : ALL) {
            LearnedQuantizer q = LearnedQuantizer.of(kind, -7, 7);
            float[] p = new float[q.parameters()];
            q.initialize(x, 0, x.length, p, 0);
            float[] y = new float[x.length];
            q.forward(x, 0, x.length, p, 0, Float.POSITIVE_INFINITY, y);
            double error = 0;
            for (int i = 0; i < x.length; i++) {
                error += (y[i] - x[i]) * (double) (y[i] - x[i]);
            }
            double share = kind instanceof Quantizer.Bipolar ? 0.42 : kind instanceof Quantizer.Ternary ? 0.25 : 0.1;
            assertThat(error / power).as("noise of %s", kind).isLessThan(share);
        }
    }

    /** Values and parameters a power of two larger have the same codes. */
    @Property(tries = 50, shrinking = ShrinkingMode.OFF)
    void parametersScaleWithTheirValues(@ForAll long seed) {
        Random r = new Random(seed);
        float factor = (float) Math.scalb(1.0, r.nextInt(9) - 4);
        float[] x = random(r, 100, -1.5, 1.5);
        float[] large = x.clone();
        for (int i = 0; i < x.length; i++) {
            large[i] *= factor;
        }
        for (Quantizer kind : ALL) {
            LearnedQuantizer q = LearnedQuantizer.of(kind, -4, 3);
            float[] p = new float[q.parameters()];
            q.initialize(x, 0, x.length, p, 0);
            float[] y = new float[x.length];
            q.forward(x, 0, x.length, p, 0, Float.POSITIVE_INFINITY, y);
            q.rescale(p, 0, factor);
            float[] scaled = new float[x.length];
            q.forward(large, 0, x.length, p, 0, Float.POSITIVE_INFINITY, scaled);
            for (int i = 0; i < x.length; i++) {
                assertThat(scaled[i]).as("%s of %f", kind, x[i]).isEqualTo(y[i] * factor);
            }
        }
    }

    // The papers' formulas, by hand.

    private static double byParameter(LearnedQuantizer q, float x, float[] p, int j) {
        double[] dp = new double[q.parameters()];
        q.byParameters(new float[] {x}, new float[] {1}, 0, 1, p, 0, 0, dp);
        return dp[j];
    }

    @Test
    void lsqsStepSize() {
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Lsq(), -4, 3);
        float[] p = {0.5f};
        // Equation 3: -v + round(v) inside, -Qn and Qp outside.
        assertThat(byParameter(q, 0.6f, p, 0)).isCloseTo(-0.2, within(1e-6));
        assertThat(byParameter(q, 0.9f, p, 0)).isCloseTo(0.2, within(1e-6));
        assertThat(byParameter(q, -9, p, 0)).isEqualTo(-4);
        assertThat(byParameter(q, 9, p, 0)).isEqualTo(3);
    }

    @Test
    void lsqBeginsAtTheLeastSquaredError() {
        float[] p = new float[2];
        // Of 1 and -3, codes 2 and -6 are exact; and so are -1 and 3 of -2 and 6 around zero point 1.
        LearnedQuantizer.of(new Quantizer.Lsq(), -6, 6).initialize(new float[] {1, -3}, 0, 2, p, 0);
        assertThat((double) p[0]).isCloseTo(0.5, within(1e-6));
        LearnedQuantizer.of(new Quantizer.LsqPlus(), 0, 4).initialize(new float[] {-2, 4, 6}, 0, 3, p, 0);
        assertThat(p).containsExactly(2, -2);
    }

    @Test
    void levelsOfTheirOwn() {
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Qn(5, 50, List.of(-4, -1, 0, 1, 4)), -7, 7);
        float[] x = {-2, -0.5f, 0, 0.5f, 2};
        float[] p = new float[q.parameters()];
        q.initialize(x, 0, x.length, p, 0);
        assertThat(p).containsExactly(0.5f, 2, -2.5f, -0.5f, 0.5f, 2.5f);
        float[] y = new float[x.length];
        q.forward(x, 0, x.length, p, 0, Float.POSITIVE_INFINITY, y);
        assertThat(y).containsExactly(x);
        assertThat(q.integerForm(p, 0))
                .isEqualTo(new IntegerForm.Staircase(
                        new float[] {-1.25f, -0.25f, 0.25f, 1.25f}, new int[] {-4, -1, 0, 1, 4}, 0.5f));
        float[] g = {1, 2, -1, 1, 3};
        double[] dp = new double[p.length];
        q.byParameters(x, g, 0, x.length, p, 0, 2, dp);
        for (int k = 0; k < p.length; k++) {
            assertThat(dp[k]).as("by parameter %d", k).isCloseTo(difference(q, x, g, p, k), within(0.02));
        }
    }

    @Test
    void levelsOfOneSign() {
        for (List<Integer> levels : List.of(List.of(-4, -2, -1, 0), List.of(-2, -1, 0), List.of(2, 3))) {
            LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Qn(5, 50, levels), -7, 7);
            float[] x = {-2, -0.5f, 0, 0.5f, 2};
            float[] p = new float[q.parameters()];
            q.initialize(x, 0, x.length, p, 0);
            assertThat((double) p[0]).as("%s", levels).isBetween(0.05, 2.0);
        }
    }

    @Test
    void zeroStaysZeroWhereAnIntervalBeginsBelowIt() {
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Qil(), -7, 7);
        // From -1 to 2: the lowest codes' thresholds are below 0.
        float[] p = {0.5f, 1.5f, 1, 7};
        float[] x = {-1, 0, 1};
        float[] y = new float[x.length];
        q.forward(x, 0, x.length, p, 0, 0, y);
        for (int i = 0; i < x.length; i++) {
            IntegerForm form = q.integerForm(p, 0);
            assertThat(form.real(form.code(x[i]))).as("%f", x[i]).isEqualTo(y[i] + 0f);
        }
    }

    /** The derivative of Σ g·y by a parameter at temperature 2, by central differences. */
    private static double difference(LearnedQuantizer q, float[] x, float[] g, float[] p, int k) {
        double sum = 0;
        float[] y = new float[x.length];
        for (int side = -1; side <= 1; side += 2) {
            float[] moved = p.clone();
            moved[k] += side * 0.01f;
            q.forward(x, 0, x.length, moved, 0, 2, y);
            for (int i = 0; i < x.length; i++) {
                sum += side * g[i] * (double) y[i] / 0.02;
            }
        }
        return sum;
    }

    @Test
    void lsqPlusOffset() {
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.LsqPlus(), 0, 3);
        float[] p = {0.5f, -0.5f};
        assertThat(byParameter(q, 0.2f, p, 1)).isZero();
        assertThat(byParameter(q, -3, p, 1)).isEqualTo(1);
        assertThat(byParameter(q, 3, p, 1)).isEqualTo(1);
        assertThat(byParameter(q, 3, p, 0)).isEqualTo(3);
        assertThat(q.integerForm(p, 0)).isEqualTo(new IntegerForm.Affine(0.5f, 1, 0, 3));
    }

    @Test
    void pactsAlpha() {
        LearnedQuantizer q = LearnedQuantizer.of(new Quantizer.Pact(6, 0.1f), 0, 15);
        float[] p = new float[1];
        q.initialize(new float[] {1}, 0, 1, p, 0);
        assertThat(p[0]).isEqualTo(6);
        assertThat(byParameter(q, 6, p, 0)).isEqualTo(1);
        assertThat(byParameter(q, 5.9f, p, 0)).isZero();
        assertThat(byParameter(q, -1, p, 0)).isZero();
        float[] dp = new float[1];
        q.regularize(p, 0, dp);
        assertThat((double) dp[0]).isCloseTo(2 * 0.1 * 6, within(1e-6));
        assertThat(q.integerForm(p, 0)).isEqualTo(new IntegerForm.Affine(6f / 15, 0, 0, 15));
    }

    @Test
    void ternaryThreshold() {
        float[] p = new float[2];
        LearnedQuantizer.of(new Quantizer.Ternary(), -1, 1).initialize(new float[] {1, -1, 0.1f, -0.1f}, 0, 4, p, 0);
        assertThat((double) p[0]).isCloseTo(0.7 * 0.55, within(1e-6));
        assertThat((double) p[1]).isCloseTo(1, within(1e-6));
    }

    @Test
    void codebooksBeginAtTheMeansOfClusters() {
        float[] p = new float[3];
        float[] x = {0.9f, 1.1f, -2.1f, -1.9f, 5};
        LearnedQuantizer.of(new Quantizer.Codebook(3, 0), -1, 1).initialize(x, 0, 5, p, 0);
        assertThat(p).containsExactly(-2, 1, 5);
    }

    @Test
    void valuesThatAreNotFiniteAreRefused() {
        assertThatThrownBy(() -> LearnedQuantizer.of(new Quantizer.Lsq(), -4, 3)
                        .initialize(new float[] {1, Float.NaN}, 0, 2, new float[1], 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("element 1 is NaN");
    }
}

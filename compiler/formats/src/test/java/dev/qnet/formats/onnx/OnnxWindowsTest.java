package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.source.CompileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Convolutions and pools over one to three axes with random attributes, against ONNX's definitions: every element of the
 * result as a sum, a maximum or a mean over the window's taps.
 */
class OnnxWindowsTest {
    private static final int CASES = 150;

    @TempDir
    Path dir;

    /** Random attributes of a window over {@code n} axes. */
    private static final class Attributes {
        final int n;
        final int[] in;
        final int[] kernel;
        final int[] strides;
        final int[] dilations;
        final int[] pads;

        Attributes(Random random) {
            n = 1 + random.nextInt(3);
            in = ints(random, n, 3, 8);
            kernel = ints(random, n, 1, 3);
            strides = ints(random, n, 1, 3);
            dilations = ints(random, n, 1, 2);
            pads = new int[2 * n];
            for (int i = 0; i < 2 * n; i++) {
                // No more than a tap of the kernel, so that no window sees padding alone.
                pads[i] = random.nextInt(kernel[i % n]);
            }
        }

        private static int[] ints(Random random, int n, int low, int high) {
            return random.ints(n, low, high + 1).toArray();
        }

        int span(int i) {
            return (kernel[i] - 1) * dilations[i] + 1;
        }

        Object[] with(Object... more) {
            List<Object> all = new ArrayList<>(List.of(
                    "kernel_shape",
                    wide(kernel),
                    "strides",
                    wide(strides),
                    "dilations",
                    wide(dilations),
                    "pads",
                    wide(pads)));
            all.addAll(List.of(more));
            return all.toArray();
        }

        /** The result's extents; the last window may reach beyond the padding where {@code ceil}. */
        int[] out(boolean ceil) {
            int[] out = new int[n];
            for (int i = 0; i < n; i++) {
                int room = in[i] + pads[i] + pads[n + i] - span(i);
                out[i] = (ceil ? Math.ceilDiv(room, strides[i]) : Math.floorDiv(room, strides[i])) + 1;
                if (ceil && (out[i] - 1) * strides[i] >= in[i] + pads[i]) {
                    out[i]--;
                }
            }
            return out;
        }

        @Override
        public String toString() {
            return "in " + Arrays.toString(in) + " kernel " + Arrays.toString(kernel) + " strides "
                    + Arrays.toString(strides) + " dilations " + Arrays.toString(dilations) + " pads "
                    + Arrays.toString(pads);
        }
    }

    private static long[] wide(int[] v) {
        return Arrays.stream(v).asLongStream().toArray();
    }

    private static int product(int... v) {
        return Arrays.stream(v).reduce(1, (a, b) -> a * b);
    }

    /** The digits of a number in mixed radix: the indices of an element. */
    private static int[] indices(int number, int[] dims) {
        int[] at = new int[dims.length];
        int rest = number;
        for (int i = dims.length - 1; i >= 0; i--) {
            at[i] = rest % dims[i];
            rest /= dims[i];
        }
        return at;
    }

    private static int index(int[] at, int[] dims) {
        int index = 0;
        for (int i = 0; i < dims.length; i++) {
            index = index * dims[i] + at[i];
        }
        return index;
    }

    private static List<Integer> dims(int n, int c, int[] spatial) {
        List<Integer> dims = new ArrayList<>(List.of(n, c));
        Arrays.stream(spatial).forEach(dims::add);
        return dims;
    }

    private static float[] random(Random random, int n) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = (float) random.nextGaussian();
        }
        return v;
    }

    private void check(Models m, List<Integer> in, float[] x, List<Integer> out, double[] expected, Object what)
            throws IOException {
        Graph g = m.read(dir).graph();
        Value.Floats y =
                (Value.Floats) Objects.requireNonNull(Interpreter.run(g, Map.of("x", Value.of(new Shape(in), x)))
                        .get("y"));
        assertThat(y.shape()).as("%s", what).isEqualTo(new Shape(out));
        for (int i = 0; i < expected.length; i++) {
            double slack = 1e-5 * Math.max(1, Math.abs(expected[i]));
            assertThat(Math.abs(y.data()[i] - expected[i]))
                    .as("element %d of %s: %s, expected %s", i, what, y.data()[i], expected[i])
                    .isLessThan(slack);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void convolutionsFollowTheirDefinition(boolean open) throws IOException {
        Random random = new Random(open ? 5 : 6);
        for (int run = 0; run < CASES; run++) {
            Attributes a = new Attributes(random);
            int[] out = a.out(false);
            if (Arrays.stream(out).anyMatch(o -> o < 1)) {
                continue;
            }
            int groups = 1 + random.nextInt(2);
            int cin = 1 + random.nextInt(3);
            int cout = 1 + random.nextInt(3);
            int items = 1 + random.nextInt(2);
            float[] x = random(random, items * groups * cin * product(a.in));
            float[] w = random(random, groups * cout * cin * product(a.kernel));
            float[] bias = random(random, groups * cout);
            double[] expected = new double[items * groups * cout * product(out)];
            for (int e = 0; e < expected.length; e++) {
                int[] p = indices(e % product(out), out);
                int o = e / product(out) % (groups * cout);
                int item = e / product(out) / (groups * cout);
                expected[e] = bias[o];
                for (int c = 0; c < cin; c++) {
                    for (int k = 0; k < product(a.kernel); k++) {
                        int[] q = tap(a, p, indices(k, a.kernel));
                        if (q.length > 0) {
                            int channel = (item * groups + o / cout) * cin + c;
                            expected[e] += (double) x[channel * product(a.in) + index(q, a.in)]
                                    * w[(o * cin + c) * product(a.kernel) + k];
                        }
                    }
                }
            }
            List<Integer> in = dims(items, groups * cin, a.in);
            Object[] declared = in.toArray();
            if (open) {
                declared[0] = "n";
            }
            Models m = new Models()
                    .input("x", DataType.FLOAT, declared)
                    .constant("w", dims(groups * cout, cin, a.kernel), w)
                    .constant("b", List.of(groups * cout), bias)
                    .node("Conv", List.of("x", "w", "b"), List.of("y"), a.with("group", groups))
                    .output("y");
            check(m, in, x, dims(items, groups * cout, out), expected, a + " groups " + groups);
        }
    }

    /** Where a tap of the window at {@code p} lies, or nothing where it lies on padding. */
    private static int[] tap(Attributes a, int[] p, int[] k) {
        int[] q = new int[a.n];
        for (int i = 0; i < a.n; i++) {
            q[i] = p[i] * a.strides[i] + k[i] * a.dilations[i] - a.pads[i];
            if (q[i] < 0 || q[i] >= a.in[i]) {
                return new int[0];
            }
        }
        return q;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void transposedConvolutionsSpreadEachElement(boolean outputPadding) throws IOException {
        Random random = new Random(7);
        for (int run = 0; run < CASES; run++) {
            Attributes a = new Attributes(random);
            int groups = 1 + random.nextInt(2);
            int cin = 1 + random.nextInt(2);
            int cout = 1 + random.nextInt(3);
            int[] extra = new int[a.n];
            int[] out = new int[a.n];
            for (int i = 0; i < a.n; i++) {
                extra[i] = outputPadding ? random.nextInt(a.strides[i]) : 0;
                out[i] = a.strides[i] * (a.in[i] - 1) + extra[i] + a.span(i) - a.pads[i] - a.pads[a.n + i];
            }
            if (Arrays.stream(out).anyMatch(o -> o < 1)) {
                continue;
            }
            float[] x = random(random, groups * cin * product(a.in));
            float[] w = random(random, groups * cin * cout * product(a.kernel));
            double[] expected = new double[groups * cout * product(out)];
            for (int c = 0; c < groups * cin; c++) {
                for (int e = 0; e < product(a.in); e++) {
                    int[] p = indices(e, a.in);
                    for (int o = 0; o < cout; o++) {
                        for (int k = 0; k < product(a.kernel); k++) {
                            int[] tap = indices(k, a.kernel);
                            int[] q = new int[a.n];
                            boolean inside = true;
                            for (int i = 0; i < a.n; i++) {
                                q[i] = p[i] * a.strides[i] + tap[i] * a.dilations[i] - a.pads[i];
                                inside &= q[i] >= 0 && q[i] < out[i];
                            }
                            if (inside) {
                                int at = (c / cin * cout + o) * product(out) + index(q, out);
                                expected[at] +=
                                        (double) x[c * product(a.in) + e] * w[(c * cout + o) * product(a.kernel) + k];
                            }
                        }
                    }
                }
            }
            List<Integer> in = dims(1, groups * cin, a.in);
            Models m = new Models()
                    .input("x", DataType.FLOAT, in.toArray())
                    .constant("w", dims(groups * cin, cout, a.kernel), w)
                    .node(
                            "ConvTranspose",
                            List.of("x", "w"),
                            List.of("y"),
                            a.with("group", groups, "output_padding", wide(extra)))
                    .output("y");
            check(m, in, x, dims(1, groups * cout, out), expected, a + " extra " + Arrays.toString(extra));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"MaxPool", "AveragePool", "LpPool"})
    void poolsFollowTheirDefinition(String op) throws IOException {
        Random random = new Random(8);
        int refused = 0;
        for (int run = 0; run < CASES; run++) {
            Attributes a = new Attributes(random);
            boolean ceil = random.nextBoolean();
            boolean counted = random.nextBoolean();
            int[] out = a.out(ceil);
            if (Arrays.stream(out).anyMatch(o -> o < 1)) {
                continue;
            }
            int channels = 2;
            float[] x = random(random, channels * product(a.in));
            double[] expected = new double[channels * product(out)];
            boolean empty = false;
            for (int e = 0; e < expected.length; e++) {
                int[] p = indices(e % product(out), out);
                double max = Double.NEGATIVE_INFINITY;
                double sum = 0;
                double squares = 0;
                int count = 0;
                int padded = 0;
                for (int k = 0; k < product(a.kernel); k++) {
                    int[] t = indices(k, a.kernel);
                    int[] q = tap(a, p, t);
                    boolean room = true;
                    for (int i = 0; i < a.n; i++) {
                        int at = p[i] * a.strides[i] + t[i] * a.dilations[i];
                        room &= at < a.pads[i] + a.in[i] + a.pads[a.n + i];
                    }
                    padded += room ? 1 : 0;
                    if (q.length > 0) {
                        float v = x[e / product(out) * product(a.in) + index(q, a.in)];
                        max = Math.max(max, v);
                        sum += v;
                        squares += (double) v * v;
                        count++;
                    }
                }
                empty |= count == 0;
                expected[e] = op.equals("MaxPool")
                        ? max
                        : op.equals("LpPool") ? Math.sqrt(squares) : sum / (counted ? padded : count);
            }
            if (empty) {
                continue; // windows that see padding alone have no meaning
            }
            List<Integer> in = dims(1, channels, a.in);
            Object[] attributes = op.equals("AveragePool")
                    ? a.with("ceil_mode", ceil ? 1 : 0, "count_include_pad", counted ? 1 : 0)
                    : a.with("ceil_mode", ceil ? 1 : 0);
            Models m = new Models()
                    .opset("", 22)
                    .input("x", DataType.FLOAT, in.toArray())
                    .node(op, List.of("x"), List.of("y"), attributes)
                    .output("y");
            try {
                check(
                        m,
                        in,
                        x,
                        dims(1, channels, out),
                        expected,
                        op + " " + a + " ceil " + ceil + " counted " + counted);
            } catch (CompileException e) {
                refused++;
            }
        }
        assertThat(refused).isLessThan(CASES / 10);
    }
}

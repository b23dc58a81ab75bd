package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.formats.ImportOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** What tests of quantized ONNX models share: constants of codes, runs, comparisons of fused and unfused graphs. */
final class CodeModels {
    /** The domain of ONNX Runtime's own operators. */
    static final String MS = "com.microsoft";

    private CodeModels() {}

    /** Adds a node with the result y. */
    static Models node(Models m, String domain, String op, List<String> in, Object... attributes) {
        return m.opset(MS, 1)
                .node(Models.nodeOf(op, domain, in, List.of("y"), attributes))
                .output("y");
    }

    /** The least code of a type. */
    static long lowest(DataType t) {
        return t.toString().startsWith("u") ? 0 : -(1L << (t.bits() - 1));
    }

    /** The greatest code of a type. */
    static long highest(DataType t) {
        return t.toString().startsWith("u") ? (1L << t.bits()) - 1 : (1L << (t.bits() - 1)) - 1;
    }

    /** clamp(round_half_even(x / s) + z). */
    static long code(float x, float s, long z, DataType t) {
        double r = Math.rint(x / s);
        return (long) Math.clamp(r + z, (double) lowest(t), (double) highest(t));
    }

    /** A sum as a code: clamp(round_half_even(acc · m) + z). */
    static long rescaled(long acc, float m, long z, DataType t) {
        return (long) Math.clamp(Math.rint((float) acc * m) + z, (double) lowest(t), (double) highest(t));
    }

    /** A constant of integers of a type of 8 bits and more, or of one that packs two or four into a byte. */
    static Proto.TensorData codes(String name, DataType type, List<Integer> dims, long... values) {
        int bits = type.bits();
        ByteBuffer raw = ByteBuffer.allocate((values.length * bits + 7) / 8).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < values.length; i++) {
            switch (bits) {
                case 8 -> raw.put(i, (byte) values[i]);
                case 16 -> raw.putShort(2 * i, (short) values[i]);
                case 32 -> raw.putInt(4 * i, (int) values[i]);
                default -> {
                    int at = i * bits / 8;
                    int part = (int) (values[i] & ((1 << bits) - 1)) << (i * bits % 8);
                    raw.put(at, (byte) (raw.get(at) | part));
                }
            }
        }
        return Models.raw(name, type, dims, raw.array());
    }

    static long[] random(Random random, int n, int lo, int hi) {
        return random.ints(n, lo, hi + 1).asLongStream().toArray();
    }

    static float[] floats(Random random, int n, double size) {
        float[] v = new float[n];
        for (int i = 0; i < n; i++) {
            v[i] = (float) (random.nextGaussian() * size);
        }
        return v;
    }

    /** The result y. */
    static Value run(Graph g, Map<String, Value> inputs) {
        return Objects.requireNonNull(Interpreter.run(g, inputs).get("y"));
    }

    static long[] ints(Value v) {
        return ((Value.Ints) v).data();
    }

    static float[] reals(Value v) {
        return ((Value.Floats) v).data();
    }

    static long count(Graph g, Class<?> op) {
        return g.nodes().stream().filter(n -> op.isInstance(n.op())).count();
    }

    /**
     * Reads a model fused and unfused, and runs both on random inputs.
     *
     * @param spread how far results may lie apart, in codes (or as real numbers)
     * @return the fused graph
     */
    static Graph fused(Models m, Path folder, double spread) throws IOException {
        Path file = m.save(folder);
        Graph fused = OnnxImporter.read(file, ImportOptions.NONE).graph();
        Graph written = OnnxImporter.readUnfused(file, ImportOptions.NONE).graph();
        assertThat(count(written, FloatOp.class) + count(written, QuantOp.class))
                .as("float operations and quantizers as written")
                .isPositive();
        Random random = new Random(7);
        long apart = 0;
        long all = 0;
        for (int k = 0; k < 20; k++) {
            Map<String, Value> inputs = new java.util.HashMap<>();
            for (Graph.Param p : fused.params()) {
                inputs.put(p.id().name(), input(random, p));
            }
            Value a = run(fused, inputs);
            Value b = run(written, inputs);
            assertThat(a.shape()).isEqualTo(b.shape());
            double[] x = doubles(a);
            double[] y = doubles(b);
            for (int i = 0; i < x.length; i++) {
                assertThat(Math.abs(x[i] - y[i]))
                        .as("%s, element %d of run %d", m, i, k)
                        .isLessThanOrEqualTo(spread);
                apart += x[i] == y[i] ? 0 : 1;
                all++;
            }
        }
        assertThat(apart).as("results that differ, of %d", all).isLessThanOrEqualTo(spread == 0 ? 0 : all / 50);
        return fused;
    }

    private static double[] doubles(Value v) {
        return switch (v) {
            case Value.Ints i ->
                java.util.Arrays.stream(i.data()).asDoubleStream().toArray();
            case Value.Floats f -> {
                double[] d = new double[f.data().length];
                for (int i = 0; i < d.length; i++) {
                    d[i] = f.data()[i];
                }
                yield d;
            }
        };
    }

    private static Value input(Random random, Graph.Param p) {
        Shape s = p.type().shape().hasBatch()
                ? p.type().shape().with(0, 3)
                : p.type().shape();
        if (p.type().isFloat()) {
            return Value.of(s, floats(random, s.elements(), 2));
        }
        String e = p.type().element().toString();
        int lo = e.startsWith("u") ? 0 : e.equals("i8") ? -128 : -32768;
        int hi = e.startsWith("u8") ? 255 : e.equals("i8") ? 127 : e.startsWith("u") ? 65535 : 32767;
        return Value.of(s, random(random, s.elements(), lo, hi));
    }
}

package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.target.tvm.TvmSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Runs TVM's code on the oracle's values. */
public final class TvmValues {
    private TvmValues() {}

    /**
     * Runs a graph once.
     *
     * @param graph what the session's module was compiled of
     * @param inputs a value for each parameter
     * @return the results, in the graph's order
     */
    public static List<Value> run(Graph graph, TvmSession session, List<Value> inputs) {
        return run(graph, (Runner) session::run, inputs);
    }

    /** Something compiled that runs on bytes. */
    @FunctionalInterface
    public interface Runner {
        /** The elements of each output, of so many items, from those of each input. */
        List<byte[]> run(int items, List<byte[]> inputs);
    }

    /**
     * Runs a graph once.
     *
     * @param graph what was compiled
     * @param inputs a value for each parameter
     * @return the results, in the graph's order
     */
    public static List<Value> run(Graph graph, Runner runner, List<Value> inputs) {
        int items = 1;
        List<byte[]> bytes = new ArrayList<>();
        for (int i = 0; i < inputs.size(); i++) {
            Type type = graph.params().get(i).type();
            items = type.shape().hasBatch() ? inputs.get(i).shape().dim(0) : items;
            bytes.add(of(inputs.get(i), type.element().bytes()));
        }
        List<byte[]> found = runner.run(items, bytes);
        Map<ValueId, Type> types = graph.types();
        List<Value> values = new ArrayList<>();
        for (int i = 0; i < found.size(); i++) {
            Type type = Objects.requireNonNull(types.get(graph.results().get(i).value()));
            values.add(value(found.get(i), type, items));
        }
        return values;
    }

    /** A value's elements as they lie in memory. */
    public static byte[] bytes(Value value, Type type) {
        return of(value, type.element().bytes());
    }

    /** @param width bytes of an integer */
    private static byte[] of(Value value, int width) {
        return switch (value) {
            case Value.Floats f -> {
                ByteBuffer bytes =
                        ByteBuffer.allocate(Float.BYTES * f.data().length).order(ByteOrder.LITTLE_ENDIAN);
                bytes.asFloatBuffer().put(f.data());
                yield bytes.array();
            }
            case Value.Ints i -> {
                byte[] bytes = new byte[width * i.data().length];
                for (int k = 0; k < bytes.length; k++) {
                    bytes[k] = (byte) (i.data()[k / width] >> (8 * (k % width)));
                }
                yield bytes;
            }
        };
    }

    /** @param items of the batch */
    private static Value value(byte[] bytes, Type type, int items) {
        Shape shape = type.shape().hasBatch() ? type.shape().with(0, items) : type.shape();
        if (type.isFloat()) {
            float[] data = new float[bytes.length / Float.BYTES];
            ByteBuffer.wrap(bytes)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asFloatBuffer()
                    .get(data);
            return Value.of(shape, data);
        }
        int width = type.element().bytes();
        boolean signed = switch (type.element()) {
            case Element.F32 f -> true;
            case Element.Int i -> i.signed();
            case Quant q -> q.storage().signed();
        };
        long[] data = new long[bytes.length / width];
        for (int i = 0; i < data.length; i++) {
            long value = signed ? bytes[i * width + width - 1] >> 7 : 0;
            for (int k = width - 1; k >= 0; k--) {
                value = (value << 8) | (bytes[i * width + k] & 0xff);
            }
            data[i] = value;
        }
        return Value.of(shape, data);
    }
}

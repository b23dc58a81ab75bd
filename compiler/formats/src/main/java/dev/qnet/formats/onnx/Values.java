package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What each value of a graph has become in the file. Images are NHWC in a graph and NCHW in ONNX: a value of four axes is
 * there in either order or in both, and is transposed where an operator wants the one that is missing.
 */
final class Values {
    /** NCHW's axes in NHWC. */
    static final int[] CHANNELS_FIRST = {0, 3, 1, 2};

    /** NHWC's axes in NCHW. */
    static final int[] CHANNELS_LAST = {0, 2, 3, 1};

    private final Emitter to;
    private final Map<ValueId, Value> values = new HashMap<>();

    Values(Emitter to) {
        this.to = to;
    }

    /** A value: a constant, or tensors. */
    static final class Value {
        final Type type;
        final @Nullable Literal literal;
        /** The grid that its numbers are on, or null. */
        final @Nullable Quant grid;
        /** Relus and clips that the quantization behind this value takes over. */
        final List<ScalarFn> clamps;

        private @Nullable String plain;
        private @Nullable String first;

        private Value(
                Type type,
                @Nullable Literal literal,
                @Nullable Quant grid,
                List<ScalarFn> clamps,
                @Nullable String plain,
                @Nullable String first) {
            this.type = type;
            this.literal = literal;
            this.grid = grid;
            this.clamps = List.copyOf(clamps);
            this.plain = plain;
            this.first = first;
        }

        int rank() {
            return type.shape().rank();
        }

        /** Whether it is there with its axes as in the graph. */
        boolean isPlain() {
            return plain != null;
        }

        /** Whether it is there as NCHW. */
        boolean isFirst() {
            return first != null;
        }
    }

    Value get(ValueId id) {
        return Objects.requireNonNull(values.get(id));
    }

    boolean has(ValueId id) {
        return values.containsKey(id);
    }

    void alias(ValueId id, Value value) {
        values.put(id, value);
    }

    void literal(ValueId id, Type type, Literal literal) {
        values.put(id, new Value(type, literal, null, List.of(), null, null));
    }

    /** A value with its axes as in the graph. */
    void plain(ValueId id, Type type, @Nullable Quant grid, String tensor) {
        values.put(id, new Value(type, null, grid, List.of(), tensor, null));
    }

    /** A value as NCHW. */
    void first(ValueId id, Type type, @Nullable Quant grid, String tensor) {
        values.put(id, new Value(type, null, grid, List.of(), null, tensor));
    }

    void put(ValueId id, Type type, @Nullable Quant grid, boolean channelsFirst, String tensor) {
        if (channelsFirst) {
            first(id, type, grid, tensor);
        } else {
            plain(id, type, grid, tensor);
        }
    }

    /** A clamp of a value that has no node of its own. */
    void clamped(ValueId id, Value x, ScalarFn fn) {
        List<ScalarFn> clamps = new ArrayList<>(x.clamps);
        clamps.add(fn);
        values.put(id, new Value(x.type, null, null, clamps, x.plain, x.first));
    }

    /** The tensor of a value with its axes as in the graph. */
    String plain(ValueId id) {
        Value v = get(id);
        if (v.plain == null) {
            v.plain = v.literal != null
                    ? v.literal.write(
                            to, id.name(), false, IntStream.range(0, v.rank()).toArray())
                    : settle(to.transpose(Objects.requireNonNull(v.first), id.name() + ".nhwc", CHANNELS_LAST), v.grid);
        }
        return v.plain;
    }

    /** The tensor of a value of four axes as NCHW; a constant of fewer gets axes of extent 1 in front. */
    String first(ValueId id) {
        Value v = get(id);
        if (v.first == null) {
            v.first = v.literal != null
                    ? v.literal.ofRank(4).write(to, id.name(), false, CHANNELS_FIRST)
                    : settle(to.transpose(plain(id), id.name() + ".nchw", CHANNELS_FIRST), v.grid);
        }
        return v.first;
    }

    String tensor(ValueId id, boolean channelsFirst) {
        return channelsFirst ? first(id) : plain(id);
    }

    /** Whether an operation that does not care for the order of axes shall run as NCHW: where less is transposed so. */
    boolean prefersFirst(List<ValueId> operands) {
        boolean any = false;
        for (ValueId o : operands) {
            Value v = get(o);
            if (v.literal == null && v.rank() != 4) {
                return false;
            }
            any |= v.first != null && v.literal == null;
        }
        return any && !operands.stream().map(this::get).allMatch(v -> v.literal != null || v.plain != null);
    }

    /**
     * A tensor whose numbers lie on a grid, written as such: quantized and dequantized, which changes no number, so that
     * the operators on both sides are seen to work on codes.
     */
    String settle(String tensor, @Nullable Quant grid) {
        return grid == null ? tensor : requantized(tensor, grid);
    }

    /** QuantizeLinear and DequantizeLinear with a grid's scale and zero point, in the type that carries its codes. */
    String requantized(String tensor, Quant grid) {
        DataType type = carrier(grid);
        if (type.bits() == 16) {
            to.needs(21);
        }
        String scale = to.scalar(grid.perTensor().scale());
        String zero = to.scalar(type, grid.perTensor().zero());
        String codes = to.node("QuantizeLinear", tensor + ".q", tensor, scale, zero);
        return to.node("DequantizeLinear", tensor + ".dq", codes, scale, zero);
    }

    /** The type that carries the codes of activations: 8 bits for all that have fewer. */
    static DataType carrier(Quant grid) {
        return switch (grid.storage()) {
            case BIPOLAR, TERNARY, I2, I3, I4, I8 -> DataType.INT8;
            case U2, U3, U4, U8 -> DataType.UINT8;
            case I16 -> DataType.INT16;
            case U16 -> DataType.UINT16;
            case I32 -> DataType.INT32;
        };
    }

    /** The lowest code of the type that carries a grid's codes. */
    static int min(Quant grid) {
        DataType type = carrier(grid);
        return type == DataType.UINT8 || type == DataType.UINT16 ? 0 : -1 << (type.bits() - 1);
    }

    /** The highest code of the type that carries a grid's codes. */
    static int max(Quant grid) {
        DataType type = carrier(grid);
        return type == DataType.UINT8 || type == DataType.UINT16
                ? (1 << type.bits()) - 1
                : (1 << (type.bits() - 1)) - 1;
    }
}

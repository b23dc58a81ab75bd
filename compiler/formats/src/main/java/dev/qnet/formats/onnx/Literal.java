package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.quant.Codes;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * A constant of a graph that is exported: singles, plain integers, or codes. It becomes initializers where it is used,
 * since its user knows in which layout.
 *
 * @param value its elements
 * @param element what they are
 */
record Literal(Tensor value, Element element) {
    /** The codes of weights that have one scale for each group of inputs, and their scales, as ONNX's blocks. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Blocks(int[] dims, long[] codes, int axis, int size, int[] scaleDims, float[] scales) {}

    Shape shape() {
        return value.shape();
    }

    /** Whether it holds codes. */
    boolean quantized() {
        return element instanceof Quant;
    }

    Quant quant() {
        return (Quant) element;
    }

    /** Its elements as real numbers. */
    float[] reals() {
        return switch (value) {
            case Tensor.OfFloat f -> f.values();
            case Tensor.OfInt i -> {
                if (element instanceof Quant q) {
                    yield Codes.dequantize(i, q.scheme()).values();
                }
                float[] reals = new float[i.values().length];
                for (int k = 0; k < reals.length; k++) {
                    reals[k] = i.values()[k];
                }
                yield reals;
            }
            case Tensor.OfLong l -> {
                float[] reals = new float[l.values().length];
                for (int k = 0; k < reals.length; k++) {
                    reals[k] = l.values()[k];
                }
                yield reals;
            }
        };
    }

    private long[] integers() {
        return switch (value) {
            case Tensor.OfFloat f -> throw new IllegalStateException("a constant of singles has no codes");
            case Tensor.OfInt i -> Emitter.widen(i.values());
            case Tensor.OfLong l -> l.values();
        };
    }

    /** The type that holds codes of a storage in a file. */
    static DataType type(Storage storage) {
        return switch (storage) {
            case BIPOLAR, TERNARY, I2, I3, I4 -> DataType.INT4;
            case U2, U3, U4 -> DataType.UINT4;
            case I8 -> DataType.INT8;
            case U8 -> DataType.UINT8;
            case I16 -> DataType.INT16;
            case U16 -> DataType.UINT16;
            case I32 -> DataType.INT32;
        };
    }

    /** With axes of extent 1 in front, up to a rank. */
    Literal ofRank(int rank) {
        int[] dims = new int[rank];
        Arrays.fill(dims, 1);
        int missing = rank - shape().rank();
        System.arraycopy(shape().toArray(), 0, dims, missing, shape().rank());
        Element e = element;
        if (e instanceof Quant q && q.scheme() instanceof Scheme.PerAxis a) {
            e = q.withScheme(new Scheme.PerAxis(a.axis() + missing, a.scales(), a.zeros()));
        }
        return new Literal(value.reshaped(Shape.of(dims)), e);
    }

    /**
     * Writes it under another order of axes.
     *
     * @param oneZero whether all channels must have one zero point, as ONNX Runtime demands of a convolution's weights: others are
     *     written as 16-bit codes less their zero points
     * @return the tensor, f32 where this holds codes
     */
    String write(Emitter to, String hint, boolean oneZero, int... permutation) {
        int[] from = shape().toArray();
        int[] dims = IntStream.of(permutation).map(i -> from[i]).toArray();
        if (value instanceof Tensor.OfFloat f) {
            return to.floats(hint, dims, transpose(f.values(), from, permutation));
        }
        if (!(element instanceof Quant q)) {
            Element.Int plain = (Element.Int) element;
            return to.integers(hint, Emitter.type(plain), dims, transpose(integers(), from, permutation));
        }
        DataType type = type(q.storage());
        if (type.bits() == 16) {
            to.needs(21);
        }
        long[] codes = integers();
        String name = hint + ".codes";
        return switch (q.scheme()) {
            case Scheme.PerTensor t -> {
                // With a zero point of its own: ONNX Runtime's passes for processors without VNNI replace it by name.
                int[] one = {};
                yield to.node(
                        "DequantizeLinear",
                        hint,
                        to.integers(name, type, dims, transpose(codes, from, permutation)),
                        to.floats(hint + ".scale", one, new float[] {t.scale()}),
                        to.integers(hint + ".zero", type, one, new long[] {t.zero()}));
            }
            case Scheme.PerAxis a -> {
                boolean centred = oneZero && a.zeros().stream().distinct().count() > 1;
                int axis = IntStream.range(0, permutation.length)
                        .filter(i -> permutation[i] == a.axis())
                        .findFirst()
                        .orElseThrow();
                long[] stored = centred ? centred(codes, from, a) : codes;
                DataType as = centred ? DataType.INT16 : type;
                if (centred) {
                    to.needs(21);
                }
                float[] scales = new float[a.scales().size()];
                long[] zeros = new long[scales.length];
                for (int c = 0; c < scales.length; c++) {
                    scales[c] = a.scales().get(c);
                    zeros[c] = centred ? 0 : a.zeros().get(c);
                }
                int[] one = {scales.length};
                yield to.node(
                        "DequantizeLinear",
                        hint,
                        java.util.List.of(
                                to.integers(name, as, dims, transpose(stored, from, permutation)),
                                to.floats(hint + ".scale", one, scales),
                                to.integers(hint + ".zero", as, one, zeros)),
                        java.util.Map.of("axis", new Proto.Attribute.Int(axis)));
            }
            case Scheme.PerGroup g -> grouped(to, hint, type, g, codes, from, permutation);
        };
    }

    private static long[] centred(long[] codes, int[] dims, Scheme.PerAxis a) {
        int inner = 1;
        for (int i = a.axis() + 1; i < dims.length; i++) {
            inner *= dims[i];
        }
        long[] out = new long[codes.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = codes[i] - a.zeros().get(i / inner % dims[a.axis()]);
        }
        return out;
    }

    // Groups: ONNX knows blocks along one axis. The scale of a block is the single s·m, as dequantize has it.

    private String grouped(
            Emitter to, String hint, DataType type, Scheme.PerGroup g, long[] codes, int[] from, int[] permutation) {
        int channels = from[0];
        int row = codes.length / Math.max(1, channels);
        float[] scales = new float[g.multipliers().size()];
        for (int i = 0; i < scales.length; i++) {
            scales[i] = g.scales().get(i / g.groups()) * g.multipliers().get(i);
        }
        if (g.groups() == 1) {
            java.util.List<Float> list =
                    IntStream.range(0, channels).mapToObj(c -> scales[c]).toList();
            java.util.List<Integer> zeros = java.util.Collections.nCopies(channels, 0);
            Quant axis = quant().withScheme(new Scheme.PerAxis(0, list, zeros));
            return new Literal(value, axis).write(to, hint, false, permutation);
        }
        int inputs = from[from.length - 1];
        if (inputs == row || inputs % g.size() == 0) {
            // Groups do not leave the last axis: blocks along it, wherever it moves.
            int blocks = (inputs + g.size() - 1) / g.size();
            int[] scaleDims = from.clone();
            scaleDims[from.length - 1] = blocks;
            int axis = IntStream.range(0, permutation.length)
                    .filter(i -> permutation[i] == from.length - 1)
                    .findFirst()
                    .orElseThrow();
            return blocked(
                    to,
                    hint,
                    type,
                    new Blocks(
                            IntStream.of(permutation).map(i -> from[i]).toArray(),
                            transpose(codes, from, permutation),
                            axis,
                            g.size(),
                            IntStream.of(permutation).map(i -> scaleDims[i]).toArray(),
                            transpose(scales, scaleDims, permutation)));
        }
        // Groups run over rows of the window: blocks of the flat weights, which are shaped after.
        String flat = blocked(
                to,
                hint + ".flat",
                type,
                new Blocks(new int[] {channels, row}, codes, 1, g.size(), new int[] {channels, g.groups()}, scales));
        String shaped = to.reshape(flat, hint + ".shaped", from);
        return to.transpose(shaped, hint, permutation);
    }

    private static String blocked(Emitter to, String hint, DataType type, Blocks b) {
        to.needs(21);
        return to.node(
                "DequantizeLinear",
                hint,
                java.util.List.of(
                        to.integers(hint + ".codes", type, b.dims(), b.codes()),
                        to.floats(hint + ".scale", b.scaleDims(), b.scales()),
                        to.integers(hint + ".zero", type, b.scaleDims(), new long[b.scales().length])),
                java.util.Map.of(
                        "axis", new Proto.Attribute.Int(b.axis()), "block_size", new Proto.Attribute.Int(b.size())));
    }

    // Moving elements.

    /** Where each element of a transposed tensor comes from. */
    private static int[] sources(int[] dims, int[] permutation) {
        int rank = dims.length;
        int[] strides = new int[rank];
        int size = 1;
        for (int i = rank - 1; i >= 0; i--) {
            strides[i] = size;
            size *= dims[i];
        }
        int[] sources = new int[size];
        int[] at = new int[rank];
        for (int k = 0; k < size; k++) {
            int from = 0;
            for (int i = 0; i < rank; i++) {
                from += at[i] * strides[permutation[i]];
            }
            sources[k] = from;
            for (int i = rank - 1; i >= 0 && ++at[i] == dims[permutation[i]]; i--) {
                at[i] = 0;
            }
        }
        return sources;
    }

    private static float[] transpose(float[] values, int[] dims, int[] permutation) {
        int[] sources = sources(dims, permutation);
        float[] out = new float[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[sources[i]];
        }
        return out;
    }

    private static long[] transpose(long[] values, int[] dims, int[] permutation) {
        int[] sources = sources(dims, permutation);
        long[] out = new long[values.length];
        for (int i = 0; i < out.length; i++) {
            out[i] = values[sources[i]];
        }
        return out;
    }
}

package dev.qnet.formats.tflite;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parts of a TFLite file that say what it computes, by the field numbers of TFLite's schema (versions 3 to 3d).
 *
 * @param bytes the file's size
 * @param version of the schema
 * @param description what wrote the file says of itself, or empty
 * @param buffers constants' bytes, by number
 * @param graphs its subgraphs; the first is the model
 */
record TfliteFile(
        String name, long bytes, int version, String description, List<ByteBuffer> buffers, List<Subgraph> graphs) {
    private static final String IDENTIFIER = "TFL3";

    /** A graph of operators, in an order in which they can run. */
    record Subgraph(
            String name,
            List<TensorDef> tensors,
            List<Integer> inputs,
            List<Integer> outputs,
            List<OperatorDef> operators) {}

    /**
     * The parameters of codes.
     *
     * @param details whether something other than scales and zero points counts
     */
    record QuantDef(List<Float> scales, List<Long> zeros, int axis, boolean details) {}

    /**
     * A tensor.
     *
     * @param shape its extents
     * @param signature its extents with -1 for those that are open, or empty
     * @param type its element, or null for one that this schema does not know
     * @param typeNumber as the file has it
     * @param buffer the number of its bytes; an empty buffer for what is computed
     */
    record TensorDef(
            int index,
            String name,
            List<Integer> shape,
            List<Integer> signature,
            @Nullable TensorType type,
            int typeNumber,
            int buffer,
            @Nullable QuantDef quant,
            boolean variable,
            boolean sparse,
            boolean external) {
        /** The name, or one made of the index where there is none. */
        String label() {
            return name.isEmpty() ? "t" + index : name;
        }

        String typeName() {
            return type == null ? "type " + typeNumber : type.name();
        }
    }

    /**
     * A use of an operator.
     *
     * @param code the builtin operator's number
     * @param custom a custom operator's name, or empty
     * @param inputs tensors' indices, -1 for one left out
     * @param options the operator's own options, or null for defaults
     */
    record OperatorDef(
            int index,
            int code,
            String custom,
            int version,
            List<Integer> inputs,
            List<Integer> outputs,
            List<Integer> intermediates,
            FlatFile.@Nullable Table options) {}

    /** The names of the model's inputs, in its order. */
    List<String> inputNames() {
        Subgraph main = graphs.getFirst();
        return main.inputs().stream().map(i -> main.tensors().get(i).label()).toList();
    }

    /** Reads a file. */
    static TfliteFile read(String name, ByteBuffer bytes) {
        FlatFile file = new FlatFile(name, bytes);
        FlatFile.Table model = file.root(IDENTIFIER);
        int version = model.intAt(0, 0);
        if (version != 3) {
            throw file.malformed("its schema has version " + version + ", and only version 3 is known");
        }
        List<FlatFile.Table> codes = model.tables(1);
        List<ByteBuffer> buffers = new ArrayList<>();
        for (FlatFile.Table b : model.tables(4)) {
            if (b.longAt(1, 0) > 1) {
                throw file.malformed("its constants lie outside the flatbuffer, as in files above 2 GiB");
            }
            buffers.add(b.bytes(0));
        }
        List<Subgraph> graphs = new ArrayList<>();
        for (FlatFile.Table g : model.tables(2)) {
            graphs.add(subgraph(file, g, codes, buffers.size()));
        }
        if (graphs.isEmpty()) {
            throw file.malformed("it has no graph");
        }
        return new TfliteFile(name, bytes.remaining(), version, model.string(3), buffers, graphs);
    }

    private static Subgraph subgraph(FlatFile file, FlatFile.Table g, List<FlatFile.Table> codes, int buffers) {
        List<TensorDef> tensors = new ArrayList<>();
        for (FlatFile.Table t : g.tables(0)) {
            tensors.add(tensor(file, t, tensors.size(), buffers));
        }
        int count = tensors.size();
        List<OperatorDef> operators = new ArrayList<>();
        for (FlatFile.Table o : g.tables(3)) {
            int opcode = o.intAt(0, 0);
            if (opcode < 0 || opcode >= codes.size()) {
                throw file.malformed("operator " + operators.size() + " has code " + opcode + " of " + codes.size());
            }
            FlatFile.Table code = codes.get(opcode);
            operators.add(new OperatorDef(
                    operators.size(),
                    Math.max(code.byteAt(0, 0), code.intAt(3, 0)),
                    code.string(1),
                    code.intAt(2, 1),
                    indices(file, o.ints(1), -1, count),
                    indices(file, o.ints(2), 0, count),
                    indices(file, o.ints(8), -1, count),
                    o.table(4)));
        }
        return new Subgraph(
                g.string(4),
                tensors,
                indices(file, g.ints(1), 0, count),
                indices(file, g.ints(2), 0, count),
                operators);
    }

    private static TensorDef tensor(FlatFile file, FlatFile.Table t, int index, int buffers) {
        int buffer = t.intAt(2, 0);
        if (buffer < 0 || (buffer >= buffers && buffer != 0)) {
            throw file.malformed("tensor " + index + " has buffer " + buffer + " of " + buffers);
        }
        FlatFile.Table q = t.table(4);
        int type = t.byteAt(1, 0);
        return new TensorDef(
                index,
                t.string(3),
                t.ints(0),
                t.ints(7),
                TensorType.of(type),
                type,
                buffer,
                q == null ? null : new QuantDef(q.floats(2), q.longs(3), q.intAt(6, 0), q.byteAt(4, 0) != 0),
                t.flag(5, false),
                t.has(6),
                t.intAt(10, 0) != 0);
    }

    private static List<Integer> indices(FlatFile file, List<Integer> list, int least, int count) {
        for (int i : list) {
            if (i < least || i >= count) {
                throw file.malformed("it names tensor " + i + " of " + count);
            }
        }
        return list;
    }
}

package dev.qnet.compiler.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Tensor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Writes safetensors files. */
public final class SafetensorsWriter {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int ALIGNMENT = 8;

    private SafetensorsWriter() {}

    /**
     * Writes tensors in the map's order, with the header padded so that the data starts at a multiple of 8 bytes. The
     * same arguments give the same bytes: metadata goes in the order of its keys.
     *
     * @param tensors by name
     * @param metadata free text to keep beside them
     * @throws IllegalArgumentException if a tensor is called {@code __metadata__}
     */
    public static void write(Path file, Map<String, ? extends Tensor> tensors, Map<String, String> metadata)
            throws IOException {
        write(file, tensors, Map.of(), metadata);
    }

    /** The type in which the elements of a tensor of the IR are kept: that of their storage, a byte for what is narrower. */
    public static SafetensorsType type(Element element) {
        return switch (element) {
            case Element.F32 _ -> SafetensorsType.F32;
            case Element.Int i ->
                switch (i.bits()) {
                    case 1 -> SafetensorsType.BOOL;
                    case 8 -> i.signed() ? SafetensorsType.I8 : SafetensorsType.U8;
                    case 16 -> i.signed() ? SafetensorsType.I16 : SafetensorsType.U16;
                    case 32 -> SafetensorsType.I32;
                    default -> SafetensorsType.I64;
                };
            case Quant q ->
                switch (q.storage().bytes()) {
                    case 1 -> q.storage().signed() ? SafetensorsType.I8 : SafetensorsType.U8;
                    case 2 -> q.storage().signed() ? SafetensorsType.I16 : SafetensorsType.U16;
                    default -> SafetensorsType.I32;
                };
        };
    }

    /**
     * As {@link #write(Path, Map, Map)}, with integers in given types.
     *
     * @param types by the tensors' names; where one is missing, integers are I32, or I64 where they need it
     * @throws IllegalArgumentException if a tensor is called {@code __metadata__}, or does not fit its type
     */
    public static void write(
            Path file,
            Map<String, ? extends Tensor> tensors,
            Map<String, SafetensorsType> types,
            Map<String, String> metadata)
            throws IOException {
        ObjectNode root = JSON.createObjectNode();
        if (!metadata.isEmpty()) {
            ObjectNode texts = root.putObject(SafetensorsHeader.METADATA);
            new TreeMap<>(metadata).forEach(texts::put);
        }
        long offset = 0;
        for (Map.Entry<String, ? extends Tensor> e : tensors.entrySet()) {
            if (e.getKey().equals(SafetensorsHeader.METADATA)) {
                throw new IllegalArgumentException("the name " + SafetensorsHeader.METADATA + " is taken");
            }
            ObjectNode node = root.putObject(e.getKey());
            SafetensorsType type = type(e.getValue(), types.get(e.getKey()));
            node.put("dtype", type.name());
            ArrayNode shape = node.putArray("shape");
            e.getValue().shape().dims().forEach(shape::add);
            long end = offset + (long) e.getValue().shape().elements() * type.bytes();
            node.putArray("data_offsets").add(offset).add(end);
            offset = end;
        }
        byte[] json = JSON.writeValueAsString(root).getBytes(StandardCharsets.UTF_8);
        int padding = Math.floorMod(-json.length, ALIGNMENT);
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
            out.write(ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(json.length + padding)
                    .array());
            out.write(json);
            out.write(" ".repeat(padding).getBytes(StandardCharsets.US_ASCII));
            for (Map.Entry<String, ? extends Tensor> e : tensors.entrySet()) {
                write(out, e.getKey(), e.getValue(), type(e.getValue(), types.get(e.getKey())));
            }
        }
    }

    private static SafetensorsType type(Tensor tensor, @Nullable SafetensorsType wanted) {
        return switch (tensor) {
            case Tensor.OfFloat _ -> SafetensorsType.F32;
            case Tensor.OfInt _ -> wanted == null ? SafetensorsType.I32 : wanted;
            case Tensor.OfLong _ -> SafetensorsType.I64;
        };
    }

    private static void write(OutputStream out, String name, Tensor tensor, SafetensorsType type) throws IOException {
        ByteBuffer word = ByteBuffer.allocate(type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        switch (tensor) {
            case Tensor.OfFloat t -> {
                for (float v : t.values()) {
                    out.write(word.putFloat(0, v).array());
                }
            }
            case Tensor.OfInt t -> {
                for (int v : t.values()) {
                    put(word, v, type, name);
                    out.write(word.array());
                }
            }
            case Tensor.OfLong t -> {
                for (long v : t.values()) {
                    out.write(word.putLong(0, v).array());
                }
            }
        }
    }

    private static void put(ByteBuffer word, int v, SafetensorsType type, String name) {
        boolean fits = switch (type) {
            case BOOL -> v == 0 || v == 1;
            case U8 -> v >= 0 && v <= 0xFF;
            case I8 -> v == (byte) v;
            case I16 -> v == (short) v;
            case U16 -> v >= 0 && v <= 0xFFFF;
            case I32, I64 -> true;
            case F16, BF16, F32, F64 -> false;
        };
        if (!fits) {
            throw new IllegalArgumentException(v + " of tensor " + name + " does not fit " + type);
        }
        switch (type.bytes()) {
            case 1 -> word.put(0, (byte) v);
            case 2 -> word.putShort(0, (short) v);
            case 4 -> word.putInt(0, v);
            default -> word.putLong(0, v);
        }
    }
}

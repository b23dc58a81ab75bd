package dev.qnet.compiler.data;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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

/** Writes safetensors files: floats as F32, integers as I32. */
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
            SafetensorsType type = switch (e.getValue()) {
                case Tensor.OfFloat t -> SafetensorsType.F32;
                case Tensor.OfInt t -> SafetensorsType.I32;
                case Tensor.OfLong t -> SafetensorsType.I64;
            };
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
            for (Tensor tensor : tensors.values()) {
                write(out, tensor);
            }
        }
    }

    private static void write(OutputStream out, Tensor tensor) throws IOException {
        ByteBuffer word = ByteBuffer.allocate(tensor instanceof Tensor.OfLong ? Long.BYTES : Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN);
        switch (tensor) {
            case Tensor.OfFloat t -> {
                for (float v : t.values()) {
                    out.write(word.putFloat(0, v).array());
                }
            }
            case Tensor.OfInt t -> {
                for (int v : t.values()) {
                    out.write(word.putInt(0, v).array());
                }
            }
            case Tensor.OfLong t -> {
                for (long v : t.values()) {
                    out.write(word.putLong(0, v).array());
                }
            }
        }
    }
}

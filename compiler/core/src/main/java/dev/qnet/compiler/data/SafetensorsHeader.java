package dev.qnet.compiler.data;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.runtime.io.ReadLimits;
import dev.qnet.runtime.io.TensorFormatException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The header of a safetensors file: a JSON object that gives each tensor its type, shape and place among the data.
 * Source: the format's description in github.com/huggingface/safetensors (README, "Format").
 *
 * @param tensors by name, in the header's order
 * @param metadata the free text under {@code __metadata__}
 */
record SafetensorsHeader(Map<String, Entry> tensors, Map<String, String> metadata) {
    /** More than the headers of the largest published models take. */
    static final int MAX_BYTES = 16 << 20;

    static final String METADATA = "__metadata__";
    private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

    /** A tree of arrays and objects costs more memory than its text: depth and lengths are bounded while it is read. */
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(8)
                            .maxNameLength(4096)
                            .maxNumberLength(20)
                            .maxStringLength(1 << 20)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /**
     * Where a tensor is.
     *
     * @param shape extents, outermost first
     * @param begin offset of the first byte, counted from the end of the header
     * @param end offset after the last byte
     */
    record Entry(SafetensorsType type, List<Long> shape, long begin, long end) {}

    SafetensorsHeader {
        tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
        metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    }

    /**
     * Parses and checks a header.
     *
     * @param json the header's bytes
     * @param dataBytes how many bytes follow it
     * @throws TensorFormatException if it is not valid, or does not describe exactly those bytes
     */
    static SafetensorsHeader parse(byte[] json, long dataBytes, String source, ReadLimits limits) {
        JsonNode root = tree(json, source);
        if (!root.isObject()) {
            throw TensorFormatException.expected(source, "a JSON object as header", describe(root));
        }
        if (root.size() > limits.maxEntries()) {
            throw TensorFormatException.expected(
                    source, "at most " + limits.maxEntries() + " tensors", root.size() + " tensors");
        }
        Map<String, Entry> tensors = new LinkedHashMap<>();
        Map<String, String> metadata = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> e : root.properties()) {
            if (e.getKey().equals(METADATA)) {
                metadata(e.getValue(), source, metadata);
            } else {
                tensors.put(e.getKey(), entry(e.getValue(), Floats.place(source, e.getKey()), dataBytes));
            }
        }
        checkCover(tensors, dataBytes, source);
        return new SafetensorsHeader(tensors, metadata);
    }

    private static JsonNode tree(byte[] json, String source) {
        try {
            // Decoded here: given bytes, Jackson would also accept UTF-16 and UTF-32.
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(json))
                    .toString();
            return JSON.readTree(text);
        } catch (CharacterCodingException e) {
            throw new TensorFormatException(source, "the header is not UTF-8", e);
        } catch (JsonProcessingException e) {
            throw new TensorFormatException(source, "the header is not valid JSON: " + e.getOriginalMessage(), e);
        }
    }

    private static void metadata(JsonNode node, String source, Map<String, String> into) {
        for (Map.Entry<String, JsonNode> e : node.properties()) {
            if (!e.getValue().isTextual()) {
                throw TensorFormatException.expected(source, "strings under " + METADATA, describe(e.getValue()));
            }
            into.put(e.getKey(), e.getValue().textValue());
        }
        if (!node.isObject()) {
            throw TensorFormatException.expected(source, "an object under " + METADATA, describe(node));
        }
    }

    private static Entry entry(JsonNode node, String place, long dataBytes) {
        if (!node.isObject()) {
            throw TensorFormatException.expected(place, "an object with dtype, shape and data_offsets", describe(node));
        }
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!FIELDS.contains(field.getKey())) {
                throw TensorFormatException.expected(
                        place, "the fields dtype, shape and data_offsets", "'" + field.getKey() + "'");
            }
        }
        JsonNode dtype = node.get("dtype");
        SafetensorsType type = dtype != null && dtype.isTextual()
                ? SafetensorsType.ofName(dtype.textValue()).orElse(null)
                : null;
        if (type == null) {
            throw TensorFormatException.expected(place, "a dtype of " + SafetensorsType.all(), describe(dtype));
        }
        List<Long> shape = integers(node.get("shape"), "shape", place);
        List<Long> offsets = integers(node.get("data_offsets"), "data_offsets", place);
        if (offsets.size() != 2 || offsets.getFirst() > offsets.getLast() || offsets.getLast() > dataBytes) {
            throw TensorFormatException.expected(
                    place, "data_offsets [begin, end] within the " + dataBytes + " bytes of data", "" + offsets);
        }
        long size = offsets.getLast() - offsets.getFirst();
        long bytes = bytes(shape, type, place);
        if (size != bytes) {
            throw TensorFormatException.expected(place, bytes + " bytes for " + type + shape, size + " bytes");
        }
        return new Entry(type, shape, offsets.getFirst(), offsets.getLast());
    }

    private static long bytes(List<Long> shape, SafetensorsType type, String place) {
        try {
            long n = type.bytes();
            for (long d : shape) {
                n = Math.multiplyExact(n, d);
            }
            return n;
        } catch (ArithmeticException e) {
            throw new TensorFormatException(place, "the shape " + shape + " is too large", e);
        }
    }

    private static List<Long> integers(@Nullable JsonNode node, String field, String place) {
        if (node == null || !node.isArray()) {
            throw TensorFormatException.expected(place, "an array of integers as " + field, describe(node));
        }
        List<Long> out = new ArrayList<>();
        for (JsonNode n : node) {
            if (!n.isIntegralNumber() || !n.canConvertToLong() || n.longValue() < 0) {
                throw TensorFormatException.expected(place, "integers from 0 in " + field, describe(n));
            }
            out.add(n.longValue());
        }
        return List.copyOf(out);
    }

    /** The tensors must cover the data: no overlaps, no holes, nothing after the last. */
    private static void checkCover(Map<String, Entry> tensors, long dataBytes, String source) {
        List<Map.Entry<String, Entry>> byPlace = new ArrayList<>(tensors.entrySet());
        byPlace.sort(Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().begin)
                .thenComparingLong(e -> e.getValue().end));
        long covered = 0;
        for (Map.Entry<String, Entry> e : byPlace) {
            if (e.getValue().begin != covered) {
                throw TensorFormatException.expected(
                        Floats.place(source, e.getKey()),
                        "data from offset " + covered + " on, where the tensor before it ends",
                        "offset " + e.getValue().begin);
            }
            covered = e.getValue().end;
        }
        if (covered != dataBytes) {
            throw TensorFormatException.expected(source, covered + " bytes of data", dataBytes + " bytes");
        }
    }

    /** The node as JSON, shortened. */
    private static String describe(@Nullable JsonNode node) {
        if (node == null) {
            return "nothing";
        }
        if (node.isContainerNode()) {
            return node.isArray() ? "an array" : "an object";
        }
        String text = node.toString();
        return text.length() <= 40 ? text : text.substring(0, 40) + "...";
    }
}

package dev.qnet.cli.verify;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One unit test of CMSIS-NN: the macros ("params") and arrays ("tensors") of its headers.
 *
 * @param prefix in front of the names of one layer's macros, for cases of several layers
 */
record CmsisCase(JsonNode json, String prefix) {
    static CmsisCase read(Path file) throws IOException {
        try {
            JsonNode json = new ObjectMapper().readTree(file.toFile());
            if (!json.path("params").isObject() || !json.path("tensors").isObject()) {
                throw new CaseException(file + " has no params and tensors");
            }
            return new CmsisCase(json, "");
        } catch (JacksonException e) {
            throw new CaseException(file + " is damaged: " + e.getOriginalMessage(), e);
        }
    }

    /** The kernel that it tests, without "(unused)", which marks cases that no test of CMSIS-NN runs. */
    String kernel() {
        return json.path("kernel").asText().replace("(unused)", "");
    }

    /** The same case, seen from one of its layers. */
    CmsisCase layer(String macros) {
        return new CmsisCase(json, macros);
    }

    /** The names of all macros. */
    List<String> params() {
        List<String> names = new ArrayList<>();
        json.get("params").fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The names of all arrays. */
    List<String> tensors() {
        List<String> names = new ArrayList<>();
        json.get("tensors").fieldNames().forEachRemaining(names::add);
        return names;
    }

    boolean has(String param) {
        return json.get("params").has(prefix + param);
    }

    int param(String name) {
        JsonNode value = rawParam(name);
        // The headers write booleans as words.
        return switch (value.asText()) {
            case "true" -> 1;
            case "false" -> 0;
            default -> {
                if (!value.isIntegralNumber() || !value.canConvertToInt()) {
                    throw new CaseException("the macro " + prefix + name + " is no number: " + value);
                }
                yield value.intValue();
            }
        };
    }

    int param(String name, int otherwise) {
        return has(name) ? param(name) : otherwise;
    }

    JsonNode rawParam(String name) {
        JsonNode value = json.get("params").get(prefix + name);
        if (value == null) {
            throw new CaseException("there is no macro " + prefix + name);
        }
        return value;
    }

    /** A macro that is a list of numbers. */
    List<Integer> list(String name, int size) {
        JsonNode value = rawParam(name);
        if (value.size() < size) {
            throw new CaseException("the macro " + prefix + name + " has fewer than " + size + " numbers: " + value);
        }
        List<Integer> list = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            list.add(value.get(i).asInt());
        }
        return list;
    }

    /** Whether an array is there and not NULL. */
    boolean hasTensor(String name) {
        JsonNode t = json.get("tensors").get(name);
        return t != null && !t.isNull();
    }

    /** The first of several names under which there is an array, or the first name where there is none. */
    String anyOf(String... names) {
        for (String n : names) {
            if (hasTensor(n)) {
                return n;
            }
        }
        return names[0];
    }

    /** The element type in C: {@code int8_t}. */
    String ctype(String name) {
        return array(name).path("ctype").asText();
    }

    private JsonNode array(String name) {
        if (!hasTensor(name)) {
            throw new CaseException("there is no array " + name);
        }
        return json.get("tensors").get(name);
    }

    long[] tensor(String name) {
        JsonNode values = array(name).path("values");
        long[] out = new long[values.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = values.get(i).asLong();
        }
        return out;
    }

    /** Codes of four bits, two a byte, the low nibble first. */
    long[] nibbles(String name, int n) {
        long[] packed = tensor(name);
        if (packed.length < (n + 1) / 2) {
            throw new CaseException("the array " + name + " holds fewer than " + n + " codes of 4 bits");
        }
        long[] out = new long[n];
        for (int i = 0; i < n; i++) {
            int nibble = (int) (packed[i / 2] >> (i % 2 * 4)) & 15;
            out[i] = nibble < 8 ? nibble : nibble - 16;
        }
        return out;
    }

    /** The array of the expected output. */
    String output() {
        return anyOf("output_ref", "output");
    }

    /** The rescale of a layer: a multiplier a channel in arrays, or one in macros. */
    Rescale rescale(String arrays) {
        String array = anyOf(arrays + "output_mult", arrays + "output_multiplier");
        if (!hasTensor(array)) {
            return rescaleOfMacros();
        }
        List<Scale> scales = new ArrayList<>();
        long[] multipliers = tensor(array);
        long[] shifts = tensor(arrays + "output_shift");
        if (shifts.length != multipliers.length) {
            throw new CaseException(multipliers.length + " multipliers have " + shifts.length + " shifts");
        }
        for (int i = 0; i < multipliers.length; i++) {
            scales.add(fixed((int) multipliers[i], (int) shifts[i]));
        }
        return rescale(scales);
    }

    /** The rescale of a layer with one multiplier. */
    Rescale rescaleOfMacros() {
        return rescale(List.of(fixed(has("OUTPUT_MULT") ? "OUTPUT_MULT" : "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT")));
    }

    private Rescale rescale(List<? extends Scale> scales) {
        return new Rescale(Rounding.TFLITE, List.copyOf(scales), param("OUTPUT_OFFSET", 0), lo(), hi());
    }

    Scale.Fixed fixed(String multiplier, String shift) {
        return fixed(param(multiplier), param(shift));
    }

    private static Scale.Fixed fixed(int multiplier, int shift) {
        try {
            return new Scale.Fixed(multiplier, shift);
        } catch (IllegalArgumentException e) {
            throw new CaseException(String.valueOf(e.getMessage()), e);
        }
    }

    int lo() {
        return param(has("OUT_ACTIVATION_MIN") ? "OUT_ACTIVATION_MIN" : "ACTIVATION_MIN");
    }

    int hi() {
        return param(has("OUT_ACTIVATION_MAX") ? "OUT_ACTIVATION_MAX" : "ACTIVATION_MAX");
    }
}

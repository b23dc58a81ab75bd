package dev.qnet.compiler.interp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * One case of CMSIS-NN's unit tests: the macros and arrays of its headers.
 *
 * @param prefix in front of the names of one layer's macros, for cases of several layers
 */
record CmsisCase(JsonNode json, String prefix) {
    static CmsisCase read(Path file) {
        try {
            return new CmsisCase(new ObjectMapper().readTree(file.toFile()), "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String name() {
        return json.get("case").asText();
    }

    String kernel() {
        return json.get("kernel").asText();
    }

    CmsisCase layer(String macros) {
        return new CmsisCase(json, macros);
    }

    boolean has(String param) {
        return json.get("params").has(prefix + param);
    }

    int param(String name) {
        JsonNode value = json.get("params").get(prefix + name);
        if (value == null) {
            throw new IllegalArgumentException(name() + " has no " + prefix + name);
        }
        return value.isBoolean() ? (value.asBoolean() ? 1 : 0) : value.asInt();
    }

    int param(String name, int otherwise) {
        return has(name) ? param(name) : otherwise;
    }

    JsonNode rawParam(String name) {
        return json.get("params").get(prefix + name);
    }

    /** Whether an array is there and not NULL. */
    boolean hasTensor(String name) {
        JsonNode t = json.get("tensors").get(name);
        return t != null && !t.isNull();
    }

    String ctype(String name) {
        return json.get("tensors").get(name).get("ctype").asText();
    }

    long[] tensor(String name) {
        if (!hasTensor(name)) {
            throw new IllegalArgumentException(name() + " has no array " + name);
        }
        JsonNode values = json.get("tensors").get(name).get("values");
        long[] out = new long[values.size()];
        for (int i = 0; i < out.length; i++) {
            out[i] = values.get(i).asLong();
        }
        return out;
    }

    /** Codes of four bits, two a byte, the low nibble first. */
    long[] nibbles(String name, int n) {
        long[] packed = tensor(name);
        long[] out = new long[n];
        for (int i = 0; i < n; i++) {
            int nibble = (int) (packed[i / 2] >> (i % 2 * 4)) & 15;
            out[i] = nibble < 8 ? nibble : nibble - 16;
        }
        return out;
    }

    /** The expected output. */
    long[] expected() {
        return tensor(hasTensor("output_ref") ? "output_ref" : "output");
    }

    String ctypeOfOutput() {
        return ctype(hasTensor("output_ref") ? "output_ref" : "output");
    }

    /** The rescale of a layer: a multiplier a channel in arrays, or one in macros. */
    Rescale rescale(String arrays) {
        List<Scale> scales = new ArrayList<>();
        if (hasTensor(arrays + "output_mult")) {
            long[] multipliers = tensor(arrays + "output_mult");
            long[] shifts = tensor(arrays + "output_shift");
            for (int i = 0; i < multipliers.length; i++) {
                scales.add(new Scale.Fixed((int) multipliers[i], (int) shifts[i]));
            }
        } else {
            scales.add(fixed(has("OUTPUT_MULT") ? "OUTPUT_MULT" : "OUTPUT_MULTIPLIER", "OUTPUT_SHIFT"));
        }
        return new Rescale(Rounding.TFLITE, scales, param("OUTPUT_OFFSET", 0), lo(), hi());
    }

    Scale.Fixed fixed(String multiplier, String shift) {
        return new Scale.Fixed(param(multiplier), param(shift));
    }

    int lo() {
        return has("OUT_ACTIVATION_MIN") ? param("OUT_ACTIVATION_MIN") : param("ACTIVATION_MIN");
    }

    int hi() {
        return has("OUT_ACTIVATION_MAX") ? param("OUT_ACTIVATION_MAX") : param("ACTIVATION_MAX");
    }
}

package dev.qnet.compiler.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.runtime.io.ReadLimits;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
    @TempDir
    Path dir;

    private Path file(String json, byte[] data) throws IOException {
        byte[] header = json.getBytes(StandardCharsets.UTF_8);
        ByteBuffer all = ByteBuffer.allocate(8 + header.length + data.length).order(ByteOrder.LITTLE_ENDIAN);
        all.putLong(header.length).put(header).put(data);
        return Files.write(dir.resolve("x.safetensors"), all.array());
    }

    private Path sample() throws IOException {
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        tensors.put("b.weight", new Tensor.OfFloat(Shape.of(2, 3), new float[] {1, -2, 3.5f, 0, 1e-40f, 7}));
        tensors.put("a\"\u00e9", new Tensor.OfInt(Shape.SCALAR, new int[] {-9}));
        tensors.put("empty", new Tensor.OfFloat(Shape.of(0, 4), new float[0]));
        Path file = dir.resolve("s.safetensors");
        SafetensorsWriter.write(file, tensors, Map.of("layout", "OHWI", "by", "hand"));
        return file;
    }

    @Test
    void tensorsSurviveAFile() throws IOException {
        Path file = sample();
        try (Safetensors s = Safetensors.open(file)) {
            assertThat(s.names()).containsExactly("b.weight", "a\"\u00e9", "empty");
            assertThat(s.metadata()).isEqualTo(Map.of("layout", "OHWI", "by", "hand"));
            assertThat(s.shape("b.weight")).isEqualTo(Shape.of(2, 3));
            assertThat(s.tensor("b.weight").values()).containsExactly(1, -2, 3.5f, 0, 1e-40f, 7);
            assertThat(s.type("a\"\u00e9")).isEqualTo(SafetensorsType.I32);
            assertThat(s.tensor("a\"\u00e9").values()).containsExactly(-9);
            assertThat(s.tensor("empty").values()).isEmpty();
            assertThatThrownBy(() -> s.tensor("c"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("s.safetensors has no tensor 'c'; it has b.weight, ");
        }
        // The data starts at a multiple of eight bytes.
        assertThat(ByteBuffer.wrap(Files.readAllBytes(file))
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .getLong(0)
                        % 8)
                .isZero();
    }

    @ParameterizedTest
    @CsvSource({
        "BOOL, 01, 1",
        "U8, ff, 255",
        "I8, ff, -1",
        "I16, 00ff, -256",
        "F16, 00c2, -3",
        "F16, 0100, 5.9604645e-8",
        "BF16, 40c0, -3",
        "I32, 01000080, -2147483647",
        "F32, 0000c03f, 1.5",
        "F64, 9a9999999999b93f, 0.1",
        "I64, feffffffffffffff, -2"
    })
    void everyTypeBecomesSingles(SafetensorsType type, String hex, float value) throws IOException {
        byte[] data = HexFormat.of().parseHex(hex);
        String json = "{\"t\":{\"dtype\":\"%s\",\"shape\":[1],\"data_offsets\":[0,%d]}}".formatted(type, data.length);
        try (ParameterSource s = ParameterSource.open(file(json, data))) {
            assertThat(s.tensor("t").values()).containsExactly(value);
        }
    }

    @Test
    void refusesDoublesThatNoSingleHolds() throws IOException {
        byte[] data = ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putDouble(1)
                .putDouble(1e39)
                .array();
        try (ParameterSource s =
                ParameterSource.open(file("{\"t\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}", data))) {
            assertThatThrownBy(() -> s.tensor("t"))
                    .isInstanceOf(TensorFormatException.class)
                    .hasMessageEndingWith(
                            "x.safetensors, tensor 't': expected numbers that an f32 can hold, found 1.0E39 at element 1");
        }
    }

    /** Tensors longer than one read, at an offset that is no multiple of anything. */
    @Test
    void readsLongTensorsInPieces() throws IOException {
        float[] values = new float[40_000];
        ByteBuffer data = ByteBuffer.allocate(3 + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        data.put(new byte[3]);
        for (int i = 0; i < values.length; i++) {
            values[i] = i * 0.5f;
            data.putFloat(values[i]);
        }
        String json = "{\"w\":{\"dtype\":\"F32\",\"shape\":[200,200],\"data_offsets\":[3,160003]},"
                + "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}";
        try (Safetensors s = Safetensors.open(file(json, data.array()))) {
            assertThat(s.tensor("w").values()).isEqualTo(values);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '`', textBlock = """
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]} ~ the header is not valid JSON
            [] ~ expected a JSON object as header, found an array
            {"t":3} ~ tensor 't': expected an object with dtype, shape and data_offsets, found 3
            {"t":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}} ~ expected a dtype of BOOL, U8, I8, I16, U16, F16, BF16, I32, F32, F64, I64, found "F31"
            {"t":{"shape":[2],"data_offsets":[0,8]}} ~ expected a dtype of BOOL, U8, I8, I16, U16, F16, BF16, I32, F32, F64, I64, found nothing
            {"t":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}} ~ expected integers from 0 in shape, found -2
            {"t":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}} ~ expected integers from 0 in shape, found 2.0
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}} ~ expected the fields dtype, shape and data_offsets, found 'x'
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}} ~ expected data_offsets [begin, end] within the 8 bytes of data, found [0, 9]
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}} ~ within the 8 bytes of data, found [8, 0]
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0]}} ~ within the 8 bytes of data, found [0]
            {"t":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}} ~ expected 12 bytes for F32[3], found 8 bytes
            {"t":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,8]}} ~ the shape [4294967296, 4294967296, 4] is too large
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} ~ expected 4 bytes of data, found 8 bytes
            {"t":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}} ~ tensor 't': expected data from offset 0 on, where the tensor before it ends, found offset 4
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"u":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}} ~ tensor 'u': expected data from offset 8 on, where the tensor before it ends, found offset 4
            {"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} ~ Duplicate field 't'
            {"__metadata__":{"a":1}} ~ expected strings under __metadata__, found 1
            {"__metadata__":7} ~ expected an object under __metadata__, found 7
            {"t":[[[[[[[[[[]]]]]]]]]]} ~ the header is not valid JSON: Document nesting depth
            """)
    void namesWhatIsWrongWithAHeader(String json, String message) throws IOException {
        Path file = file(json, new byte[8]);
        assertThatThrownBy(() -> Safetensors.open(file))
                .isInstanceOf(TensorFormatException.class)
                .hasMessageStartingWith(file.toString())
                .hasMessageContaining(message);
    }

    @Test
    void refusesHeadersThatAreNotThere() throws IOException {
        Path file = dir.resolve("h.safetensors");
        Files.write(file, new byte[] {1, 2, 3});
        assertThatThrownBy(() -> Safetensors.open(file)).hasMessageEndingWith("found no room for its length");
        Files.write(file, new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, '{', '}'});
        assertThatThrownBy(() -> Safetensors.open(file)).hasMessageEndingWith("found 18446744073709551615 bytes");
        Files.write(file, new byte[] {3, 0, 0, 0, 0, 0, 0, 0, '{', '}'});
        assertThatThrownBy(() -> Safetensors.open(file))
                .hasMessageEndingWith("expected a safetensors header within the file's 10 bytes, found 3 bytes");
        Path two = file(
                "{\"t\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"__metadata__\":{}}", new byte[0]);
        assertThatThrownBy(() -> Safetensors.open(two, new ReadLimits(1, 1, 1, 1)))
                .hasMessageEndingWith("expected at most 1 tensors, found 2 tensors");
    }

    /** A shape that the IR cannot hold spoils only its own tensor. */
    @Test
    void ranksPastTheIrsSpoilOnlyTheirTensor() throws IOException {
        String json = "{\"t\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]},"
                + "\"u\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}";
        try (ParameterSource s = ParameterSource.open(file(json, new byte[] {1, 2}))) {
            assertThat(s.tensor("u").values()).containsExactly(2);
            assertThatThrownBy(() -> s.shape("t"))
                    .isInstanceOf(TensorFormatException.class)
                    .hasMessageContaining("at most 8 dimensions");
        }
    }

    @Test
    void everyTruncationAndMutationReadsOrIsAFormatError() throws IOException {
        byte[] whole = Files.readAllBytes(sample());
        Path file = dir.resolve("m.safetensors");
        Random random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 3_000; round++) {
            byte[] mutated = round < whole.length ? Arrays.copyOf(whole, round) : whole.clone();
            for (int k = random.nextInt(3); k >= 0 && round >= whole.length; k--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
            }
            Files.write(file, mutated);
            try (Safetensors s = Safetensors.open(file)) {
                for (String name : s.names()) {
                    s.tensor(name);
                }
            } catch (TensorFormatException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(1_000, 2_999);
    }

    @Test
    void readsTheWeightsOfResnet8() throws IOException {
        Path file = Path.of(System.getProperty("qnet.data", "absent"), "weights", "resnet8.safetensors");
        assumeTrue(Files.exists(file), "needs the weights in ../shared/data");
        try (ParameterSource s = ParameterSource.open(file)) {
            assertThat(s.names()).hasSizeGreaterThan(10);
            for (String name : s.names()) {
                assertThat(s.tensor(name).values()).hasSize(s.shape(name).elements());
                for (float v : s.tensor(name).values()) {
                    assertThat(Math.abs(v)).isLessThan(100);
                }
            }
        }
    }
}

package dev.qnet.compiler.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdxTest {
    @TempDir
    Path dir;

    private Path file(String hex) throws IOException {
        return Files.write(dir.resolve("x.idx"), HexFormat.of().parseHex(hex.replace(" ", "")));
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gz = new GZIPOutputStream(out)) {
            gz.write(bytes);
        }
        return out.toByteArray();
    }

    @Test
    void readsEveryType() throws IOException {
        assertThat(Idx.read(file("00000802 00000002 00000001 ff01")))
                .isEqualTo(NpyArray.ofUint8(new byte[] {-1, 1}, 2, 1));
        assertThat(Idx.read(file("00000901 00000001 ff"))).isEqualTo(NpyArray.ofInt8(new byte[] {-1}, 1));
        assertThat(Idx.read(file("00000B01 00000001 0102"))).isEqualTo(NpyArray.ofInt16(new short[] {0x102}, 1));
        assertThat(Idx.read(file("00000C00 00000102"))).isEqualTo(NpyArray.ofInt32(new int[] {0x102}));
        assertThat(Idx.read(file("00000D01 00000001 3fc00000"))).isEqualTo(NpyArray.ofFloats(new float[] {1.5f}, 1));
        assertThat(Idx.read(file("00000E01 00000001 3ff8000000000000")))
                .isEqualTo(NpyArray.ofDoubles(new double[] {1.5}, 1));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', textBlock = """
            0000             ~ fewer than 4 bytes
            01000801         ~ expected an idx file (0 0 type rank), found other bytes
            00000A01         ~ an idx type of 0x08, 0x09, 0x0B, 0x0C, 0x0D or 0x0E, found 0x0A
            00000801 0000    ~ the idx header ends early
            00000801 ffffffff ~ expected extents up to 2147483647, found 4294967295
            00000802 7fffffff 7fffffff ~ expected at most 268435456 elements, found 2147483647 elements
            00000801 00000003 0102 ~ expected 3 bytes of data for the shape [3], found 2 bytes
            00000801 00000001 0102 ~ expected 1 bytes of data for the shape [1], found more
            """)
    void namesWhatIsWrong(String hex, String message) throws IOException {
        Path file = file(hex);
        assertThatThrownBy(() -> Idx.read(file))
                .isInstanceOf(TensorFormatException.class)
                .hasMessageStartingWith(file + ": ")
                .hasMessageContaining(message);
    }

    @Test
    void readsPackedFilesAndRefusesDamagedOnes() throws IOException {
        byte[] packed = gzip(Files.readAllBytes(file("00000801 00000003 010203")));
        Path file = dir.resolve("x.gz");
        Files.write(file, packed);
        assertThat(Idx.read(file)).isEqualTo(NpyArray.ofUint8(new byte[] {1, 2, 3}, 3));
        for (int n = 0; n < packed.length; n++) {
            Files.write(file, Arrays.copyOf(packed, n));
            assertThatThrownBy(() -> Idx.read(file)).isInstanceOf(TensorFormatException.class);
        }
        packed[packed.length - 8] ^= 1;
        Files.write(file, packed);
        assertThatThrownBy(() -> Idx.read(file)).hasMessageContaining("the packed data is damaged");
    }

    @Test
    void readsMnist() throws IOException {
        Path folder = Path.of(System.getProperty("qnet.data", "absent"), "datasets", "mnist");
        assumeTrue(Files.isDirectory(folder), "needs the data sets in ../shared/data");
        NpyArray images = Idx.read(folder.resolve("images-idx3-ubyte.gz"));
        NpyArray labels = Idx.read(folder.resolve("labels-idx1-ubyte.gz"));
        assertThat(images.shape()).containsExactly(labels.size(), 28, 28);
        assertThat(labels.toInts()).contains(0, 1, 2, 3, 4, 5, 6, 7, 8, 9).doesNotContain(10);
    }
}

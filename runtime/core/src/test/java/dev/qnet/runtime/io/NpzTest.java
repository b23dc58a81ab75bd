package dev.qnet.runtime.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpzTest {
    @TempDir
    Path dir;

    private Path twoArrays() throws IOException {
        Map<String, NpyArray> arrays = new LinkedHashMap<>();
        arrays.put("w", NpyTest.sample(NpyType.F4, 3, 4));
        arrays.put("block/b", NpyTest.sample(NpyType.I1, 5));
        Path file = dir.resolve("two.npz");
        Npz.write(file, arrays);
        return file;
    }

    private Path zip(String entry, byte[] content) throws IOException {
        Path file = dir.resolve("one.npz");
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            zip.putNextEntry(new ZipEntry(entry));
            zip.write(content);
        }
        return file;
    }

    @Test
    void arraysSurviveAFile() throws IOException {
        Path file = twoArrays();
        byte[] first = Files.readAllBytes(file);
        try (Npz npz = Npz.open(file)) {
            assertThat(npz.names()).containsExactly("w", "block/b");
            assertThat(npz.shape("w")).containsExactly(3, 4);
            assertThat(npz.read("w")).isEqualTo(NpyTest.sample(NpyType.F4, 3, 4));
            assertThat(npz.read("block/b")).isEqualTo(NpyTest.sample(NpyType.I1, 5));
            assertThatThrownBy(() -> npz.read("v"))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageEndingWith("two.npz has no array 'v'; it has w, block/b");
        }
        assertThat(Files.readAllBytes(twoArrays())).isEqualTo(first);
    }

    @Test
    void namesFileAndEntry() throws IOException {
        Path file = zip("x.npy", new byte[] {1, 2, 3});
        try (Npz npz = Npz.open(file)) {
            assertThatThrownBy(() -> npz.read("x"))
                    .isInstanceOf(TensorFormatException.class)
                    .hasMessage(file + ", entry 'x.npy': expected an npy file (\\x93NUMPY), found other bytes");
        }
    }

    @Test
    void refusesOtherEntriesAndOtherFiles() throws IOException {
        Path readme = zip("readme.txt", new byte[0]);
        assertThatThrownBy(() -> Npz.open(readme))
                .hasMessage(readme + ": expected only .npy entries, found 'readme.txt'");
        Path text = Files.writeString(dir.resolve("t.npz"), "no zip");
        assertThatThrownBy(() -> Npz.open(text))
                .isInstanceOf(TensorFormatException.class)
                .hasMessageContaining("not a valid npz (zip) archive");
        assertThatThrownBy(() -> Npz.open(dir.resolve("absent.npz"))).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> Npz.open(twoArrays(), new ReadLimits(100, 100, 100, 1)))
                .hasMessageEndingWith("expected at most 1 entries, found 2 entries");
    }

    /** 64 MiB of zeros behind a header that declares 16 bytes: nothing past the 16 is unpacked. */
    @Test
    void aBombIsCappedByItsHeader() throws IOException {
        ByteArrayOutputStream bomb = new ByteArrayOutputStream();
        bomb.writeBytes(Npy.toBytes(NpyArray.ofInt32(new int[4], 4)));
        bomb.writeBytes(new byte[64 << 20]);
        try (Npz npz = Npz.open(zip("x.npy", bomb.toByteArray()))) {
            assertThatThrownBy(() -> npz.read("x"))
                    .hasMessageEndingWith("expected 16 bytes of data for i4[4], found more");
        }
    }

    /** The directory may lie about the unpacked size: a size that deflate cannot reach is refused unallocated. */
    @Test
    void anImpossibleSizeIsRefused() throws IOException {
        Path file = zip("x.npy", Npy.toBytes(NpyArray.ofInt32(new int[4], 4)));
        byte[] bytes = Files.readAllBytes(file);
        int directory = lastIndexOf(bytes, new byte[] {'P', 'K', 1, 2});
        // Offset 24 of a central directory record: uncompressed size.
        bytes[directory + 24 + 3] = 0x30;
        Files.write(file, bytes);
        try (Npz npz = Npz.open(file)) {
            assertThatThrownBy(() -> npz.read("x"))
                    .isInstanceOf(TensorFormatException.class)
                    .hasMessageContaining("a stated size of 805306");
        }
    }

    @Test
    void everyTruncationAndMutationReadsOrIsAFormatError() throws IOException {
        byte[] whole = Files.readAllBytes(twoArrays());
        Random random = new Random(7);
        Path file = dir.resolve("m.npz");
        int refused = 0;
        int rounds = 3_000;
        for (int round = 0; round < rounds; round++) {
            byte[] mutated = round < whole.length ? Arrays.copyOf(whole, round) : whole.clone();
            for (int k = random.nextInt(3); k >= 0 && round >= whole.length; k--) {
                mutated[random.nextInt(mutated.length)] ^= (byte) (1 << random.nextInt(8));
            }
            Files.write(file, mutated);
            try (Npz npz = Npz.open(file)) {
                for (String name : npz.names()) {
                    npz.shape(name);
                    npz.read(name);
                }
            } catch (TensorFormatException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(rounds / 2, rounds - 1);
    }

    private static int lastIndexOf(byte[] bytes, byte[] part) {
        for (int i = bytes.length - part.length; i >= 0; i--) {
            if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
                return i;
            }
        }
        throw new AssertionError("not found");
    }
}

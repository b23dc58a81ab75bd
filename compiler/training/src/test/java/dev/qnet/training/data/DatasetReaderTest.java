package dev.qnet.training.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each kind of file that can be trained on: what is read of it, and what is said where it is wrong. */
class DatasetReaderTest {
    @TempDir
    @SuppressWarnings("NullAway.Init")
    private Path temp;

    private static float[] item(Dataset d, int i) {
        float[] x = new float[d.shape().elements()];
        d.copy(i, x, 0);
        return x;
    }

    private Path idx(String name, boolean packed, byte[] data, int... dims) throws IOException {
        ByteBuffer b = ByteBuffer.allocate(4 + 4 * dims.length + data.length);
        b.put(new byte[] {0, 0, 8, (byte) dims.length});
        Arrays.stream(dims).forEach(b::putInt);
        b.put(data);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = packed ? new GZIPOutputStream(bytes) : bytes) {
            out.write(b.array());
        }
        return Files.write(temp.resolve(name), bytes.toByteArray());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void idxPlainAndPacked(boolean packed) throws IOException {
        Path x = idx("x", packed, new byte[] {1, 2, 3, 4, 5, (byte) 255, 7, 8, 9, 10, 11, 12}, 3, 2, 2);
        Path y = idx("y", packed, new byte[] {2, 0, 1}, 3);
        Dataset d = DatasetReader.read(x, y);
        assertThat(d.size()).isEqualTo(3);
        assertThat(d.shape()).isEqualTo(Shape.of(2, 2));
        assertThat(item(d, 1)).containsExactly(5, 255, 7, 8);
        assertThat(d.label(0)).isEqualTo(2);
        assertThat(d.levels()).isTrue();

        assertThatThrownBy(() -> DatasetReader.read(x, null))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("holds items without labels")
                .extracting(e -> ((DataException) e).fix())
                .isEqualTo("give the IDX file of the labels with --labels");
        Path few = idx("few", packed, new byte[] {2, 0}, 2);
        assertThatThrownBy(() -> DatasetReader.read(x, few)).hasMessageContaining("holds 3 items, but 2 labels");
        Files.write(x, Arrays.copyOf(Files.readAllBytes(x), (int) Files.size(x) - 3));
        assertThatThrownBy(() -> DatasetReader.read(x, y)).isInstanceOf(TensorFormatException.class);
    }

    @Test
    void cifarRecords() throws IOException {
        byte[] bytes = new byte[2 * 3073];
        for (int i = 0; i < 3072; i++) {
            bytes[3074 + i] = (byte) (i / 1024 * 64 + i % 7);
        }
        bytes[0] = 9;
        bytes[3073] = 4;
        Path file = Files.write(temp.resolve("data_batch_1.bin"), bytes);
        Dataset d = DatasetReader.read(file, null);
        assertThat(d.shape()).isEqualTo(Shape.of(32, 32, 3));
        assertThat(d.label(0)).isEqualTo(9);
        assertThat(d.label(1)).isEqualTo(4);
        assertThat(d.levels()).isTrue();
        // Planes of red, green and blue come side by side.
        assertThat(Arrays.copyOf(item(d, 1), 6)).containsExactly(0, 66, 132, 1, 67, 133);

        Files.write(file, Arrays.copyOf(bytes, 3072));
        assertThatThrownBy(() -> DatasetReader.read(file, null))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("no whole number of CIFAR-10's 3073-byte records");
    }

    @Test
    void npzUnderEachName() throws IOException {
        Path file = temp.resolve("train.npz");
        NpyArray items = NpyArray.ofFloats(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
        for (String x : List.of("x", "images", "data")) {
            for (String y : List.of("y", "labels")) {
                Npz.write(file, Map.of(x, items, y, NpyArray.ofInt64(new long[] {1, 0}, 2)));
                Dataset d = DatasetReader.read(file, null);
                assertThat(item(d, 1)).containsExactly(4, 5, 6);
                assertThat(d.label(0)).isEqualTo(1);
                assertThat(d.levels()).isFalse();
            }
        }
        Npz.write(file, Map.of("x", items));
        assertThatThrownBy(() -> DatasetReader.read(file, null)).hasMessageContaining("has no array 'y' or 'labels'");
        Npz.write(file, Map.of("x", items, "y", NpyArray.ofInt32(new int[] {1, -1}, 2)));
        assertThatThrownBy(() -> DatasetReader.read(file, null))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("the label of item 1 is -1; labels are classes from 0");
        Npz.write(file, Map.of("x", NpyArray.ofFloats(new float[2], 2), "y", NpyArray.ofInt32(new int[2], 2)));
        assertThatThrownBy(() -> DatasetReader.read(file, null))
                .hasMessageContaining("items are an array [items, ...]");
    }

    /** Pictures here are files of one byte. */
    private Dataset folder(List<String> names) throws IOException {
        return folder(names, true);
    }

    private Dataset folder(List<String> names, boolean learned) throws IOException {
        return DatasetReader.folder(temp.resolve("f"), names, learned, List.of(".pix"), Shape.of(1, 1), file ->
                new float[] {Files.readAllBytes(file)[0]});
    }

    private void picture(String path, int level) throws IOException {
        Path file = temp.resolve("f").resolve(path);
        Files.createDirectories(file.getParent());
        Files.write(file, new byte[] {(byte) level});
    }

    @Test
    void foldersAreClasses() throws IOException {
        picture("9/a.pix", 90);
        picture("10/b.PIX", 101);
        picture("10/a.pix", 100);
        picture("10/a.txt", 1);
        picture("notes.pix", 1);
        assertThat(DatasetReader.classes(temp.resolve("f"))).containsExactly("9", "10");
        Dataset d = folder(List.of("9", "10"));
        assertThat(d.size()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            assertThat(d.label(i)).isEqualTo(item(d, i)[0] < 95 ? 0 : 1);
        }
        Dataset named = folder(List.of("10", "9"));
        for (int i = 0; i < 3; i++) {
            assertThat(named.label(i)).isEqualTo(item(named, i)[0] < 95 ? 1 : 0);
        }
        assertThatThrownBy(() -> folder(List.of("10", "11", "9")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("f has no folder '11', and the model tells this class apart");
        // To test with, not all classes need pictures, and they keep their numbers.
        Dataset tested = folder(List.of("10", "11", "9"), false);
        assertThat(tested.size()).isEqualTo(3);
        for (int i = 0; i < 3; i++) {
            assertThat(tested.label(i)).isEqualTo(item(tested, i)[0] < 95 ? 2 : 0);
        }
        assertThatThrownBy(() -> named.check(Shape.of(Shape.BATCH, 1, 1), 1))
                .hasMessageContaining("the label of " + temp.resolve("f/9/a.pix") + " is 1");
        assertThatThrownBy(() -> folder(List.of("9", "8")))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("10: the model has no class of this name; its classes are [9, 8]");

        Files.delete(temp.resolve("f/9/a.pix"));
        Files.delete(temp.resolve("f/10/a.pix"));
        Files.delete(temp.resolve("f/10/b.PIX"));
        assertThatThrownBy(() -> folder(List.of("9", "10"), false)).hasMessageContaining("f holds no pictures (.pix)");
        assertThatThrownBy(() -> folder(List.of("9", "10")))
                .hasMessageContaining(
                        temp.resolve("f/10") + " holds no pictures (.pix), so its class cannot be learned");
        Files.createDirectories(temp.resolve("g"));
        assertThatThrownBy(() -> DatasetReader.classes(temp.resolve("g"))).hasMessageContaining("holds no folders");
    }

    @Test
    void whatCannotBeReadIsToldWithAFix() throws IOException {
        Path npy = Files.write(temp.resolve("x.npy"), new byte[8]);
        assertThatThrownBy(() -> DatasetReader.read(npy, null))
                .isInstanceOf(DataException.class)
                .hasMessageContaining("training does not read .npy files")
                .extracting(e -> ((DataException) e).fix())
                .asString()
                .contains("numpy.savez");
        Path npz = temp.resolve("d.npz");
        NpyArray items = NpyArray.ofFloats(new float[6], 3, 2);
        Npz.write(npz, Map.of("x", items, "y", NpyArray.ofInt32(new int[6], 3, 2)));
        assertThatThrownBy(() -> DatasetReader.read(npz, null))
                .hasMessageContaining("labels are one number an item, [3], found [3, 2], as one-hot vectors are");
        Npz.write(npz, Map.of("x", items, "y", NpyArray.ofFloats(new float[3], 3)));
        assertThatThrownBy(() -> DatasetReader.read(npz, null))
                .hasMessageContaining("labels are whole numbers, found floats of 32 bits")
                .extracting(e -> ((DataException) e).fix())
                .isEqualTo("y = y.astype(numpy.int32)");
        assertThatThrownBy(() -> DatasetReader.read(npz, temp.resolve("none.gz")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("none.gz");
        assertThatThrownBy(() -> DatasetReader.read(npz, npy)).hasMessageContaining("holds its labels itself");
    }

    @Test
    void whateverAnIteratorGives() {
        List<Dataset.Item> items = java.util.stream.IntStream.range(0, 50)
                .mapToObj(i -> new Dataset.Item(new float[] {i, -i}, i % 3))
                .toList();
        Dataset d = Dataset.of("mine", Shape.of(2), items.iterator());
        assertThat(d.size()).isEqualTo(50);
        assertThat(item(d, 49)).containsExactly(49, -49);
        assertThat(d.label(49)).isEqualTo(1);
        assertThatThrownBy(() -> Dataset.of("mine", Shape.of(3), items.iterator()))
                .isInstanceOf(DataException.class)
                .hasMessage("mine: item 0 has 2 elements, and an item [3] has 3");
        assertThatThrownBy(() ->
                        Dataset.of("mine", Shape.of(3), List.<Dataset.Item>of().iterator()))
                .hasMessage("mine holds no items");
    }

    @Test
    void checksumsTellPartsApart() {
        Dataset d = new Dataset("d", new float[] {1, 2, 3, 4}, new int[] {0, 1, 0, 1}, Shape.of(1));
        assertThat(d.range(0, 2).checksum())
                .isEqualTo(new Dataset("e", new float[] {1, 2}, new int[] {0, 1}, Shape.of(1)).checksum())
                .isNotEqualTo(d.range(2, 4).checksum());
        assertThat(new Dataset("d", new float[] {1, 2, 3, 4}, new int[] {0, 1, 1, 0}, Shape.of(1)).checksum())
                .isNotEqualTo(d.checksum());
    }
}

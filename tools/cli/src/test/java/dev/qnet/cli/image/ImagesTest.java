package dev.qnet.cli.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.cli.UserException;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Quantization;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.TensorInfo;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImagesTest {
    @TempDir
    Path dir;

    private static TensorInfo input(ElementType type, Integer... shape) {
        return new TensorInfo("image", type, List.of(shape), null);
    }

    /** A smooth picture, so that JPEG keeps it nearly. */
    private static BufferedImage gradient(int type) {
        BufferedImage image = new BufferedImage(40, 30, type);
        for (int y = 0; y < 30; y++) {
            for (int x = 0; x < 40; x++) {
                image.getRaster().setPixel(x, y, new int[] {50 + 3 * x, 40 + 5 * y, 200 - 2 * x, 255});
            }
        }
        return image;
    }

    private Path file(BufferedImage image, String format) throws IOException {
        Path file = dir.resolve("p." + format);
        assertThat(ImageIO.write(image, format, file.toFile())).isTrue();
        return file;
    }

    @ParameterizedTest
    @CsvSource({"png, 0", "bmp, 0", "jpg, 12"})
    void readsColours(String format, int tolerance) throws IOException {
        Picture p = Images.read(file(gradient(BufferedImage.TYPE_3BYTE_BGR), format));
        assertThat(p.height()).isEqualTo(30);
        assertThat(p.width()).isEqualTo(40);
        assertThat(p.channels()).isEqualTo(3);
        for (int y = 0; y < 30; y++) {
            for (int x = 0; x < 40; x++) {
                int at = (y * 40 + x) * 3;
                assertThat(p.levels()[at] & 0xFF).isBetween(50 + 3 * x - tolerance, 50 + 3 * x + tolerance);
                assertThat(p.levels()[at + 1] & 0xFF).isBetween(40 + 5 * y - tolerance, 40 + 5 * y + tolerance);
                assertThat(p.levels()[at + 2] & 0xFF).isBetween(200 - 2 * x - tolerance, 200 - 2 * x + tolerance);
            }
        }
    }

    /** Grey levels come as they are in the file: Java's grey colour space has a gamma of its own. */
    @ParameterizedTest
    @CsvSource({"png, 8", "png, 16", "bmp, 8", "jpg, 8", "png, 1"})
    void readsGrey(String format, int bits) throws IOException {
        int type = bits == 1
                ? BufferedImage.TYPE_BYTE_BINARY
                : bits == 8 ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_USHORT_GRAY;
        BufferedImage image = new BufferedImage(16, 16, type);
        int level = bits == 1 ? 1 : bits == 8 ? 100 : 100 << 8;
        for (int i = 0; i < 256; i++) {
            image.getRaster().setSample(i % 16, i / 16, 0, level);
        }
        Picture p = Images.read(file(image, format)).withChannels(1);
        byte[] expected = new byte[256];
        Arrays.fill(expected, (byte) (bits == 1 ? 255 : 100));
        assertThat(p.levels()).isEqualTo(expected);
    }

    @Test
    void transparencyIsIgnored() throws IOException {
        BufferedImage image = new BufferedImage(1, 1, BufferedImage.TYPE_INT_ARGB);
        image.setRGB(0, 0, 0x20_0A_14_1E);
        assertThat(Images.read(file(image, "png")).levels()).containsExactly(10, 20, 30);
    }

    @Test
    void fitsAnInput() throws IOException {
        Path file = dir.resolve("p.png");
        Images.write(file, new Picture(2, 2, 3, new byte[] {0, 0, 0, -1, -1, -1, 51, 102, -103, 0, 0, 0}));
        Tensor t = Images.read(file, input(ElementType.F32, -1, 2, 2, 3), Scaling.parse("unit"));
        assertThat(t.shape()).containsExactly(1, 2, 2, 3);
        assertThat(t.floats()).containsExactly(0, 0, 0, 1, 1, 1, 0.2f, 0.4f, 0.6f, 0, 0, 0);
        Tensor small = Images.read(file, input(ElementType.F32, 1, 1, 1, 1), Scaling.RAW);
        assertThat(small.floats()).containsExactly(87); // (0 + 255 + 93 + 0) / 4: grey first
        Tensor levels = Images.read(file, input(ElementType.U8, -1, 2, 2, 3), Scaling.RAW);
        assertThat(levels.bytes()).startsWith(0, 0, 0, -1, -1, -1);
        assertThatThrownBy(() -> Images.read(file, input(ElementType.U8, -1, 2, 2, 3), Scaling.parse("unit")))
                .isInstanceOf(UserException.class)
                .hasMessageContaining("takes levels as they are");
        assertThatThrownBy(() -> Images.read(file, input(ElementType.F32, -1, 4), Scaling.RAW))
                .hasMessage(file
                        + ": input 'image' takes no pictures, it expects f32 [N, 4]; give it as .npy, .npz or .bin");
        assertThatThrownBy(() -> Images.read(file, input(ElementType.F32, -1, 2, 2, 2), Scaling.RAW))
                .hasMessageContaining("takes no pictures");
    }

    @Test
    void scales() {
        byte[] levels = {0, 100, -1};
        assertThat(Scaling.parse("raw").apply(levels, 3)).containsExactly(0, 100, 255);
        assertThat(Scaling.parse("signed").apply(levels, 3)).containsExactly(-1, (100 - 127.5f) / 127.5f, 1);
        assertThat(Scaling.parse("10, 2").apply(levels, 3)).containsExactly(-5, 45, 122.5f);
        assertThat(Scaling.parse("1,2,3,1,2,4").apply(levels, 3)).containsExactly(-1, 49, 63);
        assertThatThrownBy(() -> Scaling.parse("1,2,3,1,2,4").apply(levels, 1))
                .hasMessage("--scale gives 3 means for pictures of 1 channel");
        assertThatThrownBy(() -> Scaling.parse("1,0"))
                .hasMessage("--scale 1,0: a standard deviation is above 0, found 0.0");
        for (String bad : List.of("", "x", "1", "1,2,3", "NaN,1", "1,Infinity", ",")) {
            assertThatThrownBy(() -> Scaling.parse(bad))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("does not know");
        }
    }

    /** Channels one behind the other, as ONNX has them, and grey pictures without an axis for channels. */
    @Test
    void readsAndWritesOtherLayouts() throws IOException {
        Path file = dir.resolve("p.png");
        Images.write(file, new Picture(1, 2, 3, new byte[] {1, 2, 3, 4, 5, 6}));
        Tensor planes = Images.read(file, input(ElementType.F32, -1, 3, 1, 2), Scaling.RAW);
        assertThat(planes.shape()).containsExactly(1, 3, 1, 2);
        assertThat(planes.floats()).containsExactly(1, 4, 2, 5, 3, 6);
        assertThat(Images.read(file, input(ElementType.U8, 3, 1, 2), Scaling.RAW)
                        .bytes())
                .containsExactly(1, 4, 2, 5, 3, 6);
        Images.writePng(file, planes, 255);
        assertThat(Images.read(file).levels()).containsExactly(1, 2, 3, 4, 5, 6);

        Images.write(file, new Picture(2, 2, 1, new byte[] {7, 8, 9, 10}));
        for (Integer[] shape : new Integer[][] {{1, 2, 2}, {-1, 2, 2}, {2, 2, 1}, {1, 1, 2, 2}, {-1, 2, 2, 1}}) {
            Tensor grey = Images.read(file, input(ElementType.F32, shape), Scaling.RAW);
            assertThat(grey.floats()).as(List.of(shape).toString()).containsExactly(7, 8, 9, 10);
            assertThat(grey.shape()).isEqualTo(input(ElementType.F32, shape).shapeFor(1));
        }
    }

    /** What a quantized input's codes stand for says how its pictures are meant. */
    @Test
    void scalingSuitsTheInput() {
        assertThat(suiting(1, -128)).isEqualTo(Scaling.RAW);
        assertThat(suiting(0.5f, -128)).isEqualTo(Scaling.RAW);
        assertThat(suiting(1 / 255f, -128)).isEqualTo(Scaling.parse("unit"));
        assertThat(suiting(1 / 128f, 0)).isEqualTo(Scaling.parse("signed"));
        assertThat(Scaling.suiting(input(ElementType.F32, -1, 2, 2, 3))).isEqualTo(Scaling.RAW);
    }

    private static Scaling suiting(float scale, int zero) {
        Quantization q = Quantization.perTensor("i8", -128, 127, scale, zero);
        return Scaling.suiting(new TensorInfo("image", ElementType.I8, List.of(-1, 2, 2, 3), q));
    }

    @Test
    void writesTensorsAsPng() throws IOException {
        Path file = dir.resolve("out.png");
        Images.writePng(file, Tensor.ofFloats(new float[] {-1, 0.5f, 2, Float.NaN}, 1, 2, 2, 1), 1);
        assertThat(Images.read(file).levels()).containsExactly(0, (byte) 128, -1, 0);
        Images.writePng(file, Tensor.ofUint8(new byte[] {1, 2, -1, 4, 5, 6}, 2, 1, 1, 3), 255);
        Picture p = Images.read(file);
        assertThat(p.channels()).isEqualTo(3);
        assertThat(p.levels()).containsExactly(1, 2, -1);
        assertThatThrownBy(() -> Images.writePng(file, Tensor.ofFloats(new float[4], 1, 4), 1))
                .hasMessage(file + ": an output f32 [1, 4] is no picture, f32 or u8 [N, height, width, 1 or 3] or "
                        + "[N, 1 or 3, height, width]");
        assertThatThrownBy(() -> Images.writePng(dir.resolve("no/out.png"), Tensor.ofUint8(new byte[1], 1, 1, 1, 1), 1))
                .isInstanceOf(FileSystemException.class)
                .hasMessageContaining("there is no folder");
        try (var files = Files.list(dir)) {
            assertThat(files).containsExactly(file);
        }
    }

    @Test
    void refusesOtherFiles() throws IOException {
        Path text = Files.writeString(dir.resolve("t.png"), "no picture");
        assertThatThrownBy(() -> Images.read(text))
                .isInstanceOf(UserException.class)
                .hasMessage(text + ": this is no picture that can be read");
        assertThatThrownBy(() -> Images.read(dir.resolve("absent.png"))).isInstanceOf(NoSuchFileException.class);
    }

    /** A header that declares 2 billion pixels, with its checksum right and hardly any data. */
    @Test
    void refusesHugeSizesBeforeDecoding() throws IOException {
        byte[] bytes = Files.readAllBytes(file(gradient(BufferedImage.TYPE_3BYTE_BGR), "png"));
        ByteBuffer png = ByteBuffer.wrap(bytes);
        png.putInt(16, 50_000).putInt(20, 40_000);
        CRC32 crc = new CRC32();
        crc.update(bytes, 12, 17);
        png.putInt(29, (int) crc.getValue());
        Path file = Files.write(dir.resolve("huge.png"), bytes);
        assertThatThrownBy(() -> Images.read(file))
                .isInstanceOf(UserException.class)
                .hasMessage(file + ": a picture has at most 100 million pixels, found 50000 x 40000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "bmp"})
    void everyTruncationIsAnError(String format) throws IOException {
        byte[] whole = Files.readAllBytes(file(gradient(BufferedImage.TYPE_3BYTE_BGR), format));
        Path file = dir.resolve("cut." + format);
        // The last two bytes of a JPEG are its end marker, without which all pixels may be there.
        for (int n = 0; n < whole.length - 2; n += 1 + n / 40) {
            Files.write(file, Arrays.copyOf(whole, n));
            assertThatThrownBy(() -> Images.read(file))
                    .as("%s of %s bytes", n, whole.length)
                    .isInstanceOf(UserException.class)
                    .hasMessageStartingWith(file + ": ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"png", "jpg", "bmp", "gif"})
    void mutatedPicturesReadOrAreAnError(String format) throws IOException {
        byte[] whole = Files.readAllBytes(file(gradient(BufferedImage.TYPE_3BYTE_BGR), format));
        Path file = dir.resolve("mutated." + format);
        Random random = new Random(4);
        int refused = 0;
        for (int round = 0; round < 300; round++) {
            byte[] bytes = whole.clone();
            for (int k = random.nextInt(4); k >= 0; k--) {
                // Headers are where it hurts.
                int at = random.nextBoolean()
                        ? random.nextInt(Math.min(60, bytes.length))
                        : random.nextInt(bytes.length);
                bytes[at] = (byte) random.nextInt();
            }
            Files.write(file, bytes);
            try {
                Images.read(file);
            } catch (UserException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(10);
    }

    /** Every mutation of a PNG shows, thanks to its checksums. */
    @Test
    void aPngsChecksumsAreLookedAt() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ImageIO.write(gradient(BufferedImage.TYPE_3BYTE_BGR), "png", out);
        byte[] bytes = out.toByteArray();
        Path file = dir.resolve("flipped.png");
        for (int at = 8; at < bytes.length - 12; at += 7) {
            byte[] flipped = bytes.clone();
            flipped[at] ^= 1;
            Files.write(file, flipped);
            assertThatThrownBy(() -> Images.read(file))
                    .isInstanceOf(UserException.class)
                    .hasMessageContaining("the picture cannot be decoded");
        }
    }
}

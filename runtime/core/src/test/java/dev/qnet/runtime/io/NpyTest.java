package dev.qnet.runtime.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class NpyTest {
    /** An npy file put together by hand, so that reader and writer are not only tested against each other. */
    private static byte[] npy(int version, String header, byte[] data) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
        byte[] text = header.getBytes(version == 3 ? StandardCharsets.UTF_8 : StandardCharsets.ISO_8859_1);
        for (int i = 0; i < (version == 1 ? 2 : 4); i++) {
            out.write(text.length >>> (8 * i));
        }
        out.writeBytes(text);
        out.writeBytes(data);
        return out.toByteArray();
    }

    private static NpyArray parse(byte[] bytes) {
        return Npy.parse(bytes, "x.npy", ReadLimits.DEFAULT);
    }

    private static byte[] ascii(String s) {
        return s.getBytes(StandardCharsets.US_ASCII);
    }

    static NpyArray sample(NpyType type, int... shape) {
        int n = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        Random random = new Random(type.code().hashCode() * 31L + n);
        byte[] bytes = new byte[n];
        short[] shorts = new short[n];
        int[] ints = new int[n];
        long[] longs = new long[n];
        float[] floats = new float[n];
        double[] doubles = new double[n];
        random.nextBytes(bytes);
        for (int i = 0; i < n; i++) {
            shorts[i] = (short) random.nextInt();
            ints[i] = random.nextInt();
            longs[i] = random.nextLong();
            floats[i] = (float) random.nextGaussian();
            doubles[i] = random.nextGaussian();
        }
        return switch (type) {
            case B1 -> {
                for (int i = 0; i < n; i++) {
                    bytes[i] &= 1;
                }
                yield NpyArray.ofBooleans(bytes, shape);
            }
            case I1 -> NpyArray.ofInt8(bytes, shape);
            case U1 -> NpyArray.ofUint8(bytes, shape);
            case I2 -> NpyArray.ofInt16(shorts, shape);
            case U2 -> NpyArray.ofUint16(shorts, shape);
            case I4 -> NpyArray.ofInt32(ints, shape);
            case I8 -> NpyArray.ofInt64(longs, shape);
            case F4 -> NpyArray.ofFloats(floats, shape);
            case F8 -> NpyArray.ofDoubles(doubles, shape);
        };
    }

    @ParameterizedTest
    @EnumSource
    void everyTypeSurvivesAFile(NpyType type, @TempDir Path dir) throws IOException {
        for (int[] shape : new int[][] {{}, {1}, {0, 5}, {7}, {3, 5, 2}, {1, 70_001}}) {
            NpyArray a = sample(type, shape);
            Path file = dir.resolve("a.npy");
            Npy.write(file, a);
            assertThat(Npy.read(file)).isEqualTo(a);
            assertThat(Files.readAllBytes(file)).isEqualTo(Npy.toBytes(a));
        }
    }

    /** The bytes that numpy.save writes for np.array([[1, 2, 3]], dtype='<i2'). */
    @Test
    void writesWhatNumpyWrites() {
        String header = "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 3), }";
        byte[] expected =
                npy(1, header + " ".repeat(128 - 10 - 1 - header.length()) + "\n", new byte[] {1, 0, 2, 0, 3, 0});
        assertThat(Npy.toBytes(NpyArray.ofInt16(new short[] {1, 2, 3}, 1, 3))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource({"1", "2", "3"})
    void readsEveryVersionAndBigEndian(int version) {
        byte[] data = ByteBuffer.allocate(8).putFloat(1.5f).putFloat(-2f).array();
        NpyArray a = parse(npy(version, "{ \"shape\":(2L,),\t'descr':'>f4' ,'fortran_order':False}\n", data));
        assertThat(a).isEqualTo(NpyArray.ofFloats(new float[] {1.5f, -2f}, 2));
    }

    @Test
    void transposesFortranOrder() {
        byte[] data = {11, 21, 12, 22, 13, 23};
        NpyArray a = parse(npy(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", data));
        assertThat(a).isEqualTo(NpyArray.ofUint8(new byte[] {11, 12, 13, 21, 22, 23}, 2, 3));
    }

    @Test
    void transposesFortranOrderOfRankThreeAsTheIndexFormulaSays() {
        ByteBuffer data = ByteBuffer.allocate(2 * 3 * 4 * 4).order(ByteOrder.LITTLE_ENDIAN);
        for (int k = 0; k < 4; k++) {
            for (int j = 0; j < 3; j++) {
                for (int i = 0; i < 2; i++) {
                    data.putInt(100 * i + 10 * j + k);
                }
            }
        }
        int[] got = parse(npy(1, "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3, 4)}", data.array()))
                .ints();
        for (int i = 0; i < 2; i++) {
            for (int j = 0; j < 3; j++) {
                for (int k = 0; k < 4; k++) {
                    assertThat(got[(i * 3 + j) * 4 + k]).isEqualTo(100 * i + 10 * j + k);
                }
            }
        }
    }

    @Test
    void convertsOnlyOnRequest() {
        NpyArray f8 = NpyArray.ofDoubles(new double[] {0.1, 1e300}, 2);
        assertThatThrownBy(f8::floats).isInstanceOf(IllegalStateException.class).hasMessageContaining("f8[2]");
        assertThat(f8.toFloats()).containsExactly(0.1f, Float.POSITIVE_INFINITY);
        assertThat(NpyArray.ofUint8(new byte[] {-1, 1}, 2).toFloats()).containsExactly(255f, 1f);
        assertThat(NpyArray.ofInt8(new byte[] {-1, 1}, 2).toInts()).containsExactly(-1, 1);
        assertThat(NpyArray.ofUint16(new short[] {-1}, 1).toInts()).containsExactly(65535);
        assertThatThrownBy(() -> NpyArray.ofInt64(new long[] {1L << 40}, 1).toInts())
                .isInstanceOf(ArithmeticException.class);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', quoteCharacter = '"', textBlock = """
            {'descr': '<f2', 'fortran_order': False, 'shape': (1,), }~"expected an element type of b1, i1, u1, i2, u2, i4, i8, f4, f8 in the npy header, found '<f2'"
            {'descr': '|O', 'fortran_order': False, 'shape': (1,), }~found '|O'
            {'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }~found a structured type
            {'descr': '<f4', 'fortran_order': 0, 'shape': (1,), }~"expected True or False in the npy header, found '0, 'shape': '"
            {'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }~"expected a dimension in the npy header, found '-1,), }'"
            {'descr': '<f4', 'fortran_order': False, 'shape': (1, }~"expected a dimension in the npy header, found '}'"
            {'descr': '<f4', 'fortran_order': False, }~the npy header has no 'shape'
            {'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'shape': (1,), }~states 'shape' twice
            {'descr': '<f4', 'evil': False, 'shape': (1,), }~found 'evil'
            {'descr': '<f4~expected a quoted string
            {'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x~"expected nothing after the dictionary in the npy header, found 'x'"
            {'descr': '<f4', 'fortran_order': False, 'shape': (999999999999999999999999,)}~expected a dimension
            {'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,)}~"expected dimensions up to 2147483647"
            {'descr': '<f4', 'fortran_order': False, 'shape': (2147483647,2147483647,2147483647,2147483647,2147483647)}~"expected at most 268435456 elements, found 2147483647 elements"
            {'descr': '<f4', 'fortran_order': False, 'shape': (2,)}~"expected 8 bytes of data for f4[2], found 4 bytes"
            {'descr': '<f4', 'fortran_order': False, 'shape': (0,)}~"expected 0 bytes of data for f4[0], found more"
            """)
    void namesWhatIsWrongWithAHeader(String header, String message) {
        assertThatThrownBy(() -> parse(npy(1, header, new byte[4])))
                .isInstanceOf(TensorFormatException.class)
                .hasMessageStartingWith("x.npy: ")
                .hasMessageContaining(message);
    }

    @Test
    void refusesWhatIsOverTheLimitsBeforeItIsAllocated() {
        ReadLimits limits = new ReadLimits(10, 20, 100, 1);
        byte[] many = npy(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (11,)}", new byte[11]);
        assertThatThrownBy(() -> Npy.parse(many, "x", limits))
                .hasMessage("x: expected at most 10 elements, found 11 elements");
        byte[] wide = npy(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}", new byte[24]);
        assertThatThrownBy(() -> Npy.parse(wide, "x", limits))
                .hasMessage("x: expected at most 20 bytes of data, found 24 bytes");
        byte[] longHeader = npy(2, " ".repeat(101), new byte[0]);
        assertThatThrownBy(() -> Npy.parse(longHeader, "x", limits))
                .hasMessage("x: expected a header of at most 100 bytes, found 101 bytes");
    }

    @Test
    void refusesOtherFiles() {
        assertThatThrownBy(() -> parse(new byte[0]))
                .hasMessage("x.npy: expected an npy file (\\x93NUMPY), found no bytes");
        assertThatThrownBy(() -> parse(ascii("PK\3\4 and so on"))).hasMessageContaining("found other bytes");
        assertThatThrownBy(() -> parse(npy(4, "", new byte[0]))).hasMessageContaining("found 4.0");
        assertThatThrownBy(() -> parse(npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': ()}", new byte[] {2})))
                .hasMessage("x.npy: expected booleans of 0 or 1, found 2");
    }

    @Test
    void everyTruncationIsAFormatError() {
        byte[] whole = Npy.toBytes(sample(NpyType.I4, 3, 5));
        for (int n = 0; n < whole.length; n++) {
            byte[] part = Arrays.copyOf(whole, n);
            assertThatThrownBy(() -> parse(part)).isInstanceOf(TensorFormatException.class);
        }
    }

    @Test
    void everyMutatedByteReadsOrIsAFormatError() {
        byte[] whole = Npy.toBytes(sample(NpyType.U1, 30, 10));
        Random random = new Random(1);
        int refused = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] mutated = whole.clone();
            for (int k = random.nextInt(3); k >= 0; k--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt();
            }
            try {
                parse(mutated);
            } catch (TensorFormatException e) {
                refused++;
            }
        }
        assertThat(refused).isBetween(5_000, 19_000);
    }
}

package dev.qnet.formats.tflite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Importer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that are cut short, changed or made to harm: each is refused in words, or is a model after all. */
class TfliteReaderTest {
    private static final int CONV_2D = 3;
    private static final int RESHAPE = 22;
    private static final int CUSTOM = 32;
    private static final int WHERE = 109;

    private static byte[] model() {
        ModelFile m = new ModelFile();
        int x = m.tensor(
                "x", TensorType.INT8, new int[] {1, 4, 4, 1}, ModelFile.spec().scale(0.5, -3));
        int w = m.tensor(
                "w",
                TensorType.INT8,
                new int[] {2, 1, 1, 1},
                ModelFile.spec().scales(0, 0.25f, 0.125f).bytes(7, -9));
        int bias = m.tensor(
                "bias",
                TensorType.INT32,
                new int[] {2},
                ModelFile.spec().scales(0, 0.125f, 0.0625f).ints(100, -100));
        int y = m.tensor(
                "y", TensorType.INT8, new int[] {1, 4, 4, 2}, ModelFile.spec().scale(1, 2));
        int shape = m.tensor(
                "shape", TensorType.INT32, new int[] {2}, ModelFile.spec().ints(1, 32));
        int z = m.tensor(
                "z", TensorType.INT8, new int[] {1, 32}, ModelFile.spec().scale(1, 2));
        m.operator(
                CONV_2D,
                new int[] {x, w, bias},
                new int[] {y},
                ModelFile.options().enumeration(0, 1).number(1, 1).number(2, 1).enumeration(3, 1));
        m.operator(RESHAPE, new int[] {y, shape}, new int[] {z});
        return m.inputs(x).outputs(z).bytes();
    }

    /** Operators of many kinds beside each other, on one image and one sequence. */
    private static byte[] manyOperators() {
        ModelFile m = new ModelFile();
        int x = m.tensor(
                "x",
                TensorType.FLOAT32,
                new int[] {1, 4, 4, 4},
                ModelFile.spec().signature(-1, 4, 4, 4));
        int size = m.tensor(
                "size", TensorType.INT32, new int[] {2}, ModelFile.spec().ints(6, 5));
        int four = m.tensor(
                "four", TensorType.INT32, new int[] {4}, ModelFile.spec().ints(0, 1, 3, 0));
        int end = m.tensor(
                "end", TensorType.INT32, new int[] {4}, ModelFile.spec().ints(1, 3, -9, 4));
        int step = m.tensor(
                "step", TensorType.INT32, new int[] {4}, ModelFile.spec().ints(1, 1, -2, 2));
        int pads = m.tensor(
                "pads", TensorType.INT32, new int[] {4, 2}, ModelFile.spec().ints(0, 0, 1, 2, 0, 1, 0, 0));
        int axis = m.tensor(
                "axis", TensorType.INT32, new int[] {1}, ModelFile.spec().ints(2));
        int[] outputs = new int[8];
        outputs[0] = m.tensor("resized", TensorType.FLOAT32, new int[] {1, 6, 5, 4});
        m.operator(
                23,
                new int[] {x, size},
                new int[] {outputs[0]},
                ModelFile.options().bool(3, true));
        outputs[1] = m.tensor("nearest", TensorType.FLOAT32, new int[] {1, 6, 5, 4});
        m.operator(
                97,
                new int[] {x, size},
                new int[] {outputs[1]},
                ModelFile.options().bool(0, true));
        outputs[2] = m.tensor("strided", TensorType.FLOAT32, new int[] {1, 2, 2, 2});
        m.operator(
                45,
                new int[] {x, four, end, step},
                new int[] {outputs[2]},
                ModelFile.options().number(0, 1).number(1, 1));
        outputs[3] = m.tensor("padded", TensorType.FLOAT32, new int[] {1, 7, 5, 4});
        m.operator(34, new int[] {x, pads}, new int[] {outputs[3]});
        outputs[4] = m.tensor("mean", TensorType.FLOAT32, new int[] {1, 4, 4});
        m.operator(40, new int[] {x, axis}, new int[] {outputs[4]});
        int codes = m.tensor(
                "codes",
                TensorType.INT16,
                new int[] {1, 4, 4, 4},
                ModelFile.spec().scale(0.001, 0));
        m.operator(114, new int[] {x}, new int[] {codes});
        outputs[5] = m.tensor(
                "sigmoid",
                TensorType.INT16,
                new int[] {1, 4, 4, 4},
                ModelFile.spec().scale(1.0 / 32768, 0));
        m.operator(14, new int[] {codes}, new int[] {outputs[5]});
        int row = m.tensor("row", TensorType.FLOAT32, new int[] {1, 4, 4});
        m.operator(40, new int[] {x, axis}, new int[] {row});
        int[] lstm = new int[24];
        Arrays.fill(lstm, -1);
        lstm[0] = row;
        for (int k = 0; k < 4; k++) {
            lstm[1 + k] = m.tensor(
                    "w" + k,
                    TensorType.FLOAT32,
                    new int[] {1, 4},
                    ModelFile.spec().floats(k, 1, 2, 3));
            lstm[5 + k] = m.tensor(
                    "r" + k,
                    TensorType.FLOAT32,
                    new int[] {1, 1},
                    ModelFile.spec().floats(1));
            lstm[12 + k] = m.tensor(
                    "b" + k, TensorType.FLOAT32, new int[] {1}, ModelFile.spec().floats(1));
        }
        lstm[18] = m.tensor(
                "h", TensorType.FLOAT32, new int[] {1, 1}, ModelFile.spec().variable());
        lstm[19] = m.tensor(
                "c", TensorType.FLOAT32, new int[] {1, 1}, ModelFile.spec().variable());
        outputs[6] = m.tensor("sequence", TensorType.FLOAT32, new int[] {1, 4, 1});
        m.operator(
                44,
                lstm,
                new int[] {outputs[6]},
                ModelFile.options().enumeration(0, 4).real(1, 10));
        int filter = m.tensor(
                "filter",
                TensorType.INT8,
                new int[] {1, 2, 2, 4},
                ModelFile.spec().scale(0.1, 0).bytes(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16));
        int shape = m.tensor(
                "shape", TensorType.INT32, new int[] {4}, ModelFile.spec().ints(1, 8, 8, 1));
        outputs[7] = m.tensor("larger", TensorType.FLOAT32, new int[] {1, 8, 8, 1});
        m.operator(
                67,
                new int[] {shape, filter, x},
                new int[] {outputs[7]},
                ModelFile.options().number(1, 2).number(2, 2));
        return m.inputs(x).outputs(outputs).bytes();
    }

    private static void read(byte[] bytes) {
        TfliteImporter.read("model.tflite", ByteBuffer.wrap(bytes), ImportOptions.NONE);
    }

    @Test
    void readsTheWholeModel() {
        read(model());
        read(manyOperators());
    }

    @Test
    void aFileCutShortIsRefused() {
        byte[] whole = model();
        for (int n = 0; n < whole.length - 16; n++) {
            byte[] part = Arrays.copyOf(whole, n);
            try {
                read(part);
            } catch (CompileException e) {
                assertThat(e).hasMessageContaining("model.tflite");
            }
        }
        assertThatThrownBy(() -> read(new byte[0]))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("does not begin as a TFLite model");
        assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length / 2))).isInstanceOf(CompileException.class);
    }

    @Test
    void changedBytesAreRefusedInWords() {
        Random random = new Random(20261121);
        Assertions.assertTimeoutPreemptively(Duration.ofMinutes(2), () -> {
            changed(model(), 20_000, random);
            changed(manyOperators(), 3_000, random);
        });
    }

    private static void changed(byte[] whole, int rounds, Random random) {
        for (int round = 0; round < rounds; round++) {
            byte[] changed = whole.clone();
            int flips = 1 + random.nextInt(4);
            for (int i = 0; i < flips; i++) {
                // Offsets and counts suffer most from high bytes and from small steps.
                int at = random.nextInt(changed.length);
                changed[at] = (byte)
                        switch (random.nextInt(3)) {
                            case 0 -> random.nextInt(256);
                            case 1 -> changed[at] + random.nextInt(9) - 4;
                            default -> changed[at] ^ (1 << random.nextInt(8));
                        };
            }
            try {
                read(changed);
            } catch (CompileException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    @Test
    void tablesThatShareOneLargePartAreRefusedSoon() {
        // 60,000 operators, all of them one table, each naming the same 60,000 operands.
        int n = 60_000;
        ByteBuffer b = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(0, 16).put(4, "TFL3".getBytes(StandardCharsets.ISO_8859_1));
        // The model at 16: version, codes, graphs, description, buffers.
        vtable(b, 64, 24, 4, 8, 12, 0, 0);
        table(b, 16, 64);
        b.putInt(20, 3).putInt(24, 200 - 24).putInt(28, 300 - 28);
        b.putInt(200, 1).putInt(204, 220 - 204);
        vtable(b, 80, 8, 0);
        table(b, 220, 80);
        b.putInt(300, 1).putInt(304, 320 - 304);
        vtable(b, 100, 24, 0, 0, 0, 4);
        table(b, 320, 100);
        b.putInt(324, 1000 - 324);
        b.putInt(1000, n);
        int operator = 1004 + 4 * n;
        for (int i = 0; i < n; i++) {
            b.putInt(1004 + 4 * i, operator - (1004 + 4 * i));
        }
        vtable(b, 120, 16, 0, 4);
        table(b, operator, 120);
        b.putInt(operator + 4, 32);
        b.putInt(operator + 36, n);
        for (int i = 0; i < n; i++) {
            b.putInt(operator + 40 + 4 * i, -1);
        }
        Assertions.assertTimeoutPreemptively(
                Duration.ofSeconds(20),
                () -> assertThatThrownBy(() -> read(b.array()))
                        .isInstanceOf(CompileException.class)
                        .hasMessageContaining("not a well-formed TFLite model"));
    }

    private static void vtable(ByteBuffer b, int at, int tableBytes, int... fields) {
        b.putShort(at, (short) (4 + 2 * fields.length)).putShort(at + 2, (short) tableBytes);
        for (int i = 0; i < fields.length; i++) {
            b.putShort(at + 4 + 2 * i, (short) fields[i]);
        }
    }

    private static void table(ByteBuffer b, int at, int vtable) {
        b.putInt(at, at - vtable);
    }

    @Test
    void everyOperatorThatCannotBeImportedIsNamed() {
        ModelFile m = new ModelFile();
        int x = m.tensor("x", TensorType.FLOAT32, new int[] {4});
        int y = m.tensor("y", TensorType.FLOAT32, new int[] {4});
        int z = m.tensor("z", TensorType.FLOAT32, new int[] {4});
        int u = m.tensor("u", TensorType.FLOAT32, new int[] {4});
        m.operator(WHERE, new int[] {x}, new int[] {y});
        m.operator(CUSTOM, "Secret", new int[] {y}, new int[] {z}, ModelFile.options(), new int[0]);
        m.operator(CONV_2D, new int[] {x, x, x}, new int[] {u});
        byte[] bytes = m.inputs(x).outputs(z, u).bytes();
        assertThatThrownBy(() -> read(bytes))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("WHERE (operator 0): is not supported")
                .hasMessageContaining("custom operator Secret (operator 1)")
                .hasMessageContaining("CONV_2D (operator 2): takes an image");
    }

    @Test
    void whatATensorHoldsIsChecked() {
        ModelFile strings = new ModelFile();
        int s = strings.tensor("s", TensorType.STRING, new int[] {1});
        byte[] text = strings.inputs(s).outputs(s).bytes();
        assertThatThrownBy(() -> read(text))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("STRING");

        ModelFile sparse = new ModelFile();
        int x = sparse.tensor("x", TensorType.FLOAT32, new int[] {1, 2});
        int w = sparse.tensor(
                "w",
                TensorType.FLOAT32,
                new int[] {2, 2},
                ModelFile.spec().floats(1, 2, 3, 4).sparse());
        int y = sparse.tensor("y", TensorType.FLOAT32, new int[] {1, 2});
        sparse.operator(9, new int[] {x, w, -1}, new int[] {y});
        byte[] thin = sparse.inputs(x).outputs(y).bytes();
        assertThatThrownBy(() -> read(thin))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("sparse");

        ModelFile cut = new ModelFile();
        int a = cut.tensor("a", TensorType.FLOAT32, new int[] {1, 2});
        int v = cut.tensor(
                "v", TensorType.FLOAT32, new int[] {2, 2}, ModelFile.spec().floats(1, 2, 3));
        int c = cut.tensor("c", TensorType.FLOAT32, new int[] {1, 2});
        cut.operator(9, new int[] {a, v, -1}, new int[] {c});
        byte[] few = cut.inputs(a).outputs(c).bytes();
        assertThatThrownBy(() -> read(few))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("takes 16 bytes, but its buffer has 12");
    }

    @Test
    void theImporterKnowsTheFileByItsName(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("small.tflite");
        Files.write(file, model());
        assertThat(Importer.read(file, ImportOptions.NONE).graph().name()).isEqualTo("small");
        assertThat(Importer.read(file, ImportOptions.NONE).report().operators())
                .containsEntry("CONV_2D", 1)
                .containsEntry("RESHAPE", 1);
    }
}

package dev.qnet.formats.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.formats.ImportOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxReaderTest {
    @TempDir
    Path dir;

    private static Proto.Model sample() {
        Proto.Graph inner =
                new Models().node("Neg", List.of("x"), List.of("p")).output("p").graph();
        Models m = new Models()
                .opset("com.microsoft", 1)
                .input("x", DataType.FLOAT, "n", 3, 4)
                .constant("w", List.of(2, 2), 1, -2, 3.5f, 4)
                .constant("s", List.of(3), Long.MAX_VALUE, -1, 0)
                .constant(Models.raw("b", DataType.BOOL, List.of(), (byte) 1))
                .node("Conv", List.of("x", "w", ""), List.of("c"), "pads", new long[] {1, 0}, "alpha", 0.5f)
                .node("If", List.of("b"), List.of("y"), "then_branch", inner, "else_branch", inner)
                .node(
                        "Constant",
                        List.of(),
                        List.of("k"),
                        "value",
                        Models.floats("v", List.of(1), 7),
                        "names",
                        new Proto.Attribute.Texts(List.of(ByteString.copyFromUtf8("ä"))),
                        "reals",
                        new Proto.Attribute.Reals(List.of(1f, 2f)))
                .function(new Proto.Function(
                        "d",
                        "F",
                        "",
                        List.of("a"),
                        List.of("b"),
                        List.of("k"),
                        Map.of("e", new Proto.Attribute.Int(3)),
                        Map.of("", 13L),
                        List.of(Models.nodeOf(
                                "Neg", "", List.of("a"), List.of("b"), "r", new Proto.Attribute.Reference("k", 2)))))
                .output("y");
        return m.model();
    }

    @Test
    void modelsSurviveAFile() throws IOException {
        Proto.Model m = sample();
        assertThat(ProtoReader.model(ProtoWriter.bytes(m))).isEqualTo(m);
    }

    /** Whatever bytes a file holds: a graph, or an error for the user; never another exception, and never much memory. */
    @Test
    void damagedFilesAreRefused() throws IOException {
        byte[] whole = ProtoWriter.bytes(sample());
        Random random = new Random(20_240_601);
        Path file = dir.resolve("model.onnx");
        int refused = 0;
        for (int i = 0; i < 3000; i++) {
            byte[] bytes = random.nextInt(4) == 0 ? Arrays.copyOf(whole, random.nextInt(whole.length)) : whole.clone();
            for (int k = random.nextInt(4); k >= 0 && bytes.length > 0; k--) {
                int at = random.nextInt(bytes.length);
                switch (random.nextInt(3)) {
                    case 0 -> bytes[at] = (byte) random.nextInt();
                    case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                    default -> {
                        int from = random.nextInt(bytes.length);
                        int n = Math.min(random.nextInt(16), bytes.length - Math.max(at, from));
                        System.arraycopy(bytes, from, bytes, at, n);
                    }
                }
            }
            Files.write(file, bytes);
            try {
                OnnxImporter.read(file, ImportOptions.NONE);
            } catch (CompileException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1000);
    }

    @Test
    void otherFilesAreNoModels() throws IOException {
        Path file = Files.writeString(dir.resolve("model.onnx"), "this is no model");
        assertThatThrownBy(() -> OnnxImporter.read(file, ImportOptions.NONE))
                .isInstanceOf(CompileException.class)
                .hasMessageContaining("model.onnx");
        Files.write(file, new byte[0]);
        assertThatThrownBy(() -> OnnxImporter.read(file, ImportOptions.NONE)).hasMessageContaining("no graph");
    }

    private OnnxTensor tensor(Proto.TensorData data) throws IOException {
        return OnnxTensor.read(Files.write(dir.resolve("t.pb"), ProtoWriter.bytes(data)));
    }

    @Test
    void tensorsOfEveryTypeAreRead() throws IOException {
        assertThat(tensor(Models.floats("f", List.of(2), 1, -0.5f)).value())
                .isEqualTo(new Tensor.OfFloat(Shape.of(2), new float[] {1, -0.5f}));
        assertThat(tensor(Models.longs("l", List.of(1), 1L << 40)).value())
                .isEqualTo(new Tensor.OfLong(Shape.of(1), new long[] {1L << 40}));
        assertThat(tensor(Models.raw("i4", DataType.INT4, List.of(3), (byte) 0x78, (byte) 0x0f))
                        .value())
                .isEqualTo(new Tensor.OfInt(Shape.of(3), new int[] {-8, 7, -1}));
        assertThat(tensor(Models.raw("u2", DataType.UINT2, List.of(4), (byte) 0xe4))
                        .value())
                .isEqualTo(new Tensor.OfInt(Shape.of(4), new int[] {0, 1, 2, 3}));
        assertThat(tensor(Models.raw("u16", DataType.UINT16, List.of(), (byte) 0xff, (byte) 0xff))
                        .value())
                .isEqualTo(new Tensor.OfInt(Shape.SCALAR, new int[] {65535}));
        assertThat(tensor(Models.raw("bf", DataType.BFLOAT16, List.of(), (byte) 0xc0, (byte) 0x3f))
                        .value())
                .isEqualTo(new Tensor.OfFloat(Shape.SCALAR, new float[] {1.5f}));
        assertThat(tensor(Models.raw("empty", DataType.INT64, List.of(0, 3))).dims())
                .containsExactly(0, 3);
    }

    @Test
    void tensorsThatHoldLessThanTheySayAreRefused() {
        assertThatThrownBy(() -> tensor(Models.raw("w", DataType.INT32, List.of(1 << 20, 200), (byte) 1)))
                .hasMessageContaining("'w'")
                .hasMessageContaining("holds 1");
        assertThatThrownBy(() -> tensor(Models.raw("w", DataType.INT8, List.of(1 << 20, 1 << 20), (byte) 1)))
                .hasMessageContaining("elements are supported");
        assertThatThrownBy(() -> tensor(Models.floats("w", List.of(3), 1, 2))).hasMessageContaining("holds 2");
        assertThatThrownBy(() -> tensor(Models.raw("w", DataType.STRING, List.of(1))))
                .hasMessageContaining("string");
    }
}

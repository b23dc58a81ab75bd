package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.runtime.DescriptorText;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Main;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.ModelException;
import dev.qnet.runtime.Session;
import dev.qnet.runtime.Tensor;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Inputs and outputs that are plain numbers, of every element type. */
final class PlainPortsTest {
    @TempDir
    @SuppressWarnings("NullAway.Init") // JUnit sets it
    Path folder;

    /** x [N,2,2] and its transpose. */
    private static CompiledArtifact transposing(ElementType type) {
        return Fixtures.compile("""
                graph @plain {
                  param %%x : %1$s[Nx2x2]
                  %%y = transpose %%x {permutation=[0, 2, 1]} : %1$s[Nx2x2]
                  return y = %%y, x = %%x
                }
                """.formatted(type));
    }

    /** Elements that use a type's range: 0, 1, and two special ones. */
    private static NpyArray elements(ElementType type) {
        int[] shape = {1, 2, 2};
        return switch (type) {
            case F32 -> NpyArray.ofFloats(new float[] {0, 1, Float.NaN, -1e30f}, shape);
            case BOOL -> NpyArray.ofBooleans(new byte[] {0, 1, 0, 1}, shape);
            case I8 -> NpyArray.ofInt8(new byte[] {0, 1, -128, 127}, shape);
            case U8 -> NpyArray.ofUint8(new byte[] {0, 1, -128, -1}, shape);
            case I16 -> NpyArray.ofInt16(new short[] {0, 1, -32768, 32767}, shape);
            case U16 -> NpyArray.ofUint16(new short[] {0, 1, -32768, -1}, shape);
            case I32 -> NpyArray.ofInt32(new int[] {0, 1, Integer.MIN_VALUE, -5}, shape);
            case I64 -> NpyArray.ofInt64(new long[] {0, 1, Long.MIN_VALUE, Long.MAX_VALUE}, shape);
        };
    }

    @ParameterizedTest
    @EnumSource
    void anyTypeGoesThrough(ElementType type) {
        CompiledArtifact artifact = transposing(type);
        assertThat(DescriptorText.parse(DescriptorText.print(artifact.descriptor()), "test"))
                .isEqualTo(artifact.descriptor());
        Model model = artifact.load();
        assertThat(model.inputs().getFirst().expectation()).isEqualTo(type + " [N, 2, 2]");
        Tensor x = Tensor.of(elements(type));
        assertThat(x.type()).isEqualTo(type);
        Map<String, Tensor> out = model.run(Map.of("x", x));
        assertThat(get(out, "x").toNpy()).isEqualTo(elements(type));
        assertThat(model.run(Map.of("x", get(out, "y"))).get("y"))
                .extracting(Tensor::toNpy)
                .isEqualTo(elements(type));
        for (ElementType other : ElementType.values()) {
            if (other != type) {
                assertThatThrownBy(() -> model.run(Map.of("x", Tensor.allocate(other, 1, 2, 2))))
                        .isInstanceOf(ModelException.class)
                        .hasMessage("input 'x' expects " + type + " [N, 2, 2], found " + other
                                + " [1, 2, 2]; convert it to " + type);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void inBuffers(ElementType type) {
        int bytes = 4 * type.bytes();
        ByteBuffer in = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        in.put(0, (byte) 1).put(bytes - 1, (byte) 1);
        ByteBuffer out = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
        try (Session s = transposing(type).load().session()) {
            s.input("x", Tensor.ofBuffer(type, in, 1, 2, 2)).output("x", Tensor.ofBuffer(type, out, 1, 2, 2));
            s.run();
        }
        assertThat(out).isEqualTo(in);
    }

    @ParameterizedTest
    @EnumSource
    void inTheSessionsOwnMemory(ElementType type) {
        Tensor given = Tensor.of(elements(type));
        Model model = transposing(type).load();
        try (Session s = model.session()) {
            Tensor x = s.ownInput("x");
            Tensor y = s.ownOutput("y");
            assertThat(x.type()).isEqualTo(type);
            assertThat(x.shape()).containsExactly(1, 2, 2);
            for (int i = 0; i < 2; i++) {
                write(given, x);
                s.run();
                assertThat(y.toNpy())
                        .isEqualTo(get(model.run(Map.of("x", given)), "y").toNpy());
            }
        }
    }

    private static void write(Tensor from, Tensor to) {
        switch (from.buffer()) {
            case FloatBuffer b -> ((FloatBuffer) to.buffer()).put(b);
            case ByteBuffer b -> ((ByteBuffer) to.buffer()).put(b);
            case ShortBuffer b -> ((ShortBuffer) to.buffer()).put(b);
            case IntBuffer b -> ((IntBuffer) to.buffer()).put(b);
            case LongBuffer b -> ((LongBuffer) to.buffer()).put(b);
            default -> throw new AssertionError(from);
        }
    }

    @ParameterizedTest
    @EnumSource
    void fromTheCommandLine(ElementType type) throws IOException {
        Path model = folder.resolve("model.jar");
        transposing(type).writeJar(model);
        Path x = folder.resolve("x.npy");
        Path y = folder.resolve("y.npy");
        Npy.write(x, elements(type));
        Main.main(new String[] {"--model", model.toString(), "--input", x.toString(), "--output", "x=" + y});
        assertThat(Npy.read(y)).isEqualTo(elements(type));
        assertThat(new String(Files.readAllBytes(y), java.nio.charset.StandardCharsets.ISO_8859_1))
                .contains(type == ElementType.BOOL ? "'|b1'" : "'descr'");
    }

    @Test
    void truthValuesAreChecked() {
        Model model = transposing(ElementType.BOOL).load();
        assertThatThrownBy(() -> model.run(Map.of("x", Tensor.ofBooleans(new byte[] {0, 1, 2, 1}, 1, 2, 2))))
                .isInstanceOf(ModelException.class)
                .hasMessage("input 'x' takes truth values, 0 and 1, found 2 at element 2 of an item");
        assertThatThrownBy(() -> model.run(Map.of("x", Tensor.ofBooleans(new byte[] {-1, 1, 0, 1}, 1, 2, 2))))
                .hasMessageContaining("found -1 at element 0");
    }

    @Test
    void theTypedApiTakesArrays() throws Exception {
        for (ElementType type : ElementType.values()) {
            Class<?> request = api(transposing(type), "$Request");
            Method set = request.getMethod("setX", arrayOf(type));
            assertThat(set.getReturnType()).isEqualTo(request);
            assertThat(Arrays.stream(request.getMethods()).map(Method::getName)).contains("intoX", "intoY", "reset");
        }
    }

    private static Class<?> arrayOf(ElementType type) {
        return switch (type) {
            case F32 -> float[].class;
            case BOOL, I8, U8 -> byte[].class;
            case I16, U16 -> short[].class;
            case I32 -> int[].class;
            case I64 -> long[].class;
        };
    }

    private static Class<?> api(CompiledArtifact artifact, String nested) throws ClassNotFoundException {
        ClassLoader loader = new ClassLoader(Model.class.getClassLoader()) {
            @Override
            protected Class<?> findClass(String name) throws ClassNotFoundException {
                byte[] b = artifact.classes().get(name.replace('.', '/'));
                if (b == null) {
                    throw new ClassNotFoundException(name);
                }
                return defineClass(name, b, 0, b.length);
            }
        };
        return loader.loadClass(artifact.className() + nested);
    }

    private static Tensor get(Map<String, Tensor> tensors, String name) {
        return Objects.requireNonNull(tensors.get(name));
    }
}

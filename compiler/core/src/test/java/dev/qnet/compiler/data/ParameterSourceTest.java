package dev.qnet.compiler.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.runtime.io.Npy;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.Npz;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParameterSourceTest {
    @TempDir
    Path dir;

    @Test
    void readsNpzWhateverItIsCalled() throws IOException {
        Path file = dir.resolve("weights.bin");
        Npz.write(file, Map.of("w", NpyArray.ofDoubles(new double[] {0.5, -1}, 2, 1)));
        try (ParameterSource s = ParameterSource.open(file)) {
            assertThat(s.source()).isEqualTo(file.toString());
            assertThat(s.names()).containsExactly("w");
            assertThat(s.shape("w")).isEqualTo(Shape.of(2, 1));
            assertThat(s.tensor("w").values()).containsExactly(0.5f, -1f);
            assertThatThrownBy(() -> s.tensor("v")).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void refusesDoublesThatNoSingleHolds() throws IOException {
        Path file = dir.resolve("w.npz");
        Npz.write(file, Map.of("w", NpyArray.ofDoubles(new double[] {Double.POSITIVE_INFINITY, -1e300}, 2)));
        try (ParameterSource s = ParameterSource.open(file)) {
            assertThatThrownBy(() -> s.tensor("w"))
                    .isInstanceOf(TensorFormatException.class)
                    .hasMessageEndingWith(
                            "tensor 'w': expected numbers that an f32 can hold, found -1.0E300 at element 1");
        }
    }

    @Test
    void saysWhatAFileIsNot() throws IOException {
        Path npy = dir.resolve("w.npy");
        Npy.write(npy, NpyArray.ofFloats(new float[1], 1));
        assertThatThrownBy(() -> ParameterSource.open(npy)).hasMessageContaining("put it into an npz archive");
        Path text = Files.writeString(dir.resolve("t.npz"), "not parameters at all");
        assertThatThrownBy(() -> ParameterSource.open(text))
                .hasMessage(text
                        + ": expected parameters as a safetensors file or an npz archive, found another kind of file");
        Path empty = Files.createFile(dir.resolve("empty"));
        assertThatThrownBy(() -> ParameterSource.open(empty)).hasMessageEndingWith("found an empty file");
        assertThatThrownBy(() -> ParameterSource.open(dir.resolve("absent"))).isInstanceOf(NoSuchFileException.class);
    }
}

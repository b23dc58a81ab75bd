package dev.qnet.runtime.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WarmupTest {
    @ParameterizedTest
    @EnumSource
    void samplesOfEachSortRunInPlainJavaAndInVectors(Warmup.Sort sort) {
        @Nullable Rounding[] roundings = {null, Rounding.TOSA, Rounding.TFLITE, Rounding.ONNX};
        for (Kind kind : new Kind[] {Kind.S8, Kind.U8, Kind.S16, Kind.U16}) {
            for (@Nullable Rounding rounding : roundings) {
                Warmup.Key key = new Warmup.Key(sort, rounding, kind);
                Banks plain = banks();
                Banks vector = banks();
                Warmup.sample(key, ScalarLoops.INSTANCE).run(plain, 0, Warmup.RESULT);
                Warmup.sample(key, Backend.VECTOR.loops()).run(vector, 0, Warmup.RESULT);
                assertThat(Arrays.equals(plain.bytes, vector.bytes)
                                && Arrays.equals(plain.shorts, vector.shorts)
                                && Arrays.equals(plain.ints, vector.ints))
                        .as("%s", key)
                        .isTrue();
            }
        }
    }

    private static Banks banks() {
        Banks b = new Banks(1 << 15, 1 << 15, 1 << 15, 1, 1);
        Random r = new Random(3);
        for (int i = 0; i < Warmup.RESULT; i++) {
            b.bytes[i] = (byte) r.nextInt(16);
            b.shorts[i] = (short) r.nextInt(16);
        }
        return b;
    }
}

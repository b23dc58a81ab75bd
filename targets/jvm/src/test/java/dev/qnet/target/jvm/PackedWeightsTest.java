package dev.qnet.target.jvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.qnet.compiler.ir.Storage;
import dev.qnet.runtime.WeightsReader;
import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The weights resource gives back what was written, packed as its documentation says. */
final class PackedWeightsTest {
    @Property(tries = 500)
    void codesSurvive(@ForAll Storage storage, @ForAll @IntRange(max = 100) int count, @ForAll long seed) {
        Random random = new Random(seed);
        int[] codes = new int[count];
        for (int i = 0; i < count; i++) {
            do {
                codes[i] = (int) random.nextLong(storage.min(), storage.max() + 1L);
            } while (!storage.holds(codes[i]));
        }
        WeightsWriter writer = new WeightsWriter();
        writer.codes(new int[] {storage.max()}, storage);
        int at = writer.codes(codes, storage);
        int behind = writer.ints(new int[] {42});
        WeightsReader reader = new WeightsReader(writer.toBytes());
        assertThat(at % WeightsReader.ALIGNMENT).isZero();
        assertThat(behind - at).isLessThanOrEqualTo((count * storage.bits() / 8 / 64 + 1) * 64);
        assertThat(reader.wideCodes(at, count, storage.bits(), storage.signed()))
                .isEqualTo(codes);
        assertThat(reader.ints(behind, 1)).containsExactly(42);
    }

    @ParameterizedTest
    @EnumSource(Storage.class)
    void takeAsManyBitsAsTheStorage(Storage storage) {
        WeightsWriter writer = new WeightsWriter();
        int[] codes = new int[64];
        Arrays.fill(codes, storage.max());
        writer.codes(codes, storage);
        assertThat(writer.toBytes()).hasSize(8 * storage.bits());
    }

    @Test
    void theFirstCodeLiesInTheLowestBits() {
        WeightsWriter writer = new WeightsWriter();
        writer.codes(new int[] {1, -8, 7}, Storage.I4);
        writer.codes(new int[] {-1, 1, 1, -1, 1}, Storage.BIPOLAR);
        writer.floats(new float[] {1.5f});
        byte[] bytes = writer.toBytes();
        assertThat(bytes).hasSize(132);
        assertThat(bytes[0]).isEqualTo((byte) 0x81);
        assertThat(bytes[1]).isEqualTo((byte) 0x07);
        assertThat(bytes[64]).isEqualTo((byte) 0b10110);
        assertThat(bytes[130]).isEqualTo((byte) 0xC0);
        assertThat(bytes[131]).isEqualTo((byte) 0x3F);
    }
}

package dev.qnet.cli.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class PictureTest {
    private static Picture grey(int height, int width, int... levels) {
        byte[] bytes = new byte[levels.length];
        for (int i = 0; i < levels.length; i++) {
            bytes[i] = (byte) levels[i];
        }
        return new Picture(height, width, 1, bytes);
    }

    private static int[] levels(Picture p) {
        int[] out = new int[p.levels().length];
        for (int i = 0; i < out.length; i++) {
            out[i] = Byte.toUnsignedInt(p.levels()[i]);
        }
        return out;
    }

    @Test
    void shrinkingAverages() {
        Picture p = grey(2, 4, 0, 100, 200, 250, 10, 110, 210, 255);
        assertThat(levels(p.resized(1, 2))).containsExactly(55, 229); // 220/4, 915/4 = 228.75
        assertThat(levels(p.resized(2, 1))).containsExactly(138, 146); // 137.5 and 146.25
        // Three pixels into two: a whole one and a half each.
        assertThat(levels(grey(1, 3, 30, 60, 90).resized(1, 2))).containsExactly(40, 80);
    }

    @Test
    void growingInterpolatesBetweenCentres() {
        assertThat(levels(grey(1, 2, 0, 100).resized(1, 4))).containsExactly(0, 25, 75, 100);
        assertThat(levels(grey(2, 1, 0, 100).resized(4, 1))).containsExactly(0, 25, 75, 100);
        assertThat(levels(grey(1, 1, 77).resized(3, 2))).containsOnly(77);
    }

    @Test
    void oneAxisMayGrowWhileTheOtherShrinks() {
        assertThat(levels(grey(1, 4, 0, 20, 100, 120).resized(2, 2))).containsExactly(10, 110, 10, 110);
    }

    @Test
    void channelsKeepApart() {
        Picture p = new Picture(1, 2, 3, new byte[] {10, 20, 30, 30, 40, 50});
        assertThat(levels(p.resized(1, 1))).containsExactly(20, 30, 40);
    }

    @Property(tries = 200)
    void averagesLieWithinTheLevelsAndConstantsStay(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 20) int h,
            @ForAll @IntRange(min = 1, max = 20) int w,
            @ForAll @IntRange(min = 1, max = 40) int toH,
            @ForAll @IntRange(min = 1, max = 40) int toW) {
        Random random = new Random(seed);
        int low = random.nextInt(256);
        int high = random.nextInt(low, 256);
        byte[] bytes = new byte[h * w * 3];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) random.nextInt(low, high + 1);
        }
        Picture resized = new Picture(h, w, 3, bytes).resized(toH, toW);
        assertThat(resized.height()).isEqualTo(toH);
        assertThat(resized.width()).isEqualTo(toW);
        assertThat(Arrays.stream(levels(resized))).allMatch(v -> v >= low && v <= high);
    }

    @Test
    void greyIsLumaAndColourFromGreyRepeats() {
        Picture colours = new Picture(1, 4, 3, new byte[] {-1, 0, 0, 0, -1, 0, 0, 0, -1, -1, -1, -1});
        assertThat(levels(colours.withChannels(1))).containsExactly(76, 150, 29, 255);
        assertThat(levels(grey(1, 2, 5, 250).withChannels(3))).containsExactly(5, 5, 5, 250, 250, 250);
    }

    @Test
    void refusesOtherSizes() {
        assertThatThrownBy(() -> new Picture(2, 2, 1, new byte[3])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Picture(0, 2, 1, new byte[0])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Picture(1, 1, 2, new byte[2])).isInstanceOf(IllegalArgumentException.class);
    }
}

package dev.qnet.training.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class DrawnDigitsTest {
    private static final int PIXELS = DrawnDigits.SIZE * DrawnDigits.SIZE;

    @Test
    void theSameSeedDrawsTheSamePictures() {
        CRC32 crc = new CRC32();
        DrawnDigits digits = new DrawnDigits(7);
        for (int label : digits.labels(50)) {
            crc.update(digits.draw(label));
        }
        // Trained weights in the examples belong to these pictures: they may not change unseen.
        assertThat(crc.getValue()).isEqualTo(682164089L);
        assertThat(new DrawnDigits(8).draw(3)).isNotEqualTo(new DrawnDigits(7).draw(3));
    }

    @Test
    void labelsAreEvenlySpreadAndMixed() {
        int[] labels = new DrawnDigits(1).labels(1003);
        int[] counts = new int[DrawnDigits.CLASSES];
        for (int l : labels) {
            counts[l]++;
        }
        assertThat(counts).containsExactly(101, 101, 101, 100, 100, 100, 100, 100, 100, 100);
        assertThat(Arrays.stream(labels, 0, 100).sorted().toArray()).isNotEqualTo(Arrays.copyOf(labels, 100));
    }

    @Test
    void inkStaysInsideAndCoversSomeOfThePaper() {
        DrawnDigits digits = new DrawnDigits(2);
        for (int i = 0; i < 500; i++) {
            byte[] p = digits.draw(i % DrawnDigits.CLASSES);
            assertThat(p).hasSize(PIXELS);
            int ink = 0;
            int edge = 0;
            for (int at = 0; at < PIXELS; at++) {
                boolean dark = (p[at] & 0xff) > 128;
                int x = at % DrawnDigits.SIZE;
                int y = at / DrawnDigits.SIZE;
                ink += dark ? 1 : 0;
                edge += dark && (x == 0 || y == 0 || x == DrawnDigits.SIZE - 1 || y == DrawnDigits.SIZE - 1) ? 1 : 0;
            }
            assertThat(ink).isBetween(20, 300);
            assertThat(edge).isLessThan(15);
        }
    }

    /** They look like what they are called: the nearest mean picture is mostly that of the right digit, but not always. */
    @Test
    void digitsCanBeToldApartByTheirMeansMostly() {
        double[][] means = new double[DrawnDigits.CLASSES][PIXELS];
        DrawnDigits digits = new DrawnDigits(3);
        for (int i = 0; i < 1000; i++) {
            byte[] p = digits.draw(i % DrawnDigits.CLASSES);
            for (int at = 0; at < PIXELS; at++) {
                means[i % DrawnDigits.CLASSES][at] += (p[at] & 0xff) / 100.0;
            }
        }
        int right = 0;
        for (int i = 0; i < 500; i++) {
            right += nearest(means, digits.draw(i % DrawnDigits.CLASSES)) == i % DrawnDigits.CLASSES ? 1 : 0;
        }
        assertThat(right).isBetween(300, 480);
    }

    private static int nearest(double[][] means, byte[] p) {
        int best = 0;
        double least = Double.POSITIVE_INFINITY;
        for (int c = 0; c < means.length; c++) {
            double sum = 0;
            for (int at = 0; at < p.length; at++) {
                double d = means[c][at] - (p[at] & 0xff);
                sum += d * d;
            }
            if (sum < least) {
                least = sum;
                best = c;
            }
        }
        return best;
    }
}

package dev.qnet.target.tvm.tir;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The functions in C that stand for a library's give the bits that Java gives. */
class CHelpersTest {
    private static final int COUNT = 20_000;

    @Test
    void roundAndTakeRootsAsJavaDoes(@TempDir Path folder) throws Exception {
        Set<String> names = new TreeSet<>(Set.of("nearbyint_f64", "floor_f64", "ceil_f64", "sqrt_f64"));
        names.addAll(Set.of("nearbyint_f32", "floor_f32", "ceil_f32", "f32_of_bits", "bits_of_f32"));
        StringBuilder in = new StringBuilder();
        StringBuilder expected = new StringBuilder();
        Random random = new Random(1);
        for (int i = 0; i < COUNT; i++) {
            double x = switch (i % 4) {
                case 0 -> Double.longBitsToDouble(random.nextLong());
                case 1 -> random.nextInt(200) / 4.0 - 25;
                case 2 -> random.nextGaussian() * 0x1p52;
                default -> Math.abs(Double.longBitsToDouble(random.nextLong() >>> random.nextInt(60)));
            };
            float f = (float) x;
            in.append(Long.toHexString(Double.doubleToLongBits(x))).append(' ');
            in.append(Integer.toHexString(Float.floatToIntBits(f))).append('\n');
            for (double y : new double[] {Math.rint(x), Math.floor(x), Math.ceil(x), Math.sqrt(x)}) {
                expected.append(Double.isNaN(y) ? "nan" : Long.toHexString(Double.doubleToLongBits(y)))
                        .append(' ');
            }
            for (float y : new float[] {(float) Math.rint(f), (float) Math.floor(f), (float) Math.ceil(f)}) {
                expected.append(Float.isNaN(y) ? "nan" : Integer.toHexString(Float.floatToIntBits(y)))
                        .append(' ');
            }
            expected.append('\n');
        }
        Path source = Files.writeString(folder.resolve("helpers.c"), """
                #include <inttypes.h>
                #include <stdint.h>
                #include <stdio.h>
                %s
                static void tell64(double x) {
                    if (x != x) printf("nan "); else printf("%%" PRIx64 " ", (uint64_t)bits_of_f64(x));
                }
                static void tell32(float x) {
                    if (x != x) printf("nan "); else printf("%%" PRIx32 " ", (uint32_t)bits_of_f32(x));
                }
                int main(void) {
                    uint64_t wide;
                    uint32_t narrow;
                    while (scanf("%%" SCNx64 " %%" SCNx32, &wide, &narrow) == 2) {
                        const double x = f64_of_bits(wide);
                        const float f = f32_of_bits(narrow);
                        tell64(nearbyint_f64(x));
                        tell64(floor_f64(x));
                        tell64(ceil_f64(x));
                        tell64(sqrt_f64(x));
                        tell32(nearbyint_f32(f));
                        tell32(floor_f32(f));
                        tell32(ceil_f32(f));
                        printf("\\n");
                    }
                    return 0;
                }
                """.formatted(CHelpers.text(names)));
        Path input = Files.writeString(folder.resolve("input.txt"), in);
        Path program = folder.resolve("helpers");
        run(List.of("gcc", "-std=c99", "-O2", source.toString(), "-o", program.toString()), input);
        assertThat(run(List.of(program.toString()), input)).isEqualTo(expected.toString());
    }

    private static String run(List<String> command, Path input) throws IOException, InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(input.toFile())
                    .redirectErrorStream(true)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(output).isZero();
            return output;
        } catch (IOException e) {
            Assumptions.abort("skipped: this machine has no " + command.getFirst());
            throw e;
        }
    }
}

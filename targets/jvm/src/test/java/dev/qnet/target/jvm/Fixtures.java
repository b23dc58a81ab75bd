package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.GraphParser;
import java.util.Random;
import java.util.stream.Collectors;

/** Small models that tests of the container share. */
final class Fixtures {
    private Fixtures() {}

    /** {@code tiny}: image u8 [N, 2, 2, 1] and gain i8 [3] → scores u8 [N, 3], sums i32 [N, 3]. */
    static CompiledArtifact tiny() {
        return compile("""
                graph @tiny {
                  param %image : u8<scale=0.5, zero=3>[Nx2x2x1]
                  param %gain : i8<-127:127, scale=0.25, zero=0>[3]
                  %flat = reshape %image {shape=[N, 4]} : u8<scale=0.5, zero=3>[Nx4]
                  %w = constant [1, -2, 3, 4, 5, 6, -7, 8, 1, 1, 1, 1] : i8<scale=0.25, zero=0>[3x4]
                  %sums = int.dense %flat, %w {acc=i32} : i32[Nx3]
                  %y = int.requantize %sums {rescale=tosa([q31(1697563244, 0)], 100, 0, 255)} : u8<scale=1.0, zero=100>[Nx3]
                  %scores = int.mul %y, %gain {acc=i32, rescale=tosa([q31(1697563244, -5)], 5, 0, 255)} : u8<scale=2.0, zero=5>[Nx3]
                  return scores = %scores, sums = %sums
                }
                """);
    }

    /** {@code float_in}: x f32 [N, 4], quantized inside → y f32 [N, 4], dequantized inside. */
    static CompiledArtifact floatBorders() {
        return compile("""
                graph @float_in {
                  param %x : f32[Nx4]
                  %q = quantize %x {rounding=tflite} : u8<scale=0.5, zero=3>[Nx4]
                  %c = int.clamp %q {lo=3, hi=255} : u8<scale=0.5, zero=3>[Nx4]
                  %y = dequantize %c : f32[Nx4]
                  return y = %y
                }
                """);
    }

    /**
     * {@code large}: x u8 [N, 24, 24, 16] → y u8 [N, 12, 12, 32] by two convolutions that are worth more than one
     * thread.
     */
    static CompiledArtifact large() {
        Random r = new Random(5);
        return compile("""
                graph @large {
                  param %%x : u8<scale=0.5, zero=3>[Nx24x24x16]
                  %%w1 = constant [%s] : i8<scale=0.25, zero=0>[32x3x3x16]
                  %%h = int.conv2d %%x, %%w1 {window=window([3, 3], [2, 2], [1, 1], [0, 0, 1, 1]), groups=1, acc=i32, rescale=tosa([q31(1817331593, -11)], 100, 0, 255)} : u8<scale=1.0, zero=100>[Nx12x12x32]
                  %%w2 = constant [%s] : i8<scale=0.25, zero=0>[32x3x3x1]
                  %%y = int.conv2d %%h, %%w2 {window=window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]), groups=32, acc=i32, rescale=tosa([q31(1817331593, -5)], 100, 0, 255)} : u8<scale=1.0, zero=100>[Nx12x12x32]
                  return y = %%y
                }
                """.formatted(numbers(r, 32 * 9 * 16), numbers(r, 32 * 9)));
    }

    private static String numbers(Random r, int n) {
        return r.ints(n, -20, 21).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    }

    static CompiledArtifact compile(String text) {
        return JvmTarget.compile(GraphParser.parse(text));
    }
}

package dev.qnet.compiler.front;

import java.util.List;

/** Sources that between them use every construct of the language. */
final class Samples {
    static final String RESNET = """
            qnet 1

            include "other.qnet"

            scheme w8a8 {
              weights     i8 symmetric narrow per_channel range(mse)
              activations u8 asymmetric per_tensor range(percentile(99.99))
              bias        i32
              rounding    tosa
            }

            scheme w4a8 extends w8a8 { weights i4 symmetric per_group(32) }

            const edge: f32[3, 3] = [
              [-1, 0.5, 1e-3],
              [-2, 0, 2],
              [-1, 0, 1],
            ]

            block residual(x, filters: int, stride: int = 1) {
              h = x |> conv2d(filters, kernel: 3, stride: stride, padding: same) |> batch_norm |> relu
              h = h |> conv2d(filters, kernel: 3, padding: same) |> batch_norm
              skip = if stride > 1 { x |> conv2d(filters, kernel: 1, stride: stride) } else { x }
              return relu(add(h, skip))
            }

            model resnet8(image: f32[N, 32, 32, 3]) -> f32[N, 10] quantized w8a8 {
              parameters "resnet8.safetensors"
              input image u8 range(0, 255)
              labels ["cat", "dog \\"x\\" {{}}"]
              h = image |> conv2d(16, kernel: 3, padding: same) |> batch_norm |> relu
              repeat i in 0..3 {
                h = residual(h, 16 * (i + 1), name: "block_{i}.weight", temperature: 5..50)
              }
              h = residual(h, 32, stride: 2) @activations(u4, pact(alpha: 6.0)) @float
              return h |> global_avg_pool |> dense(10) @weights(i8, per_channel) |> softmax
            }
            """;

    static final String TWO_OUTPUTS = """
            qnet 1

            model m(x: f32[N, 4], y: f32[]) -> (logits: f32[N, 2], probs: f32[N, 2]) {
              const n: int = -3
              const w: i8[2, 2] scale(0.5) zero(0) = [[1, 2], [3, 4]]
              a, b = split(x, parts: 2)
              if n == 3 && !(n < 2) || n != 4 {
                c = a + b * 2 - a / b % 3
              } else if n >= 1 {
                c = -a
              } else {
                c = concat([a, b], axis: -1)
              }
              d = x.shape[1]
              return logits: c, probs: softmax(c)
            }

            calibration m {
              residual_1.conv2d_1: u8 scale(0.0235) zero(3)
              "odd name": range(0.0, 5.1)
            }
            """;

    static final List<String> ALL = List.of(RESNET, TWO_OUTPUTS);

    private Samples() {}
}

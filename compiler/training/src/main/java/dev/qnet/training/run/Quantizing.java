package dev.qnet.training.run;

import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.training.quantizer.LearnedQuantizer;
import java.util.Arrays;
import java.util.List;

/** Quantizers over whole tensors: each channel along the first axis with its own parameters, or all with the same. */
final class Quantizing {
    private Quantizing() {}

    /** Does something for every part of 0..n that shares parameters, of which each channel's begin at {@code at}. */
    @FunctionalInterface
    private interface Part {
        void run(int from, int to, int at);
    }

    /** Channels in turn; a tensor without channels is shared by the crew. */
    private static void share(Crew crew, int n, int channels, int parameters, Part part) {
        if (channels == 1) {
            Elementwise.share(crew, n, (who, from, to) -> part.run(from, to, 0));
            return;
        }
        int size = n / channels;
        for (int c = 0; c < channels; c++) {
            part.run(c * size, (c + 1) * size, c * parameters);
        }
    }

    private static float temperature(Quantizer q, List<float[]> in) {
        return q.hasTemperature() ? in.get(2)[0] : 0;
    }

    static Runnable forward(TrainOp.Quantized op, Shape p, List<float[]> in, float[] y, Crew crew) {
        LearnedQuantizer q = LearnedQuantizer.of(op.quantizer(), op.lo(), op.hi());
        return () -> {
            float t = temperature(op.quantizer(), in);
            share(
                    crew,
                    y.length,
                    p.dim(0),
                    p.dim(1),
                    (from, to, at) -> q.forward(in.get(0), from, to, in.get(1), at, t, y));
        };
    }

    static Runnable byInput(TrainOp.QuantizedInputGrad op, Shape p, List<float[]> in, float[] dx, Crew crew) {
        LearnedQuantizer q = LearnedQuantizer.of(op.quantizer(), op.lo(), op.hi());
        return () -> {
            float t = temperature(op.quantizer(), in);
            share(
                    crew,
                    dx.length,
                    p.dim(0),
                    p.dim(1),
                    (from, to, at) -> q.byInput(in.get(0), in.getLast(), from, to, in.get(1), at, t, dx));
        };
    }

    static Runnable byParameters(TrainOp.QuantizedParameterGrad op, Shape p, List<float[]> in, float[] dp) {
        LearnedQuantizer q = LearnedQuantizer.of(op.quantizer(), op.lo(), op.hi());
        int channels = p.dim(0);
        int k = p.dim(1);
        double[] sums = new double[k];
        return () -> {
            float t = temperature(op.quantizer(), in);
            int size = in.get(0).length / channels;
            for (int c = 0; c < channels; c++) {
                Arrays.fill(sums, 0);
                q.byParameters(in.get(0), in.getLast(), c * size, (c + 1) * size, in.get(1), c * k, t, sums);
                for (int j = 0; j < k; j++) {
                    dp[c * k + j] = (float) (sums[j] * op.factor());
                }
            }
        };
    }

    /** Fake quantization with parameters that are decided. */
    static Runnable fixed(QuantOp.FakeQuant op, Shape shape, float[] x, float[] y, Crew crew) {
        Quant q = op.chosen();
        if (q == null) {
            return Kernels.copy(x, y);
        }
        int channels = q.scheme() instanceof Scheme.PerAxis a ? a.scales().size() : 1;
        if (q.scheme() instanceof Scheme.PerGroup || (q.scheme() instanceof Scheme.PerAxis a && a.axis() != 0)) {
            throw new IllegalArgumentException("fake quantization of " + q + " cannot be trained through");
        }
        float[] p = new float[2 * channels];
        for (int c = 0; c < channels; c++) {
            p[2 * c] = q.scheme().channelScale(c);
            p[2 * c + 1] = q.scheme().channelZero(c);
        }
        Spec.Steps steps = op.spec().steps();
        if (steps != null) {
            return () -> Elementwise.share(crew, shape.elements(), (who, from, to) -> {
                for (int i = from; i < to; i++) {
                    y[i] = (steps.code(x[i]) - p[1]) * p[0];
                }
            });
        }
        LearnedQuantizer rule = LearnedQuantizer.of(new Quantizer.Affine(), q.lo(), q.hi());
        return () ->
                share(crew, shape.elements(), channels, 2, (from, to, at) -> rule.forward(x, from, to, p, at, 0, y));
    }
}

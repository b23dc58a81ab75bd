package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Weights for a model that is about to be trained and has none yet: of convolutions and dense layers from a normal distribution
 * with variance 2/inputs (He et al. 2015), what multiplies 1, what is added 0. Each parameter's numbers depend on its name and the
 * seed alone.
 */
final class InitialWeights {
    private final long seed;

    InitialWeights(long seed) {
        this.seed = seed;
    }

    /**
     * A parameter.
     *
     * @param argument what it is to its operation: weight, bias, gamma, …
     */
    ConstTensor of(String name, String argument, Shape shape) {
        float[] v = new float[shape.elements()];
        switch (argument) {
            case "gamma", "variance" -> Arrays.fill(v, 1);
            case "bias", "beta", "mean" -> Arrays.fill(v, 0);
            default -> {
                SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + name.hashCode());
                int inputs = shape.rank() < 2 || shape.dim(0) == 0 ? 1 : shape.elements() / shape.dim(0);
                double deviation = Math.sqrt(2.0 / Math.max(1, inputs));
                for (int i = 0; i < v.length; i++) {
                    v[i] = (float) (random.nextGaussian() * deviation);
                }
            }
        }
        return ConstTensor.of(new Tensor.OfFloat(shape, v), name);
    }
}

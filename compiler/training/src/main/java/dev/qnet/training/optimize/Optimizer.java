package dev.qnet.training.optimize;

/** How a gradient moves a parameter. Stateless: what is remembered from step to step lies in arrays of the caller's. */
public sealed interface Optimizer {
    /** How many numbers are remembered for each element. */
    int memory();

    /**
     * Moves a parameter.
     *
     * @param p the parameter's elements
     * @param g the gradient
     * @param memory {@link #memory} arrays as long as p, zeros before the first step
     * @param rate the learning rate
     * @param decay the weight decay of this parameter
     * @param step the number of this step, from 1
     */
    void move(float[] p, float[] g, float[][] memory, double rate, double decay, long step);

    /**
     * Stochastic gradient descent (Sutskever et al. 2013 for both momenta): {@code v = momentum·v + g + decay·p},
     * {@code p −= rate·v}, or with Nesterov's momentum {@code p −= rate·(g + decay·p + momentum·v)}.
     */
    record Sgd(double momentum, boolean nesterov) implements Optimizer {
        public Sgd {
            if (!(momentum >= 0 && momentum < 1)) {
                throw new IllegalArgumentException("a momentum is 0 or more and below 1, not " + momentum);
            }
        }

        @Override
        public int memory() {
            return 1;
        }

        @Override
        public void move(float[] p, float[] g, float[][] memory, double rate, double decay, long step) {
            float[] v = memory[0];
            float m = (float) momentum;
            float r = (float) rate;
            float d = (float) decay;
            for (int i = 0; i < p.length; i++) {
                float gi = g[i] + d * p[i];
                v[i] = m * v[i] + gi;
                p[i] -= r * (nesterov ? gi + m * v[i] : v[i]);
            }
        }
    }

    /** AdamW (Loshchilov and Hutter 2019): Adam with a weight decay of its own, {@code p −= rate·decay·p}. */
    record AdamW(double beta1, double beta2, double epsilon) implements Optimizer {
        /** The authors' constants. */
        public static final AdamW DEFAULT = new AdamW(0.9, 0.999, 1e-8);

        public AdamW {
            if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && epsilon > 0)) {
                throw new IllegalArgumentException("AdamW's betas are 0 or more and below 1, its epsilon above 0");
            }
        }

        @Override
        public int memory() {
            return 2;
        }

        @Override
        public void move(float[] p, float[] g, float[][] memory, double rate, double decay, long step) {
            float[] first = memory[0];
            float[] second = memory[1];
            double correction1 = 1 - Math.pow(beta1, (double) step);
            double correction2 = Math.sqrt(1 - Math.pow(beta2, (double) step));
            float keep = (float) (1 - rate * decay);
            float factor = (float) (rate / correction1);
            for (int i = 0; i < p.length; i++) {
                first[i] = (float) (beta1 * first[i] + (1 - beta1) * g[i]);
                second[i] = (float) (beta2 * second[i] + (1 - beta2) * g[i] * g[i]);
                double spread = Math.sqrt(second[i]) / correction2 + epsilon;
                p[i] = (float) (p[i] * keep - factor * first[i] / spread);
            }
        }
    }
}

package dev.qnet.training.optimize;

/** How the learning rate changes: a factor of it for each step. */
public sealed interface Schedule {
    /**
     * The factor.
     *
     * @param done the share of the training that is done, 0 to 1
     */
    double factor(double done);

    /** Always 1. */
    record Constant() implements Schedule {
        @Override
        public double factor(double done) {
            return 1;
        }
    }

    /** Half a cosine from 1 to {@code last} (Loshchilov and Hutter 2017). */
    record Cosine(double last) implements Schedule {
        @Override
        public double factor(double done) {
            return last + (1 - last) * (1 + Math.cos(Math.PI * done)) / 2;
        }
    }

    /** {@code by} to the power of how many of {@code steps} alike parts are done. */
    record Steps(int steps, double by) implements Schedule {
        public Steps {
            if (steps < 1 || !(by > 0)) {
                throw new IllegalArgumentException("a step schedule has steps and multiplies by a number above 0");
            }
        }

        @Override
        public double factor(double done) {
            return Math.pow(by, Math.min(steps - 1, Math.floor(done * steps)));
        }
    }

    /** Rises from 0 over the first share of the training, then follows another schedule. */
    record WarmUp(double share, Schedule then) implements Schedule {
        public WarmUp {
            if (!(share >= 0 && share < 1)) {
                throw new IllegalArgumentException("a warm-up takes a share from 0 to below 1, not " + share);
            }
        }

        @Override
        public double factor(double done) {
            return done < share ? done / share : then.factor((done - share) / (1 - share));
        }
    }
}

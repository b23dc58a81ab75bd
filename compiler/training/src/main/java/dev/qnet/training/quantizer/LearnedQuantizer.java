package dev.qnet.training.quantizer;

import dev.qnet.compiler.ir.Quantizer;

/**
 * The arithmetic of one quantizer for codes lo..hi. Elements {@code from..to} of a tensor share the parameters that begin at
 * {@code at} in p: a whole tensor, or an output channel of weights. Stateless and safe to share.
 */
public interface LearnedQuantizer {
    /** How many parameters elements share. */
    int parameters();

    /**
     * y = what codes make of x.
     *
     * @param t the temperature, for those that have one; infinity gives what is deployed
     */
    void forward(float[] x, int from, int to, float[] p, int at, float t, float[] y);

    /** dx = the gradient by x, from g by y. */
    void byInput(float[] x, float[] g, int from, int to, float[] p, int at, float t, float[] dx);

    /** Adds the gradient by the parameters to dp, from its element 0. */
    void byParameters(float[] x, float[] g, int from, int to, float[] p, int at, float t, double[] dp);

    /**
     * Where the parameters begin, written to p from {@code at}: from a weight's elements, or from those that calibration has
     * seen of an activation.
     *
     * @throws IllegalArgumentException if an element is not finite
     */
    void initialize(float[] x, int from, int to, float[] p, int at);

    /** Brings parameters that a step of the optimizer has moved too far back to where they mean something. */
    default void repair(float[] p, int at) {}

    /**
     * Makes the parameters those of values that are a factor larger: what is quantized gets the same codes, and is the factor larger.
     *
     * @param factor above 0
     */
    void rescale(float[] p, int at, float factor);

    /** What a code of {@link #integerForm} counts in, without the rest of the form, which may take long to find. */
    float scale(float[] p, int at);

    /** What the parameters, as they are now, deploy as. */
    IntegerForm integerForm(float[] p, int at);

    /** The gradient that a term of the loss adds for the parameters alone, added to dp from {@code at}. */
    default void regularize(float[] p, int at, float[] dp) {}

    /** The arithmetic of a quantizer. */
    static LearnedQuantizer of(Quantizer q, int lo, int hi) {
        return switch (q) {
            case Quantizer.Affine a -> new AffineSte(lo, hi, a.leastError());
            case Quantizer.Pact p -> new Pact(p, lo, hi);
            case Quantizer.Lsq _ -> new Lsq(lo, hi);
            case Quantizer.LsqPlus _ -> new LsqPlus(lo, hi);
            case Quantizer.Qil _ -> new Qil(lo, hi);
            case Quantizer.Qn n -> new Qn(n.of(lo, hi));
            case Quantizer.Codebook c -> new Codebook(c);
            case Quantizer.Ternary _ -> new TernaryWeights();
            case Quantizer.Bipolar _ -> new BipolarWeights();
        };
    }
}

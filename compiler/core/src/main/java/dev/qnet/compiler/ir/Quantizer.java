package dev.qnet.compiler.ir;

import java.util.List;
import java.util.stream.IntStream;

/**
 * How a value is quantized while a network learns: the forward rule, what of it is learned, and the gradient. Codes run from
 * {@code lo} to {@code hi} of the operation that names the quantizer ({@link TrainOp.Quantized}); x is one element, g the
 * gradient of the loss by what the rule gives, and p are the parameters of x's channel, in the order stated.
 *
 * <p>STE, the straight-through estimator, takes a rounding's derivative for 1 (Bengio, Léonard and Courville 2013).
 */
public sealed interface Quantizer {
    /** How many numbers p there are for each channel. */
    int parameters(int lo, int hi);

    /** Whether p is learned; otherwise it follows from the values, by calibration or afresh in each step. */
    default boolean learned() {
        return true;
    }

    /** Whether the rule takes a temperature beside x and p. */
    default boolean hasTemperature() {
        return false;
    }

    /**
     * p = (s, z): {@code y = s·(clamp(round(x/s) + z, lo, hi) − z)}. Gradient by x: g where the code was not clamped, else 0
     * (Jacob et al. 2018). Nothing is learned.
     *
     * @param leastError whether the scale is the one with the least squared error, instead of one that clips nothing
     */
    record Affine(boolean leastError) implements Quantizer {
        /** The whole range has codes. */
        public Affine() {
            this(false);
        }

        @Override
        public int parameters(int lo, int hi) {
            return 2;
        }

        @Override
        public boolean learned() {
            return false;
        }
    }

    /**
     * PACT (Choi et al. 2018), p = (α): {@code y = round(clip(x, l, α)·hi/α)·α/hi}, with l = 0 for lo = 0 and −α for signed
     * codes, of which those from −hi to hi are in use. Gradients: by x, g where l &lt; x &lt; α; by α, g where x ≥ α, and −g where a
     * signed x ≤ −α.
     *
     * @param alpha where α begins; 0 for the largest magnitude that calibration sees
     * @param decay λ of the term λ·α² that the loss is given
     */
    record Pact(float alpha, float decay) implements Quantizer {
        /** The λ of the paper's experiments on CIFAR-10. */
        public static final float DECAY = 0.0002f;

        public Pact {
            if (!(alpha >= 0) || !(decay >= 0) || Float.isInfinite(alpha) || Float.isInfinite(decay)) {
                throw new IllegalArgumentException("PACT's alpha and decay are finite and not below 0");
            }
        }

        @Override
        public int parameters(int lo, int hi) {
            return 1;
        }
    }

    /**
     * LSQ (Esser et al. 2020), p = (s), v = x/s: {@code y = s·round(clip(v, lo, hi))}. Gradients: by x, g where lo &lt; v &lt; hi; by
     * s, {@code g·(round(v) − v)} there, g·lo below and g·hi above.
     */
    record Lsq() implements Quantizer {
        @Override
        public int parameters(int lo, int hi) {
            return 1;
        }
    }

    /**
     * LSQ+ (Bhalgat et al. 2020), p = (s, β), v = (x − β)/s: {@code y = s·round(clip(v, lo, hi)) + β}. Gradients as in
     * {@link Lsq}; by β, g where v is outside lo..hi, else 0. Forward, β is taken as the nearest −s·z with a code z, so that
     * real 0 has a code, as padding needs, and the trained numbers are those of the affine integer form.
     */
    record LsqPlus() implements Quantizer {
        @Override
        public int parameters(int lo, int hi) {
            return 2;
        }
    }

    /**
     * QIL (Jung et al. 2019), p = (c, d, γ, a). With {@code t = (|x| − c + d)/(2d)}, clipped to 0..1, and for signed codes
     * {@code y = a·sign(x)·round(t^γ·hi)/hi}; for lo = 0, t is of x itself and γ is 1. Gradients go through the transform, STE in
     * the rounding: none outside the interval c ± d, but by a. (The paper leaves a, the scale of what is quantized, to the batch
     * normalization behind; here that is folded into the weights before.)
     */
    record Qil() implements Quantizer {
        @Override
        public int parameters(int lo, int hi) {
            return 4;
        }
    }

    /**
     * QN, Quantization Networks (Yang et al. 2019), p = (α, β, b_1 … b_n) with n = hi − lo, and a temperature T:
     * {@code y = α·(lo + Σ σ(T·(β·x − b_i)))}. All gradients are the formula's. Deployed with steps for σ: T → ∞.
     *
     * <p>With levels L_0 … L_n of their own: {@code y = α·(L_0 + Σ (L_i − L_(i−1))·σ(T·(β·x − b_i)))}.
     *
     * @param from the temperature of the first step
     * @param to that of the last; it rises geometrically
     * @param levels the codes in use, ascending; none for all from lo to hi
     */
    record Qn(float from, float to, List<Integer> levels) implements Quantizer {
        /** All codes are in use. */
        public Qn(float from, float to) {
            this(from, to, List.of());
        }

        public Qn {
            levels = List.copyOf(levels);
            for (int i = 1; i < levels.size(); i++) {
                if (levels.get(i) <= levels.get(i - 1)) {
                    throw new IllegalArgumentException("QN's levels ascend, found " + levels);
                }
            }
            if (levels.size() == 1) {
                throw new IllegalArgumentException("QN has two levels or more");
            }
            if (!(from > 0) || !(to >= from) || Float.isInfinite(to)) {
                throw new IllegalArgumentException(
                        "QN's temperature rises from above 0, not from " + from + " to " + to);
            }
        }

        @Override
        public int parameters(int lo, int hi) {
            return 1 + of(lo, hi).length;
        }

        @Override
        public boolean hasTemperature() {
            return true;
        }

        /** The levels for codes lo..hi. */
        public int[] of(int lo, int hi) {
            return levels.isEmpty()
                    ? IntStream.rangeClosed(lo, hi).toArray()
                    : levels.stream().mapToInt(Integer::intValue).toArray();
        }
    }

    /**
     * A codebook, p = its entries: y is the entry nearest to x, the first of equals, rounded to a 127th of the largest, as entries are
     * deployed: codes of 8 bits. Gradients: by x, {@code g + commitment·(x − y)} (STE, and the loss's term commitment/2·(x − y)²,
     * van den Oord et al. 2017); by an entry, the sum of g over its elements, as if it were not rounded.
     *
     * @param entries how many, 2 to 256
     */
    record Codebook(int entries, float commitment) implements Quantizer {
        /** The code of the largest entry. */
        public static final int HIGHEST = 127;

        public Codebook {
            if (entries < 2 || entries > 256) {
                throw new IllegalArgumentException("a codebook has 2 to 256 entries, not " + entries);
            }
        }

        @Override
        public int parameters(int lo, int hi) {
            return entries;
        }
    }

    /**
     * Ternary weights (TWN, Li et al. 2016), p = (Δ, s): {@code y = s·sign(x)} where |x| &gt; Δ, else 0. Gradient by x: g. Δ and s
     * follow from the values: 0.7·mean|x| and the mean magnitude above it.
     */
    record Ternary() implements Quantizer {
        @Override
        public int parameters(int lo, int hi) {
            return 2;
        }

        @Override
        public boolean learned() {
            return false;
        }
    }

    /**
     * Bipolar weights (XNOR-Net, Rastegari et al. 2016), p = (s): {@code y = −s} where x &lt; 0, else s. Gradient by x: g where
     * |x| ≤ 1, else 0. s follows from the values: their mean magnitude.
     */
    record Bipolar() implements Quantizer {
        @Override
        public int parameters(int lo, int hi) {
            return 1;
        }

        @Override
        public boolean learned() {
            return false;
        }
    }
}

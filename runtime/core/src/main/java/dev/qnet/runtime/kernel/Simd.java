package dev.qnet.runtime.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vectors of this JVM. Their size is a constant from when this class is initialized, for C2 compiles vector code
 * only for species that it knows.
 *
 * <p>Rules that keep vector code fast, here and in the other {@code Simd} classes: a vector never leaves the method
 * that made it; {@code castShape} takes part 0 only; methods stay below 150 vector operations and are called often,
 * so that they are compiled apart from a long-running loop.
 *
 * <p>C2 knows the class of what {@code lanewise}, {@code blend} and {@code compare} give, not that of what is loaded,
 * broadcast, converted or reinterpreted, nor of a variable of a loop that begins with such. On the latter, call {@code
 * lanewise(OPERATION, …)} rather than {@code fma}, {@code or} and the like, or have them be arguments: these call {@code
 * lanewise} in turn, and C2 finds it only if it has seen them a thousand times ({@link SimdPrimer}); else vectors
 * become objects, for good. Methods that steps name return at once where there is nothing to do.
 */
final class Simd {
    /** Bits of a vector: 128, 256 or 512. */
    static final int BITS = SimdShape.BITS;

    static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));
    static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS));

    /** As many ints as {@link #LONGS} has lanes. */
    static final VectorSpecies<Integer> HALF_INTS =
            IntVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    /** As many shorts as {@link #INTS} has lanes. */
    static final VectorSpecies<Short> SHORTS =
            ShortVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(BITS / 2));

    /** As many bytes as {@link #INTS} has lanes; but the smallest vector has 8, so not with {@link #BITS} 128. */
    static final VectorSpecies<Byte> BYTES =
            ByteVector.SPECIES_PREFERRED.withShape(VectorShape.forBitSize(Math.max(BITS / 4, 64)));

    /** Lanes of {@link #FLOATS} and {@link #INTS}. */
    static final int LANES = BITS / 32;

    /** Whether {@link #BYTES} has {@link #LANES} lanes. */
    static final boolean HAS_BYTES = BITS >= 256;

    /**
     * Added to a single of at most 2^22, it pushes the fraction out of the 24 bits, which the hardware rounds ties to
     * even; what remains are the lowest bits of an int (the trick of QNNPACK's requantization).
     */
    static final float MAGIC = 12582912f;

    /** The bits of {@link #MAGIC}. */
    static final int MAGIC_BITS = 0x4B400000;

    private Simd() {}
}

package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.quant.Multipliers;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Accumulators of sums of products of codes, and what scales them into codes. */
final class Accumulators {
    private Accumulators() {}

    /** How far a code may lie from the zero point. */
    static long reach(Quant q) {
        int z = q.perTensor().zero();
        return Math.max(Math.abs((long) q.lo() - z), Math.abs((long) q.hi() - z));
    }

    /** What holds numbers up to a bound, or null where nothing surely does. */
    static Element.@Nullable Int within(double bound) {
        return bound <= Integer.MAX_VALUE ? Element.INT32 : bound < 0x1p62 ? Element.INT64 : null;
    }

    /** One scale for all channels. */
    static Rescale rescale(Rescale.Scale m, Quant q, int lo, int hi) {
        return new Rescale(Rounding.ONNX, List.of(m), q.perTensor().zero(), lo, hi);
    }

    /** What scales a sum of products, or null where a single does not hold it. */
    static Rescale.@Nullable Scale product(float sx, float sw, float so) {
        return Float.isFinite(sx * sw / so) ? Multipliers.product(Rounding.ONNX, sx, sw, so) : null;
    }

    /** What scales a sum into a mean of n numbers, or null where a single does not hold it. */
    static Rescale.@Nullable Scale mean(float sx, float so, long n) {
        return Float.isFinite(sx / (so * n)) ? Multipliers.mean(Rounding.ONNX, sx, so, n) : null;
    }
}

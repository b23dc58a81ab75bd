package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;

/** Quantization with parameters chosen at run time, an item at a time: docs/numerics.md, "Dynamic quantization". */
final class DynamicKernels {
    private DynamicKernels() {}

    /** @param shape the result's, of one item: [1,2] or [2] */
    static Kernel params(IntOp.DynamicParams op, Shape shape) {
        return v -> {
            float lo = 0;
            float hi = 0;
            for (float x : Kernel.floats(v.getFirst())) {
                // A NaN compares false, and so does not count.
                lo = x < lo ? x : lo;
                hi = x > hi ? x : hi;
            }
            Storage t = op.storage();
            float s = op.symmetric() ? Math.max(-lo, hi) / t.max() : (hi - lo) / (t.max() - t.min());
            s = s == 0 ? 1 : s;
            long z = op.symmetric() ? 0 : Scaling.clamp(t.min() + Scaling.real(-lo / s), t.min(), t.max());
            return new Value.Floats(shape, new float[] {s, z});
        };
    }

    static Kernel quantize(IntOp.DynamicQuantize op) {
        return v -> {
            float[] x = Kernel.floats(v.get(0));
            float s = Kernel.floats(v.get(1))[0];
            long z = (long) Kernel.floats(v.get(1))[1];
            long[] y = new long[x.length];
            for (int i = 0; i < y.length; i++) {
                float u = x[i] / s;
                // As for static parameters, NaN becomes the zero point: 0 once centred.
                y[i] = Float.isNaN(u)
                        ? 0
                        : Scaling.clamp(
                                        Scaling.real(u) + z,
                                        op.storage().min(),
                                        op.storage().max())
                                - z;
            }
            return new Value.Ints(v.getFirst().shape(), y);
        };
    }

    static Kernel dequantize() {
        return v -> {
            long[] a = Kernel.ints(v.get(0));
            float scale = Kernel.floats(v.get(1))[0];
            float[] scales = Kernel.floats(v.get(2));
            Shape shape = v.getFirst().shape();
            int channels = shape.rank() == 0 ? 1 : shape.dim(-1);
            float[] y = new float[a.length];
            for (int i = 0; i < y.length; i++) {
                int c = i % channels;
                float product = (float) a[i] * (scale * scales[scales.length == 1 ? 0 : c]);
                y[i] = v.size() > 3 ? product + Kernel.floats(v.get(3))[c] : product;
            }
            return new Value.Floats(shape, y);
        };
    }
}

package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import java.util.List;

/** Softmax of 16-bit codes with two interpolated tables, as TFLite's reference_ops::SoftmaxInt16 computes it. */
final class TableSoftmax {
    /** From 0 … 2^16 to the table's −2^15 …, of a number 1 + x with 16 bits after the point. */
    private static final int CENTRE_OF_SUM = (1 << 15) + (1 << 16);

    private TableSoftmax() {}

    static Kernel kernel(IntOp.Softmax16 op) {
        Scale.Fixed scale = new Scale.Fixed(op.multiplier(), op.leftShift());
        return v -> {
            long[] x = Kernel.ints(v.getFirst());
            Shape shape = v.getFirst().shape();
            long[] y = new long[x.length];
            int n = shape.dim(op.axis());
            long[] e = new long[n];
            for (Lines.Line line : Lines.along(shape, op.axis())) {
                long max = Long.MIN_VALUE;
                for (int i = 0; i < n; i++) {
                    max = Math.max(max, x[line.at(i)]);
                }
                long sum = 0;
                for (int i = 0; i < n; i++) {
                    long diff = Scaling.scale(Rounding.TFLITE, scale, x[line.at(i)] - max, 32);
                    e[i] = interpolated(op.exp(), LstmKernels.saturate(diff + 32767));
                    sum += e[i];
                }
                int zeros = Integer.numberOfLeadingZeros((int) Scaling.fit(sum, 32));
                if (zeros == 0 || zeros == 32) {
                    throw new ArithmeticException("the sum of the exponentials is " + sum + ", not above 0");
                }
                long normal = ((sum << (zeros - 1)) + (1 << 13)) >> 14;
                long reciprocal = interpolated(op.reciprocal(), LstmKernels.saturate(normal - CENTRE_OF_SUM));
                int shift = 31 - zeros;
                // A sum of 1 or less has no bit to round by.
                long half = shift == 0 ? 0 : 1L << (shift - 1);
                for (int i = 0; i < n; i++) {
                    y[line.at(i)] = Scaling.clamp((e[i] * reciprocal + half) >> shift, 0, 32767);
                }
            }
            return new Value.Ints(shape, y);
        };
    }

    private static long interpolated(List<Integer> table, long code) {
        int u = (int) code + 32768;
        long low = table.get(u >> 7);
        long high = table.get((u >> 7) + 1);
        return low + (((high - low) * (u & 127) + 64) >> 7);
    }
}

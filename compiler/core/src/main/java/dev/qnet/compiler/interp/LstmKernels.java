package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Type;
import java.util.List;

/** The steps of TFLite's integer LSTM with 8-bit activations and weights and 16-bit gates: docs/numerics.md. */
final class LstmKernels {
    private LstmKernels() {}

    /** @param types of x, h, w, r, and the bias if there is one */
    static Kernel gate(IntOp.LstmGate op, List<Type> types) {
        return v -> {
            long[][] centred = new long[v.size()][];
            for (int i = 0; i < centred.length; i++) {
                centred[i] = Codes.centred(types.get(i).element(), v.get(i));
            }
            int units = v.get(2).shape().dim(0);
            int inputs = v.get(2).shape().dim(1);
            int states = v.get(3).shape().dim(1);
            Shape shape = v.getFirst().shape().with(-1, units);
            long[] y = new long[shape.elements()];
            for (int i = 0; i < y.length; i++) {
                int row = i / units;
                int u = i % units;
                long bias = centred.length > 4 ? centred[4][u] : 0;
                long x = product(bias, centred[0], row * inputs, centred[2], u * inputs, inputs);
                long h = product(0, centred[1], row * states, centred[3], u * states, states);
                y[i] = saturate(saturate(scaled(x, op.input())) + scaled(h, op.recurrent()));
            }
            return new Value.Ints(shape, y);
        };
    }

    private static long product(long bias, long[] x, int xAt, long[] w, int wAt, int n) {
        long acc = bias;
        for (int k = 0; k < n; k++) {
            acc = Math.addExact(acc, Math.multiplyExact(x[xAt + k], w[wAt + k]));
        }
        return acc;
    }

    private static long scaled(long acc, Scale.Fixed scale) {
        return Scaling.scale(Rounding.TFLITE, scale, Scaling.fit(acc, 32), 32);
    }

    static Kernel cell(IntOp.LstmCell op) {
        return v -> {
            long[] f = Kernel.ints(v.get(0));
            long[] c = Kernel.ints(v.get(1));
            long[] i = Kernel.ints(v.get(2));
            long[] g = Kernel.ints(v.get(3));
            long[] y = new long[c.length];
            for (int k = 0; k < y.length; k++) {
                long kept = saturate(Scaling.roundingDivideByPot((int) (f[k] * c[k]), 15));
                long added = saturate(Scaling.roundingDivideByPot((int) (i[k] * g[k]), op.inputShift()));
                long sum = saturate(kept + added);
                y[k] = op.clip() == 0 ? sum : Scaling.clamp(sum, -op.clip(), op.clip());
            }
            return new Value.Ints(v.get(1).shape(), y);
        };
    }

    /** Limited to 16 bits. */
    static long saturate(long x) {
        return Scaling.clamp(x, Short.MIN_VALUE, Short.MAX_VALUE);
    }
}

package dev.qnet.cli.speed;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import java.util.List;

/**
 * How long a layer should take, by a model of the kernels with one number a kind of work: what the machine can do at
 * most, times the share of it that such work reaches. It says what to expect, so that a layer that takes much longer is
 * seen; it promises nothing. docs/performance.md lists the numbers.
 */
public final class Prediction {
    /** The share of the peak that a blocked product of matrices reaches within. */
    private static final double PRODUCT = 0.82;
    /** Multiply-adds in whose time an activation is brought into the block, and an output is rescaled and stored. */
    private static final double GATHER = 8;

    private static final double RESCALE = 35;
    /** The share of the peak of a matrix times a vector that the cache holds. */
    private static final double ROW = 0.4;
    /** The share of the peak of a convolution of each channel by itself. */
    private static final double DEPTHWISE = 0.2;
    /** The share of the peak of products in plain Java, and in singles (which are not blocked). */
    private static final double PLAIN = 0.5;
    /** Elements that one reading of the bandwidth's bytes could have brought, for each that other layers treat. */
    private static final double ELEMENT = 8;
    /** A call, and the loops' ends. */
    private static final double CALL_NANOS = 40;

    private final MachineSpeed machine;

    public Prediction(MachineSpeed machine) {
        this.machine = machine;
    }

    /**
     * Nanoseconds of a node.
     *
     * @param n the node
     * @param operands the types of its operands
     * @param macs its multiply-accumulates, or 0
     * @param weightBytes the bytes of its constants, packed
     */
    public double nanos(Node n, List<Type> operands, long macs, long weightBytes) {
        long in = operands.isEmpty() ? 0 : elements(operands.getFirst());
        long out = elements(n.type());
        return CALL_NANOS
                + switch (n.op()) {
                    case IntOp.Conv2d c -> {
                        int filters = last(n.type().shape());
                        boolean depthwise = c.groups() > 1 && c.groups() == filters;
                        yield depthwise
                                ? Math.max(macs, 9 * out) / (DEPTHWISE * machine.macs())
                                : product(out / filters, filters, macs, weightBytes);
                    }
                    case IntOp.Dense _, IntOp.MatMul _ -> {
                        int columns = last(n.type().shape());
                        yield product(out / columns, columns, macs, weightBytes);
                    }
                    case FloatOp _ -> macs / (PLAIN * machine.macs()) + elements(in + out);
                    case DataOp _, IntOp _, QuantOp _, NumOp _, TrainOp _ -> elements(in + out);
                };
    }

    /** Of [rows,K]·[K,columns]. */
    private double product(long rows, int columns, long macs, long weightBytes) {
        if (!machine.vectors()) {
            return macs / (PLAIN * machine.macs());
        }
        if (rows == 1) {
            return Math.max(macs / (ROW * machine.macs()), weightBytes / machine.bytes());
        }
        double activations = (double) macs / columns;
        return (macs / PRODUCT + activations * GATHER + (double) rows * columns * RESCALE) / machine.macs();
    }

    private double elements(long n) {
        return ELEMENT * n / machine.bytes();
    }

    private static long elements(Type t) {
        return t.shape().elements();
    }

    private static int last(Shape s) {
        return s.dims().isEmpty() ? 1 : Math.max(1, s.dims().getLast());
    }
}

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
    /** The share of plain Java's peak of products in plain Java. */
    private static final double PLAIN = 0.5;
    /** The share of the vectors' peak of products of singles: sums are doubles, of which a vector holds half as many. */
    private static final double FLOAT = 0.25;
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
     * @param macs its multiply-accumulates of integers, or 0
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
                    case IntOp.LstmGate _ -> gate(n.type(), operands, weightBytes);
                    case FloatOp f ->
                        floatMacs(f, n.type(), operands) / ((machine.vectors() ? FLOAT : PLAIN) * machine.macs())
                                + elements(in + out);
                    case DataOp _, IntOp _, QuantOp _, NumOp _, TrainOp _ -> elements(in + out);
                };
    }

    /** Two dense layers: of the input x and of the state h, operands 0 and 1. */
    private double gate(Type y, List<Type> operands, long weightBytes) {
        int units = last(y.shape());
        long rows = elements(y) / units;
        int inputs = last(operands.get(0).shape());
        int states = last(operands.get(1).shape());
        long bytes = weightBytes * inputs / Math.max(1, inputs + states);
        return product(rows, units, rows * units * inputs, bytes)
                + product(rows, units, rows * units * states, weightBytes - bytes);
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

    /** Multiply-adds of an operation in singles, for one item. */
    private static double floatMacs(FloatOp op, Type y, List<Type> operands) {
        return switch (op) {
            case FloatOp.Conv2d _, FloatOp.Dense _ -> {
                Type w = operands.get(1); // [O,..]
                yield (double) elements(y) * elements(w) / Math.max(1, w.shape().dim(0));
            }
            case FloatOp.MatMul _ ->
                (double) elements(y) * last(operands.getFirst().shape());
            case FloatOp.Binary _,
                    FloatOp.Unary _,
                    FloatOp.AvgPool _,
                    FloatOp.Mean _,
                    FloatOp.BatchNorm _,
                    FloatOp.Softmax _,
                    FloatOp.Recurrent _ -> 0;
        };
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

package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Op;
import dev.qnet.compiler.ir.OpText;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.TrainOp;
import java.util.Locale;

/** What an operation is to quantization. */
enum Role {
    /** A constant. */
    CONSTANT,
    /** Moves elements: its result is on its operands' grid. */
    DATA,
    /** Relu and clip: a clamp of the codes of what comes before. */
    CLAMP,
    /** Sums and products: computed in a wide accumulator, then scaled to codes. */
    ARITHMETIC,
    /** Average pooling: computed on codes, on its operand's grid. */
    POOL,
    /** Softmax: on the grid of 1/256. */
    SOFTMAX,
    /** A function of one variable: a table. */
    TABLE,
    /** Quantize and fake quantization: where a grid begins. */
    POINT,
    /** Dequantize: codes seen as reals. */
    DEQUANTIZE,
    /** Has no integer form. */
    FLOAT_ONLY,
    /** Is one. */
    INTEGER;

    static Role of(Op op) {
        return switch (op) {
            case DataOp.Constant c -> CONSTANT;
            case DataOp.Gather g -> FLOAT_ONLY;
            case DataOp.Select s -> FLOAT_ONLY;
            case DataOp d -> DATA;
            case FloatOp.Unary u -> of(u.fn());
            case FloatOp.AvgPool p -> POOL;
            case FloatOp.Softmax s -> SOFTMAX;
            case FloatOp.BatchNorm b -> FLOAT_ONLY;
            case FloatOp.Conv2d c -> ARITHMETIC;
            case FloatOp.Dense d -> ARITHMETIC;
            case FloatOp.MatMul m -> ARITHMETIC;
            case FloatOp.Binary b ->
                switch (b.fn()) {
                    case ADD, SUB, MUL -> ARITHMETIC;
                    case DIV, POW, MIN, MAX, MOD -> FLOAT_ONLY;
                };
            case FloatOp.Recurrent r -> FLOAT_ONLY;
            case NumOp n -> FLOAT_ONLY;
            case FloatOp.Mean m -> ARITHMETIC;
            case QuantOp.Quantize q -> POINT;
            case QuantOp.FakeQuant f -> POINT;
            case QuantOp.Dequantize d -> DEQUANTIZE;
            case IntOp i -> INTEGER;
            case TrainOp t -> FLOAT_ONLY;
        };
    }

    static Role of(Node n) {
        return of(n.op());
    }

    private static Role of(ScalarFn fn) {
        return switch (fn) {
            case ScalarFn.Relu f -> CLAMP;
            case ScalarFn.Clip f -> CLAMP;
            case ScalarFn f -> TABLE;
        };
    }

    /** Whether a node has weights as operand 1 and at most a bias as operand 2. */
    static boolean weighted(Op op) {
        return op instanceof FloatOp.Conv2d || op instanceof FloatOp.Dense;
    }

    /** An operation as the language calls it. */
    static String name(Op op) {
        return switch (op) {
            case FloatOp.Unary u -> snake(u.fn().getClass().getSimpleName());
            case FloatOp.Binary b -> b.fn().name().toLowerCase(Locale.ROOT);
            case FloatOp.MatMul m -> "matmul";
            case IntOp.MatMul m -> "matmul";
            case DataOp.ResizeNearest r -> "resize";
            case FloatOp.Recurrent r -> r.cell().name().toLowerCase(Locale.ROOT);
            case FloatOp f -> snake(f.getClass().getSimpleName());
            case DataOp d -> snake(d.getClass().getSimpleName());
            case NumOp n -> snake(n.getClass().getSimpleName());
            case QuantOp q -> snake(q.getClass().getSimpleName());
            case IntOp i -> snake(i.getClass().getSimpleName());
            case TrainOp t -> OpText.of(t).mnemonic();
        };
    }

    private static String snake(String camel) {
        return camel.replaceAll("(?<=[a-z])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;

/** The steps of TFLite's integer LSTM: docs/numerics.md. */
final class Lstm {
    private Lstm() {}

    static Stmt gate(Layer layer, IntOp.LstmGate op) {
        int units = layer.shape(2)[0];
        int inputs = layer.shape(2)[1];
        int states = layer.shape(3)[1];
        int rows = layer.node().type().shape().elements() / units;
        Rescales ofInput = Rescales.of(layer, "input", Rounding.TFLITE, op.input());
        Rescales ofState = Rescales.of(layer, "recurrent", Rounding.TFLITE, op.recurrent());
        return loop(
                "row",
                rows,
                row -> loop(
                        "u",
                        units,
                        u -> local(
                                "x",
                                DataType.INT32,
                                1,
                                x -> local(
                                        "h",
                                        DataType.INT32,
                                        1,
                                        h -> seq(
                                                store(
                                                        x,
                                                        layer.operands() > 4
                                                                ? layer.centred(4, u, DataType.INT32)
                                                                : i32(0),
                                                        i32(0)),
                                                product(layer, x, 0, mul(row, inputs), 2, mul(u, inputs), inputs),
                                                store(h, i32(0), i32(0)),
                                                product(layer, h, 1, mul(row, states), 3, mul(u, states), states),
                                                layer.put(
                                                        add(mul(row, units), u),
                                                        Ints.saturate(add(
                                                                Ints.saturate(ofInput.scale(load(x, i32(0)), i32(0))),
                                                                clamp(
                                                                        ofState.scale(load(h, i32(0)), i32(0)),
                                                                        -1L << 32,
                                                                        1L << 32)))))))));
    }

    private static Stmt product(Layer layer, Buffer sum, int x, Expr from, int w, Expr weights, int n) {
        return loop(
                "k",
                n,
                k -> store(
                        sum,
                        add(
                                load(sum, i32(0)),
                                mul(
                                        layer.centred(x, add(from, k), DataType.INT32),
                                        layer.centred(w, add(weights, k), DataType.INT32))),
                        i32(0)));
    }

    static Stmt cell(Layer layer, IntOp.LstmCell op) {
        return loop("i", layer.node().type().shape().elements(), i -> {
            Expr kept = Ints.saturate(Ints.roundingDivide(mul(wide(layer, 0, i), wide(layer, 1, i)), 15));
            Expr added = Ints.saturate(Ints.roundingDivide(mul(wide(layer, 2, i), wide(layer, 3, i)), op.inputShift()));
            return let(
                    "sum",
                    Ints.saturate(add(kept, added)),
                    s -> layer.put(i, op.clip() == 0 ? s : clamp(s, -op.clip(), op.clip())));
        });
    }

    private static Expr wide(Layer layer, int operand, Expr i) {
        return cast(DataType.INT64, layer.at(operand, i));
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.clamp;
import static dev.qnet.target.tvm.tir.Tir.div;
import static dev.qnet.target.tvm.tir.Tir.gt;
import static dev.qnet.target.tvm.tir.Tir.i64;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.select;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;

/** Bilinear resizing of codes in TFLite's fixed point; where each row and column lies is computed here, once. */
final class Bilinear {
    /** 1 in positions and weights, which have 10 bits after the point. */
    private static final int ONE = 1 << 10;

    private Bilinear() {}

    /** The nearest places in front and behind, and the weight of the one behind, for each row or column of the result. */
    private record Axis(Buffer lower, Buffer upper, Buffer weight) {
        static Axis of(Layer layer, String name, IntOp.ResizeBilinear op, int in, int out) {
            boolean corners = op.alignCorners() && out > 1;
            long from = corners ? in - 1 : in;
            long steps = corners ? out - 1 : out;
            long scale = (ONE * from + steps / 2) / steps;
            long[] lower = new long[out];
            long[] upper = new long[out];
            long[] weight = new long[out];
            for (int o = 0; o < out; o++) {
                long position = o * scale + (op.halfPixelCenters() ? scale / 2 - ONE / 2 : 0);
                lower[o] = Math.clamp(position / ONE, 0, in - 1);
                upper[o] = Math.min((position + ONE - 1) / ONE, in - 1);
                weight[o] = position - ONE * lower[o];
            }
            return new Axis(
                    layer.table(name + "_lower", lower),
                    layer.table(name + "_upper", upper),
                    layer.table(name + "_weight", weight));
        }

        static Expr at(Buffer table, Expr o) {
            return cast(DataType.INT32, load(table, o));
        }
    }

    static Stmt lower(Layer layer, IntOp.ResizeBilinear op) {
        int[] x = layer.shape(0);
        int channels = x[3];
        Storage storage = layer.node().type().quant().storage();
        Axis rows = Axis.of(layer, "row", op, x[1], op.height());
        Axis columns = Axis.of(layer, "column", op, x[2], op.width());
        return loop(
                "b",
                x[0],
                b -> loop(
                        "oy",
                        op.height(),
                        oy -> loop(
                                "ox",
                                op.width(),
                                ox -> let(
                                        "wy",
                                        cast(DataType.INT64, load(rows.weight(), oy)),
                                        wy -> let(
                                                "wx",
                                                cast(DataType.INT64, load(columns.weight(), ox)),
                                                wx -> loop("c", channels, c -> {
                                                    Expr left = blend(
                                                            corner(
                                                                    layer,
                                                                    x,
                                                                    b,
                                                                    Axis.at(rows.lower(), oy),
                                                                    Axis.at(columns.lower(), ox),
                                                                    c),
                                                            corner(
                                                                    layer,
                                                                    x,
                                                                    b,
                                                                    Axis.at(rows.upper(), oy),
                                                                    Axis.at(columns.lower(), ox),
                                                                    c),
                                                            wy);
                                                    Expr right = blend(
                                                            corner(
                                                                    layer,
                                                                    x,
                                                                    b,
                                                                    Axis.at(rows.lower(), oy),
                                                                    Axis.at(columns.upper(), ox),
                                                                    c),
                                                            corner(
                                                                    layer,
                                                                    x,
                                                                    b,
                                                                    Axis.at(rows.upper(), oy),
                                                                    Axis.at(columns.upper(), ox),
                                                                    c),
                                                            wy);
                                                    return let(
                                                            "sum",
                                                            blend(left, right, wx),
                                                            s -> layer.put(
                                                                    add(
                                                                            mul(
                                                                                    add(
                                                                                            mul(
                                                                                                    add(
                                                                                                            mul(
                                                                                                                    b,
                                                                                                                    op
                                                                                                                            .height()),
                                                                                                            oy),
                                                                                                    op.width()),
                                                                                            ox),
                                                                                    channels),
                                                                            c),
                                                                    clamp(
                                                                            div(
                                                                                    add(
                                                                                            s,
                                                                                            select(
                                                                                                    gt(s, i64(0)),
                                                                                                    i64(1 << 19),
                                                                                                    i64(-(1 << 19)))),
                                                                                    i64(1 << 20)),
                                                                            storage.min(),
                                                                            storage.max())));
                                                }))))));
    }

    private static Expr corner(Layer layer, int[] x, Expr image, Expr row, Expr column, Expr c) {
        Expr at = add(mul(add(mul(add(mul(image, x[1]), row), x[2]), column), x[3]), c);
        return cast(DataType.INT64, layer.at(0, at));
    }

    private static Expr blend(Expr a, Expr b, Expr weight) {
        return add(mul(a, sub(i64(ONE), weight)), mul(b, weight));
    }
}

package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.and;
import static dev.qnet.target.tvm.tir.Tir.ge;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.lt;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.sub;
import static dev.qnet.target.tvm.tir.Tir.when;

import dev.qnet.compiler.ir.Window;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.Arrays;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Windows that slide over images [B,H,W,C]. */
final class Windows {
    private final Window window;
    private final int images;
    private final int height;
    private final int width;
    private final int channels;
    private final int outHeight;
    private final int outWidth;

    Windows(Window window, int[] x) {
        this.window = window;
        images = x[0];
        height = x[1];
        width = x[2];
        channels = x[3];
        outHeight = window.outHeight(height);
        outWidth = window.outWidth(width);
    }

    /**
     * One position of the window.
     *
     * @param number the result's pixel, row-major, image after image
     */
    record Pixel(Expr image, Expr row, Expr column, Expr number) {}

    int channels() {
        return channels;
    }

    /** How many taps the window has. */
    int taps() {
        return window.kernelH() * window.kernelW();
    }

    /** Loops over the positions. */
    Stmt pixels(Function<Pixel, Stmt> body) {
        return loop(
                "b",
                images,
                b -> loop(
                        "oy",
                        outHeight,
                        oy -> loop(
                                "ox",
                                outWidth,
                                ox -> body.apply(new Pixel(
                                        b, oy, ox, add(mul(add(mul(b, outHeight), oy), outWidth), ox))))));
    }

    /**
     * Loops over the taps at a position that are not padding, row-major.
     *
     * @param body given the first element of the operand's pixel under the tap, and the tap's number
     */
    Stmt taps(Pixel p, BiFunction<Expr, Expr, Stmt> body) {
        return loop("ky", window.kernelH(), ky -> {
            Expr y = add(sub(mul(p.row(), window.strideH()), window.top()), mul(ky, window.dilationH()));
            Stmt row = loop("kx", window.kernelW(), kx -> {
                Expr x = add(sub(mul(p.column(), window.strideW()), window.left()), mul(kx, window.dilationW()));
                Expr pixel = mul(add(mul(add(mul(p.image(), height), y), width), x), channels);
                Stmt tap = body.apply(pixel, add(mul(ky, window.kernelW()), kx));
                return guarded(inside(x, width, lastColumn(), window.left()), tap);
            });
            return guarded(inside(y, height, lastRow(), window.top()), row);
        });
    }

    private int lastRow() {
        return (outHeight - 1) * window.strideH() - window.top() + (window.kernelH() - 1) * window.dilationH();
    }

    private int lastColumn() {
        return (outWidth - 1) * window.strideW() - window.left() + (window.kernelW() - 1) * window.dilationW();
    }

    /** Whether an index is no padding; null if it never is. */
    private static @Nullable Expr inside(Expr at, int extent, int last, int before) {
        Expr front = before > 0 ? ge(at, i32(0)) : null;
        Expr back = last >= extent ? lt(at, i32(extent)) : null;
        if (front == null || back == null) {
            return front == null ? back : front;
        }
        return and(front, back);
    }

    private static Stmt guarded(@Nullable Expr condition, Stmt body) {
        return condition == null ? body : when(condition, body);
    }

    /** How many taps at a position are not padding, at least 1. */
    Expr count(Layer layer, Pixel p) {
        long[] rows = counts(outHeight, window.strideH(), window.top(), window.kernelH(), window.dilationH(), height);
        long[] columns = counts(outWidth, window.strideW(), window.left(), window.kernelW(), window.dilationW(), width);
        return mul(count(layer, "rows", rows, p.row()), count(layer, "columns", columns, p.column()));
    }

    private static Expr count(Layer layer, String name, long[] counts, Expr at) {
        return Arrays.stream(counts).distinct().count() == 1
                ? i32(counts[0])
                : dev.qnet.target.tvm.tir.Tir.cast(
                        dev.qnet.target.tvm.tir.DataType.INT32, load(layer.table(name, counts), at));
    }

    private static long[] counts(int out, int stride, int before, int kernel, int dilation, int extent) {
        long[] counts = new long[out];
        for (int o = 0; o < out; o++) {
            for (int k = 0; k < kernel; k++) {
                int at = o * stride - before + k * dilation;
                counts[o] += at >= 0 && at < extent ? 1 : 0;
            }
            counts[o] = Math.max(counts[o], 1);
        }
        return counts;
    }
}

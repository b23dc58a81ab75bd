package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.bind.Invocation.Operand;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.source.Diagnostic;
import java.util.List;

/** Pools, means and resizing. */
final class PoolRules {
    private static final int[] ONE = {1, 1};

    private PoolRules() {}

    static Value pool(Invocation call, boolean max) {
        Operand x = call.operand("x");
        int[] kernel = Attributes.kernel(call);
        Window window = Attributes.window(call, x.shape(), kernel, kernel);
        return call.emit(max ? new DataOp.MaxPool(window) : new FloatOp.AvgPool(window), x);
    }

    static Value globalAverage(Invocation call) {
        Operand x = image(call);
        return call.emit(new FloatOp.Mean(List.of(1, 2), Attributes.bool(call, "keep_dims", false)), x);
    }

    static Value globalMax(Invocation call) {
        Operand x = image(call);
        DataOp.MaxPool pool =
                new DataOp.MaxPool(Window.of(x.shape().dim(1), x.shape().dim(2)));
        if (Attributes.bool(call, "keep_dims", false)) {
            return call.emit(pool, x);
        }
        Value.Computed pooled = call.emitPart("max", pool, x);
        return call.emit(
                new DataOp.Reshape(new Shape(List.of(x.shape().dim(0), x.shape().dim(3)))), call.of(pooled));
    }

    static Value mean(Invocation call) {
        Operand x = call.operand("x");
        List<Integer> axes = Attributes.axes(call, "axes", x.shape());
        if (axes.isEmpty()) {
            throw call.error("argument-range", "axes", "'mean' needs at least one axis");
        }
        return call.emit(new FloatOp.Mean(axes, Attributes.bool(call, "keep_dims", false)), x);
    }

    static Value resize(Invocation call) {
        Operand x = image(call);
        boolean sized = call.has("height") && call.has("width");
        if (sized == call.has("scale") || call.has("height") != call.has("width")) {
            throw new Rejected(
                    call.wrong("missing-argument", "height", "'resize_nearest' takes height and width, or scale")
                            .withFix("write scale: 2, or height: 64, width: 64"));
        }
        int[] scale = Attributes.pair(call, "scale", ONE, 1);
        long height = (long) x.shape().dim(1) * scale[0];
        long width = (long) x.shape().dim(2) * scale[1];
        if (sized) {
            height = Attributes.integer(call, "height", 1, 1);
            width = Attributes.integer(call, "width", 1, 1);
        }
        if (height > Shape.MAX_ELEMENTS || width > Shape.MAX_ELEMENTS) {
            throw call.error("argument-range", "scale", "this image would be " + height + "x" + width + ", too large");
        }
        return call.emit(new DataOp.ResizeNearest((int) height, (int) width), x);
    }

    private static Operand image(Invocation call) {
        Operand x = call.operand("x");
        if (x.shape().rank() != 4) {
            Diagnostic wrong = call.wrong(
                    "shape-mismatch",
                    "x",
                    "'" + call.operation().name() + "' needs [N, height, width, channels], found " + x.shape());
            throw new Rejected(call.told(wrong, x));
        }
        return x;
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.bind.Invocation.Operand;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Window;
import java.util.ArrayList;
import java.util.List;

/** Operations with weights. */
final class ConvRules {
    private static final int[] ONE = {1, 1};

    private ConvRules() {}

    static Value conv2d(Invocation call) {
        Operand x = call.operand("x");
        int filters = Attributes.integer(call, "filters", 1, 1);
        int[] kernel = Attributes.kernel(call);
        Window window = Attributes.window(call, x.shape(), kernel, ONE);
        int groups = Attributes.integer(call, "groups", 1, 1);
        int channels = x.shape().dim(3);
        if (channels % groups != 0 || filters % groups != 0) {
            throw new Rejected(call.told(
                    call.wrong(
                            "shape-mismatch",
                            "groups",
                            groups + " groups need input channels and filters divisible by " + groups + ", found "
                                    + channels + " channels and " + filters + " filters"),
                    x));
        }
        return convolve(call, x, window, filters, groups);
    }

    static Value depthwise(Invocation call) {
        Operand x = call.operand("x");
        int[] kernel = Attributes.kernel(call);
        Window window = Attributes.window(call, x.shape(), kernel, ONE);
        int channels = x.shape().dim(3);
        long filters = (long) channels * Attributes.integer(call, "multiplier", 1, 1);
        if (filters > Shape.MAX_ELEMENTS) {
            throw call.error("argument-range", "multiplier", "this gives " + filters + " channels, too many");
        }
        return convolve(call, x, window, (int) filters, channels);
    }

    private static Value convolve(Invocation call, Operand x, Window window, int filters, int groups) {
        Shape expected = call.shape(
                "kernel", filters, window.kernelH(), window.kernelW(), x.shape().dim(3) / groups);
        List<Operand> operands = new ArrayList<>();
        operands.add(x);
        operands.add(Weights.find(call, "weight", expected));
        bias(call, filters, operands);
        return call.emit(new FloatOp.Conv2d(window, groups), operands);
    }

    static Value dense(Invocation call) {
        Operand x = call.operand("x");
        int units = Attributes.integer(call, "units", 1, 1);
        if (x.shape().rank() == 0 || x.shape().dim(-1) == Shape.BATCH) {
            throw new Rejected(call.told(
                    call.wrong("shape-mismatch", "x", "'dense' needs an input [.., features], found " + x.shape()), x));
        }
        List<Operand> operands = new ArrayList<>();
        operands.add(x);
        operands.add(Weights.find(
                call, "weight", call.shape("units", units, x.shape().dim(-1))));
        bias(call, units, operands);
        return call.emit(new FloatOp.Dense(), operands);
    }

    private static void bias(Invocation call, int channels, List<Operand> operands) {
        Invocation.Bound given = call.argument("bias");
        if (given != null && given.value() instanceof Value.Bool b) {
            if (!b.value()) {
                return;
            }
            operands.add(Weights.byName(call, "bias", Shape.of(channels)));
            return;
        }
        operands.add(Weights.find(call, "bias", Shape.of(channels)));
    }

    static Value matmul(Invocation call) {
        return call.emit(new FloatOp.MatMul(), call.operand("x"), call.operand("y"));
    }

    static Value batchNorm(Invocation call) {
        Operand x = call.operand("x");
        if (x.shape().rank() == 0 || x.shape().dim(-1) == Shape.BATCH) {
            throw new Rejected(call.told(
                    call.wrong("shape-mismatch", "x", "'batch_norm' needs an input [.., channels], found " + x.shape()),
                    x));
        }
        float epsilon = Attributes.number(call, "epsilon", 0.001);
        if (!(epsilon >= 0) || Float.isInfinite(epsilon)) {
            throw call.error("argument-range", "epsilon", "epsilon is at least 0, found " + epsilon);
        }
        Shape channels = Shape.of(x.shape().dim(-1));
        return call.emit(
                new FloatOp.BatchNorm(epsilon),
                x,
                Weights.find(call, "gamma", channels, "weight"),
                Weights.find(call, "beta", channels, "bias"),
                Weights.find(call, "mean", channels, "running_mean", "moving_mean"),
                Weights.find(call, "variance", channels, "running_var", "moving_variance"));
    }
}

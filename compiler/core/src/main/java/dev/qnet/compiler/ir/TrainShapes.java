package dev.qnet.compiler.ir;

import java.util.List;

/** The shape of the result of each {@link TrainOp}. */
final class TrainShapes {
    private TrainShapes() {}

    static Shape infer(TrainOp op, List<Shape> in) {
        for (Shape s : in) {
            if (s.hasBatch()) {
                throw new ShapeException("a training graph has batches of a known size, found " + s);
            }
        }
        return switch (op) {
            case TrainOp.ConvInputGrad c -> {
                Shapes.count(op, in, 2, 2);
                Shape g = in.get(0);
                Shape w = in.get(1);
                Shapes.rank(g, 4, "the gradient of conv2d");
                Shapes.rank(w, 4, "the weight of conv2d");
                Shape x = Shape.of(g.dim(0), c.height(), c.width(), w.dim(3) * c.groups());
                Shapes.expect("the gradient of conv2d", g, Shapes.conv(List.of(x, w), c.window(), c.groups()));
                yield x;
            }
            case TrainOp.ConvWeightGrad c -> {
                Shapes.count(op, in, 2, 2);
                Shape x = in.get(0);
                Shape g = in.get(1);
                Shapes.rank(x, 4, "the input of conv2d");
                Shapes.rank(g, 4, "the gradient of conv2d");
                if (c.groups() < 1 || x.dim(3) % c.groups() != 0) {
                    throw new ShapeException(
                            "conv2d with " + c.groups() + " groups needs input channels divisible by it");
                }
                Shape w = Shape.of(g.dim(3), c.window().kernelH(), c.window().kernelW(), x.dim(3) / c.groups());
                Shapes.expect("the gradient of conv2d", g, Shapes.conv(List.of(x, w), c.window(), c.groups()));
                yield w;
            }
            case TrainOp.UnaryGrad u -> same(op, in, 2);
            case TrainOp.MaxPoolGrad p -> {
                Shapes.count(op, in, 2, 2);
                Shapes.expect("the gradient of a pool", in.get(1), Shapes.pool(in.get(0), p.window()));
                yield in.get(0);
            }
            case TrainOp.AvgPoolGrad p -> {
                Shapes.count(op, in, 1, 1);
                Shapes.rank(in.get(0), 4, "the gradient of a pool");
                Shape x = in.get(0).with(1, p.height()).with(2, p.width());
                Shapes.expect("the gradient of a pool", in.get(0), Shapes.pool(x, p.window()));
                yield x;
            }
            case TrainOp.ResizeNearestGrad r -> {
                Shapes.count(op, in, 1, 1);
                Shapes.rank(in.get(0), 4, "the gradient of a resize");
                yield in.get(0).with(1, r.height()).with(2, r.width());
            }
            case TrainOp.SoftmaxGrad s -> Shapes.axis(same(op, in, 2), s.axis(), "softmax");
            case TrainOp.SumTo s -> {
                Shapes.count(op, in, 1, 1);
                if (!Shapes.broadcast(s.shape(), in.get(0)).equals(in.get(0))) {
                    throw new ShapeException(s.shape() + " does not broadcast to " + in.get(0));
                }
                yield s.shape();
            }
            case TrainOp.Moments m -> {
                Shapes.count(op, in, 1, 1);
                yield moments(in.get(0));
            }
            case TrainOp.Normalize n -> {
                Shapes.count(op, in, 4, 4);
                scale(in.get(0), in.get(1), "gamma");
                scale(in.get(0), in.get(2), "beta");
                Shapes.expect("the moments of the input", in.get(3), moments(in.get(0)));
                yield in.get(0);
            }
            case TrainOp.NormalizeScaleGrad n -> {
                Shapes.count(op, in, 3, 3);
                Shapes.expect("the gradient", in.get(2), in.get(0));
                Shapes.expect("the moments of the input", in.get(1), moments(in.get(0)));
                yield in.get(1);
            }
            case TrainOp.NormalizeInputGrad n -> {
                Shapes.count(op, in, 5, 5);
                scale(in.get(0), in.get(1), "gamma");
                Shapes.expect("the moments of the input", in.get(2), moments(in.get(0)));
                Shapes.expect("the gradients of gamma and beta", in.get(3), in.get(2));
                Shapes.expect("the gradient", in.get(4), in.get(0));
                yield in.get(0);
            }
            case TrainOp.CrossEntropy c -> {
                Shapes.rank(same(op, in, 2), 2, "the scores of a cross-entropy");
                yield Shape.SCALAR;
            }
            case TrainOp.CrossEntropyGrad c -> {
                Shapes.count(op, in, 3, 3);
                Shapes.rank(in.get(0), 2, "the scores of a cross-entropy");
                Shapes.expect("what the scores shall be", in.get(1), in.get(0));
                Shapes.expect("the gradient of a loss", in.get(2), Shape.SCALAR);
                yield in.get(0);
            }
            case TrainOp.Quantized q -> {
                quantized(op, in, q.quantizer(), q.lo(), q.hi(), 0);
                yield in.get(0);
            }
            case TrainOp.QuantizedInputGrad q -> {
                quantized(op, in, q.quantizer(), q.lo(), q.hi(), 1);
                yield in.get(0);
            }
            case TrainOp.QuantizedParameterGrad q -> {
                quantized(op, in, q.quantizer(), q.lo(), q.hi(), 1);
                yield in.get(1);
            }
        };
    }

    private static void quantized(TrainOp op, List<Shape> in, Quantizer q, int lo, int hi, int gradients) {
        int count = 2 + (q.hasTemperature() ? 1 : 0) + gradients;
        Shapes.count(op, in, count, count);
        if (lo > 0 || hi < 1) {
            throw new ShapeException("codes run from 0 or below to 1 or above, not " + lo + " to " + hi);
        }
        Shape x = in.get(0);
        Shape p = in.get(1);
        int channels = x.rank() == 0 ? 1 : x.dim(0);
        int k = q.parameters(lo, hi);
        if (p.rank() != 2 || (p.dim(0) != 1 && p.dim(0) != channels) || p.dim(1) != k) {
            throw new ShapeException("the parameters of a quantizer are [1 or channels, " + k + "]: expected ["
                    + channels + "x" + k + "] or [1x" + k + "] for " + x + ", found " + p);
        }
        if (q.hasTemperature()) {
            Shapes.expect("the temperature", in.get(2), Shape.SCALAR);
        }
        if (gradients > 0) {
            Shapes.expect("the gradient", in.getLast(), x);
        }
    }

    private static Shape same(TrainOp op, List<Shape> in, int count) {
        Shapes.count(op, in, count, count);
        in.forEach(s -> Shapes.expect("operands of one shape", s, in.getFirst()));
        return in.getFirst();
    }

    private static Shape moments(Shape x) {
        if (x.rank() < 1) {
            throw new ShapeException("moments are taken of [.., channels], found " + x);
        }
        return Shape.of(2, x.dim(-1));
    }

    private static void scale(Shape x, Shape s, String what) {
        if (x.rank() < 1) {
            throw new ShapeException("batch_norm needs [.., channels], found " + x);
        }
        Shapes.expect("the " + what + " of batch_norm", s, Shape.of(x.dim(-1)));
    }
}

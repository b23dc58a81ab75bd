package dev.qnet.training.fit;

import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.source.Span;
import dev.qnet.training.grad.Drawing;
import java.util.List;

/** The part of a training graph behind the scores. */
final class LossPart {
    private LossPart() {}

    /** The loss of scores [batch, classes]. */
    static ValueId of(Draft draft, Objective objective, ValueId scores) {
        Drawing to = draft.to();
        ValueId target = draft.input(TrainingGraph.TARGET, to.shape(scores));
        to.at(Span.NONE);
        Objective.Teacher teacher = objective.teacher();
        ValueId own = switch (objective.loss()) {
            case CROSS_ENTROPY ->
                to.add(
                        teacher == null ? TrainingGraph.LOSS : "@of_classes",
                        new TrainOp.CrossEntropy(),
                        scores,
                        target);
            case SQUARES -> {
                ValueId off = to.add("@off", new FloatOp.Binary(FloatOp.Binary.Fn.SUB), scores, target);
                ValueId squares = to.add("@squares", new FloatOp.Binary(FloatOp.Binary.Fn.MUL), off, off);
                ValueId mean = to.add("@mean_square", new FloatOp.Mean(List.of(0, 1), false), squares);
                yield times(to, mean, to.shape(scores).dim(1));
            }
        };
        if (teacher == null) {
            return own;
        }
        double t = teacher.temperature();
        ValueId taught = draft.input(TrainingGraph.TAUGHT, to.shape(scores));
        ValueId other = to.add("@of_teacher", new TrainOp.CrossEntropy(), times(to, scores, 1 / t), taught);
        return to.add(
                TrainingGraph.LOSS,
                new FloatOp.Binary(FloatOp.Binary.Fn.ADD),
                times(to, own, 1 - teacher.share()),
                times(to, other, teacher.share() * t * t));
    }

    private static ValueId times(Drawing to, ValueId v, double factor) {
        ValueId f = to.constant("@factor", Shape.SCALAR, (float) factor);
        return to.add("@times", new FloatOp.Binary(FloatOp.Binary.Fn.MUL), v, f);
    }
}

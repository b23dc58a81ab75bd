package dev.qnet.training.fit;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.training.run.Crew;
import dev.qnet.training.run.Program;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A teacher at work. */
final class Teaching {
    private final Objective.Teacher teacher;
    private final ModelGraphs model;
    private final TrainingGraph graph;
    private final int batch;
    private @Nullable Program program;

    /** @throws TrainingException if the teacher does not fit the model that learns */
    Teaching(Objective.Teacher teacher, ModelGraphs pupil, int batch) {
        this.teacher = teacher;
        this.batch = batch;
        try {
            model = new ModelGraphs(teacher.graph());
        } catch (CompileException e) {
            String why = e.diagnostics().isEmpty()
                    ? ""
                    : ": " + e.diagnostics().getFirst().message();
            throw new TrainingException("a teacher is a float model, and this is none" + why
                    + "; give it as it was before it was quantized (--teacher)");
        }
        if (!model.input().type().shape().equals(pupil.input().type().shape()) || model.classes() != pupil.classes()) {
            throw new TrainingException("the teacher takes " + model.input().type() + " and tells " + model.classes()
                    + " classes apart, but the model takes " + pupil.input().type() + " and tells " + pupil.classes());
        }
        graph = TrainingGraph.of(model, Phase.FROZEN, false, batch, TrainingGraph.Use.EVALUATE);
    }

    /**
     * What the teacher says of a batch: {@code softmax(scores/T)}.
     *
     * @param to [batch, classes]
     */
    void probabilities(float[] items, float[] to, Crew crew) {
        if (program == null) {
            program = new Program(graph.graph(), crew);
            new Store(model).load(graph, program, model);
        }
        Program p = Objects.requireNonNull(program);
        System.arraycopy(items, 0, p.input(TrainingGraph.INPUT), 0, items.length);
        p.run();
        float[] scores = p.result(TrainingGraph.SCORES);
        int classes = scores.length / batch;
        for (int i = 0; i < scores.length; i += classes) {
            double most = Double.NEGATIVE_INFINITY;
            for (int k = 0; k < classes; k++) {
                most = Math.max(most, scores[i + k]);
            }
            double sum = 0;
            for (int k = 0; k < classes; k++) {
                double e = StrictMath.exp((scores[i + k] - most) / teacher.temperature());
                to[i + k] = (float) e;
                sum += e;
            }
            for (int k = 0; k < classes; k++) {
                to[i + k] = (float) (to[i + k] / sum);
            }
        }
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Decl;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.source.Diagnostic;
import java.util.HashMap;
import java.util.Map;

/** Reads the {@code calibration} sections of a model. */
final class Calibrations {
    private final Session session;
    private final Evaluator evaluator;
    private final Frame frame = Frame.top();

    Calibrations(Session session, Evaluator evaluator) {
        this.session = session;
        this.evaluator = evaluator;
    }

    /** What the sections say of a model's values; sections of models that do not exist are reported. */
    Calibration of(String model) {
        Map<ValueId, Spec.RangeMethod> values = new HashMap<>();
        Map<String, Decl.Calibration.Entry> said = new HashMap<>();
        for (Decl.Calibration c : session.declarations().calibrations()) {
            if (!session.declarations().models().containsKey(c.model().text())) {
                session.report(
                        frame,
                        Session.suggest(
                                Diagnostic.error(
                                        "unknown-name", c.model().span(), "there is no model '" + c.model() + "'"),
                                c.model().text(),
                                session.declarations().models().keySet(),
                                null));
            } else if (c.model().text().equals(model)) {
                c.entries().forEach(e -> entry(e, values, said));
            }
        }
        return values.isEmpty() ? Calibration.NONE : new Calibration(values);
    }

    private void entry(
            Decl.Calibration.Entry e, Map<ValueId, Spec.RangeMethod> values, Map<String, Decl.Calibration.Entry> said) {
        if (e.path().text().isEmpty()) {
            session.report(frame, Diagnostic.error("unknown-name", e.path().span(), "no value has an empty name"));
            return;
        }
        Decl.Calibration.Entry before = said.putIfAbsent(e.path().text(), e);
        if (before != null) {
            session.report(
                    frame,
                    Diagnostic.error("duplicate-entry", e.path().span(), "'" + e.path() + "' is calibrated twice")
                            .withNote(before.span(), "first here")
                            .withFix("remove one of them"));
            return;
        }
        Spec spec = Items.read(session, frame, evaluator, Items.Subject.CALIBRATION, Items.ACTIVATIONS, e.items());
        if (spec == null) {
            return;
        }
        if (spec.range() instanceof Spec.RangeMethod.Fixed || spec.range() instanceof Spec.RangeMethod.Given) {
            values.put(new ValueId(e.path().text()), spec.range());
        } else {
            session.report(
                    frame,
                    Diagnostic.error("missing-scale", e.span(), "a calibrated value needs what was measured")
                            .withFix("write range(LO, HI), or scale(S) zero(Z)"));
        }
    }
}

package dev.qnet.compiler.quant;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.ValueId;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is known of the values of a model, by name: a range ({@link Spec.RangeMethod.Fixed}) or parameters
 * ({@link Spec.RangeMethod.Given}). Comes from a {@code calibration} section of a source or from calibrating.
 */
public record Calibration(Map<ValueId, Spec.RangeMethod> values) {
    public static final Calibration NONE = new Calibration(Map.of());

    public Calibration {
        values = Collections.unmodifiableMap(new TreeMap<>(values));
    }
}

package dev.qnet.compiler.quant.observe;

import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;

/** What tests ask ranges for. */
final class Targets {
    static final Spec U8 = of(Storage.U8, false, false);
    static final Spec I8 = of(Storage.I8, false, false);
    static final Spec I8_SYMMETRIC = of(Storage.I8, true, true);
    static final Spec U8_SYMMETRIC = of(Storage.U8, true, false);
    static final Spec I4_SYMMETRIC = of(Storage.I4, true, false);
    static final Spec U4 = of(Storage.U4, false, false);
    static final Spec U2 = of(Storage.U2, false, false);
    static final Spec I16_SYMMETRIC = of(Storage.I16, true, true);
    static final Spec TERNARY = of(Storage.TERNARY, true, false);
    static final Spec BIPOLAR = of(Storage.BIPOLAR, true, false);

    private Targets() {}

    static Spec of(Storage storage, boolean symmetric, boolean narrow) {
        return new Spec(
                storage, symmetric, narrow, new Spec.Granularity.PerTensor(), new Spec.RangeMethod.MinMax(), false);
    }
}

package dev.qnet.runtime.kernel;

import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

class GemvTest {
    @Property(tries = 400, edgeCases = EdgeCasesMode.NONE)
    void packedWeightsGiveTheSums(@ForAll long seed) {
        GemvCases.check(new Random(seed), Backend.VECTOR);
    }
}

package dev.qnet.runtime.kernel;

import java.util.Random;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Every integer kernel against its definition, in all backends. A seed that fails says so in the report. */
class KernelsTest {
    private static final Backend[] BACKENDS = Backend.values();

    @Property(tries = 80, edgeCases = EdgeCasesMode.NONE)
    void conv(@ForAll long seed) {
        LinearCases.conv(new Random(seed), BACKENDS);
    }

    @Property(tries = 80, edgeCases = EdgeCasesMode.NONE)
    void convOfFewFilters(@ForAll long seed) {
        LinearCases.convOfFewFilters(new Random(seed), BACKENDS);
    }

    @Property(tries = 15, edgeCases = EdgeCasesMode.NONE)
    void convOfManyWeights(@ForAll long seed) {
        LinearCases.convOfManyWeights(new Random(seed), BACKENDS);
    }

    @Property(tries = 80, edgeCases = EdgeCasesMode.NONE)
    void convOfColumns(@ForAll long seed) {
        LinearCases.convOfColumns(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void depthwise(@ForAll long seed) {
        LinearCases.depthwise(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void strips(@ForAll long seed) {
        LinearCases.strips(new Random(seed), BACKENDS);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void dense(@ForAll long seed) {
        LinearCases.dense(new Random(seed), BACKENDS);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void empty(@ForAll long seed) {
        LinearCases.empty(new Random(seed), BACKENDS);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void matmul(@ForAll long seed) {
        LinearCases.matmul(new Random(seed), BACKENDS);
    }

    @Property(tries = 60, edgeCases = EdgeCasesMode.NONE)
    void gate(@ForAll long seed) {
        LinearCases.gate(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void mul(@ForAll long seed) {
        ElementwiseCases.mul(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void intBinary(@ForAll long seed) {
        ElementwiseCases.intBinary(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void add(@ForAll long seed) {
        ElementwiseCases.add(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void sum(@ForAll long seed) {
        ElementwiseCases.sum(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void requantize(@ForAll long seed) {
        ElementwiseCases.requantize(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void clamp(@ForAll long seed) {
        ElementwiseCases.clamp(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void table(@ForAll long seed) {
        ElementwiseCases.table(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void lstmCell(@ForAll long seed) {
        ElementwiseCases.lstmCell(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void interpolatedTable(@ForAll long seed) {
        ElementwiseCases.interpolatedTable(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void quantize(@ForAll long seed) {
        ElementwiseCases.quantize(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void dequantize(@ForAll long seed) {
        ElementwiseCases.dequantize(new Random(seed), BACKENDS);
    }

    @Property(tries = 80, edgeCases = EdgeCasesMode.NONE)
    void maxPool(@ForAll long seed) {
        SpatialCases.maxPool(new Random(seed), BACKENDS);
    }

    @Test
    void means() {
        for (int seed = 0; seed < 200; seed++) {
            SpatialCases.means(new Random(seed), Backend.VECTOR);
        }
    }

    @Property(tries = 80, edgeCases = EdgeCasesMode.NONE)
    void avgPool(@ForAll long seed) {
        SpatialCases.avgPool(new Random(seed), BACKENDS);
    }

    @Property(tries = 100, edgeCases = EdgeCasesMode.NONE)
    void moves(@ForAll long seed) {
        SpatialCases.moves(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void concat(@ForAll long seed) {
        SpatialCases.concat(new Random(seed), BACKENDS);
    }

    @Property(tries = 40, edgeCases = EdgeCasesMode.NONE)
    void resize(@ForAll long seed) {
        SpatialCases.resize(new Random(seed), BACKENDS);
    }
}

package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Lowering;
import dev.qnet.target.tvm.lower.Options;
import dev.qnet.target.tvm.tir.Printer;
import java.util.Map;
import java.util.Set;

/**
 * Kernels for AMX with its unit written out in loops, which no user can ask for; in this package, since the target opens them to its own
 * tests alone.
 */
public final class TilesInLoops {
    private static final Set<String> NEEDS = Set.of("avx512_vnni", "avx512bw", "avx512vl", "avx512dq");

    private TilesInLoops() {}

    /** Whether this machine's CPU has what they use beside tiles. */
    public static boolean runHere() {
        return Cpu.flags().containsAll(NEEDS);
    }

    /** As {@link TvmTarget#compile(Graph, Cpu)}, with them. */
    public static TvmModule compile(Graph graph) {
        return TvmTarget.compile(graph, new Cpu("cascadelake"), Isa.AMX_IN_LOOPS, false, Tilings.DEFAULT);
    }

    /** Whether a graph has layers that take them. */
    public static boolean isTaken(Graph graph) {
        return !script(graph, Isa.AMX_IN_LOOPS).equals(script(graph, Isa.AVX512_VNNI));
    }

    private static String script(Graph graph, Isa isa) {
        return Printer.print(
                Lowering.lowerPacked(graph, new Options(isa, false, Map.of())).module());
    }
}

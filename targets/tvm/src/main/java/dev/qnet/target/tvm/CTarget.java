package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.target.Legality;
import dev.qnet.compiler.target.Target;
import dev.qnet.target.tvm.lower.Lowering;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Compiles integer graphs, as all passes leave them, for microcontrollers: tensor programs printed as C ({@link CSource}), and
 * what LLVM makes of it.
 */
public final class CTarget {
    /** As {@code --target} takes it. */
    public static final String NAME = "tvm-c";

    private CTarget() {}

    /** The target as the compiler sees it. */
    public static Target target() {
        return new Target(NAME, legality(), List.of());
    }

    /** What the target accepts: what TVM's modules do. */
    public static Legality legality() {
        return TvmTarget.legality();
    }

    /**
     * A graph as C. Needs no native library.
     *
     * @param graph at the integer level
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     */
    public static CSource compile(Graph graph) {
        legality().check(graph);
        Interface face = Interface.of(graph);
        List<Integer> initials = Signature.of(graph, List.of(), false).states().stream()
                .map(Signature.Tensor::initial)
                .toList();
        return new CSource(face, Lowering.lowerForDevice(graph, face.function()), initials);
    }

    /**
     * Looks for LLVM's compiler of C, which objects and {@link HostModel} need.
     *
     * @throws TvmUnavailableException if it is not on this machine
     */
    public static void load() {
        Clang.here();
    }

    /**
     * An object file.
     *
     * @param footprint with the size of the code and of its stack
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    public record DeviceObject(byte[] bytes, Footprint footprint) {}

    /**
     * Compiles C for a microcontroller, with LLVM.
     *
     * @param cpu as LLVM calls it: {@code cortex-m4}, {@code cortex-m7+nofp.dp}
     * @throws TvmUnavailableException if LLVM's compiler is not on this machine
     * @throws IllegalArgumentException if LLVM knows no such microcontroller
     * @throws IOException if it cannot run
     */
    public static DeviceObject object(CSource source, String cpu) throws IOException {
        Clang.Compiled object = Clang.here().object(source, cpu);
        Footprint f = source.footprint();
        long code = Math.max(Elf.flash(object.bytes()) - f.weights(), 0);
        return new DeviceObject(object.bytes(), f.compiled(code, stack(source, object.frames())));
    }

    /**
     * The most that a run takes: the layers run one after the other, and whatever else is there is counted as if it all stood
     * on the stack at once, which is little.
     */
    private static long stack(CSource source, Map<String, Long> frames) {
        Set<String> layers = source.layers();
        long most = 0;
        long others = 0;
        for (Map.Entry<String, Long> frame : frames.entrySet()) {
            if (layers.contains(frame.getKey())) {
                most = Math.max(most, frame.getValue());
            } else {
                others += frame.getValue();
            }
        }
        return most + others;
    }
}

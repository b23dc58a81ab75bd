package dev.qnet.target.tvm;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.target.Legality;
import dev.qnet.compiler.target.Target;
import dev.qnet.target.tvm.ffi.Compiler;
import dev.qnet.target.tvm.ffi.Ref;
import dev.qnet.target.tvm.ffi.Scope;
import dev.qnet.target.tvm.ffi.TvmLibrary;
import dev.qnet.target.tvm.lower.Isa;
import dev.qnet.target.tvm.lower.Lowering;
import dev.qnet.target.tvm.lower.Metadata;
import dev.qnet.target.tvm.lower.Options;
import dev.qnet.target.tvm.tir.PrimFunc;
import dev.qnet.target.tvm.tir.Printer;
import dev.qnet.target.tvm.tir.TirModule;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Compiles integer graphs, as all passes leave them, with TVM for x86 CPUs. */
public final class TvmTarget {
    /** As {@code --target} takes it. */
    public static final String CPU = "tvm-cpu";

    private TvmTarget() {}

    /** The target as the compiler sees it. */
    public static Target target() {
        return new Target(CPU, legality(), List.of());
    }

    /** What the target accepts. */
    public static Legality legality() {
        return TvmTarget::refusal;
    }

    private static Optional<String> refusal(Node n, Map<ValueId, Node> definitions) {
        String value = "'" + n.id().name() + "'";
        if (n.op() instanceof QuantOp.Quantize
                && n.type().element() instanceof Quant q
                && q.scheme() instanceof Scheme.PerGroup) {
            return Optional.of(value + " is quantized per group at run time; only constants can be");
        }
        return Lowering.refusal(n).map(why -> value + " " + why);
    }

    /**
     * Loads TVM's compiler, which {@link #compile} does, too.
     *
     * @throws TvmUnavailableException if it is not on this machine
     */
    public static void load() {
        TvmLibrary.compiler();
    }

    /**
     * A graph as tensor programs, in TVM's own language for them. Needs no native library, unless another machine's CPU is
     * asked for.
     *
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     * @throws TvmUnavailableException if TVM is not on this machine, and has to say what the CPU has
     * @throws IllegalArgumentException if LLVM does not know the CPU
     */
    public static String script(Graph graph, Cpu cpu) {
        legality().check(graph);
        return Printer.print(Lowering.lower(graph, cpu.isNative() ? Cpu.isa(Cpu.flags()) : isa(cpu)));
    }

    private static Isa isa(Cpu cpu) {
        TvmLibrary library = TvmLibrary.compiler();
        return CpuNames.isa(library, CpuNames.target(library, cpu));
    }

    /**
     * Compiles a graph.
     *
     * @param graph at the integer level
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     * @throws TvmUnavailableException if TVM is not on this machine
     * @throws IllegalArgumentException if LLVM does not know the CPU
     */
    public static TvmModule compile(Graph graph, Cpu cpu) {
        return compile(graph, cpu, false);
    }

    /**
     * As {@link #compile(Graph, Cpu)}.
     *
     * @param parallel whether large layers are shared among the threads of TVM's runtime
     */
    public static TvmModule compile(Graph graph, Cpu cpu, boolean parallel) {
        return compile(graph, cpu, parallel, Tilings.DEFAULT);
    }

    /**
     * As {@link #compile(Graph, Cpu, boolean)}.
     *
     * @param tilings of layers, as {@link Tuner} finds them
     */
    public static TvmModule compile(Graph graph, Cpu cpu, boolean parallel, Tilings tilings) {
        return compile(graph, cpu, null, parallel, tilings);
    }

    /**
     * Compiles a graph to plain C functions, for programs without TVM's runtime.
     *
     * @param graph at the integer level
     * @throws dev.qnet.compiler.source.CompileException if the target cannot run a node
     * @throws TvmUnavailableException if TVM is not on this machine
     * @throws IllegalArgumentException if LLVM does not know the CPU
     */
    public static CLibrary compileForC(Graph graph, Cpu cpu) {
        return compileForC(graph, cpu, Tilings.DEFAULT);
    }

    /**
     * As {@link #compileForC(Graph, Cpu)}.
     *
     * @param tilings of layers, as {@link Tuner} finds them
     */
    public static CLibrary compileForC(Graph graph, Cpu cpu, Tilings tilings) {
        legality().check(graph);
        TvmLibrary library = TvmLibrary.compiler();
        String target = CpuNames.target(library, cpu);
        Interface face = Interface.of(graph);
        Options options = new Options(CpuNames.isa(library, target), false, tilings.byLayer());
        Lowering.ForC lowered = Lowering.lowerForC(graph, options, face.function());
        List<PrimFunc> functions = new ArrayList<>(lowered.module().functions());
        functions.addAll(Metadata.functionsForC(
                Interface.TEXT_BYTES,
                Interface.TEXT,
                face.text(lowered.workspace(), CpuNames.needs(library, target, lowered.tiles()), lowered.failures())));
        Scope scope = library.scope();
        try {
            Ref module = Compiler.compileForC(scope, new TirModule(functions), target);
            return new CLibrary(scope, module, face.header(lowered.workspace(), lowered.failures()));
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }

    /**
     * As {@link #compile(Graph, Cpu)}.
     *
     * @param asked what kernels may use of what the CPU has; null for the best of it
     */
    static TvmModule compile(Graph graph, Cpu cpu, @Nullable Isa asked, boolean parallel, Tilings tilings) {
        legality().check(graph);
        TvmLibrary library = TvmLibrary.compiler();
        String target = CpuNames.target(library, cpu);
        Isa isa = asked == null ? CpuNames.isa(library, target) : asked;
        Lowering.Packed lowered = Lowering.lowerPacked(graph, new Options(isa, parallel, tilings.byLayer()));
        Signature signature = Signature.of(graph, CpuNames.needs(library, target, lowered.tiles()), parallel);
        List<PrimFunc> functions = new ArrayList<>(lowered.module().functions());
        functions.addAll(Metadata.functions(signature.json()));
        Scope scope = library.scope();
        try {
            return new TvmModule(signature, scope, Compiler.compile(scope, new TirModule(functions), target));
        } catch (RuntimeException e) {
            scope.close();
            throw e;
        }
    }
}

package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.pass.Pass;
import dev.qnet.compiler.pass.Passes;
import dev.qnet.target.tvm.CTarget;
import dev.qnet.target.tvm.CudaTarget;
import dev.qnet.target.tvm.TvmTarget;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet ir}: the graph as text, after any pass. */
@Command(
        name = "ir",
        description = "Prints a model's graph, as bound or after a pass.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet ir model.qnet                             as bound",
            "  qnet ir model.qnet --after lower-to-integers   in integers",
            "  qnet ir model.qnet --target tvm-cpu            the tensor programs for TVM",
            "  qnet ir model.qnet --target tvm-cuda --source  the kernels for GPUs, in CUDA C",
            "  qnet ir model.qnet --passes                    the passes, in order"
        })
final class IrCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(
            names = "--after",
            paramLabel = "PASS",
            description = "Print the graph as this pass leaves it; 'all' for the last.")
    private @Nullable String after;

    @Option(
            names = {"-t", "--target"},
            paramLabel = "NAME",
            description =
                    "Print what a target makes of the graph instead: tvm-cpu and tvm-cuda, the tensor programs, as "
                            + "TVMScript.")
    private @Nullable String target;

    @Option(
            names = "--cpu",
            paramLabel = "NAME",
            defaultValue = "native",
            description =
                    "For tvm-cpu: the CPU that the programs are for, as compile has it. Default: ${DEFAULT-VALUE}, "
                            + "this machine's, for which no native library is needed.")
    @SuppressWarnings("NullAway.Init")
    private String cpu;

    @Option(names = "--source", description = "For tvm-cuda: print the kernels in CUDA C instead.")
    private boolean source;

    @Option(names = "--full", description = "Print everything, so that it parses back: no constant is cut.")
    private boolean full;

    @Option(names = "--passes", description = "Print the names of the passes and end.")
    private boolean passes;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        List<String> names = Passes.all().stream().map(Pass::name).toList();
        if (passes) {
            names.forEach(console.out()::println);
            return ExitCode.OK;
        }
        if (after != null && !after.equals("all") && !names.contains(after)) {
            throw new UserException("there is no pass '" + after + "'", "one of: " + String.join(", ", names));
        }
        boolean cuda = CudaTarget.CUDA.equals(target);
        if (target != null && !cuda && !target.equals(TvmTarget.CPU)) {
            throw new UserException(
                    "target '" + target + "' prints no programs",
                    "those that do: " + TvmTarget.CPU + ", " + CudaTarget.CUDA
                            + (target.equals(CTarget.NAME)
                                    ? "; 'qnet compile --target " + target + " -o model.c' writes C"
                                    : ""));
        }
        if (target != null && after != null) {
            throw new UserException("--after is for graphs, --target for programs", "leave out one of them");
        }
        if (source && !cuda) {
            throw new UserException("--source prints CUDA C", "add --target " + CudaTarget.CUDA);
        }
        if (!cpu.equals("native") && !TvmTarget.CPU.equals(target)) {
            throw new UserException("--cpu is for programs for x86 CPUs", "add --target " + TvmTarget.CPU);
        }
        BoundModel bound = model.load(console);
        if (cuda) {
            Graph integers = Build.integers(console, bound);
            console.out().print(source ? CudaTarget.source(integers) : CudaTarget.script(integers));
            return ExitCode.OK;
        }
        if (target != null) {
            console.out().print(Tvm.script(Build.integers(console, bound), cpu));
            return ExitCode.OK;
        }
        Graph graph = bound.graph();
        if (after != null) {
            String last = after.equals("all") ? names.getLast() : after;
            graph = Build.run(console, bound, Passes.all().subList(0, names.indexOf(last) + 1));
        }
        console.out().print(GraphPrinter.print(graph, full ? GraphPrinter.Detail.FULL : GraphPrinter.Detail.READABLE));
        return ExitCode.OK;
    }
}

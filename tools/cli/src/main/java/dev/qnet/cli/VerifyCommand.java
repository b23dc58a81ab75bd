package dev.qnet.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.cli.verify.Case;
import dev.qnet.cli.verify.CaseResult;
import dev.qnet.cli.verify.Cases;
import dev.qnet.cli.verify.ConformancePage;
import dev.qnet.cli.verify.Executor;
import dev.qnet.cli.verify.Summary;
import dev.qnet.cli.verify.Verification;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code qnet verify}: do models give the outputs that others computed for them? */
@Command(
        name = "verify",
        description =
                "Runs cases (models with known outputs) on every target and compares: integers bit for bit, floats "
                        + "within 0.1 %%. A model without known outputs is compared with the oracle on random inputs.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet verify onnx/backend/test/data/node             ONNX's own tests",
            "  qnet verify model.qnet                              every target against the oracle",
            "  qnet verify goldens/ --target jvm --json            for a build; exit 1 if one failed"
        })
final class VerifyCommand implements Callable<Integer> {
    /** With more cases than that, those that passed are only counted. */
    private static final int FEW = 25;

    private static final int NAMES = 3;

    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Parameters(
            arity = "1..*",
            paramLabel = "PATH",
            description = "Folders, searched for cases, or files: .qnet, .tflite, .onnx, CMSIS-NN cases as .json.")
    @SuppressWarnings("NullAway.Init")
    private List<Path> paths;

    @Option(
            names = {"-t", "--target"},
            paramLabel = "NAME",
            split = ",",
            description =
                    "Check only: oracle, jvm (both of the next), jvm-scalar, jvm-vector. Default: all of these. And source: the "
                            + "oracle on the model written as a .qnet file and read back; tvm-cpu: code of TVM's; tvm-cuda: the "
                            + "same on this machine's GPU; emulated-tvm-cuda: that code on this CPU; tvm-c: C for "
                            + "microcontrollers, compiled for this machine (their native libraries have to be there: "
                            + "docs/targets.md).")
    private @Nullable List<String> targets;

    @Option(names = "--strict", description = "Unsupported cases count as failed: exit 1.")
    private boolean strict;

    @Option(
            names = {"-v", "--verbose"},
            description = "Show every case, also of many and those that passed.")
    private boolean verbose;

    @Option(names = "--json", description = "Print as JSON.")
    private boolean json;

    @Option(
            names = "--markdown",
            paramLabel = "FILE",
            description = "Write the counts by folder as a page of Markdown.")
    private @Nullable Path markdown;

    @Option(
            names = "--time-limit",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "How long a case may take before it counts as failed. Default: ${DEFAULT-VALUE}.")
    private int seconds;

    @Override
    public Integer call() throws IOException {
        Console console = parent.console();
        if (seconds < 1) {
            throw new UserException("--time-limit is at least 1, found " + seconds);
        }
        List<Executor> executors = executors();
        List<Case> cases = Cases.below(paths);
        if (cases.isEmpty()) {
            throw new UserException(
                    "found nothing to check below "
                            + String.join(
                                    ", ", paths.stream().map(Path::toString).toList()),
                    "a case is a folder with model.onnx and test_data_set_0, with goldens.json or case.json, a .tflite or "
                            + ".onnx file, or a case of CMSIS-NN as .json; a .qnet file is named itself");
        }
        Verification verification = new Verification(executors, Duration.ofSeconds(seconds));
        List<CaseResult> results = new ArrayList<>();
        try (Progress progress = new Progress(console, "verify")) {
            for (Case c : cases) {
                progress.at(results.size(), cases.size());
                results.add(verification.check(c));
            }
        }
        Summary summary = new Summary(results);
        if (json) {
            console.out()
                    .println(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(summary.json()));
        } else {
            print(console, summary);
        }
        if (markdown != null) {
            String page = ConformancePage.of(summary);
            AtomicFiles.write(markdown, out -> out.write(page.getBytes(StandardCharsets.UTF_8)));
            console.err().println("wrote " + markdown);
        }
        Summary.Counts total = summary.total();
        return total.failed() > 0 || (strict && total.unsupported() > 0) ? ExitCode.INPUT : ExitCode.OK;
    }

    private List<Executor> executors() {
        List<Executor> all = Executor.all();
        if (targets == null) {
            return all;
        }
        List<Executor> known = new ArrayList<>(all);
        known.add(new Executor.Source());
        known.add(new Executor.Tvm());
        known.add(new Executor.TvmC());
        known.add(new Executor.Cuda(false));
        known.add(new Executor.Cuda(true));
        Set<Executor> chosen = new LinkedHashSet<>();
        for (String t : targets) {
            List<Executor> named = known.stream()
                    .filter(e ->
                            e.name().equals(t) || (t.equals("jvm") && e.name().startsWith("jvm-")))
                    .toList();
            if (named.isEmpty()) {
                throw new UserException(
                        "there is no target '" + t + "'",
                        "one of: jvm, "
                                + String.join(
                                        ", ", known.stream().map(Executor::name).toList()));
            }
            chosen.addAll(named);
        }
        if (chosen.contains(new Executor.Cuda(false))) {
            Tvm.requireGpu();
        }
        if (chosen.contains(new Executor.Tvm()) || chosen.contains(new Executor.Cuda(true))) {
            Tvm.require();
        }
        if (chosen.contains(new Executor.TvmC())) {
            Tvm.requireClang();
        }
        return known.stream().filter(chosen::contains).toList();
    }

    private void print(Console console, Summary summary) {
        boolean all = verbose || summary.total().cases() <= FEW;
        if (all) {
            Table table = new Table("case", "target", "result");
            for (Summary.Row r : summary.rows(true)) {
                table.row(r.result().checked().name(), r.executors(), result(r));
            }
            console.out().print(table);
        } else {
            folders(console, summary);
            failed(console, summary);
            unsupported(console, summary);
        }
        Summary.Counts n = summary.total();
        console.out().println();
        console.out()
                .println(n.cases() + (n.cases() == 1 ? " case: " : " cases: ") + n.passed() + " passed, " + n.failed()
                        + " failed, " + n.unsupported() + " unsupported");
    }

    private static String result(Summary.Row r) {
        String samples = r.result().samples() > 1 ? " (" + r.result().samples() + " samples)" : "";
        return r.status() + (r.text().isEmpty() ? samples : ": " + r.text());
    }

    private static void folders(Console console, Summary summary) {
        Table table = new Table("folder", ">cases", ">passed", ">failed", ">unsupported");
        summary.folders()
                .forEach((folder, n) ->
                        table.row(folder, n.cases(), n.passed(), count(n.failed()), count(n.unsupported())));
        console.out().print(table);
    }

    private static String count(int n) {
        return n == 0 ? "-" : Integer.toString(n);
    }

    private static void failed(Console console, Summary summary) {
        Table table = new Table("failed", "target", "result");
        for (Summary.Row r : summary.rows(false)) {
            if (r.status() == CaseResult.Status.FAILED) {
                table.row(r.result().checked().name(), r.executors(), r.text());
            }
        }
        if (!table.isEmpty()) {
            console.out().println();
            console.out().print(table);
        }
    }

    private static void unsupported(Console console, Summary summary) {
        Table table = new Table("unsupported", ">cases", "for example");
        for (Map.Entry<String, List<String>> e : summary.reasons().entrySet()) {
            List<String> names = e.getValue();
            table.row(
                    e.getKey(),
                    names.size(),
                    String.join(", ", names.subList(0, Math.min(NAMES, names.size())))
                            + (names.size() > NAMES ? ", …" : ""));
        }
        if (!table.isEmpty()) {
            console.out().println();
            console.out().print(table);
        }
    }
}

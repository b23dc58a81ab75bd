package dev.qnet.cli;

import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.target.jvm.CompiledArtifact;
import dev.qnet.target.jvm.JvmTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code qnet compile}: a jar that needs nothing else. */
@Command(
        name = "compile",
        description = "Compiles a model to a self-contained jar.",
        mixinStandardHelpOptions = true,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet compile model.qnet -o model.jar",
            "  java --add-modules jdk.incubator.vector -jar model.jar --input x.npy"
        })
final class CompileCommand implements Callable<Integer> {
    @ParentCommand
    @SuppressWarnings("NullAway.Init")
    private QnetCommand parent;

    @Mixin
    @SuppressWarnings("NullAway.Init")
    private ModelArgument model;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "JAR",
            required = true,
            description = "The jar to write.")
    @SuppressWarnings("NullAway.Init")
    private Path output;

    @Override
    public Integer call() throws IOException {
        if (!output.toString().endsWith(".jar")) {
            throw new UserException("the output of compile is a jar, not " + output, "-o " + output + ".jar");
        }
        Console console = parent.console();
        AtomicFiles.check(output);
        BoundModel bound = model.load(console);
        CompiledArtifact artifact = JvmTarget.compile(Build.integers(console, bound));
        AtomicFiles.writeAt(output, artifact::writeJar);
        console.out().println("wrote " + output + " (" + Sizes.text(Files.size(output)) + ")");
        console.out().println("run it: java --add-modules jdk.incubator.vector -jar " + output + " --input FILE.npy");
        return ExitCode.OK;
    }
}

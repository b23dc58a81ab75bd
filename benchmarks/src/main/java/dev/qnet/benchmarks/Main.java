package dev.qnet.benchmarks;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures Qnet beside what a user would take instead; benchmarks/README.md says how to read the figures. */
@Command(
        name = "benchmarks",
        description = "Measures Qnet beside ONNX Runtime, oneDNN, TensorFlow Lite and other Java kernels.",
        mixinStandardHelpOptions = true,
        subcommands = {
            LayersCommand.class,
            VariantsCommand.class,
            ModelsCommand.class,
            StartCommand.class,
            ScalingCommand.class,
            FamilyCommand.class,
            TrainCommand.class,
            ReadmeCommand.class
        })
public final class Main implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    private Main() {}

    public static void main(String[] args) {
        System.exit(new CommandLine(new Main()).execute(args));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a measurement");
    }
}

package dev.qnet.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The root of the command line. */
@Command(
        name = "qnet",
        description = "Compiles quantized neural networks to exact integer code.",
        subcommands = {
            DemoCommand.class,
            CheckCommand.class,
            FmtCommand.class,
            CalibrateCommand.class,
            DigitsCommand.class,
            TrainCommand.class,
            RunCommand.class,
            CompileCommand.class,
            ExplainCommand.class,
            BenchCommand.class,
            IrCommand.class,
            ImportCommand.class,
            ExportCommand.class,
            VerifyCommand.class
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        footerHeading = "%nExamples:%n",
        footer = {
            "  qnet demo                                    see it work",
            "  qnet check model.qnet                        is it right?",
            "  qnet run model.qnet --input cat.png          run it",
            "  qnet compile model.qnet -o model.jar         deploy it",
            "  qnet verify model.tflite                     is it computed right?",
            "",
            "Exit codes: 0 done, 1 the input is wrong, 2 the command line is wrong,",
            "3 a file cannot be read or written, 69 no JDK 25, 70 a bug in qnet."
        })
final class QnetCommand implements Runnable {
    private final Console console;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec spec;

    QnetCommand(Console console) {
        this.console = console;
    }

    Console console() {
        return console;
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "name a command");
    }
}

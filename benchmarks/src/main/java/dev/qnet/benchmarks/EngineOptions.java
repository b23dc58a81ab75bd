package dev.qnet.benchmarks;

import dev.qnet.benchmarks.peer.Engine;
import dev.qnet.runtime.kernel.Backend;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What is measured of Qnet. */
final class EngineOptions {
    @Option(
            names = "--on",
            paramLabel = "TARGET",
            defaultValue = "jvm",
            description = "What Qnet compiles to: jvm, or tvm-cpu, whose native libraries have to be there "
                    + "(docs/targets.md). Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String on;

    @Option(
            names = "--kernels",
            defaultValue = "vector",
            description = "For jvm, which kernels: vector, adaptive (plain at first, as a user has it), scalar. "
                    + "Default: ${DEFAULT-VALUE}.")
    @SuppressWarnings("NullAway.Init")
    private String kernels;

    /** As it was asked for. */
    Engine engine() {
        return switch (on) {
            case "jvm" -> new Engine.Jvm(Backend.valueOf(kernels.toUpperCase(Locale.ROOT)));
            case "tvm-cpu" -> new Engine.TvmCpu();
            default -> throw new IllegalArgumentException("--on is jvm or tvm-cpu, not " + on);
        };
    }
}

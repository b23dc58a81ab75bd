package dev.qnet.cli;

import dev.qnet.compiler.front.Frontend;
import dev.qnet.compiler.front.bind.BoundModel;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.formats.Imported;
import dev.qnet.formats.Importer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads models of every kind that is compiled: sources, and models of other systems. */
final class Models {
    private Models() {}

    /** Whether a file's name is that of something that is compiled before it runs. */
    static boolean reads(Path file) {
        return Inputs.extension(file).equals("qnet") || Importer.reads(file);
    }

    /**
     * Reads and binds a model; warnings are shown.
     *
     * @param name which model of a .qnet file, or null
     */
    static BoundModel load(Console console, Path file, @Nullable String name, ImportArguments importing)
            throws IOException {
        if (!reads(file)) {
            throw unknown(file);
        }
        if (!Importer.reads(file)) {
            if (importing.given()) {
                throw new UserException("--input-shape and --fix are for .tflite and .onnx files, not for " + file);
            }
            BoundModel bound = Frontend.load(file, new Frontend.Options(name));
            console.show(bound.warnings());
            return bound;
        }
        if (name != null) {
            throw new UserException(file + " holds one model", "leave --model out");
        }
        return bound(importing.read(file));
    }

    /** What to say of a file that is not even named as a model. */
    static UserException unknown(Path file) {
        String extension = Inputs.extension(file);
        if (extension.equals("so") || extension.equals("o")) {
            return new UserException(
                    "'" + file + "' is compiled for other programs to run",
                    "give the model that it was compiled from; 'qnet run' takes libraries of --abi c, too");
        }
        return new UserException(
                "'" + file + "' is "
                        + (Files.isDirectory(file)
                                ? "a folder"
                                : "no model: its name does not end in .qnet, .tflite or .onnx"),
                "name a model; 'qnet run' takes a .jar that qnet compile wrote, too");
    }

    /** An imported model as the other commands take it. */
    static BoundModel bound(Imported imported) {
        return new BoundModel(imported.graph(), Calibration.NONE, List.of(), List.of());
    }

    /** Whether a graph computes with integers as it is, without a policy that would make it: an imported model. */
    static boolean isInteger(Graph graph) {
        return graph.nodes().stream().anyMatch(n -> n.op() instanceof IntOp);
    }

    /** How many operations compute in floats. */
    static long floats(Graph graph) {
        return graph.nodes().stream().filter(n -> n.op() instanceof FloatOp).count();
    }
}

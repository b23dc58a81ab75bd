package dev.qnet.benchmarks;

import dev.qnet.benchmarks.model.ModelFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;

/** Where models lie. */
final class DataOption {
    @Option(
            names = "--data",
            paramLabel = "FOLDER",
            description = "Holds tflite/NAME/model.tflite and onnx_quant/NAME/model.onnx. Default: -Dqnet.data, else "
                    + "../shared/data.")
    private Path data = Path.of(System.getProperty("qnet.data", "../shared/data"));

    /** The models; where there are none, that is said. */
    List<ModelFile> models() throws IOException {
        List<ModelFile> all = Files.isDirectory(data) ? ModelFile.all(data) : List.of();
        if (all.isEmpty()) {
            System.err.println("there are no models in " + data + ": name their folder by --data");
        }
        return all;
    }
}

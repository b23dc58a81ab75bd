package dev.qnet.benchmarks.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * A model of another system, with inputs that lie beside it where there are some.
 *
 * @param name of its folder
 * @param file the model
 */
public record ModelFile(String name, Path file) {
    /** Where models lie in the data's folder: each in a folder of its own. */
    private static final List<String> FOLDERS = List.of("tflite", "onnx_quant");

    /** All models below the data's folder. */
    public static List<ModelFile> all(Path data) throws IOException {
        List<ModelFile> found = new ArrayList<>();
        for (String folder : FOLDERS) {
            if (!Files.isDirectory(data.resolve(folder))) {
                continue;
            }
            try (Stream<Path> models = Files.list(data.resolve(folder))) {
                for (Path p : models.sorted().toList()) {
                    for (String file : List.of("model.tflite", "model.onnx")) {
                        if (Files.isRegularFile(p.resolve(file))) {
                            found.add(new ModelFile(String.valueOf(p.getFileName()), p.resolve(file)));
                        }
                    }
                }
            }
        }
        return found;
    }

    /** The {@link TinyNetworks}, written to a folder. */
    public static List<ModelFile> madeUp(Path folder) throws IOException {
        List<ModelFile> all = new ArrayList<>();
        for (Map.Entry<String, Supplier<byte[]>> n : TinyNetworks.ALL.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .toList()) {
            all.add(new ModelFile(
                    n.getKey(),
                    Files.write(
                            folder.resolve("model" + all.size() + ".onnx"),
                            n.getValue().get())));
        }
        return all;
    }

    /** Whether TensorFlow Lite is the system that it comes from; else it is ONNX Runtime. */
    public boolean isTflite() {
        return file.toString().endsWith(".tflite");
    }

    /** Raw elements of each input: of the first sample beside the model, else made up. */
    public List<byte[]> inputs(List<TensorInfo> infos) throws IOException {
        Path folder = file.resolveSibling("goldens.json");
        if (Files.isRegularFile(folder)) {
            JsonNode sample = new ObjectMapper().readTree(folder.toFile()).at("/samples/0/inputs");
            List<byte[]> inputs = new ArrayList<>();
            for (JsonNode f : sample) {
                inputs.add(Files.readAllBytes(file.resolveSibling(f.asText())));
            }
            if (inputs.size() == infos.size()) {
                return inputs;
            }
        }
        Random random = new Random(1);
        return infos.stream().map(t -> madeUp(t, random)).toList();
    }

    private static byte[] madeUp(TensorInfo t, Random random) {
        ByteBuffer b = ByteBuffer.allocate(t.itemElements() * t.type().bytes()).order(ByteOrder.LITTLE_ENDIAN);
        if (t.type() == ElementType.F32) {
            while (b.hasRemaining()) {
                b.putFloat((float) random.nextGaussian());
            }
        } else {
            random.nextBytes(b.array());
        }
        return b.array();
    }
}

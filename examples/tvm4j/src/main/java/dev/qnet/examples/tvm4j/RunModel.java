package dev.qnet.examples.tvm4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.tvm.Device;
import org.apache.tvm.Function;
import org.apache.tvm.Module;
import org.apache.tvm.NDArray;
import org.apache.tvm.TVMType;

/**
 * Runs a model that {@code qnet compile --target tvm-cpu} wrote, with tvm4j:
 *
 * <pre>
 * java -Djava.library.path=target/native -Dlibtvm.so.path=target/native/libtvm_runtime.so … RunModel model.so IN.bin… OUT.bin…
 * </pre>
 *
 * Files hold the elements of a tensor, row-major, little-endian.
 */
public final class RunModel {
    private RunModel() {}

    public static void main(String[] arguments) throws IOException {
        if (arguments.length == 0) {
            end("usage: RunModel model.so IN.bin… OUT.bin…");
        }
        Module module = Module.load(arguments[0]);
        JsonNode metadata = metadata(module);
        int inputs = metadata.get("inputs").size();
        int outputFiles = metadata.get("outputs").size();
        if (arguments.length != 1 + inputs + outputFiles) {
            end("the model takes " + inputs + " files of inputs, and writes " + outputFiles + " of outputs");
        }
        Function run = module.getFunction("run");
        int next = 1;
        int items = 1;
        // The arguments of run: inputs, states, outputs.
        for (JsonNode input : metadata.get("inputs")) {
            byte[] elements = Files.readAllBytes(Path.of(arguments[next++]));
            if (input.get("shape").path(0).asInt() == -1) {
                items = Math.toIntExact(elements.length / bytes(input, 1));
            }
            NDArray tensor = tensor(input, items);
            tensor.copyFromRaw(elements);
            run.pushArg(tensor);
        }
        for (JsonNode state : metadata.get("states")) {
            NDArray tensor = tensor(state, items);
            tensor.copyFromRaw(initial(state));
            run.pushArg(tensor);
        }
        List<NDArray> outputs = new ArrayList<>();
        for (JsonNode output : metadata.get("outputs")) {
            NDArray tensor = tensor(output, items);
            run.pushArg(tensor);
            outputs.add(tensor);
        }
        run.invoke();
        for (NDArray output : outputs) {
            Files.write(Path.of(arguments[next++]), output.internal());
        }
    }

    private static void end(String message) {
        System.err.println(message);
        System.exit(2);
    }

    /** What the module says of its tensors. */
    private static JsonNode metadata(Module module) throws IOException {
        NDArray size = NDArray.empty(new long[] {1}, new TVMType("int64"), Device.cpu());
        module.getFunction("metadata_size").pushArg(size).invoke();
        NDArray text = NDArray.empty(size.asLongArray(), new TVMType("uint8"), Device.cpu());
        module.getFunction("metadata").pushArg(text).invoke();
        return new ObjectMapper().readTree(new String(text.internal(), StandardCharsets.UTF_8));
    }

    private static NDArray tensor(JsonNode description, int items) {
        String type = description.get("type").asText();
        return NDArray.empty(shape(description, items), new TVMType(type), Device.cpu());
    }

    private static long[] shape(JsonNode description, int items) {
        JsonNode extents = description.get("shape");
        long[] shape = new long[extents.size()];
        for (int i = 0; i < shape.length; i++) {
            long extent = extents.get(i).asLong();
            shape[i] = extent == -1 ? items : extent;
        }
        return shape;
    }

    private static long bytes(JsonNode description, int items) {
        long bytes = width(description);
        for (long extent : shape(description, items)) {
            bytes *= extent;
        }
        return bytes;
    }

    private static int width(JsonNode description) {
        return Integer.parseInt(description.get("type").asText().replaceAll("[a-z]", "")) / Byte.SIZE;
    }

    /** A state before the first run: each element its initial one. */
    private static byte[] initial(JsonNode state) {
        int width = width(state);
        ByteBuffer element = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        element.putLong(state.get("initial").asLong());
        byte[] all = new byte[Math.toIntExact(bytes(state, 1))];
        for (int i = 0; i < all.length; i++) {
            all[i] = element.get(i % width);
        }
        return all;
    }
}

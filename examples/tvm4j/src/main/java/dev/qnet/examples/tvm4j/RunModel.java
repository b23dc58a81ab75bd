package dev.qnet.examples.tvm4j;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
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

    public static void main(String[] arguments) {
        if (arguments.length == 0) {
            end(2, "usage: RunModel model.so IN.bin… OUT.bin…");
        }
        try {
            run(arguments);
        } catch (NoSuchFileException e) {
            end(1, e.getFile() + ": there is no such file");
        } catch (IOException | RefusedException e) {
            end(1, String.valueOf(e.getMessage()));
        }
    }

    private static void run(String[] arguments) throws IOException {
        Path library = Path.of(arguments[0]);
        Module module = load(library);
        JsonNode metadata = metadata(module, library);
        int inputs = metadata.get("inputs").size();
        int outputFiles = metadata.get("outputs").size();
        if (arguments.length != 1 + inputs + outputFiles) {
            end(2, "the model takes " + inputs + " files of inputs, and writes " + outputFiles + " of outputs");
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
            if (elements.length != bytes(input, items)) {
                throw new RefusedException(
                        arguments[next - 1] + ": " + elements.length + " bytes are no whole number of items of '"
                                + input.get("name").asText() + "'");
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

    private static void end(int code, String message) {
        System.err.println(message);
        System.exit(code);
    }

    /** Something that cannot be run, in a sentence. */
    private static final class RefusedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        RefusedException(String message) {
            super(message);
        }
    }

    private static Module load(Path library) throws IOException {
        if (!LibraryFile.isWhole(library)) {
            throw new RefusedException(library + ": this is no shared library, or a part of it is missing");
        }
        try {
            // A name without a folder would be looked for in the system's.
            return Module.load(library.toAbsolutePath().toString());
        } catch (RuntimeException e) {
            // TVM's messages end with a stack trace of its own.
            String why = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw new RefusedException(
                    why.contains("created using {cuda}")
                            ? library + ": compiled for GPUs, which needs TVM's runtime with CUDA; compile it with "
                                    + "--target tvm-cpu"
                            : library + ": cannot be loaded: " + why);
        }
    }

    /** What the module says of its tensors. */
    private static JsonNode metadata(Module module, Path library) throws IOException {
        NDArray size = NDArray.empty(new long[] {1}, new TVMType("int64"), Device.cpu());
        Function sizer;
        try {
            sizer = module.getFunction("metadata_size");
        } catch (IllegalArgumentException e) {
            throw new RefusedException(
                    library + ": not written for TVM's runtime by Qnet; compile it with --target tvm-cpu, "
                            + "and not with --abi c, which is for C");
        }
        sizer.pushArg(size).invoke();
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

package dev.qnet.benchmarks.peer;

import dev.qnet.benchmarks.measure.Contestant;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.lite.Interpreter;

/** A model in TensorFlow Lite, by its own Java classes. */
public final class TfliteModel implements Contestant {
    private static final String LIBRARY = "native/lib/libtensorflowlite_jni.so";
    private static boolean loaded;

    private final Interpreter interpreter;
    private final Object[] inputs;
    private final Map<Integer, Object> outputs = new HashMap<>();
    private final List<ByteBuffer> results = new ArrayList<>();

    /**
     * Loads a model.
     *
     * @param model the file
     * @param values raw elements, little-endian, an array an input, in the model's order
     */
    public TfliteModel(byte[] model, List<byte[]> values, int threads) throws IOException {
        load();
        Interpreter.Options options = new Interpreter.Options();
        options.setNumThreads(threads);
        interpreter = new Interpreter(direct(model), options);
        inputs = new Object[values.size()];
        for (int i = 0; i < inputs.length; i++) {
            inputs[i] = direct(values.get(i));
        }
        for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
            ByteBuffer b = direct(new byte[interpreter.getOutputTensor(i).numBytes()]);
            results.add(b);
            outputs.put(i, b);
        }
    }

    private static synchronized void load() throws IOException {
        if (loaded) {
            return;
        }
        Path file = Files.createTempFile("libtensorflowlite_jni", ".so");
        file.toFile().deleteOnExit();
        try (InputStream in = TfliteModel.class.getClassLoader().getResourceAsStream(LIBRARY)) {
            if (in == null) {
                throw new IOException("there is no TensorFlow Lite for this system on the class path");
            }
            Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        }
        loadLibrary(file);
        loaded = true;
    }

    @SuppressWarnings("restricted") // it is what is measured
    private static void loadLibrary(Path file) {
        System.load(file.toString());
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length)
                .order(ByteOrder.nativeOrder())
                .put(bytes)
                .rewind();
    }

    @Override
    public String name() {
        return "TensorFlow Lite";
    }

    @Override
    public void run() {
        for (ByteBuffer b : results) {
            b.rewind();
        }
        interpreter.runForMultipleInputsOutputs(inputs, outputs);
    }

    /** An output's raw elements, little-endian, as the last run left them. */
    public byte[] output(int index) {
        ByteBuffer b = results.get(index).duplicate().rewind();
        byte[] y = new byte[b.remaining()];
        b.get(y);
        return y;
    }

    @Override
    public void close() {
        interpreter.close();
    }
}

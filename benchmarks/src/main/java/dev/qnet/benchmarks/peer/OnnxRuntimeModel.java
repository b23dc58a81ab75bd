package dev.qnet.benchmarks.peer;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.qnet.benchmarks.measure.Contestant;
import dev.qnet.benchmarks.measure.Machine;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model in ONNX Runtime, with all optimizations: tensors lie outside the heap and are bound once, so that a run
 * copies nothing.
 */
public final class OnnxRuntimeModel implements Contestant {
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
    private final List<ByteBuffer> results = new ArrayList<>();

    /**
     * Loads a model.
     *
     * @param onnx the file
     * @param values raw elements, little-endian, an array an input, in the model's order
     * @param threads that a run may use
     * @param items what an open first axis becomes
     */
    public OnnxRuntimeModel(byte[] onnx, List<byte[]> values, int threads, int items) throws OrtException {
        OrtEnvironment env = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "qnet");
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
            options.setIntraOpNumThreads(threads);
            options.setInterOpNumThreads(1);
            if (Machine.isX86() && !Machine.hasVnni()) {
                // Its kernels of u8 by i8 saturate at 16 bits then; this takes those that do not, which are slower.
                options.addConfigEntry("session.x64quantprecision", "1");
            }
            session = env.createSession(onnx, options);
        }
        int next = 0;
        for (NodeInfo info : session.getInputInfo().values()) {
            byte[] x = values.get(next++);
            ByteBuffer b = direct(x.length).put(x).rewind();
            inputs.put(info.getName(), tensor(env, b, (TensorInfo) info.getInfo(), items));
        }
        for (NodeInfo info : session.getOutputInfo().values()) {
            TensorInfo t = (TensorInfo) info.getInfo();
            long bytes = t.type.size;
            for (long d : shape(t, items)) {
                bytes *= d;
            }
            ByteBuffer b = direct(Math.toIntExact(bytes));
            results.add(b);
            outputs.put(info.getName(), tensor(env, b, t, items));
        }
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
    }

    private static long[] shape(TensorInfo t, int items) {
        long[] shape = t.getShape();
        for (int i = 0; i < shape.length; i++) {
            shape[i] = shape[i] < 0 ? items : shape[i];
        }
        return shape;
    }

    private static OnnxTensor tensor(OrtEnvironment env, ByteBuffer b, TensorInfo t, int items) throws OrtException {
        return OnnxTensor.createTensor(env, b, shape(t, items), t.type);
    }

    @Override
    public String name() {
        return "ONNX Runtime";
    }

    @Override
    public void run() {
        try {
            session.run(inputs, outputs).close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
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
        inputs.values().forEach(OnnxTensor::close);
        outputs.values().forEach(OnnxTensor::close);
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException(e);
        }
    }
}

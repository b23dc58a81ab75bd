package dev.qnet.conformance;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** ONNX Runtime, which answers for exported models. Its native library may be missing: tests are then skipped. */
final class OnnxRuntime {
    private static @Nullable String missing;
    private static @Nullable OrtEnvironment environment;

    static {
        try {
            environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR, "qnet");
        } catch (LinkageError | RuntimeException e) {
            missing = "ONNX Runtime's native library cannot be loaded: " + e;
        }
    }

    private OnnxRuntime() {}

    /** Skips the test where ONNX Runtime cannot run. */
    static void assumePresent() {
        assumeTrue(environment != null, () -> String.valueOf(missing));
    }

    /** A session. {@code EXTENDED_OPT} and above fuse dequantize, operator, quantize to integer kernels. */
    static OrtSession session(byte[] model, OptLevel level) throws OrtException {
        OrtEnvironment env = java.util.Objects.requireNonNull(environment);
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setOptimizationLevel(level);
            options.setIntraOpNumThreads(1);
            // On processors without VNNI the kernels of u8 by i8 saturate at 16 bits; this takes those that do not.
            options.addConfigEntry("session.x64quantprecision", "1");
            // Float products with quantized weights stay float products; unless told, they take codes of their own
            // choice.
            options.addConfigEntry("session.qdq_matmulnbits_accuracy_level", "1");
            return env.createSession(model, options);
        }
    }

    /** All outputs, f32, of f32 inputs. */
    static Map<String, float[]> run(OrtSession session, Map<String, float[]> inputs, Map<String, int[]> shapes)
            throws OrtException {
        OrtEnvironment env = java.util.Objects.requireNonNull(environment);
        Map<String, OnnxTensor> tensors = new HashMap<>();
        try {
            for (Map.Entry<String, float[]> e : inputs.entrySet()) {
                long[] shape = IntStream.of(java.util.Objects.requireNonNull(shapes.get(e.getKey())))
                        .asLongStream()
                        .toArray();
                tensors.put(e.getKey(), OnnxTensor.createTensor(env, FloatBuffer.wrap(e.getValue()), shape));
            }
            Map<String, float[]> out = new LinkedHashMap<>();
            try (OrtSession.Result result = session.run(tensors)) {
                result.forEach(r -> {
                    FloatBuffer b = ((OnnxTensor) r.getValue()).getFloatBuffer();
                    float[] values = new float[b.remaining()];
                    b.get(values);
                    out.put(r.getKey(), values);
                });
            }
            return out;
        } finally {
            tensors.values().forEach(OnnxTensor::close);
        }
    }
}

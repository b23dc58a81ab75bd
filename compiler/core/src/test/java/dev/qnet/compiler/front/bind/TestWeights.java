package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.data.Safetensors;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters file that the sources among the resources name. */
final class TestWeights {
    static final String FILE = "weights.safetensors";

    private TestWeights() {}

    /** Writes the file into a folder. */
    static void write(Path folder) throws IOException {
        Map<String, Tensor> all = new LinkedHashMap<>();
        put(all, "conv2d_1.weight", 4, 3, 3, 2);
        put(all, "conv2d_1.bias", 4);
        put(all, "unbiased.weight", 4, 3, 3, 2);
        put(all, "dense_1.weight", 3, 4);
        put(all, "dense_1.bias", 3);
        put(all, "stem.weight", 4, 3, 3, 2);
        put(all, "stem.bias", 4);
        put(all, "oihw.weight", 4, 2, 3, 3);
        put(all, "oihw.bias", 4, 1, 1);
        put(all, "depthwise.weight", 1, 3, 3, 2);
        put(all, "depthwise.bias", 2);
        put(all, "norm.weight", 2);
        put(all, "norm.bias", 2);
        put(all, "norm.running_mean", 2);
        put(all, "norm.running_var", 2);
        Safetensors.write(folder.resolve(FILE), all);
    }

    private static void put(Map<String, Tensor> all, String name, int... dims) {
        Shape shape = Shape.of(dims);
        float[] values = new float[shape.elements()];
        for (int i = 0; i < values.length; i++) {
            // Exact in few digits; a variance is above zero.
            values[i] = name.endsWith("var") ? i + 1 : (i % 7 - 3) * 0.25f + all.size();
        }
        all.put(name, new Tensor.OfFloat(shape, values));
    }
}

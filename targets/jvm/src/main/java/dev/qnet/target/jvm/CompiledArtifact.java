package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.ValueId;
import dev.qnet.runtime.Descriptor;
import dev.qnet.runtime.DescriptorText;
import dev.qnet.runtime.LoadOptions;
import dev.qnet.runtime.Model;
import dev.qnet.runtime.kernel.Backend;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A compiled model: classes, weights, descriptor. To be run at once, or written as a jar. */
public final class CompiledArtifact {
    /** Where the files of all models lie in jars and on class paths. */
    static final String FOLDER = "dev/qnet/generated/";

    private final String api;
    private final Map<String, byte[]> classes;
    private final byte[] weights;
    private final Descriptor descriptor;
    private final List<ValueId> layers;

    CompiledArtifact(
            String api, Map<String, byte[]> classes, byte[] weights, Descriptor descriptor, List<ValueId> layers) {
        this.api = api;
        this.classes = Map.copyOf(classes);
        this.weights = weights;
        this.descriptor = descriptor;
        this.layers = List.copyOf(layers);
    }

    /** The name of the generated class that applications use: {@code dev.qnet.generated.Resnet8}. */
    public String className() {
        return api.replace('/', '.');
    }

    /** What the code does not say about itself. */
    public Descriptor descriptor() {
        return descriptor;
    }

    /** The bytes of all generated classes, by internal name. The arrays are not copies. */
    public Map<String, byte[]> classes() {
        return classes;
    }

    /** The weights resource. Not a copy. */
    public byte[] weights() {
        return weights;
    }

    /**
     * The value of the graph that each layer of the program writes, by the layer's number, as {@link
     * dev.qnet.runtime.LayerTimes} counts them. Several layers may write one value, and a value that is computed with
     * another has none of its own.
     */
    public List<ValueId> layers() {
        return layers;
    }

    /** All files of the model by their path in a jar, without the runtime's, in a fixed order. */
    public Map<String, byte[]> files() {
        Map<String, byte[]> files = new TreeMap<>();
        classes.forEach((name, bytes) -> files.put(name + ".class", bytes));
        files.put(api + ".weights", weights);
        files.put(api + ".model", DescriptorText.print(descriptor).getBytes(StandardCharsets.US_ASCII));
        return files;
    }

    /** Loads the model into this JVM. */
    public Model load() {
        return Model.load(files());
    }

    /** As {@link #load()}, with options. */
    public Model load(LoadOptions options) {
        return Model.load(files(), options);
    }

    /** As {@link #load()}, with a given backend instead of the best that this JVM has. */
    public Model load(Backend backend) {
        return Model.load(files(), backend);
    }

    /** As {@link #load(Backend)}, with options. */
    public Model load(LoadOptions options, Backend backend) {
        return Model.load(files(), options, backend);
    }

    /**
     * Writes a self-contained jar: the model, its typed API, and this runtime. It runs with {@code java --add-modules
     * jdk.incubator.vector -jar FILE --input x.npy}, loads with {@link Model#load(Path)}, and can lie on a class path.
     * Equal models give equal bytes. The file appears whole or not at all.
     *
     * @throws IOException if the file cannot be written, or the runtime's own classes cannot be read
     */
    public void writeJar(Path file) throws IOException {
        JarWriter.write(file, descriptor.name(), files());
    }
}

package dev.qnet.formats.tflite;

import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import dev.qnet.formats.ImportOptions;
import dev.qnet.formats.Imported;
import dev.qnet.formats.NeedsValues;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * TFLite models as graphs whose integers are those of TFLite's reference kernels. docs/formats.md lists the operators and what is
 * known of their arithmetic.
 */
public final class TfliteImporter {
    private TfliteImporter() {}

    /**
     * Reads a model.
     *
     * @throws NeedsValues if inputs decide shapes, and so have to be known
     * @throws CompileException if the file is no TFLite model or uses what cannot be imported; all of it is listed
     * @throws IOException if the file cannot be read
     */
    public static Imported read(Path path, ImportOptions options) throws IOException {
        return read(path.toString(), bytes(path), options);
    }

    /**
     * The names of a model's inputs, in its order.
     *
     * @throws CompileException if the file is no TFLite model
     * @throws IOException if the file cannot be read
     */
    public static List<String> inputs(Path path) throws IOException {
        return TfliteFile.read(path.toString(), bytes(path)).inputNames();
    }

    private static ByteBuffer bytes(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path)) {
            if (channel.size() > Integer.MAX_VALUE) {
                throw new CompileException(Diagnostic.error(
                        "too-large", Span.NONE, path + " is larger than the 2 GiB that a FlatBuffers file can have"));
            }
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
        }
    }

    /**
     * Makes a graph of a file's bytes.
     *
     * @param name the file, for messages and for the graph's name
     * @throws CompileException as {@link #read(Path, ImportOptions)}
     */
    public static Imported read(String name, ByteBuffer bytes, ImportOptions options) {
        TfliteFile file = TfliteFile.read(name, bytes);
        if (TfliteGraph.mayHaveBatch(file, options)) {
            try {
                return new TfliteGraph(file, options, true).build();
            } catch (NeedsValues e) {
                throw e;
            } catch (CompileException e) {
                // Items are not treated alike, or it cannot be imported at all: the second attempt says which.
                return new TfliteGraph(file, options, false).build();
            }
        }
        return new TfliteGraph(file, options, false).build();
    }
}

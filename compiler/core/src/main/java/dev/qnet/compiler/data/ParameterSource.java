package dev.qnet.compiler.data;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.runtime.io.ReadLimits;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * Named tensors in a file: the parameters of a network. Names and shapes are known once the file is open; a
 * tensor is read when it is asked for. Safe for use by several threads until it is closed.
 */
public interface ParameterSource extends AutoCloseable {
    /** The file, as shown to the user. */
    String source();

    /** The names of the tensors, in the file's order. */
    Set<String> names();

    /**
     * The shape of a tensor, without reading its elements.
     *
     * @throws IllegalArgumentException if there is no tensor of that name
     * @throws TensorFormatException if its shape is not valid, or more than {@link Shape} can hold
     */
    Shape shape(String name) throws IOException;

    /**
     * The elements of a tensor as singles. Types other than f32 are rounded to the nearest single.
     *
     * @throws IllegalArgumentException if there is no tensor of that name
     * @throws TensorFormatException if it is not valid, or holds a finite number that no single can hold
     */
    Tensor.OfFloat tensor(String name) throws IOException;

    /**
     * The elements of a tensor as they are: integers of every width exactly, bools as 0 and 1, other numbers as
     * {@link #tensor} gives them.
     *
     * @throws IllegalArgumentException if there is no tensor of that name
     * @throws TensorFormatException as {@link #tensor} does
     */
    Tensor exact(String name) throws IOException;

    @Override
    void close() throws IOException;

    /** As {@link #open(Path, ReadLimits)}, with {@link ReadLimits#DEFAULT}. */
    static ParameterSource open(Path file) throws IOException {
        return open(file, ReadLimits.DEFAULT);
    }

    /**
     * Opens a safetensors file or an npz archive; which of them it is, its content says.
     *
     * @throws TensorFormatException if it is neither, or not valid
     * @throws IOException if the file cannot be read
     */
    static ParameterSource open(Path file, ReadLimits limits) throws IOException {
        byte[] head;
        try (InputStream in = Files.newInputStream(file)) {
            head = in.readNBytes(9);
        }
        if (head.length >= 2 && head[0] == 'P' && head[1] == 'K') {
            return NpzParameters.open(file, limits);
        }
        // The header's length takes eight bytes; the header is a JSON object.
        if (head.length == 9 && head[8] == '{') {
            return Safetensors.open(file, limits);
        }
        if (head.length >= 6 && head[0] == (byte) 0x93 && head[1] == 'N') {
            throw new TensorFormatException(
                    file.toString(), "an npy file holds one array without a name; put it into an npz archive");
        }
        throw TensorFormatException.expected(
                file.toString(),
                "parameters as a safetensors file or an npz archive",
                head.length == 0 ? "an empty file" : "another kind of file");
    }
}

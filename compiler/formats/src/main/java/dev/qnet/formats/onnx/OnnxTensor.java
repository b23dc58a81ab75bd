package dev.qnet.formats.onnx;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.CompileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A tensor of an ONNX file: a constant of a model, or test data ({@code input_0.pb}).
 *
 * @param name its name, or empty
 * @param type its element type
 * @param dims its extents; empty for a scalar
 * @param value its elements: every real type as singles, every integer type and bool as integers
 */
public record OnnxTensor(String name, DataType type, List<Integer> dims, Tensor value) {
    public OnnxTensor {
        dims = List.copyOf(dims);
    }

    /**
     * Reads a file that holds one TensorProto.
     *
     * @throws CompileException if the file is none, or its element type has no equal here (strings, complex numbers,
     *     8-bit and 4-bit floats, unsigned 32- and 64-bit integers)
     * @throws IOException if the file cannot be read
     */
    public static OnnxTensor read(Path file) throws IOException {
        byte[] bytes = OnnxFile.bytes(file);
        try {
            return TensorDecoder.decode(
                    ProtoReader.tensor(bytes), file.toAbsolutePath().getParent());
        } catch (InvalidProtocolBufferException e) {
            throw OnnxFile.bad(file + " is no ONNX tensor: " + e.getMessage());
        } catch (TensorDecoder.BadTensor e) {
            throw OnnxFile.bad(file + ": " + e.getMessage());
        }
    }

    /** Its extents as a shape. */
    public Shape shape() {
        return new Shape(dims);
    }
}

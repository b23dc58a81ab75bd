package dev.qnet.formats.onnx;

import com.google.protobuf.ByteString;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes tensors of what files hold. Nothing is allocated before the file is known to hold that many elements. */
final class TensorDecoder {
    private TensorDecoder() {}

    /** A tensor that cannot be read; the message names it and says why. */
    static final class BadTensor extends Exception {
        private static final long serialVersionUID = 1L;

        BadTensor(String message) {
            super(message);
        }
    }

    /**
     * Decodes a tensor.
     *
     * @param folder where the model lies: external data must lie in it; or null where there is none
     * @throws BadTensor if it is malformed, or its type has no equal
     */
    static OnnxTensor decode(Proto.TensorData t, @Nullable Path folder) throws BadTensor {
        String what = t.name().isEmpty() ? "a tensor" : "the tensor '" + t.name() + "'";
        DataType type = DataType.of(t.type());
        if (type == DataType.UNDEFINED) {
            throw new BadTensor(what + " has the unknown element type " + t.type());
        }
        if (type.element() == null) {
            throw new BadTensor(what + " has the element type " + type + ", which is not supported");
        }
        if (t.dims().size() > Shape.MAX_RANK) {
            throw new BadTensor(
                    what + " has " + t.dims().size() + " dimensions; at most " + Shape.MAX_RANK + " are supported");
        }
        List<Integer> dims = new ArrayList<>();
        long count = 1;
        boolean empty = t.dims().contains(0L);
        for (long d : t.dims()) {
            if (d < 0 || d > Shape.MAX_ELEMENTS || (!empty && (count *= d) > Shape.MAX_ELEMENTS)) {
                throw new BadTensor(what + " has the extents " + t.dims() + "; at most " + Shape.MAX_ELEMENTS
                        + " elements are supported");
            }
            dims.add((int) d);
        }
        int n = empty ? 0 : (int) count;
        ByteString raw = t.external() == null ? t.raw() : external(what, t.external(), folder);
        Shape shape = new Shape(dims);
        Tensor value;
        if (raw != null) {
            long bytes = ((long) n * type.bits() + 7) / 8;
            if (raw.size() != bytes) {
                throw new BadTensor(
                        what + " " + type + dims + " takes " + bytes + " bytes, but the file holds " + raw.size());
            }
            value = raw(type, shape, n, raw);
        } else {
            value = typed(what, type, shape, n, t);
        }
        return new OnnxTensor(t.name(), type, dims, value);
    }

    private static Tensor raw(DataType type, Shape shape, int n, ByteString raw) {
        ByteBuffer b = raw.asReadOnlyByteBuffer().slice().order(ByteOrder.LITTLE_ENDIAN);
        if (type.real()) {
            float[] v = new float[n];
            for (int i = 0; i < n; i++) {
                v[i] = switch (type) {
                    case DOUBLE -> (float) b.getDouble(8 * i);
                    case FLOAT16 -> Float.float16ToFloat(b.getShort(2 * i));
                    case BFLOAT16 -> Float.intBitsToFloat(b.getShort(2 * i) << 16);
                    default -> b.getFloat(4 * i);
                };
            }
            return new Tensor.OfFloat(shape, v);
        }
        if (type == DataType.INT64) {
            long[] v = new long[n];
            b.asLongBuffer().get(v);
            return Tensor.OfLong.of(shape, v);
        }
        int[] v = new int[n];
        for (int i = 0; i < n; i++) {
            v[i] = switch (type) {
                case INT8 -> b.get(i);
                case UINT8 -> b.get(i) & 0xff;
                case BOOL -> b.get(i) == 0 ? 0 : 1;
                case INT16 -> b.getShort(2 * i);
                case UINT16 -> b.getShort(2 * i) & 0xffff;
                case INT4, UINT4 -> narrow(type, b.get(i / 2) >> (4 * (i % 2)));
                case INT2, UINT2 -> narrow(type, b.get(i / 4) >> (2 * (i % 4)));
                default -> b.getInt(4 * i);
            };
        }
        return new Tensor.OfInt(shape, v);
    }

    /** The low bits of a byte as a 4-bit or 2-bit number. */
    private static int narrow(DataType type, int bits) {
        return switch (type) {
            case INT4 -> bits << 28 >> 28;
            case UINT4 -> bits & 15;
            case INT2 -> bits << 30 >> 30;
            default -> bits & 3;
        };
    }

    private static Tensor typed(String what, DataType type, Shape shape, int n, Proto.TensorData t) throws BadTensor {
        int have = switch (type) {
            case FLOAT -> t.floats().length;
            case DOUBLE -> t.doubles().length;
            default -> t.ints().length;
        };
        int perEntry = type.narrow() ? 8 / type.bits() : 1;
        if (have != (n + perEntry - 1) / perEntry) {
            throw new BadTensor(what + " " + type + shape.dims() + " takes " + (n + perEntry - 1) / perEntry
                    + " values, but the file holds " + have);
        }
        long[] ints = t.ints();
        return switch (type) {
            case FLOAT -> new Tensor.OfFloat(shape, t.floats());
            case DOUBLE -> {
                float[] v = new float[n];
                for (int i = 0; i < n; i++) {
                    v[i] = (float) t.doubles()[i];
                }
                yield new Tensor.OfFloat(shape, v);
            }
            case FLOAT16, BFLOAT16 -> {
                float[] v = new float[n];
                for (int i = 0; i < n; i++) {
                    v[i] = type == DataType.FLOAT16
                            ? Float.float16ToFloat((short) ints[i])
                            : Float.intBitsToFloat((int) ints[i] << 16);
                }
                yield new Tensor.OfFloat(shape, v);
            }
            case INT64 -> Tensor.OfLong.of(shape, ints);
            default -> {
                int[] v = new int[n];
                for (int i = 0; i < n; i++) {
                    v[i] = switch (type) {
                        case INT8 -> (byte) ints[i];
                        case UINT8 -> (int) (ints[i] & 0xff);
                        case BOOL -> ints[i] == 0 ? 0 : 1;
                        case INT16 -> (short) ints[i];
                        case UINT16 -> (int) (ints[i] & 0xffff);
                        case INT4, UINT4 -> narrow(type, (int) (ints[i / 2] >> (4 * (i % 2))));
                        case INT2, UINT2 -> narrow(type, (int) (ints[i / 4] >> (2 * (i % 4))));
                        default -> (int) ints[i];
                    };
                }
                yield new Tensor.OfInt(shape, v);
            }
        };
    }

    private static ByteString external(String what, Map<String, String> entries, @Nullable Path folder)
            throws BadTensor {
        String location = entries.getOrDefault("location", "");
        if (folder == null || location.isEmpty()) {
            throw new BadTensor(what + " lies in another file, which is not named");
        }
        try {
            Path root = folder.toRealPath();
            Path file = root.resolve(location).normalize();
            // The real path decides: a link must not lead out of the folder either.
            if (!file.startsWith(root)
                    || !Files.isRegularFile(file)
                    || !file.toRealPath().startsWith(root)) {
                throw new BadTensor(what + " lies in '" + location
                        + "', which is no file in the model's folder; put the file beside the model");
            }
            try (RandomAccessFile in = new RandomAccessFile(file.toFile(), "r")) {
                long offset = Long.parseLong(entries.getOrDefault("offset", "0"));
                long room = in.length() - offset;
                long length = entries.containsKey("length") ? Long.parseLong(entries.get("length")) : room;
                if (offset < 0 || length < 0 || length > room || length > Integer.MAX_VALUE - 64) {
                    throw new BadTensor(what + " lies at " + offset + " of '" + location + "' with " + length
                            + " bytes, but the file holds " + in.length());
                }
                byte[] bytes = new byte[(int) length];
                in.seek(offset);
                in.readFully(bytes);
                return ByteString.copyFrom(bytes);
            }
        } catch (IOException | NumberFormatException | InvalidPathException e) {
            throw new BadTensor(what + " lies in '" + location + "', which cannot be read: " + e.getMessage());
        }
    }
}

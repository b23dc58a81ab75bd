package dev.qnet.compiler.data;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.runtime.io.ReadLimits;
import dev.qnet.runtime.io.TensorFormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * Reads safetensors files: eight bytes of header length, a JSON header, and the tensors' elements, little-endian and
 * row-major, which cover the rest of the file without holes or overlaps. The header is checked when the file is opened;
 * elements are read from the file when a tensor is asked for.
 */
public final class Safetensors implements ParameterSource {
    private static final int LENGTH_BYTES = 8;
    private static final int CHUNK = 1 << 16;

    private final String source;
    private final FileChannel channel;
    private final long dataStart;
    private final SafetensorsHeader header;
    private final ReadLimits limits;

    private Safetensors(
            String source, FileChannel channel, long dataStart, SafetensorsHeader header, ReadLimits limits) {
        this.source = source;
        this.channel = channel;
        this.dataStart = dataStart;
        this.header = header;
        this.limits = limits;
    }

    /** As {@link #open(Path, ReadLimits)}, with {@link ReadLimits#DEFAULT}. */
    public static Safetensors open(Path file) throws IOException {
        return open(file, ReadLimits.DEFAULT);
    }

    /**
     * Opens a file and checks its header. Its length is limited to 16 MiB, whatever the limits say of npy headers.
     *
     * @throws TensorFormatException if it is not a valid safetensors file, or is over the limits
     * @throws IOException if the file cannot be read
     */
    public static Safetensors open(Path file, ReadLimits limits) throws IOException {
        String source = file.toString();
        FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
        try {
            long size = channel.size();
            long length = size < LENGTH_BYTES
                    ? -1
                    : read(channel, 0, LENGTH_BYTES, source).getLong();
            if (length < 0 || length > size - LENGTH_BYTES) {
                throw TensorFormatException.expected(
                        source,
                        "a safetensors header within the file's " + size + " bytes",
                        size < LENGTH_BYTES ? "no room for its length" : Long.toUnsignedString(length) + " bytes");
            }
            if (length > SafetensorsHeader.MAX_BYTES) {
                throw TensorFormatException.expected(
                        source, "a header of at most " + SafetensorsHeader.MAX_BYTES + " bytes", length + " bytes");
            }
            long dataStart = LENGTH_BYTES + length;
            byte[] json = read(channel, LENGTH_BYTES, (int) length, source).array();
            SafetensorsHeader header = SafetensorsHeader.parse(json, size - dataStart, source, limits);
            return new Safetensors(source, channel, dataStart, header, limits);
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public String source() {
        return source;
    }

    @Override
    public Set<String> names() {
        return header.tensors().keySet();
    }

    /** The free text that the writer put beside the tensors. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    /**
     * The type of a tensor's elements.
     *
     * @throws IllegalArgumentException if there is no tensor of that name
     */
    public SafetensorsType type(String name) {
        return entry(name).type();
    }

    @Override
    public Shape shape(String name) {
        return Floats.shape(Floats.place(source, name), entry(name).shape());
    }

    @Override
    public Tensor.OfFloat tensor(String name) throws IOException {
        String place = Floats.place(source, name);
        SafetensorsType type = entry(name).type();
        Shape shape = shape(name);
        limits.check(place, shape.elements(), Float.BYTES);
        float[] values = new float[shape.elements()];
        elements(name, values.length, (chunk, i) -> values[i] = next(chunk, type, place, i));
        return new Tensor.OfFloat(shape, values);
    }

    @Override
    public Tensor exact(String name) throws IOException {
        String place = Floats.place(source, name);
        SafetensorsType type = entry(name).type();
        Shape shape = shape(name);
        return switch (type) {
            case F16, BF16, F32, F64 -> tensor(name);
            case I64 -> {
                limits.check(place, shape.elements(), Long.BYTES);
                long[] values = new long[shape.elements()];
                elements(name, values.length, (chunk, i) -> values[i] = chunk.getLong());
                yield Tensor.OfLong.of(shape, values);
            }
            case BOOL, U8, I8, I16, U16, I32 -> {
                limits.check(place, shape.elements(), Integer.BYTES);
                int[] values = new int[shape.elements()];
                elements(
                        name,
                        values.length,
                        (chunk, i) -> values[i] =
                                type == SafetensorsType.I32 ? chunk.getInt() : (int) next(chunk, type, place, i));
                yield new Tensor.OfInt(shape, values);
            }
        };
    }

    /** Takes one element from the buffer. */
    private interface Taker {
        void take(ByteBuffer from, int index);
    }

    private void elements(String name, int count, Taker taker) throws IOException {
        SafetensorsHeader.Entry entry = entry(name);
        int width = entry.type().bytes();
        int step = CHUNK / width;
        for (int at = 0; at < count; at += step) {
            int n = Math.min(step, count - at);
            ByteBuffer chunk =
                    read(channel, dataStart + entry.begin() + (long) at * width, n * width, Floats.place(source, name));
            for (int i = at; i < at + n; i++) {
                taker.take(chunk, i);
            }
        }
    }

    private static float next(ByteBuffer from, SafetensorsType type, String place, int index) {
        return switch (type) {
            case BOOL -> {
                byte b = from.get();
                if (b != 0 && b != 1) {
                    throw TensorFormatException.expected(place, "booleans of 0 or 1", b + " at element " + index);
                }
                yield b;
            }
            case U8 -> Byte.toUnsignedInt(from.get());
            case I8 -> from.get();
            case I16 -> from.getShort();
            case U16 -> Short.toUnsignedInt(from.getShort());
            case F16 -> Float.float16ToFloat(from.getShort());
            case BF16 -> Float.intBitsToFloat(from.getShort() << 16);
            case I32 -> (float) from.getInt();
            case F32 -> from.getFloat();
            case I64 -> (float) from.getLong();
            case F64 -> Floats.narrow(place, from.getDouble(), index);
        };
    }

    private SafetensorsHeader.Entry entry(String name) {
        SafetensorsHeader.Entry entry = header.tensors().get(name);
        if (entry == null) {
            throw new IllegalArgumentException(
                    source + " has no tensor '" + name + "'; it has " + String.join(", ", names()));
        }
        return entry;
    }

    private static ByteBuffer read(FileChannel channel, long at, int n, String place) throws IOException {
        ByteBuffer buffer = ByteBuffer.allocate(n).order(ByteOrder.LITTLE_ENDIAN);
        while (buffer.hasRemaining()) {
            if (channel.read(buffer, at + buffer.position()) < 0) {
                throw new TensorFormatException(place, "the file became shorter while it was read");
            }
        }
        return buffer.flip();
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    /** As {@link SafetensorsWriter#write}, without metadata: integers as I32, or I64 where they need it. */
    public static void write(Path file, Map<String, ? extends Tensor> tensors) throws IOException {
        SafetensorsWriter.write(file, tensors, Map.of());
    }
}

package dev.qnet.compiler.data;

import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.runtime.io.NpyArray;
import dev.qnet.runtime.io.NpyType;
import dev.qnet.runtime.io.Npz;
import dev.qnet.runtime.io.ReadLimits;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;

/** The arrays of an npz archive as parameters. */
final class NpzParameters implements ParameterSource {
    private final String source;
    private final Npz npz;

    private NpzParameters(String source, Npz npz) {
        this.source = source;
        this.npz = npz;
    }

    static NpzParameters open(Path file, ReadLimits limits) throws IOException {
        return new NpzParameters(file.toString(), Npz.open(file, limits));
    }

    @Override
    public String source() {
        return source;
    }

    @Override
    public Set<String> names() {
        return npz.names();
    }

    @Override
    public Shape shape(String name) throws IOException {
        return Floats.shape(
                Floats.place(source, name),
                Arrays.stream(npz.shape(name)).asLongStream().boxed().toList());
    }

    @Override
    public Tensor.OfFloat tensor(String name) throws IOException {
        Shape shape = shape(name);
        NpyArray array = npz.read(name);
        float[] values = array.toFloats();
        if (array.type() == NpyType.F8) {
            for (int i = 0; i < values.length; i++) {
                values[i] = Floats.narrow(Floats.place(source, name), array.doubles()[i], i);
            }
        }
        return new Tensor.OfFloat(shape, values);
    }

    @Override
    public Tensor exact(String name) throws IOException {
        Shape shape = shape(name);
        NpyArray array = npz.read(name);
        return switch (array.type()) {
            case F4, F8 -> tensor(name);
            case I8 -> Tensor.OfLong.of(shape, array.longs());
            case B1, I1, U1, I2, U2, I4 -> new Tensor.OfInt(shape, array.toInts());
        };
    }

    @Override
    public void close() throws IOException {
        npz.close();
    }
}

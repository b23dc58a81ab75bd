package dev.qnet.runtime.kernel;

import dev.qnet.runtime.ModelException;

/** The slices of an operand along an axis that a second operand names by their indices. */
public final class Gather implements BinaryKernel {
    private final Kind kind;
    private final Axis axis;
    private final Kind indices;
    private final int count;
    private final String name;

    private Gather(Kind kind, Axis axis, Kind indices, int count, String name) {
        this.kind = kind;
        this.axis = axis;
        this.indices = indices;
        this.count = count;
        this.name = name;
    }

    /**
     * Plans x, indices → the indices' axes in the place of one of x.
     *
     * @param kind of the elements, any
     * @param shape x's shape
     * @param axis the axis along which indices count; negative ones from its end
     * @param indices their kind, any of integers
     * @param count how many there are
     * @param name the result's name, for errors
     */
    public static Gather of(Kind kind, int[] shape, int axis, Kind indices, int count, String name) {
        if (indices == Kind.F32) {
            throw new IllegalArgumentException("indices are integers");
        }
        return new Gather(kind, Axis.of(shape, axis), indices, count, name);
    }

    @Override
    public void run(Banks banks, int x, int y, int z) {
        Object bank = banks.of(kind);
        int inner = axis.inner();
        int extent = axis.extent();
        for (int j = 0; j < count; j++) {
            int i = index(banks, y + j);
            for (int o = 0; o < axis.outer(); o++) {
                Copy.copyRun(bank, x + (o * extent + i) * inner, z + (o * count + j) * inner, inner);
            }
        }
    }

    private int index(Banks b, int at) {
        long i = indices == Kind.S64 ? b.longs[at] : Rows.one(b, indices, at);
        int n = axis.extent();
        if (i < -n || i >= n) {
            throw new ModelException("'" + name + "' gathers index " + i + " along an axis of " + n + " elements");
        }
        return (int) (i < 0 ? i + n : i);
    }
}

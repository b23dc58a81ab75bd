package dev.qnet.compiler.ir;

/**
 * The name of a value, unique in its graph. It follows the path of the value in the source
 * ({@code residual_1.conv2d_1}), so that calibration, reports and parameters can speak of it.
 */
public record ValueId(String name) implements Comparable<ValueId> {
    public ValueId {
        if (name.isEmpty()) {
            throw new IllegalArgumentException("a value needs a name");
        }
    }

    @Override
    public int compareTo(ValueId other) {
        return name.compareTo(other.name);
    }

    @Override
    public String toString() {
        return "%" + name;
    }
}

package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.runtime.ElementType;
import dev.qnet.runtime.Tensor;

/** Between the oracle's values and the runtime's tensors. */
final class Tensors {
    private Tensors() {}

    /** A value in memory as an input wants it. */
    static Tensor of(Value value, ElementType type) {
        int[] shape = value.shape().toArray();
        return switch (value) {
            case Value.Floats f -> Tensor.ofFloats(f.data(), shape);
            case Value.Ints i -> {
                Tensor t = Tensor.allocate(type, shape);
                switch (type) {
                    case F32 -> throw new CaseException("the model takes f32 where the case gives integers");
                    case BOOL, I8, U8 -> {
                        for (int k = 0; k < i.data().length; k++) {
                            t.bytes()[k] = (byte) i.data()[k];
                        }
                    }
                    case I16, U16 -> {
                        for (int k = 0; k < i.data().length; k++) {
                            t.shorts()[k] = (short) i.data()[k];
                        }
                    }
                    case I32 -> {
                        for (int k = 0; k < i.data().length; k++) {
                            t.ints()[k] = (int) i.data()[k];
                        }
                    }
                    case I64 -> System.arraycopy(i.data(), 0, t.longs(), 0, i.data().length);
                }
                yield t;
            }
        };
    }

    static Value value(Tensor t) {
        Shape shape = Shape.of(t.shape());
        long[] data = new long[t.size()];
        switch (t.type()) {
            case F32 -> {
                return Value.of(shape, t.floats());
            }
            case BOOL, I8 -> {
                byte[] b = t.bytes();
                for (int k = 0; k < data.length; k++) {
                    data[k] = b[k];
                }
            }
            case U8 -> {
                byte[] b = t.bytes();
                for (int k = 0; k < data.length; k++) {
                    data[k] = b[k] & 0xff;
                }
            }
            case I16 -> {
                short[] s = t.shorts();
                for (int k = 0; k < data.length; k++) {
                    data[k] = s[k];
                }
            }
            case U16 -> {
                short[] s = t.shorts();
                for (int k = 0; k < data.length; k++) {
                    data[k] = s[k] & 0xffff;
                }
            }
            case I32 -> {
                int[] s = t.ints();
                for (int k = 0; k < data.length; k++) {
                    data[k] = s[k];
                }
            }
            case I64 -> System.arraycopy(t.longs(), 0, data, 0, data.length);
        }
        return Value.of(shape, data);
    }
}

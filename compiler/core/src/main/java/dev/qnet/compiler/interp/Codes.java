package dev.qnet.compiler.interp;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Storage;

/** Between codes, centred integers and real numbers, for every scheme: docs/numerics.md, "Quantize". */
final class Codes {
    private Codes() {}

    /** Codes of a staircase. */
    static Value.Ints steps(Spec.Steps steps, Value.Floats x) {
        long[] codes = new long[x.data().length];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = steps.code(x.data()[i]);
        }
        return new Value.Ints(x.shape(), codes);
    }

    /** Where the parameters of each element of a tensor are: its channel, and its group of consecutive elements. */
    private record Layout(Scheme scheme, int inner, int channels, int row) {
        static Layout of(Scheme scheme, Shape shape) {
            return switch (scheme) {
                case Scheme.PerTensor t -> new Layout(t, 1, 1, 1);
                case Scheme.PerAxis a -> {
                    int inner = 1;
                    for (int i = a.axis() + 1; i < shape.rank(); i++) {
                        inner *= shape.dim(i);
                    }
                    expect(
                            a.scales().size() == shape.dim(a.axis()),
                            a.scales().size() + " scales along axis " + a.axis() + " of " + shape);
                    yield new Layout(a, inner, shape.dim(a.axis()), 1);
                }
                case Scheme.PerGroup g -> {
                    int channels = shape.dim(0);
                    int row = channels == 0 ? 0 : shape.elements() / channels;
                    expect(
                            g.scales().size() == channels,
                            g.scales().size() + " scales for " + channels + " channels of " + shape);
                    expect(
                            g.groups() == (row + g.size() - 1) / g.size(),
                            g.groups() + " groups of " + g.size() + " for " + row + " elements a channel of " + shape);
                    yield new Layout(g, row, channels, row);
                }
            };
        }

        int channel(int i) {
            return scheme instanceof Scheme.PerTensor ? 0 : i / inner % channels;
        }

        int zero(int i) {
            return scheme.channelZero(channel(i));
        }

        int multiplier(int i) {
            return scheme instanceof Scheme.PerGroup g
                    ? g.multipliers().get(channel(i) * g.groups() + i % row / g.size())
                    : 1;
        }

        /** The real value of one unit: s, or s·m in f32. */
        float unit(int i) {
            float s = scheme.channelScale(channel(i));
            return scheme instanceof Scheme.PerGroup ? s * multiplier(i) : s;
        }

        private static void expect(boolean holds, String found) {
            if (!holds) {
                throw new IllegalArgumentException("the scheme does not fit its tensor: " + found);
            }
        }
    }

    /** What takes part in arithmetic: {@code q − z}, per group {@code m·q}, a plain integer itself. */
    static long[] centred(Element element, Value value) {
        long[] q = Kernel.ints(value);
        return switch (element) {
            case Element.F32 f -> throw new IllegalArgumentException("expected integers, found f32");
            case Element.Int i -> q;
            case Quant t -> {
                Layout layout = Layout.of(t.scheme(), value.shape());
                long[] c = new long[q.length];
                for (int i = 0; i < q.length; i++) {
                    c[i] = (q[i] - layout.zero(i)) * layout.multiplier(i);
                }
                yield c;
            }
        };
    }

    static Value.Ints quantize(Quant type, Rounding rounding, Value.Floats x) {
        Layout layout = Layout.of(type.scheme(), x.shape());
        long[] q = new long[x.data().length];
        for (int i = 0; i < q.length; i++) {
            q[i] = quantize(x.data()[i], layout.unit(i), layout.zero(i), type, rounding);
        }
        return new Value.Ints(x.shape(), q);
    }

    private static long quantize(float x, float scale, int zero, Quant type, Rounding rounding) {
        if (type.storage() == Storage.BIPOLAR) {
            return x < 0 ? -1 : 1;
        }
        float v = x / scale;
        if (Float.isNaN(v)) {
            return zero;
        }
        long r = Scaling.real(rounding == Rounding.TFLITE ? roundHalfAway(v) : v);
        return Scaling.clamp(r + zero, type.lo(), type.hi());
    }

    /** The widening to double makes the sum with 1/2 exact. */
    private static double roundHalfAway(double v) {
        return v < 0 ? -Math.floor(-v + 0.5) : Math.floor(v + 0.5);
    }

    static Value.Floats dequantize(Quant type, Value.Ints q) {
        Layout layout = Layout.of(type.scheme(), q.shape());
        float[] x = new float[q.data().length];
        for (int i = 0; i < x.length; i++) {
            x[i] = (float) (q.data()[i] - layout.zero(i)) * layout.unit(i);
        }
        return new Value.Floats(q.shape(), x);
    }
}

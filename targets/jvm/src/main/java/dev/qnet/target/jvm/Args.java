package dev.qnet.target.jvm;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.Window;
import dev.qnet.runtime.WeightsReader;
import dev.qnet.runtime.kernel.Backend;
import dev.qnet.runtime.kernel.Images;
import dev.qnet.runtime.kernel.Kind;
import dev.qnet.runtime.kernel.Operand;
import dev.qnet.runtime.kernel.Output;
import dev.qnet.runtime.kernel.Rounding;
import dev.qnet.runtime.kernel.Scalar;
import dev.qnet.runtime.kernel.UnaryKernel;
import dev.qnet.runtime.kernel.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a call of a kernel's factory: pushes arguments and remembers their types, so that a call reads like its
 * declaration. Arrays beyond a handful of elements go to the weights resource.
 */
final class Args {
    /** Arrays up to this length are written as code. */
    private static final int INLINE = 8;

    private final Code code;
    private final WeightsWriter weights;
    private final List<Class<?>> types = new ArrayList<>();

    Args(Code code, WeightsWriter weights) {
        this.code = code;
        this.weights = weights;
    }

    /** Calls a static factory, which gives an instance of its class, with what was pushed. */
    void call(Class<?> owner, String method) {
        call(owner, method, owner);
    }

    /** Calls a static factory with what was pushed. */
    void call(Class<?> owner, String method, Class<?> result) {
        code.callStatic(owner, method, result, types.toArray(Class<?>[]::new));
        types.clear();
    }

    Args backend() {
        code.load(ProgramEmitter.BACKEND);
        return with(Backend.class);
    }

    Args number(int value) {
        code.push(value);
        return with(int.class);
    }

    Args number(float value) {
        code.push(value);
        return with(float.class);
    }

    Args flag(boolean value) {
        code.push(value);
        return with(boolean.class);
    }

    Args nothing(Class<?> type) {
        code.pushNull();
        return with(type);
    }

    Args text(String value) {
        code.push(value);
        return with(String.class);
    }

    /** A constant of a runtime's enum. */
    Args constant(Enum<?> value) {
        code.push(value);
        return with(value.getDeclaringClass());
    }

    Args rounding(dev.qnet.compiler.ir.Rounding value) {
        return constant(runtime(value));
    }

    Args kind(Element element) {
        return constant(Elements.kind(element));
    }

    /** The extents of one item. */
    Args shape(Type type) {
        return ints(type.shape().toArray());
    }

    Args ints(List<Integer> values) {
        return ints(values.stream().mapToInt(v -> v).toArray());
    }

    Args ints(int[] values) {
        if (values.length <= INLINE) {
            code.push(values);
        } else {
            slice(weights.ints(values), values.length);
            code.call(WeightsReader.class, "ints", int[].class, int.class, int.class);
        }
        return with(int[].class);
    }

    /** Optional numbers: a bias. */
    Args intsOrNull(int @Nullable [] values) {
        return values == null ? nothing(int[].class) : ints(values);
    }

    Args longs(long[] values) {
        slice(weights.longs(values), values.length);
        code.call(WeightsReader.class, "longs", long[].class, int.class, int.class);
        return with(long[].class);
    }

    Args floats(float[] values) {
        if (values.length <= INLINE) {
            code.push(values);
        } else {
            slice(weights.floats(values), values.length);
            code.call(WeightsReader.class, "floats", float[].class, int.class, int.class);
        }
        return with(float[].class);
    }

    Args floatsOrNull(float @Nullable [] values) {
        return values == null ? nothing(float[].class) : floats(values);
    }

    /** As {@link #operand(Type)}; of codes less their zero point where a storage is given. */
    Args operand(Type type, @Nullable Storage centred) {
        if (centred == null) {
            return operand(type);
        }
        int reach = centred.max() - centred.min();
        code.push(Elements.kind(type.element())).push(0).push(-reach).push(reach);
        code.callStatic(Operand.class, "codes", Operand.class, Kind.class, int.class, int.class, int.class);
        return with(Operand.class);
    }

    /** The operand of an integer kernel: its kind, zero point, codes. */
    Args operand(Type type) {
        code.push(Elements.kind(type.element()));
        if (type.element() instanceof Quant q) {
            code.push(q.perTensor().zero()).push(q.lo()).push(q.hi());
            code.callStatic(Operand.class, "codes", Operand.class, Kind.class, int.class, int.class, int.class);
        } else {
            code.callStatic(Operand.class, "plain", Operand.class, Kind.class);
        }
        return with(Operand.class);
    }

    Args window(Window w) {
        String owner = org.objectweb.asm.Type.getInternalName(dev.qnet.runtime.kernel.Window.class);
        code.create(owner);
        code.push(w.kernelH()).push(w.kernelW()).push(w.strideH()).push(w.strideW());
        code.push(w.dilationH()).push(w.dilationW());
        code.push(w.top()).push(w.left()).push(w.bottom()).push(w.right());
        code.callSpecial(owner, "<init>", "(IIIIIIIIII)V");
        return with(dev.qnet.runtime.kernel.Window.class);
    }

    /** A function of one number. */
    Args scalar(ScalarFn fn) {
        Scalars.of(fn).push(code);
        return with(Scalar.class);
    }

    /**
     * The kernel of one image on the stack, which a factory has left there, becomes one of all images of an item.
     *
     * @param x the operand [N,H,W,C]
     * @param y the result [N,H',W',C']
     */
    void images(Type x, Type y) {
        int n = x.shape().toArray()[0];
        if (n != 1) {
            code.push(n)
                    .push(n == 0 ? 0 : x.shape().elements() / n)
                    .push(n == 0 ? 0 : y.shape().elements() / n);
            code.callStatic(Images.class, "of", Images.class, UnaryKernel.class, int.class, int.class, int.class);
        }
    }

    Args rescale(Rescale r) {
        pushRescale(r);
        return with(dev.qnet.runtime.kernel.Rescale.class);
    }

    /** What becomes of accumulators: themselves, or codes of the node's type. */
    Args output(Element.Int acc, @Nullable Rescale r, Type result) {
        code.push(Elements.kind(acc));
        if (r == null) {
            code.callStatic(Output.class, "accumulator", Output.class, Kind.class);
        } else {
            pushRescale(r);
            code.push(Elements.kind(result.element()));
            code.callStatic(
                    Output.class, "codes", Output.class, Kind.class, dev.qnet.runtime.kernel.Rescale.class, Kind.class);
        }
        return with(Output.class);
    }

    /**
     * The weights of an integer layer: packed codes in the resource, zero points and group multipliers applied when
     * loaded.
     */
    Args weights(int[] codes, Type type) {
        if (!(type.element() instanceof Quant q)) {
            return ints(codes);
        }
        Storage s = q.storage();
        slice(weights.codes(codes, s), codes.length);
        code.push(s.bits()).push(s.signed());
        code.call(WeightsReader.class, "wideCodes", int[].class, int.class, int.class, int.class, boolean.class);
        switch (q.scheme()) {
            case Scheme.PerTensor t -> centre(new int[] {t.zero()});
            case Scheme.PerAxis a -> centre(a.zeros().stream().mapToInt(z -> z).toArray());
            case Scheme.PerGroup g -> {
                code.push(g.scales().size()).push(g.size());
                ints(g.multipliers());
                types.removeLast();
                code.callStatic(Weights.class, "grouped", int[].class, int[].class, int.class, int.class, int[].class);
            }
        }
        return with(int[].class);
    }

    private void centre(int[] zeros) {
        if (Arrays.stream(zeros).anyMatch(z -> z != 0)) {
            ints(zeros);
            types.removeLast();
            code.callStatic(Weights.class, "centred", int[].class, int[].class, int[].class);
        }
    }

    private void pushRescale(Rescale r) {
        int n = r.scales().size();
        if (r.rounding().fixedPoint()) {
            int[] multipliers = new int[n];
            int[] shifts = new int[n];
            for (int i = 0; i < n; i++) {
                Rescale.Scale.Fixed f = (Rescale.Scale.Fixed) r.scale(i);
                multipliers[i] = f.multiplier();
                shifts[i] = f.shift();
            }
            code.push(runtime(r.rounding()));
            ints(multipliers).ints(shifts);
            types.removeLast();
            types.removeLast();
            code.push(r.zero()).push(r.lo()).push(r.hi());
            code.callStatic(
                    dev.qnet.runtime.kernel.Rescale.class,
                    "fixed",
                    dev.qnet.runtime.kernel.Rescale.class,
                    Rounding.class,
                    int[].class,
                    int[].class,
                    int.class,
                    int.class,
                    int.class);
        } else {
            float[] factors = new float[n];
            for (int i = 0; i < n; i++) {
                factors[i] = ((Rescale.Scale.Real) r.scale(i)).factor();
            }
            floats(factors);
            types.removeLast();
            code.push(r.zero()).push(r.lo()).push(r.hi());
            code.callStatic(
                    dev.qnet.runtime.kernel.Rescale.class,
                    "real",
                    dev.qnet.runtime.kernel.Rescale.class,
                    float[].class,
                    int.class,
                    int.class,
                    int.class);
        }
    }

    static Rounding runtime(dev.qnet.compiler.ir.Rounding r) {
        return switch (r) {
            case TFLITE -> Rounding.TFLITE;
            case TOSA -> Rounding.TOSA;
            case ONNX -> Rounding.ONNX;
            case XNNPACK -> Rounding.XNNPACK;
        };
    }

    private void slice(int offset, int count) {
        code.load(ProgramEmitter.WEIGHTS).push(offset).push(count);
    }

    private Args with(Class<?> type) {
        types.add(type);
        return this;
    }
}

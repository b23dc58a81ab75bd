package dev.qnet.benchmarks.peer;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_SCALES;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_ZERO_POINTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;

import dev.qnet.benchmarks.layer.Layer;
import dev.qnet.benchmarks.measure.Contestant;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.convolution_forward;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl.algorithm;
import org.bytedeco.dnnl.global.dnnl.prop_kind;
import org.bytedeco.dnnl.matmul;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.memory.data_type;
import org.bytedeco.dnnl.memory.format_tag;
import org.bytedeco.dnnl.primitive;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;

/**
 * A layer as one primitive of oneDNN: u8 by i8 to u8, weights in the layout that the library chooses, packed
 * beforehand. Its sums are exact; it rounds once, of a result computed in singles in its own order, so that a code may
 * differ by one from ONNX's.
 */
public final class Dnnl implements Contestant {
    /** A mask of scales: one a channel, along axis 0 of a convolution's weights, axis 1 of a matrix. */
    private static final int AXIS_0 = 1;

    private static final int AXIS_1 = 2;
    /** Where a convolution has groups, these come first. */
    private static final int AXES_0_AND_1 = 3;

    private final engine cpu = new engine(engine.kind.cpu, 0);
    private final stream order = new stream(cpu);
    private final IntMemoryMap arguments = new IntMemoryMap();
    /** What native code points to must stay reachable. */
    private final List<Pointer> kept = new ArrayList<>();

    private final primitive layerPrimitive;
    private final BytePointer result;

    public Dnnl(Layer layer) {
        byte[] x = layer.input();
        int count = 1;
        for (int d : layer.outputShape()) {
            count *= d;
        }
        result = keep(new BytePointer(count));
        BytePointer xs = keep(new BytePointer(x.length));
        xs.put(x, 0, x.length);
        primitive_attr attributes = keep(new primitive_attr());
        attributes.set_scales_mask(DNNL_ARG_DST, 0);
        attributes.set_zero_points_mask(DNNL_ARG_SRC, 0);
        attributes.set_zero_points_mask(DNNL_ARG_DST, 0);
        layerPrimitive = switch (layer) {
            case Layer.Gemm g -> gemm(g, attributes, xs);
            case Layer.Conv c -> conv(c, attributes, xs);
        };
        scalar(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, Layer.INPUT_ZERO);
        scalar(DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST, Layer.OUTPUT_ZERO);
        floats(DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, new float[] {1});
    }

    private <T extends Pointer> T keep(T pointer) {
        kept.add(pointer);
        return pointer;
    }

    private primitive gemm(Layer.Gemm g, primitive_attr attributes, BytePointer x) {
        attributes.set_scales_mask(DNNL_ARG_WEIGHTS, AXIS_1);
        long[] w = {g.k(), g.n()};
        memory.desc src = desc(new long[] {g.m(), g.k()}, data_type.u8, format_tag.ab);
        memory.desc dst = desc(new long[] {g.m(), g.n()}, data_type.u8, format_tag.ab);
        matmul.primitive_desc d = keep(
                new matmul.primitive_desc(cpu, src, desc(w, data_type.s8, format_tag.any), dst, attributes, false));
        bind(src, x, dst);
        pack(g.weights(), desc(w, data_type.s8, format_tag.ab), d.weights_desc());
        floats(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, g.scales());
        return keep(new matmul(d));
    }

    private primitive conv(Layer.Conv c, primitive_attr attributes, BytePointer x) {
        boolean grouped = c.groups() > 1;
        attributes.set_scales_mask(DNNL_ARG_WEIGHTS, grouped ? AXES_0_AND_1 : AXIS_0);
        int taps = c.kernel();
        long[] w = grouped
                ? new long[] {c.groups(), c.filters() / c.groups(), c.channels() / c.groups(), taps, taps}
                : new long[] {c.filters(), c.channels(), taps, taps};
        memory.desc src = desc(new long[] {1, c.channels(), c.size(), c.size()}, data_type.u8, format_tag.nhwc);
        memory.desc dst = desc(new long[] {1, c.filters(), c.outSize(), c.outSize()}, data_type.u8, format_tag.nhwc);
        memory.desc bias = desc(new long[] {c.filters()}, data_type.f32, format_tag.a);
        long[] pad = {taps / 2, taps / 2};
        // What is left of an image that a stride does not divide lies behind it, or is not read.
        long end = (long) (c.outSize() - 1) * c.stride() + taps - c.size() - taps / 2;
        convolution_forward.primitive_desc d = keep(new convolution_forward.primitive_desc(
                cpu,
                prop_kind.forward_inference,
                algorithm.convolution_auto,
                src,
                desc(w, data_type.s8, format_tag.any),
                bias,
                dst,
                new long[] {c.stride(), c.stride()},
                pad,
                new long[] {end, end},
                attributes,
                false));
        bind(src, x, dst);
        pack(c.weights(), desc(w, data_type.s8, grouped ? format_tag.goihw : format_tag.oihw), d.weights_desc());
        float[] scales = c.scales();
        floats(DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, scales);
        // A bias is added after the scales.
        int[] given = c.bias();
        float[] real = new float[given.length];
        for (int i = 0; i < real.length; i++) {
            real[i] = given[i] * scales[i];
        }
        floats(DNNL_ARG_BIAS, real);
        return keep(new convolution_forward(d));
    }

    private memory.desc desc(long[] shape, data_type type, format_tag tag) {
        return keep(new memory.desc(shape, type, tag));
    }

    private void bind(memory.desc src, BytePointer x, memory.desc dst) {
        arguments.put(DNNL_ARG_SRC, keep(new memory(src, cpu, x)));
        arguments.put(DNNL_ARG_DST, keep(new memory(dst, cpu, result)));
    }

    private void pack(byte[] weights, memory.desc plain, memory.desc wanted) {
        BytePointer w = keep(new BytePointer(weights.length));
        w.put(weights, 0, weights.length);
        memory from = keep(new memory(plain, cpu, w));
        memory to = keep(new memory(wanted, cpu));
        keep(new reorder(from, to)).execute(order, from, to);
        order._wait();
        arguments.put(DNNL_ARG_WEIGHTS, to);
    }

    private void floats(int argument, float[] values) {
        FloatPointer p = keep(new FloatPointer(values));
        arguments.put(
                argument, keep(new memory(desc(new long[] {values.length}, data_type.f32, format_tag.a), cpu, p)));
    }

    private void scalar(int argument, int value) {
        IntPointer p = keep(new IntPointer(new int[] {value}));
        arguments.put(argument, keep(new memory(desc(new long[] {1}, data_type.s32, format_tag.a), cpu, p)));
    }

    @Override
    public String name() {
        return "oneDNN";
    }

    @Override
    public void run() {
        layerPrimitive.execute(order, arguments);
        order._wait();
    }

    /** The result. */
    public byte[] output() {
        byte[] y = new byte[(int) result.capacity()];
        result.get(y, 0, y.length);
        return y;
    }

    @Override
    public void close() {
        for (Pointer p : kept.reversed()) {
            p.close();
        }
        arguments.close();
        order.close();
        cpu.close();
    }
}

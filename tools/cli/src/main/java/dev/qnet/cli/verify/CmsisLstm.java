package dev.qnet.cli.verify;

import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rescale.Scale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.FixedPointTables;
import java.util.ArrayList;
import java.util.List;

/**
 * CMSIS-NN's LSTM of a whole sequence, step by step: gates in Q3.12, their activations by table in Q0.15, the cell state in
 * i16 with a scale that is a power of two. With 16-bit inputs, biases and sums of products have 64 bits.
 */
final class CmsisLstm {
    /** 1: {@code a·2 · 2^30 / 2^31}, exact. */
    private static final Scale.Fixed ONE = new Scale.Fixed(1 << 30, 1);

    private static final Quant GATE = Quant.of(Storage.I16, 1f / 4096, 0);
    private static final Quant ACTIVE = Quant.of(Storage.I16, 1f / 32768, 0);
    private static final Quant SUM = Quant.of(Storage.I32, 1f / 4096, 0);

    private final CmsisCase c;
    private final GraphAssembler g;
    private final boolean wide;
    private final int inputs;
    private final int hidden;

    /** One of the four gates' constants. */
    private record Gate(
            String macros, ValueId inputWeights, ValueId hiddenWeights, ValueId bias, List<Integer> activation) {}

    CmsisLstm(CmsisCase c, GraphAssembler g) {
        this.c = c;
        this.g = g;
        wide = c.kernel().endsWith("_s16");
        inputs = c.param("INPUT_SIZE");
        hidden = c.param("HIDDEN_SIZE");
    }

    void build() {
        int batch = c.param("BATCH_SIZE");
        int steps = c.param("TIME_STEPS");
        boolean timeMajor = c.param("TIME_MAJOR") == 1;
        int time = timeMajor ? 0 : 1;
        long[] data = c.tensor(c.anyOf("input_tensor", "input"));
        if (data.length != batch * steps * inputs) {
            throw new CaseException("the input of " + data.length + " elements does not fit the macros");
        }
        Storage storage = wide ? Storage.I16 : Storage.I8;
        Quant input = Quant.of(storage, 1, -c.param("INPUT_ZERO_POINT"));
        Quant output = Quant.of(storage, 1, c.param("OUTPUT_ZERO_POINT"));
        Shape shape = timeMajor ? Shape.of(steps, batch, inputs) : Shape.of(batch, steps, inputs);
        ValueId x = g.input(input, Value.of(shape, data));
        List<Integer> sigmoid = FixedPointTables.logisticTable(3, 0);
        List<Integer> tanh = FixedPointTables.tanhTable(3, 0);
        Gate forget = gate("forget", sigmoid);
        Gate in = gate("input", sigmoid);
        Gate cell = gate("cell", tanh);
        Gate out = gate("output", sigmoid);
        int power = c.param("CELL_SCALE_POWER") + 12;
        List<Integer> ofCell =
                power < 0 ? FixedPointTables.tanhTable(3, -power) : FixedPointTables.tanhTable(3 << power, 0);

        Quant cellType = Quant.of(Storage.I16, Math.scalb(1f, c.param("CELL_SCALE_POWER")), 0);
        ValueId h = g.constant(
                output,
                Shape.of(batch, hidden),
                filled(batch * hidden, output.perTensor().zero()));
        ValueId state = g.constant(cellType, Shape.of(batch, hidden), new long[batch * hidden]);
        List<ValueId> all = new ArrayList<>();
        for (int t = 0; t < steps; t++) {
            ValueId now = step(x, input, shape, time, t, batch);
            ValueId f = activated(forget, now, h);
            ValueId kept = product(f, state, cellType, "FORGET_TO_CELL", 0, Short.MIN_VALUE, Short.MAX_VALUE);
            ValueId i = activated(in, now, h);
            ValueId candidate = activated(cell, now, h);
            ValueId added = product(i, candidate, cellType, "INPUT_TO_CELL", 0, Short.MIN_VALUE, Short.MAX_VALUE);
            int clip = c.param("CELL_CLIP");
            int lo = clip > 0 ? -clip : Short.MIN_VALUE;
            int hi = clip > 0 ? clip : Short.MAX_VALUE;
            IntOp add = new IntOp.Add(false, 0, Rounding.TFLITE, List.of(ONE, ONE, ONE), 0, lo, hi);
            state = g.add(cellType, add, kept, added);
            ValueId o = activated(out, now, h);
            ValueId shown = g.add(ACTIVE, new IntOp.Table(ofCell), state);
            h = product(o, shown, output, "OUTPUT", output.perTensor().zero(), storage.min(), storage.max());
            Shape one = timeMajor ? Shape.of(1, batch, hidden) : Shape.of(batch, 1, hidden);
            all.add(g.add(output, new DataOp.Reshape(one), h));
        }
        g.add(output, new DataOp.Concat(time), all.toArray(ValueId[]::new));
    }

    /** The input of one step, [B, I]. */
    private ValueId step(ValueId x, Quant type, Shape shape, int time, int t, int batch) {
        List<Integer> begin = new ArrayList<>(List.of(0, 0, 0));
        List<Integer> end = new ArrayList<>(shape.dims());
        begin.set(time, t);
        end.set(time, t + 1);
        ValueId slice = g.add(type, new DataOp.Slice(begin, end, List.of(1, 1, 1)), x);
        return g.add(type, new DataOp.Reshape(Shape.of(batch, inputs)), slice);
    }

    private Gate gate(String name, List<Integer> activation) {
        Quant weights = Quant.of(Storage.I8, 1, 0);
        return new Gate(
                name.toUpperCase(java.util.Locale.ROOT) + "_GATE_",
                g.constant(weights, Shape.of(hidden, inputs), c.tensor(name + "_gate_input_weights")),
                g.constant(weights, Shape.of(hidden, hidden), c.tensor(name + "_gate_hidden_weights")),
                g.constant(wide ? Element.INT64 : Element.INT32, Shape.of(hidden), c.tensor(name + "_gate_bias")),
                activation);
    }

    private ValueId activated(Gate gate, ValueId x, ValueId h) {
        Scale.Fixed ofInput = c.fixed(gate.macros() + "INPUT_MULTIPLIER", gate.macros() + "INPUT_SHIFT");
        Scale.Fixed ofHidden = c.fixed(gate.macros() + "HIDDEN_MULTIPLIER", gate.macros() + "HIDDEN_SHIFT");
        ValueId sum = wide
                ? wideSum(gate, x, h, ofInput, ofHidden)
                : g.add(
                        GATE,
                        new IntOp.LstmGate(ofInput, ofHidden),
                        x,
                        h,
                        gate.inputWeights(),
                        gate.hiddenWeights(),
                        gate.bias());
        return g.add(ACTIVE, new IntOp.Table(gate.activation()), sum);
    }

    /** The first product is limited to 16 bits, the second only after it is added. */
    private ValueId wideSum(Gate gate, ValueId x, ValueId h, Scale.Fixed ofInput, Scale.Fixed ofHidden) {
        Rescale narrow = new Rescale(Rounding.TFLITE, List.of(ofInput), 0, Short.MIN_VALUE, Short.MAX_VALUE);
        Rescale broad = new Rescale(Rounding.TFLITE, List.of(ofHidden), 0, Integer.MIN_VALUE, Integer.MAX_VALUE);
        ValueId a = g.add(GATE, new IntOp.Dense(Element.INT64, narrow), x, gate.inputWeights(), gate.bias());
        ValueId b = g.add(SUM, new IntOp.Dense(Element.INT64, broad), h, gate.hiddenWeights());
        ValueId a32 = g.add(Element.INT32, new NumOp.Cast(), g.add(Element.INT16, new NumOp.Reinterpret(), a));
        ValueId b32 = g.add(Element.INT32, new NumOp.Reinterpret(), b);
        ValueId sum = g.add(Element.INT32, new NumOp.Binary(NumOp.Binary.Fn.ADD), a32, b32);
        ValueId lowest = g.constant(Element.INT32, Shape.SCALAR, Short.MIN_VALUE);
        ValueId highest = g.constant(Element.INT32, Shape.SCALAR, Short.MAX_VALUE);
        ValueId limited = g.add(
                Element.INT32,
                new NumOp.Binary(NumOp.Binary.Fn.MIN),
                g.add(Element.INT32, new NumOp.Binary(NumOp.Binary.Fn.MAX), sum, lowest),
                highest);
        return g.add(GATE, new NumOp.Reinterpret(), g.add(Element.INT16, new NumOp.Cast(), limited));
    }

    private ValueId product(ValueId x, ValueId y, Quant type, String macros, int zero, int lo, int hi) {
        Scale.Fixed scale = c.fixed(macros + "_MULTIPLIER", macros + "_SHIFT");
        Rescale rescale = new Rescale(Rounding.TFLITE, List.of(scale), zero, lo, hi);
        return g.add(type, new IntOp.Mul(Element.INT32, rescale), x, y);
    }

    private static long[] filled(int n, int value) {
        long[] all = new long[n];
        java.util.Arrays.fill(all, value);
        return all;
    }
}

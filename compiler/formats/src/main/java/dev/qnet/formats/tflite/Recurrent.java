package dev.qnet.formats.tflite;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.Window;
import dev.qnet.compiler.quant.Multipliers;
import dev.qnet.formats.tflite.TfliteFile.TensorDef;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Layers with a memory, which becomes states of the graph. */
final class Recurrent {
    /** A sequence of integers is unrolled; no longer ones. */
    private static final int MAX_STEPS = 1024;

    private static final int PEEPHOLES = 9;
    private static final int PROJECTION = 16;
    private static final int HIDDEN_STATE = 18;
    private static final int CELL_STATE = 19;
    private static final int LAYER_NORM = 20;

    private Recurrent() {}

    // LSTM. Operands: 0 x; weights of x 1 i, 2 f, 3 c, 4 o; of h 5 to 8; biases 12 to 15, in the same order.

    static void lstm(Call c) {
        c.arity(20, 24, 1);
        Val x = c.x(0);
        refuse(c, PROJECTION, "a projection");
        for (int i = LAYER_NORM; i < c.count(); i++) {
            refuse(c, i, "layer normalization");
        }
        if (!c.has(1)) {
            throw new Unsupported("couples its input and forget gates");
        }
        if (c.flag(5)) {
            throw new Unsupported("has diagonal recurrent weights");
        }
        if (c.floatOption(2, 0) != 0) {
            throw new Unsupported("clips its projection");
        }
        if (x.shape().rank() != 3) {
            throw new Unsupported("takes a sequence [batch, time, features], found " + x.shape());
        }
        boolean timeMajor = c.flag(3);
        Val sequence = timeMajor ? swapped(c, x) : x;
        Val y = x.isFloat() ? realLstm(c, sequence) : integerLstm(c, sequence);
        c.result(timeMajor ? swapped(c, y) : y);
    }

    private static void refuse(Call c, int operand, String what) {
        if (c.has(operand)) {
            throw new Unsupported("has " + what);
        }
    }

    /** Batch and time change places. */
    private static Val swapped(Call c, Val x) {
        return c.emit(new DataOp.Transpose(List.of(1, 0, 2)), x.element(), x);
    }

    private static Val realLstm(Call c, Val x) {
        int hidden = units(c);
        int inputs = x.shape().dim(2);
        // TFLite's order i, f, c, o becomes i, o, f, c. The recurrent weights say how many units there are.
        float[] r = gates(c, 5, Shape.of(hidden, hidden));
        float[] w = gates(c, 1, Shape.of(hidden, inputs));
        float[] bias = new float[8 * hidden];
        System.arraycopy(gates(c, 12, Shape.of(hidden)), 0, bias, 0, 4 * hidden);
        float[] peepholes = new float[3 * hidden];
        int[] order = {0, 2, 1};
        for (int i = 0; i < 3; i++) {
            if (c.has(PEEPHOLES + i)) {
                System.arraycopy(
                        sized(Weights.real(c, PEEPHOLES + i), hidden), 0, peepholes, order[i] * hidden, hidden);
            }
        }
        Val h = c.state(HIDDEN_STATE, Shape.of(x.shape().dim(0), hidden));
        Val cell = c.state(CELL_STATE, Shape.of(x.shape().dim(0), hidden));
        if (!h.isFloat() || !cell.isFloat()) {
            throw new Unsupported("has states of " + h.element() + " for f32");
        }
        ScalarFn activation = activation(c.byteOption(0, 0));
        if (c.floatOption(1, 0) != 0) {
            float[] sums = Arrays.copyOf(bias, 4 * hidden);
            Val rows = c.real(
                    new FloatOp.Dense(),
                    x,
                    c.floats("weights", Shape.of(4 * hidden, inputs), w),
                    c.floats("bias", Shape.of(4 * hidden), sums));
            Val recurrent = c.floats("recurrent_weights", Shape.of(4 * hidden, hidden), r);
            return new Unrolled(c, hidden, activation, peepholes).run(rows, recurrent, h, cell);
        }
        FloatOp op = new FloatOp.Recurrent(
                FloatOp.Recurrent.Cell.LSTM,
                false,
                List.of(new ScalarFn.Sigmoid(), activation, activation),
                0,
                false,
                false);
        Val all = c.real(
                op,
                x,
                c.floats("weights", Shape.of(4 * hidden, inputs), w),
                c.floats("recurrent_weights", Shape.of(4 * hidden, hidden), r),
                c.floats("bias", Shape.of(8 * hidden), bias),
                h,
                cell,
                c.floats("peepholes", Shape.of(3 * hidden), peepholes));
        int batch = all.shape().dim(0);
        int steps = all.shape().dim(1);
        c.graph().remember(h, last(c, all, steps, 0, hidden));
        c.graph().remember(cell, last(c, all, steps, hidden, 2 * hidden));
        return c.emit(
                new DataOp.Slice(List.of(0, 0, 0), List.of(batch, steps, hidden), List.of(1, 1, 1)),
                Element.FLOAT,
                all);
    }

    /** An LSTM whose cell state is clipped, which no single operation does: step by step. */
    private static final class Unrolled {
        private final Call c;
        private final int hidden;
        private final ScalarFn activation;
        private final float clip;
        private final List<Val> peepholes = new ArrayList<>();

        /** @param peepholes of i, o, f; zeros for none */
        Unrolled(Call c, int hidden, ScalarFn activation, float[] peepholes) {
            this.c = c;
            this.hidden = hidden;
            this.activation = activation;
            this.clip = c.floatOption(1, 0);
            if (!(clip > 0)) {
                throw new Unsupported("clips its cell state to " + clip);
            }
            boolean any = false;
            for (float p : peepholes) {
                any |= p != 0;
            }
            for (int i = 0; any && i < 3; i++) {
                float[] part = Arrays.copyOfRange(peepholes, i * hidden, (i + 1) * hidden);
                this.peepholes.add(c.floats("peepholes", Shape.of(hidden), part));
            }
        }

        /** @param rows what each step adds up from x and the bias, [B,T,4H] in the order i, o, f, c */
        Val run(Val rows, Val recurrent, Val h, Val cell) {
            int batch = rows.shape().dim(0);
            int steps = rows.shape().dim(1);
            if (steps < 1 || steps > MAX_STEPS) {
                throw new Unsupported("runs over " + steps + " steps; with a clipped cell state, up to " + MAX_STEPS);
            }
            Val state = h;
            Val memory = cell;
            List<Val> outputs = new ArrayList<>();
            for (int t = 0; t < steps; t++) {
                Val sums =
                        binary(FloatOp.Binary.Fn.ADD, step(c, rows, t), c.real(new FloatOp.Dense(), state, recurrent));
                Val i = unary(new ScalarFn.Sigmoid(), gate(sums, 0, memory));
                Val f = unary(new ScalarFn.Sigmoid(), gate(sums, 2, memory));
                Val g = unary(activation, part(sums, 3));
                Val kept = binary(FloatOp.Binary.Fn.MUL, f, memory);
                Val added = binary(FloatOp.Binary.Fn.MUL, i, g);
                memory = unary(new ScalarFn.Clip(-clip, clip), binary(FloatOp.Binary.Fn.ADD, kept, added));
                Val o = unary(new ScalarFn.Sigmoid(), gate(sums, 1, memory));
                state = binary(FloatOp.Binary.Fn.MUL, o, unary(activation, memory));
                outputs.add(c.reshaped(state, Shape.of(batch, 1, hidden)));
            }
            c.graph().remember(h, state);
            c.graph().remember(cell, memory);
            return outputs.size() == 1
                    ? outputs.getFirst()
                    : c.emit(new DataOp.Concat(1), Element.FLOAT, outputs.toArray(new Val[0]));
        }

        private Val gate(Val sums, int i, Val memory) {
            Val sum = part(sums, i);
            return peepholes.isEmpty()
                    ? sum
                    : binary(FloatOp.Binary.Fn.ADD, sum, binary(FloatOp.Binary.Fn.MUL, memory, peepholes.get(i)));
        }

        private Val part(Val sums, int i) {
            int batch = sums.shape().dim(0);
            return c.emit(
                    new DataOp.Slice(List.of(0, i * hidden), List.of(batch, (i + 1) * hidden), List.of(1, 1)),
                    Element.FLOAT,
                    sums);
        }

        private Val unary(ScalarFn fn, Val x) {
            return c.real(new FloatOp.Unary(fn), x);
        }

        private Val binary(FloatOp.Binary.Fn fn, Val x, Val y) {
            return c.real(new FloatOp.Binary(fn), x, y);
        }
    }

    /** Hidden or cell state of the last step. */
    private static Val last(Call c, Val all, int steps, int from, int to) {
        int batch = all.shape().dim(0);
        Val part = c.emit(
                new DataOp.Slice(List.of(0, steps - 1, from), List.of(batch, steps, to), List.of(1, 1, 1)),
                Element.FLOAT,
                all);
        return c.reshaped(part, Shape.of(batch, to - from));
    }

    private static int units(Call c) {
        Shape s = Constants.shape(c.in(5));
        if (s.rank() != 2 || s.elements() == 0 || !c.isConstant(5)) {
            throw new Unsupported("has recurrent weights " + s + " that are no constant");
        }
        return s.dim(0);
    }

    /** The four gates' constants in the order i, o, f, c; zeros for those left out. */
    private static float[] gates(Call c, int first, Shape each) {
        int[] from = {0, 3, 1, 2};
        List<float[]> parts = new ArrayList<>();
        for (int gate : from) {
            // Read before room is made for them: only then is it known that there are as many.
            parts.add(c.has(first + gate) ? sized(Weights.real(c, first + gate), each.elements()) : new float[0]);
        }
        int size = each.elements();
        c.graph().spend(16L * size);
        float[] all = new float[4 * size];
        for (int i = 0; i < parts.size(); i++) {
            System.arraycopy(parts.get(i), 0, all, i * size, parts.get(i).length);
        }
        return all;
    }

    private static float[] sized(float[] values, int size) {
        if (values.length != size) {
            throw new Unsupported("has weights of " + values.length + " numbers instead of " + size);
        }
        return values;
    }

    private static ScalarFn activation(int number) {
        return switch (number) {
            case 0 -> new ScalarFn.Affine(1, 0);
            case 1 -> new ScalarFn.Relu();
            case 2 -> new ScalarFn.Clip(-1, 1);
            case 3 -> new ScalarFn.Clip(0, 6);
            case 4 -> new ScalarFn.Tanh();
            default -> throw new Unsupported("has activation number " + number);
        };
    }

    /** 8-bit activations and weights, 16-bit gates and cell state: LstmStepInteger8x8_16 for each step. */
    private static Val integerLstm(Call c, Val x) {
        for (int i = 0; i < 3; i++) {
            refuse(c, PEEPHOLES + i, "peepholes in integers");
        }
        int batch = x.shape().dim(0);
        int steps = x.shape().dim(1);
        int inputs = x.shape().dim(2);
        int hidden = units(c);
        if (steps < 1 || steps > MAX_STEPS) {
            throw new Unsupported("runs over " + steps + " steps; integers do up to " + MAX_STEPS);
        }
        Val h = c.state(HIDDEN_STATE, Shape.of(batch, hidden));
        Val cell = c.state(CELL_STATE, Shape.of(batch, hidden));
        Integer exponent = Elementwise.log2(cell.scale());
        if (x.quant().storage() != Storage.I8
                || h.quant().storage() != Storage.I8
                || cell.quant().storage() != Storage.I16
                || cell.zero() != 0
                || exponent == null
                || exponent > -9
                || exponent < -15) {
            throw new Unsupported("computes with " + x.type() + ", " + h.type() + " and " + cell.type()
                    + "; integers take 8-bit codes and a 16-bit cell state of scale 2^-9 to 2^-15");
        }
        Quant gate = Quant.of(Storage.I16, 1f / 4096, 0);
        Quant unit = Quant.of(Storage.I16, 1f / 32768, 0);
        List<Gate> gates = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            gates.add(Gate.of(c, x, h, i, inputs, hidden));
        }
        Quant product = hidden(c, h);
        // All in this order, in double, and then a single, as TFLite writes it.
        float toHidden = (float) (0x1p-15 / product.perTensor().scale() * 0x1p-15);
        Rescale rescale = Weights.rescale(c, List.of(Multipliers.fixed(toHidden)), product, 0);
        float limit = c.floatOption(1, 0);
        int clip = limit > 0 ? FixedPoint.clamp((long) (limit / cell.scale()), Short.MIN_VALUE, Short.MAX_VALUE) : 0;
        IntOp logistic = new IntOp.Table(Tables.entries(c, Storage.I16, unit, Gemmlowp16::logistic));
        IntOp tanh = new IntOp.Table(Tables.entries(c, Storage.I16, unit, q -> Gemmlowp16.tanh(q, 3)));
        IntOp cellTanh = new IntOp.Table(Tables.entries(c, Storage.I16, unit, q -> Gemmlowp16.tanh(q, 15 + exponent)));
        Val state = h;
        Val memory = cell;
        List<Val> outputs = new ArrayList<>();
        for (int t = 0; t < steps; t++) {
            Val now = step(c, x, t);
            Val i = c.emit(logistic, unit, gates.get(0).emit(c, gate, now, state));
            Val f = c.emit(logistic, unit, gates.get(1).emit(c, gate, now, state));
            Val g = c.emit(tanh, unit, gates.get(2).emit(c, gate, now, state));
            Val o = c.emit(logistic, unit, gates.get(3).emit(c, gate, now, state));
            memory = c.emit(new IntOp.LstmCell(30 + exponent, clip), cell.element(), f, memory, i, g);
            Val squashed = c.emit(cellTanh, unit, memory);
            Val y = c.emit(new IntOp.Mul(Element.INT32, rescale), product, o, squashed);
            state = c.graph().reinterpret(y, h.element());
            outputs.add(c.reshaped(state, Shape.of(batch, 1, hidden)));
        }
        c.graph().remember(h, state);
        c.graph().remember(cell, memory);
        return outputs.size() == 1
                ? outputs.getFirst()
                : c.emit(new DataOp.Concat(1), h.element(), outputs.toArray(new Val[0]));
    }

    /** The codes of o·tanh(c): those of the operator's last intermediate tensor. */
    private static Quant hidden(Call c, Val h) {
        List<Integer> intermediates = c.op().intermediates();
        if (intermediates.size() < 5) {
            return h.quant();
        }
        TensorDef t = c.tensor(intermediates.get(4));
        if (t.quant() == null || t.quant().scales().isEmpty()) {
            return h.quant();
        }
        QuantOf q = QuantOf.of(t);
        return Quant.of(Storage.I8, q.scale(), q.zero());
    }

    private record QuantOf(float scale, int zero) {
        static QuantOf of(TensorDef t) {
            TfliteFile.QuantDef q = Call.parameters(t);
            return new QuantOf(
                    q.scales().getFirst(),
                    q.zeros().isEmpty() ? 0 : Math.toIntExact(q.zeros().getFirst()));
        }
    }

    private static Val step(Call c, Val x, int t) {
        int batch = x.shape().dim(0);
        int inputs = x.shape().dim(2);
        Val now = x.shape().dim(1) == 1
                ? x
                : c.emit(
                        new DataOp.Slice(List.of(0, t, 0), List.of(batch, t + 1, inputs), List.of(1, 1, 1)),
                        x.element(),
                        x);
        return c.reshaped(now, Shape.of(batch, inputs));
    }

    /** A gate's weights and scales. */
    private record Gate(Val w, Val r, Val bias, IntOp.LstmGate op) {
        static Gate of(Call c, Val x, Val h, int gate, int inputs, int hidden) {
            Val w = weights(c, 1 + gate, Shape.of(hidden, inputs));
            Val r = weights(c, 5 + gate, Shape.of(hidden, hidden));
            long[] bias = c.integers(12 + gate);
            Val b = c.constant(c.in(12 + gate), Tensor.OfLong.of(Shape.of(bias.length), bias), Element.INT32);
            // In singles, as TFLite writes them.
            float input = w.scale() * x.scale() / (1f / 4096);
            float recurrent = r.scale() * h.scale() / (1f / 4096);
            return new Gate(w, r, b, new IntOp.LstmGate(Multipliers.fixed(input), Multipliers.fixed(recurrent)));
        }

        private static Val weights(Call c, int operand, Shape expected) {
            TensorDef t = c.in(operand);
            Shape shape = Constants.shape(t);
            Quant q = Call.weights(t, 0, expected.dim(0));
            if (!shape.equals(expected) || q.storage() != Storage.I8 || !(q.scheme() instanceof Scheme.PerTensor)) {
                throw new Unsupported(
                        "has weights " + t.typeName() + shape + " instead of int8" + expected + " with one scale");
            }
            return c.constant(t, new Tensor.OfInt(shape, c.codes(operand)), q);
        }

        Val emit(Call c, Quant gate, Val x, Val h) {
            return c.emit(op, gate, x, h, w, r, bias);
        }
    }

    // SVDF: 0 x [B,I], 1 weights of features [F,I], 2 weights of time [F,M], 3 bias [F/rank], 4 state.

    static void svdf(Call c) {
        c.arity(5, 5, 1);
        Val x = c.x(0);
        Shape features = Constants.shape(c.in(1));
        Shape times = Constants.shape(c.in(2));
        int rank = c.option(0, 0);
        boolean fits = x.shape().rank() == 2
                && features.rank() == 2
                && times.rank() == 2
                && rank > 0
                && features.dim(0) > 0
                && features.dim(0) % rank == 0
                && times.dim(0) == features.dim(0)
                && times.dim(1) > 0
                && features.dim(1) == x.shape().dim(1);
        if (!fits) {
            throw new Unsupported(
                    "has weights " + features + " and " + times + " of rank " + rank + " for " + x.shape());
        }
        int batch = x.shape().dim(0);
        // Each unit adds up rank filters over all of their time steps.
        int units = times.dim(0) / rank;
        if (x.isFloat()) {
            Val state = c.state(4, Shape.of(batch, times.dim(0), times.dim(1)));
            Val next = remembered(c, state, realFeature(c, x, features), 2);
            Val flat = c.reshaped(next, Shape.of(batch, 1, 1, times.elements()));
            Shape grouped = Shape.of(units, 1, 1, rank * times.dim(1));
            Val w = c.constant(c.in(2), new Tensor.OfFloat(grouped, Weights.real(c, 2)), Element.FLOAT);
            FloatOp op = new FloatOp.Conv2d(Window.of(1, 1), units);
            Val y = c.has(3) ? c.real(op, flat, w, c.x(3)) : c.real(op, flat, w);
            c.result(c.reshaped(c.activated(c.byteOption(1, 0), y), Shape.of(batch, units)));
        } else {
            // Time before filters, so that a step moves whole rows. Sums of integers do not care for the order.
            Val state = c.state(4, Shape.of(batch, times.dim(1), times.dim(0)));
            Val next = remembered(c, state, integerFeature(c, x, state, features), 1);
            c.result(integerSum(c, next, times, rank));
        }
    }

    /** The state without its oldest step, with a new one behind. */
    private static Val remembered(Call c, Val state, Val feature, int axis) {
        Shape s = state.shape();
        int filters = s.dim(3 - axis);
        Val newest = c.reshaped(feature, axis == 1 ? Shape.of(s.dim(0), 1, filters) : Shape.of(s.dim(0), filters, 1));
        Val next = newest;
        if (s.dim(axis) > 1) {
            List<Integer> begin = axis == 1 ? List.of(0, 1, 0) : List.of(0, 0, 1);
            DataOp.Slice later = new DataOp.Slice(begin, List.of(s.dim(0), s.dim(1), s.dim(2)), List.of(1, 1, 1));
            next = c.emit(new DataOp.Concat(axis), state.element(), c.emit(later, state.element(), state), newest);
        }
        c.graph().remember(state, next);
        return next;
    }

    private static Val integerSum(Call c, Val next, Shape times, int rank) {
        int filters = times.dim(0);
        int steps = times.dim(1);
        int batch = next.shape().dim(0);
        QuantOf q = QuantOf.of(c.in(2));
        Quant weights = Quant.of(next.quant().storage(), q.scale(), q.zero());
        int[] codes = c.codes(2);
        int[] byTime = new int[codes.length];
        for (int i = 0; i < codes.length; i++) {
            byTime[i % steps * filters + i / steps] = codes[i];
        }
        Val w = c.constant(c.in(2), new Tensor.OfInt(Shape.of(steps, filters), byTime), weights);
        Val products = c.emit(new IntOp.Mul(Element.INT32, null), Element.INT32, next, w);
        IntOp.Sum add = new IntOp.Sum(List.of(1), false, Element.INT32, null);
        if (rank > 1) {
            products = c.reshaped(products, Shape.of(batch, steps, filters / rank, rank));
            add = new IntOp.Sum(List.of(1, 3), false, Element.INT32, null);
        }
        Val sums = c.emit(add, Element.INT32, products);
        Val bias = Accumulator.narrow(c, 3).bias();
        if (bias != null) {
            sums = c.emit(new NumOp.Binary(NumOp.Binary.Fn.ADD), Element.INT32, sums, bias);
        }
        Quant result = c.outCodes(0);
        float scale = next.scale() * q.scale() / result.perTensor().scale();
        // TFLite limits to the storage alone: a relu is in the zero point.
        Rescale rescale = Weights.rescale(c, List.of(Multipliers.fixed(scale)), result, 0);
        return c.emit(new IntOp.Requantize(rescale), result, sums);
    }

    private static Val realFeature(Call c, Val x, Shape shape) {
        Val w = c.constant(c.in(1), new Tensor.OfFloat(shape, Weights.real(c, 1)), Element.FLOAT);
        return c.real(new FloatOp.Dense(), x, w);
    }

    private static Val integerFeature(Call c, Val x, Val state, Shape shape) {
        Quant weights = Call.weights(c.in(1), 0, shape.dim(0));
        if (!(weights.scheme() instanceof Scheme.PerTensor one)) {
            throw new Unsupported("has feature weights with a scale for each filter");
        }
        Storage storage = state.quant().storage();
        TensorType times = c.in(2).type();
        if (times == null || times.storage() != storage || storage.bits() > 16) {
            throw new Unsupported("has weights of time " + c.in(2).typeName() + " and a state " + state.type());
        }
        Val w = c.constant(c.in(1), new Tensor.OfInt(shape, c.codes(1)), weights);
        float scale = x.scale() * one.scale() / state.scale();
        Rescale rescale = Weights.rescale(c, List.of(Multipliers.fixed(scale)), state.quant(), 0);
        return c.emit(new IntOp.Dense(Element.INT32, rescale), state.quant(), x, w);
    }
}

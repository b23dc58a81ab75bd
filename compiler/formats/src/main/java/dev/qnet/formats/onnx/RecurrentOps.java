package dev.qnet.formats.onnx;

import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.FloatOp.Recurrent.Cell;
import dev.qnet.compiler.ir.ScalarFn;
import dev.qnet.compiler.ir.Shape;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Recurrent layers, a direction each. */
final class RecurrentOps {
    private RecurrentOps() {}

    static void register(Operators ops) {
        ops.add("RNN", c -> recurrent(c, Cell.RNN));
        ops.add("GRU", c -> recurrent(c, Cell.GRU));
        ops.add("LSTM", c -> recurrent(c, Cell.LSTM));
    }

    private static void recurrent(Call c, Cell cell) {
        Build b = c.build();
        boolean lstm = cell == Cell.LSTM;
        c.known(1, 2, 3, 4, 7);
        Val w = c.real(1);
        Val r = c.real(2);
        Val given = c.real(0);
        boolean batchFirst = c.integer("layout", 0) == 1;
        if (given.rank() != 3 || w.rank() != 3 || r.rank() != 3) {
            throw c.refuse("takes X, W and R of three dimensions, found " + given.shape() + ", " + w.shape() + " and "
                    + r.shape());
        }
        if (!batchFirst && given.dim(0) == Shape.BATCH) {
            throw c.refuse("runs over a sequence whose length the model leaves open");
        }
        // [B, T, I]
        Val x = batchFirst ? given : b.transpose(given, List.of(1, 0, 2));
        int steps = x.dim(1);
        lengths(c, steps);
        String direction = c.text("direction", "forward");
        int directions = direction.equals("bidirectional") ? 2 : 1;
        int hidden = r.dim(2);
        int rows = cell.gates() * hidden;
        if (w.dim(0) != directions) {
            throw c.refuse("has weights for " + w.dim(0) + " directions, not " + directions);
        }
        List<ScalarFn> functions = functions(c, cell, directions);
        List<Val> all = new ArrayList<>();
        List<Val> lastHidden = new ArrayList<>();
        List<Val> lastCell = new ArrayList<>();
        int each = cell.activations();
        for (int d = 0; d < directions; d++) {
            boolean reverse = direction.equals("reverse") || d == 1;
            FloatOp.Recurrent op = new FloatOp.Recurrent(
                    cell,
                    reverse,
                    functions.subList(d * each, (d + 1) * each),
                    c.real("clip", 0),
                    cell == Cell.GRU && c.flag("linear_before_reset", false),
                    lstm && c.flag("input_forget", false));
            List<Val> operands = new ArrayList<>();
            operands.add(b.plain(x));
            operands.add(part(b, w, d, List.of(rows, w.dim(2))));
            operands.add(part(b, r, d, List.of(rows, hidden)));
            operands.add(c.has(3) ? part(b, c.real(3), d, List.of(2 * rows)) : ConvOps.zeros(b, 2 * rows));
            operands.add(state(c, 5, d, batchFirst, hidden));
            if (lstm) {
                operands.add(state(c, 6, d, batchFirst, hidden));
                operands.add(c.has(7) ? part(b, c.real(7), d, List.of(3 * hidden)) : ConvOps.zeros(b, 3 * hidden));
            }
            Val y = b.emit(op, Element.FLOAT, operands);
            Val h = b.slice(y, 2, 0, hidden, 1);
            int last = reverse ? 0 : steps - 1;
            all.add(b.reshape(h, List.of(y.dim(0), steps, 1, hidden)));
            lastHidden.add(b.slice(h, 1, last, last + 1, 1));
            if (lstm) {
                lastCell.add(b.slice(b.slice(y, 2, hidden, 2 * hidden, 1), 1, last, last + 1, 1));
            }
        }
        Val sequence = b.concat(2, all);
        c.out(0, batchFirst ? sequence : b.transpose(sequence, List.of(1, 2, 0, 3)));
        c.out(1, ordered(b, b.concat(1, lastHidden), batchFirst));
        if (lstm) {
            c.out(2, ordered(b, b.concat(1, lastCell), batchFirst));
        }
    }

    /** A direction's part of a parameter. */
    private static Val part(Build b, Val v, int direction, List<Integer> dims) {
        return b.reshape(b.slice(v, 0, direction, direction + 1, 1), dims);
    }

    /** [B, D, H] in ONNX's order. */
    private static Val ordered(Build b, Val v, boolean batchFirst) {
        return batchFirst ? v : b.transpose(v, List.of(1, 0, 2));
    }

    private static Val state(Call c, int operand, int direction, boolean batchFirst, int hidden) {
        Build b = c.build();
        Val v = c.in(operand);
        if (v == null) {
            return ConvOps.zeros(b, 1, hidden);
        }
        if (v.rank() != 3) {
            throw c.refuse("takes initial states of three dimensions, found " + v.shape());
        }
        int axis = batchFirst ? 1 : 0;
        Val one = b.slice(v, axis, direction, direction + 1, 1);
        return b.plain(b.reshape(one, List.of(v.dim(1 - axis), hidden)));
    }

    /** All sequences must be whole. */
    private static void lengths(Call c, int steps) {
        if (c.has(4)) {
            for (long n : c.numbers(4)) {
                if (n != steps) {
                    throw c.refuse("runs over sequences of several lengths (sequence_lens), which is not supported");
                }
            }
        }
    }

    private static List<ScalarFn> functions(Call c, Cell cell, int directions) {
        List<String> names = new ArrayList<>(c.texts("activations"));
        if (names.isEmpty()) {
            for (int d = 0; d < directions; d++) {
                names.addAll(
                        switch (cell) {
                            case RNN -> List.of("Tanh");
                            case GRU -> List.of("Sigmoid", "Tanh");
                            case LSTM -> List.of("Sigmoid", "Tanh", "Tanh");
                        });
            }
        }
        if (names.size() != directions * cell.activations()) {
            throw c.refuse("needs " + directions * cell.activations() + " activations, found " + names);
        }
        Iterator<Float> alphas = numbers(c.reals("activation_alpha"));
        Iterator<Float> betas = numbers(c.reals("activation_beta"));
        List<ScalarFn> functions = new ArrayList<>();
        for (String name : names) {
            functions.add(
                    switch (name.toLowerCase(Locale.ROOT)) {
                        case "relu" -> new ScalarFn.Relu();
                        case "tanh" -> new ScalarFn.Tanh();
                        case "sigmoid" -> new ScalarFn.Sigmoid();
                        case "softsign" -> new ScalarFn.Softsign();
                        case "softplus" -> new ScalarFn.Softplus();
                        case "leakyrelu" -> new ScalarFn.LeakyRelu(next(alphas, 0.01f));
                        case "thresholdedrelu" -> new ScalarFn.ThresholdedRelu(next(alphas, 1));
                        case "elu" -> new ScalarFn.Elu(next(alphas, 1));
                        case "affine" -> new ScalarFn.Affine(next(alphas, 1), next(betas, 0));
                        case "scaledtanh" -> new ScalarFn.ScaledTanh(next(alphas, 1), next(betas, 1));
                        case "hardsigmoid" -> new ScalarFn.HardSigmoid(next(alphas, 0.2f), next(betas, 0.5f));
                        default -> throw c.refuse("has the unknown activation '" + name + "'");
                    });
        }
        return functions;
    }

    private static Iterator<Float> numbers(float @Nullable [] values) {
        List<Float> list = new ArrayList<>();
        if (values != null) {
            for (float v : values) {
                list.add(v);
            }
        }
        return list.iterator();
    }

    private static float next(Iterator<Float> numbers, float otherwise) {
        return numbers.hasNext() ? numbers.next() : otherwise;
    }
}

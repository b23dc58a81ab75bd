package dev.qnet.target.tvm.lower;

import static dev.qnet.target.tvm.tir.Tir.add;
import static dev.qnet.target.tvm.tir.Tir.cast;
import static dev.qnet.target.tvm.tir.Tir.f64;
import static dev.qnet.target.tvm.tir.Tir.i32;
import static dev.qnet.target.tvm.tir.Tir.let;
import static dev.qnet.target.tvm.tir.Tir.load;
import static dev.qnet.target.tvm.tir.Tir.local;
import static dev.qnet.target.tvm.tir.Tir.loop;
import static dev.qnet.target.tvm.tir.Tir.mul;
import static dev.qnet.target.tvm.tir.Tir.rounded;
import static dev.qnet.target.tvm.tir.Tir.seq;
import static dev.qnet.target.tvm.tir.Tir.store;
import static dev.qnet.target.tvm.tir.Tir.sub;

import dev.qnet.compiler.ir.FloatOp.Recurrent;
import dev.qnet.compiler.ir.FloatOp.Recurrent.Cell;
import dev.qnet.target.tvm.lower.math.Functions;
import dev.qnet.target.tvm.lower.math.Reals;
import dev.qnet.target.tvm.tir.Buffer;
import dev.qnet.target.tvm.tir.DataType;
import dev.qnet.target.tvm.tir.Expr;
import dev.qnet.target.tvm.tir.Stmt;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Recurrent layers of singles, a unit at a time: docs/numerics.md, "Recurrent layers". Sums are of products of two singles, which
 * double holds exactly; other products are rounded in front of their sum.
 */
final class Recurrents {
    private static final int X = 0;
    private static final int W = 1;
    private static final int R = 2;
    private static final int BIAS = 3;
    private static final int FIRST_H = 4;
    private static final int FIRST_C = 5;
    private static final int PEEPHOLES = 6;

    private final Layer layer;
    private final Recurrent op;
    private final int items;
    private final int steps;
    private final int inputs;
    private final int hidden;
    private final Buffer h;
    private final Buffer next;

    private Recurrents(Layer layer, Recurrent op) {
        this.layer = layer;
        this.op = op;
        int[] x = layer.shape(X);
        items = x[0];
        steps = x[1];
        inputs = x[2];
        hidden = layer.shape(R)[1];
        h = state("h");
        next = state("next");
    }

    static Stmt lower(Layer layer, Recurrent op) {
        return new Recurrents(layer, op).stmt();
    }

    private Buffer state(String name) {
        return layer.scratch(name, DataType.FLOAT32, hidden);
    }

    private Stmt stmt() {
        boolean lstm = op.cell() == Cell.LSTM;
        int width = lstm ? 2 * hidden : hidden;
        Buffer c = lstm ? state("c") : h;
        return loop("item", items, item -> {
            List<Stmt> all = new ArrayList<>();
            all.add(first(h, FIRST_H, item));
            if (lstm) {
                all.add(first(c, FIRST_C, item));
            }
            all.add(loop("step", steps, step -> {
                Expr at = add(mul(item, steps), op.reverse() ? sub(i32(steps - 1L), step) : step);
                Expr from = mul(at, inputs);
                List<Stmt> one = new ArrayList<>();
                one.add(
                        switch (op.cell()) {
                            case RNN -> rnn(from);
                            case GRU -> gru(from);
                            case LSTM -> lstm(from, c);
                        });
                one.add(units(u -> seq(store(h, load(next, u), u), layer.put(add(mul(at, width), u), load(next, u)))));
                if (lstm) {
                    one.add(units(u -> layer.put(add(add(mul(at, width), hidden), u), load(c, u))));
                }
                return seq(one);
            }));
            return seq(all);
        });
    }

    private Stmt units(Function<Expr, Stmt> body) {
        return loop("u", hidden, body);
    }

    private Stmt first(Buffer to, int operand, Expr item) {
        Expr row = layer.shape(operand)[0] == 1 ? i32(0) : mul(item, hidden);
        return units(u -> store(to, layer.at(operand, add(row, u)), u));
    }

    private Stmt rnn(Expr from) {
        return units(u -> gate(u, from, h, s -> activated(0, s, y -> store(next, y, u))));
    }

    private Stmt gru(Expr from) {
        Buffer z = state("z");
        Buffer reset = state("reset");
        Buffer kept = op.linearBeforeReset() ? h : state("kept");
        List<Stmt> all = new ArrayList<>();
        all.add(units(u -> seq(
                gate(u, from, h, s -> activated(0, s, y -> store(z, y, u))),
                gate(add(u, hidden), from, h, s -> activated(0, s, y -> store(reset, y, u))))));
        if (!op.linearBeforeReset()) {
            all.add(units(u -> store(kept, mul(load(reset, u), load(h, u)), u)));
        }
        all.add(units(u -> {
            Expr row = add(u, 2L * hidden);
            Function<Expr, Stmt> finish = s -> activated(1, s, n -> {
                Expr update = wide(load(z, u));
                Expr fresh = rounded(mul(sub(f64(1), update), wide(n)));
                return store(next, single(add(fresh, mul(update, wide(load(h, u))))), u);
            });
            if (!op.linearBeforeReset()) {
                return gate(row, from, kept, finish);
            }
            return sum(
                    recurrentBias(row),
                    List.of(state(row, h)),
                    state -> sum(
                            wide(layer.at(BIAS, row)),
                            List.of(input(row, from)),
                            s -> finish.apply(add(s, wide(rounded(mul(load(reset, u), single(state))))))));
        }));
        return seq(all);
    }

    private Stmt lstm(Expr from, Buffer c) {
        return units(u -> peeped(0, u, from, load(c, u), i -> {
            Function<Expr, Stmt> rest = keep -> gate(
                    add(u, 3L * hidden),
                    from,
                    h,
                    s -> activated(
                            1,
                            s,
                            n -> seq(
                                    store(
                                            c,
                                            single(add(rounded(mul(keep, wide(load(c, u)))), mul(wide(i), wide(n)))),
                                            u),
                                    peeped(
                                            1,
                                            u,
                                            from,
                                            load(c, u),
                                            o -> activate(
                                                    2,
                                                    load(c, u),
                                                    y -> store(next, single(mul(wide(o), wide(y))), u))))));
            return op.coupled()
                    ? let("keep", sub(f64(1), wide(i)), rest)
                    : peeped(2, u, from, load(c, u), j -> rest.apply(wide(j)));
        }));
    }

    /** A gate of an LSTM cell that sees the cell's state. */
    private Stmt peeped(int gate, Expr u, Expr from, Expr cell, Function<Expr, Stmt> body) {
        Expr row = add(u, (long) gate * hidden);
        return gate(row, from, h, s -> {
            Expr peephole = mul(wide(layer.at(PEEPHOLES, row)), wide(cell));
            return activated(0, add(s, peephole), body);
        });
    }

    private static Expr wide(Expr x) {
        return cast(DataType.FLOAT64, x);
    }

    private static Expr single(Expr x) {
        return cast(DataType.FLOAT32, x);
    }

    private Expr recurrentBias(Expr row) {
        return wide(layer.at(BIAS, add(row, (long) op.cell().gates() * hidden)));
    }

    /** Products that a sum adds. */
    private record Terms(int count, Function<Expr, Expr> product) {}

    private Terms input(Expr row, Expr from) {
        return new Terms(
                inputs, i -> mul(wide(layer.at(W, add(mul(row, inputs), i))), wide(layer.at(X, add(from, i)))));
    }

    private Terms state(Expr row, Buffer state) {
        return new Terms(hidden, i -> mul(wide(layer.at(R, add(mul(row, hidden), i))), wide(load(state, i))));
    }

    /** Both biases, the products with the input, those with a state. */
    private Stmt gate(Expr row, Expr from, Buffer state, Function<Expr, Stmt> body) {
        return sum(
                add(wide(layer.at(BIAS, row)), recurrentBias(row)), List.of(input(row, from), state(row, state)), body);
    }

    private static Stmt sum(Expr first, List<Terms> terms, Function<Expr, Stmt> body) {
        return local("sum", DataType.FLOAT64, 1, acc -> {
            List<Stmt> all = new ArrayList<>();
            all.add(store(acc, first, i32(0)));
            for (Terms t : terms) {
                all.add(loop(
                        "i",
                        t.count(),
                        i -> store(acc, add(load(acc, i32(0)), t.product().apply(i)), i32(0))));
            }
            all.add(body.apply(load(acc, i32(0))));
            return seq(all);
        });
    }

    /** An activation of a sum, limited and rounded to single. */
    private Stmt activated(int which, Expr sum, Function<Expr, Stmt> body) {
        double clip = op.clip();
        Expr limited = clip == 0 ? sum : Reals.min64(Reals.max64(sum, -clip), clip);
        return let("gate", single(limited), s -> activate(which, s, body));
    }

    private Stmt activate(int which, Expr x, Function<Expr, Stmt> body) {
        return Functions.of(op.activations().get(which)).of(wide(x), y -> let("active", single(y), body));
    }
}

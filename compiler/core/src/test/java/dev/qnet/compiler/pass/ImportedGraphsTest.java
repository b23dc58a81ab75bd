package dev.qnet.compiler.pass;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphParser;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.Shape;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** All passes on what importers make: plain numbers, states, operations without an integer form, integer graphs. */
class ImportedGraphsTest {
    private static final String POLICY = "policy weights(i8(symmetric, per_tensor, minmax))"
            + " activations(i8(asymmetric, per_tensor, minmax)) rounding(tosa)";
    private static final String DYNAMIC = "policy weights(i8(symmetric, per_tensor, minmax))"
            + " activations(u8(asymmetric, per_tensor, minmax, dynamic)) rounding(tosa)";

    /** A dense layer of the input and of what it gave last time. */
    private static String recurrent(String policy) {
        return """
                graph @recurrent {
                  POLICY
                  param %x : f32[1x2]
                  state %h : f32[1x2] becomes %next
                  %w = constant [0.5, -0.25, 0.125, 0.75, 0.3, 0.1, -0.6, 0.2] : f32[2x4]
                  %both = concat %x, %h {axis=1} : f32[1x4]
                  %sum = dense %both, %w : f32[1x2]
                  %next = tanh %sum : f32[1x2]
                  return y = %next, before = %h
                }
                """.replace("POLICY", policy);
    }

    private static Map<String, Value> inputs(Graph g, Random random) {
        Map<String, Value> in = new LinkedHashMap<>();
        for (Graph.Param p : g.params()) {
            Shape s = p.type().shape().item();
            in.put(
                    p.id().name(),
                    switch (p.type().element()) {
                        case Element.F32 f -> {
                            float[] x = new float[s.elements()];
                            for (int i = 0; i < x.length; i++) {
                                x[i] = random.nextFloat() * 2 - 1;
                            }
                            yield Value.of(s, x);
                        }
                        case Element.Int i ->
                            Value.of(s, random.ints(s.elements(), 0, 2).toArray());
                        case Quant q ->
                            Value.of(
                                    s,
                                    random.ints(s.elements(), q.lo(), q.hi() + 1)
                                            .toArray());
                    });
        }
        return in;
    }

    private static Graph run(Graph source, Diagnostics diagnostics) {
        Graph at = source;
        Calibration calibration = Calibration.NONE;
        Random random = new Random(7);
        for (Pass p : Passes.all()) {
            at = Pipeline.step(at, p, new PassContext(diagnostics, calibration));
            if (p.name().equals(InsertFakeQuant.NAME) && source.policy() != null) {
                Calibrator calibrator = new Calibrator(at);
                for (int i = 0; i < 20; i++) {
                    calibrator.accept(inputs(source, random));
                }
                calibration = calibrator.finish(diagnostics);
            }
        }
        return at;
    }

    /** What a compiled graph gives for real inputs, as real numbers: on a grid the runtime quantizes and dequantizes. */
    private static Map<String, Value> inReals(
            Graph g, Interpreter interpreter, Interpreter.State state, Map<String, Value> in) {
        Map<String, Value> codes = new LinkedHashMap<>(in);
        for (Graph.Param p : g.params()) {
            String name = p.id().name();
            if (p.type().element() instanceof Quant q && in.get(name) instanceof Value.Floats f) {
                float[] x = f.data();
                long[] c = new long[x.length];
                for (int i = 0; i < c.length; i++) {
                    c[i] = Math.clamp(
                            Math.round(x[i] / q.perTensor().scale())
                                    + q.perTensor().zero(),
                            q.lo(),
                            q.hi());
                }
                codes.put(name, Value.of(f.shape(), c));
            }
        }
        Map<String, Value> results = new LinkedHashMap<>(interpreter.run(codes, state));
        for (Graph.Result r : g.results()) {
            if (Objects.requireNonNull(g.types().get(r.value())).element() instanceof Quant q) {
                Value.Ints v = (Value.Ints) Objects.requireNonNull(results.get(r.name()));
                float[] y = new float[v.data().length];
                for (int i = 0; i < y.length; i++) {
                    y[i] = (v.data()[i] - q.perTensor().zero()) * q.perTensor().scale();
                }
                results.put(r.name(), Value.of(v.shape(), y));
            }
        }
        return results;
    }

    private static void close(Graph source, Graph compiled, double tolerance) {
        Interpreter before = Interpreter.prepare(source);
        Interpreter after = Interpreter.prepare(compiled);
        Interpreter.State one = before.newState();
        Interpreter.State other = after.newState();
        Random random = new Random(99);
        for (int step = 0; step < 8; step++) {
            Map<String, Value> in = inputs(source, random);
            Map<String, Value> expected = before.run(in, one);
            Map<String, Value> found = inReals(compiled, after, other, in);
            assertThat(found.keySet()).isEqualTo(expected.keySet());
            expected.forEach((name, e) -> {
                Value f = Objects.requireNonNull(found.get(name));
                if (e instanceof Value.Floats reals) {
                    float[] y = ((Value.Floats) f).data();
                    for (int i = 0; i < y.length; i++) {
                        assertThat((double) y[i])
                                .as(() -> name + "\n" + GraphPrinter.print(compiled))
                                .isCloseTo(reals.data()[i], within(tolerance));
                    }
                } else {
                    assertThat(f).as(name).isEqualTo(e);
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {POLICY, DYNAMIC, ""})
    void statesSurviveEveryPass(String policy) {
        Graph source = GraphParser.parse(recurrent(policy));
        Diagnostics diagnostics = new Diagnostics();
        Graph g = run(source, diagnostics);
        assertThat(diagnostics.hasErrors()).isFalse();
        assertThat(g.states()).hasSize(1);
        assertThat(g.states().getFirst().type())
                .isEqualTo(source.states().getFirst().type());
        boolean integers = g.nodes().stream().anyMatch(n -> n.op() instanceof IntOp.Dense);
        assertThat(integers).isEqualTo(!policy.isEmpty());
        close(source, g, policy.isEmpty() ? 0 : 0.05);
        // The state takes part: the same input gives something else later.
        Interpreter i = Interpreter.prepare(g);
        Interpreter.State state = i.newState();
        Map<String, Value> in = inputs(source, new Random(1));
        assertThat(inReals(g, i, state, in)).isNotEqualTo(inReals(g, i, state, in));
    }

    /** States that hand their values on, and one that becomes an input. */
    @Test
    void statesOfStates() {
        Graph source = GraphParser.parse("""
                graph @line {
                  POLICY
                  param %x : f32[1x2]
                  state %a : f32[1x2] becomes %x
                  state %b : f32[1x2] becomes %a
                  %sum = add %x, %b : f32[1x2]
                  return y = %sum
                }
                """.replace("POLICY", POLICY));
        Graph g = run(source, new Diagnostics());
        assertThat(g.states()).hasSize(2);
        close(source, g, 0.06);
    }

    /** Every float operation that has no integer form, between layers that have one. */
    private static final String ISLANDS = """
            graph @islands {
              POLICY
              param %x : f32[Nx4]
              %w = constant [0.5, -0.25, 0.125, 0.75, 0.3, 0.1, -0.6, 0.2, -0.5, 0.25, 0.35, -0.75, 0.3, 0.8, -0.6, 0.1] : f32[4x4]
              %d = dense %x, %w : f32[Nx4]
              %two = constant [2.0] : f32[1]
              %div = div %d, %two : f32[Nx4]FLOAT
              %low = min %div, %x : f32[Nx4]FLOAT
              %high = max %low, %x : f32[Nx4]FLOAT
              %rest = mod %high, %two : f32[Nx4]FLOAT
              %squared = pow %rest, %two : f32[Nx4]FLOAT
              %at = constant [3, 0, -3, 2] : i64[4]
              %taken = gather %squared, %at {axis=1} : f32[Nx4]FLOAT
              %zero = constant [0.0] : f32[1]
              %positive = num.gt %x, %zero : bool[Nx4]FLOAT
              %chosen = select %positive, %taken, %x : f32[Nx4]FLOAT
              %summed = num.reduce_sum %chosen {axes=[1], keep_dims=true} : f32[Nx1]FLOAT
              %more = add %chosen, %summed : f32[Nx4]
              %e = dense %more, %w : f32[Nx4]
              return y = %e
            }
            """;

    @Test
    void operationsWithoutIntegersStayInFloatWhereAskedTo() {
        Graph source = GraphParser.parse(ISLANDS.replace("POLICY", POLICY).replace("FLOAT", " float"));
        Diagnostics diagnostics = new Diagnostics();
        Graph g = run(source, diagnostics);
        assertThat(diagnostics.hasErrors()).isFalse();
        assertThat(g.nodes()).filteredOn(n -> n.op() instanceof IntOp.Dense).hasSize(2);
        assertThat(g.nodes()).filteredOn(n -> n.op() instanceof FloatOp).hasSize(5);
        assertThat(g.nodes()).filteredOn(n -> n.op() instanceof NumOp).hasSize(2);
        // The remainder jumps where its operand passes 2, which no input here reaches.
        close(source, g, 0.15);
    }

    @Test
    void operationsWithoutIntegersAreNamedWhereNotAskedTo() {
        Graph source = GraphParser.parse(ISLANDS.replace("POLICY", POLICY).replace("FLOAT", ""));
        Diagnostics diagnostics = new Diagnostics();
        List<Diagnostic> said = new ArrayList<>();
        try {
            run(source, diagnostics);
        } catch (CompileException e) {
            said.addAll(e.diagnostics());
        }
        assertThat(said)
                .filteredOn(d -> d.severity() == Diagnostic.Severity.ERROR)
                .extracting(Diagnostic::code)
                .containsOnly("float-island")
                .hasSize(9);
        assertThat(said.getFirst().message())
                .isEqualTo("div would be left in float inside an integer graph: there are no integers for it");
    }

    @Test
    void plainIntegersAreNoIslands() {
        Graph source = GraphParser.parse("""
                graph @counts {
                  POLICY
                  param %x : f32[Nx2]
                  param %n : i32[Nx2]
                  %w = constant [0.5, -0.25, 0.125, 0.75] : f32[2x2]
                  %y = dense %x, %w : f32[Nx2]
                  %one = constant [1] : i32[1]
                  %m = num.add %n, %one : i32[Nx2]
                  %wide = reshape %m {shape=[N, 1, 2]} : i32[Nx1x2]
                  %some = num.gt %n, %one : bool[Nx2]
                  %none = num.not %some : bool[Nx2]
                  %picked = select %none, %n, %m : i32[Nx2]
                  return y = %y, wide = %wide, none = %none, picked = %picked
                }
                """.replace("POLICY", POLICY));
        Diagnostics diagnostics = new Diagnostics();
        Graph g = run(source, diagnostics);
        assertThat(diagnostics.all()).isEmpty();
        close(source, g, 0.03);
    }

    /** What fills a dilated tensor of codes is the zero point, not code 0. */
    @Test
    void transposedConvolutionOfCodes() {
        Graph source = GraphParser.parse("""
                graph @transposed {
                  POLICY
                  param %x : f32[Nx2x2x1] activations(u8(asymmetric, per_tensor, fixed(-1.0, 1.0)))
                  %w = constant [0.5, -0.25, 0.125, 0.75] : f32[1x2x2x1]
                  %d = dilate %x {factors=[1, 2, 2, 1], value=0.0} : f32[Nx3x3x1]
                  %p = pad %d {before=[0, 1, 1, 0], after=[0, 1, 1, 0], value=0.0} : f32[Nx5x5x1]
                  %y = conv2d %p, %w {window=window([2, 2], [1, 1], [1, 1], [0, 0, 0, 0]), groups=1} : f32[Nx4x4x1]
                  %half = dilate %y {factors=[1, 1, 2, 1], value=0.5} : f32[Nx4x7x1]
                  return y = %y, half = %half
                }
                """.replace("POLICY", POLICY));
        Graph g = run(source, new Diagnostics());
        assertThat(g.nodes()).noneMatch(n -> n.op() instanceof FloatOp);
        close(source, g, 0.03);
    }

    /** A graph of integers as importers write it: passes keep each bit, whatever they merge. */
    private static final String INTEGERS =
            """
            graph @integers {
              param %x : i8<scale=0.05, zero=-3>[2x2x2x4]
              param %n : i64[3]
              state %c : i16<scale=3.0517578E-5, zero=0>[2x4] becomes %cell
              state %h : i8<scale=0.0078125, zero=4>[2x4] becomes %hidden
              %w = constant [1, -2, 3, 4, -127, 6, 7, 127, 9, 8, -7, 6, 5, -4, 3, 2] : i8<scale=0.02, zero=0>[4x4]
              %b = constant [5000000000, -20, 7, 0] : i64[4]
              %b32 = constant [500, -20, 7, 0] : i32[4]
              %mean = int.avg_pool %x {window=window([2, 2], [1, 1], [1, 1], [0, 0, 0, 0]), rounding=tflite} : i8<scale=0.05, zero=-3>[2x1x1x4]
              %flat = reshape %mean {shape=[2, 4]} : i8<scale=0.05, zero=-3>[2x4]
              %gate = int.lstm_gate %flat, %h, %w, %w, %b32 {input=q31(1073741824, -2), recurrent=q31(1500000000, -3)} : i16<scale=2.4414062E-4, zero=0>[2x4]
              %cell = int.lstm_cell %gate, %c, %gate, %gate {input_shift=15, clip=20000} : i16<scale=3.0517578E-5, zero=0>[2x4]
              %soft = int.softmax16 %cell {axis=1, multiplier=1073741824, left_shift=0, exp=EXP, reciprocal=RECIPROCAL} : i16<scale=3.0517578E-5, zero=0>[2x4]
              %narrow = int.requantize %soft {rescale=tflite([q31(1073741824, -6)], 4, -128, 127)} : i8<scale=0.0078125, zero=4>[2x4]
              %hidden = int.clamp %narrow {lo=-100, hi=100} : i8<scale=0.0078125, zero=4>[2x4]
              %wide = int.dense %flat, %w, %b {acc=i64} : i64[2x4]
              %steps = constant [-100, 0, 200, 5000000100] : i64[1x4]
              %few = int.thresholds %wide, %steps {entries=[0, 1, 2, 3, 3]} : u2<scale=1.0, zero=0>[2x4]
              %large = int.resize_bilinear %x {size=[3, 5], align_corners=false, half_pixel_centers=true} : i8<scale=0.05, zero=-3>[2x3x5x4]
              %small = constant [7] : i8<scale=0.05, zero=-3>[1]
              %least = num.min %large, %small : i8<scale=0.05, zero=-3>[2x3x5x4]
              %same = num.reinterpret %least : i8<scale=0.1, zero=0>[2x3x5x4]
              %plain = num.reinterpret %same : i8[2x3x5x4]
              %long = num.cast %plain : i64[2x3x5x4]
              %first = num.top_k %long {axis=3, k=2, largest=true, indices=true} : i64[2x3x5x2]
              %sum = num.reduce_sum %n {axes=[0], keep_dims=true} : i64[1]
              %two = constant [2] : i64[1]
              %rest = num.mod %sum, %two : i64[1]
              %taken = gather %x, %rest {axis=3} : i8<scale=0.05, zero=-3>[2x2x2x1]
              %again = broadcast %taken {shape=[2, 2, 2, 4]} : i8<scale=0.05, zero=-3>[2x2x2x4]
              %less = num.lt %n, %two : bool[3]
              %chosen = select %less, %n, %two : i64[3]
              %signs = num.sign %chosen : i64[3]
              return cell = %cell, hidden = %hidden, few = %few, first = %first, again = %again, signs = %signs, same = %same
            }
            """.replace("EXP", table(i -> 20 + i * 60)).replace("RECIPROCAL", table(i -> 32000 - i * 30));

    private static String table(java.util.function.IntUnaryOperator entry) {
        return java.util.stream.IntStream.range(0, 513)
                .map(entry)
                .boxed()
                .toList()
                .toString();
    }

    @Test
    void integersKeepEveryBit() {
        Graph source = GraphParser.parse(INTEGERS);
        Diagnostics diagnostics = new Diagnostics();
        Graph g = run(source, diagnostics);
        assertThat(diagnostics.all()).isEmpty();
        assertThat(g.plan()).isNotNull();
        assertThat(g.states()).hasSize(2);
        // The clamp went into the requantize before it.
        assertThat(g.nodes()).noneMatch(n -> n.op() instanceof IntOp.Clamp);
        Interpreter before = Interpreter.prepare(source);
        Interpreter after = Interpreter.prepare(g);
        Interpreter.State one = before.newState();
        Interpreter.State other = after.newState();
        Random random = new Random(5);
        for (int step = 0; step < 30; step++) {
            Map<String, Value> in = inputs(source, random);
            assertThat(after.run(in, other)).isEqualTo(before.run(in, one));
        }
        assertThat(GraphParser.parse(GraphPrinter.print(g))).isEqualTo(g);
        // What is proved of accumulators is proved of these as well.
        assertThat(AccumulatorBounds.of(g)).hasSize(1);
    }
}

package dev.qnet.compiler.pass;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.qnet.compiler.interp.Interpreter;
import dev.qnet.compiler.interp.Value;
import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Element;
import dev.qnet.compiler.ir.FloatOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.GraphPrinter;
import dev.qnet.compiler.ir.IntOp;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.NumOp;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rescale;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.TrainOp;
import dev.qnet.compiler.ir.Type;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.ir.Verifier;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Calibrator;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.source.CompileException;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Diagnostics;
import dev.qnet.compiler.source.Span;
import dev.qnet.compiler.testing.RandomGraphs;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/**
 * The integer graph against the fake-quantized one, operation by operation on random graphs: each code that the integer
 * graph computes is compared with what float arithmetic and fake quantization make of the same operands. So errors do not
 * add up, and every operation is held to the bound that docs/numerics.md states for it.
 */
class IntegersFollowFloatsTest {
    private static final int GRAPHS = Integer.getInteger("qnet.random.graphs", 300);

    @Test
    void everyCodeIsWithinItsBound() {
        compareAll(RandomGraphs::of);
    }

    @Test
    void everyCodeOfImportedModelsIsWithinItsBound() {
        compareAll(RandomGraphs::imported);
    }

    private static void compareAll(LongFunction<Graph> graphs) {
        int refused = 0;
        for (long seed = 0; seed < GRAPHS; seed++) {
            Graph source = graphs.apply(seed);
            try {
                new Comparison(source, new Random(seed)).run();
            } catch (CompileException e) {
                // Some draws have a bias far above their result's range: then the accumulator cannot be scaled.
                assertThat(e.diagnostics())
                        .filteredOn(d -> d.severity() == Diagnostic.Severity.ERROR)
                        .extracting(Diagnostic::code)
                        .as("seed " + seed)
                        .containsOnly("accumulator-overflow");
                refused++;
            } catch (RuntimeException | AssertionError e) {
                throw new AssertionError("seed " + seed + ": " + e.getMessage() + "\n" + GraphPrinter.print(source), e);
            }
        }
        assertThat(refused).isLessThanOrEqualTo(GRAPHS / 50);
    }

    private static final class Comparison {
        private final Graph source;
        private final Spec.Policy policy;
        private final Random random;
        private final Map<ValueId, Value> fake = new HashMap<>();
        private final Map<ValueId, Value> codes = new HashMap<>();

        Comparison(Graph source, Random random) {
            this.source = source;
            this.policy = requireNonNull(source.policy());
            this.random = random;
        }

        void run() {
            Diagnostics diagnostics = new Diagnostics();
            PassContext none = new PassContext(diagnostics, Calibration.NONE);
            Graph inserted = step(new InsertFakeQuant(), source, none);
            diagnostics.throwIfErrors();

            Calibrator calibrator = new Calibrator(inserted);
            for (int i = 0; i < 3; i++) {
                calibrator.accept(inputs());
            }
            PassContext context = new PassContext(diagnostics, calibrator.finish(diagnostics));
            Graph decided = step(new Propagate(), step(new ChooseParameters(), inserted, context), context);
            Lowering lowering = new Lowering(decided, policy, diagnostics);
            Graph lowered = lowering.run();
            diagnostics.throwIfErrors();
            new LowerToIntegers().check(lowered);
            Verifier.verify(lowered);
            Graph integers = step(new BoundAccumulators(), lowered, context);
            diagnostics.throwIfErrors();

            runIntegers(integers);
            compare(decided, integers, lowering);
        }

        private static Graph step(Pass pass, Graph graph, PassContext context) {
            return Pipeline.step(graph, pass, context);
        }

        private Map<String, Value> inputs() {
            Map<String, Value> in = new HashMap<>();
            source.params()
                    .forEach(p -> in.put(
                            p.id().name(),
                            Value.of(
                                    p.type().shape().item(),
                                    RandomGraphs.values(random, p.type().shape().elements()))));
            return in;
        }

        private void runIntegers(Graph integers) {
            Map<String, Value> in = inputs();
            source.params().forEach(p -> fake.put(p.id(), get(in, p.id().name())));
            for (Graph.Param p : integers.params()) {
                if (p.type().element() instanceof Quant q) {
                    Node quantize = new Node(
                            new ValueId("q"),
                            new QuantOp.Quantize(policy.rounding()),
                            List.of(p.id()),
                            p.type(),
                            Span.NONE);
                    Value v = evaluate(
                            quantize,
                            Map.of(p.id(), new Type(Element.FLOAT, p.type().shape())),
                            Map.of(p.id(), get(in, p.id().name())));
                    assertThat(q.perTensor()).isNotNull();
                    in.put(p.id().name(), v);
                    codes.put(p.id(), v);
                }
            }
            Interpreter.run(integers, in, codes::put);
            integers.nodes().forEach(n -> {
                if (n.op() instanceof DataOp.Constant c) {
                    codes.put(n.id(), Value.of(c.value()));
                }
            });
        }

        /** Walks the fake-quantized graph with the integer graph's values in place of its own. */
        private void compare(Graph decided, Graph integers, Lowering lowering) {
            Map<ValueId, Type> types = decided.types();
            Map<ValueId, Type> codeTypes = integers.types();
            Map<ValueId, Node> definitions = decided.definitions();
            Map<ValueId, Node> made = integers.definitions();
            for (Node n : decided.nodes()) {
                if (n.op() instanceof DataOp.Constant c) {
                    fake.put(n.id(), Value.of(c.value()));
                    continue;
                }
                Value expected = evaluate(n, types, fake);
                fake.put(n.id(), expected);
                ValueId id = n.op() instanceof QuantOp.FakeQuant ? lowering.codesOf(n.id()) : null;
                if (id == null
                        || get(codeTypes, id).quant().scheme() instanceof Scheme.PerAxis
                        || get(codeTypes, id).quant().scheme() instanceof Scheme.PerGroup) {
                    continue;
                }
                Type type = get(codeTypes, id);
                Node dequantize =
                        new Node(new ValueId("d"), new QuantOp.Dequantize(), List.of(id), n.type(), Span.NONE);
                Value found = evaluate(dequantize, Map.of(id, type), Map.of(id, get(codes, id)));
                double bound = bound(n, definitions, made, codeTypes, id, type.quant());
                check(n, (Value.Floats) expected, (Value.Floats) found, type.quant(), bound);
                fake.put(n.id(), found);
            }
        }

        private static void check(Node n, Value.Floats expected, Value.Floats found, Quant q, double bound) {
            for (int i = 0; i < expected.data().length; i++) {
                double off = Math.abs((double) expected.data()[i] - found.data()[i])
                        / q.perTensor().scale();
                if (!(off <= bound + 0.01)) {
                    fail(
                            "%s: element %d is %s, expected %s: off by %.3f codes of %s, bound %.3f",
                            n.id(), i, found.data()[i], expected.data()[i], off, q, bound);
                }
            }
        }

        /** How many codes an operation may be off. */
        private double bound(
                Node point,
                Map<ValueId, Node> definitions,
                Map<ValueId, Node> made,
                Map<ValueId, Type> codeTypes,
                ValueId id,
                Quant q) {
            Node root = definitions.get(point.operand(0));
            while (root != null && Role.of(root) == Role.CLAMP && !root.intent().keepFloat()) {
                root = definitions.get(root.operand(0));
            }
            Node integer = made.get(id);
            if (root == null
                    || integer == null
                    || root.op() instanceof DataOp.Constant
                    || root.intent().keepFloat()) {
                return 0;
            }
            return switch (root.op()) {
                case FloatOp.Conv2d _, FloatOp.Dense _, FloatOp.MatMul _, FloatOp.Mean _ ->
                    1 + rescaled(integer, made, root, q);
                case FloatOp.Binary b ->
                    b.fn() == FloatOp.Binary.Fn.MUL ? 1 + rescaled(integer, made, root, q) : 1 + added(integer);
                case FloatOp.Softmax _, FloatOp.AvgPool _ -> 1;
                case FloatOp.Unary u ->
                    integer.op() instanceof IntOp.InterpolatedTable
                            ? Codes.interpolationBound(
                                    u.fn(), get(codeTypes, integer.operand(0)).quant(), q)
                            : 0;
                case DataOp _, QuantOp _ -> 1;
                case FloatOp.BatchNorm _, FloatOp.Recurrent _, NumOp _, IntOp _, TrainOp _ -> 0;
            };
        }

        /** A bias is rounded to the accumulator's scale; a 16-bit multiplier is off by up to 2^-15. */
        private double rescaled(Node integer, Map<ValueId, Node> made, Node root, Quant q) {
            Node acc = made.get(integer.operand(0));
            if (acc == null) {
                return 0;
            }
            boolean wide = acc.type().element().equals(Element.INT64)
                    && policy.rounding().fixedPoint();
            int zero = q.perTensor().zero();
            double extra = wide ? Math.max(Math.abs(q.lo() - zero), Math.abs(q.hi() - zero)) * 0x1p-15 : 0;
            if (root.operands().size() > 2) {
                double most = 0;
                for (var s : ((IntOp.Requantize) integer.op()).rescale().scales()) {
                    most = Math.max(most, real(s));
                }
                extra += most / 2;
            }
            return extra;
        }

        /** Each scaled operand is rounded to 2^-leftShift of the common scale. */
        private static double added(Node integer) {
            if (!(integer.op() instanceof IntOp.Add a) || !a.rounding().fixedPoint()) {
                return 0;
            }
            return 3 * real(a.scales().get(2));
        }

        private static double real(Rescale.Scale s) {
            return switch (s) {
                case Rescale.Scale.Fixed f -> Math.scalb((double) f.multiplier(), f.shift() - 31);
                case Rescale.Scale.Real r -> r.factor();
            };
        }

        private Value evaluate(Node n, Map<ValueId, Type> types, Map<ValueId, Value> values) {
            List<Graph.Param> params = new ArrayList<>();
            Map<String, Value> in = new HashMap<>();
            for (ValueId o : n.operands()) {
                if (in.put(o.name(), get(values, o)) == null) {
                    params.add(new Graph.Param(o, get(types, o), null, Span.NONE));
                }
            }
            Graph one = new Graph("one", params, List.of(n), List.of(new Graph.Result("y", n.id())), policy, null);
            return get(Interpreter.run(one, in), "y");
        }

        private static <K, V> V get(Map<K, V> map, K key) {
            return requireNonNull(map.get(key), () -> "no " + key);
        }
    }

    @Test
    void contractsAreAllCovered() {
        List<Rounding> seen = new ArrayList<>();
        for (long seed = 0; seed < 50; seed++) {
            seen.add(requireNonNull(RandomGraphs.of(seed).policy()).rounding());
        }
        assertThat(seen).contains(Rounding.values());
    }
}

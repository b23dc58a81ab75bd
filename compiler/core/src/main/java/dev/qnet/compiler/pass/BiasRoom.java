package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.DataOp;
import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.ir.ValueId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Coarsens weight scales until biases fit an i32 of scale s_x·s_w with room for the products. Folded batch norms leave
 * channels whose weights are nearly 0 but whose bias is not; their weights then cost nothing when rounded more coarsely
 * (TFLite's quantizer adjusts such scales in the same way).
 */
final class BiasRoom {
    /** A bias takes at most half of an i32's magnitudes. */
    private static final double MAX_BIAS = 1 << 30;

    private final Graph graph;
    private final Map<ValueId, Node> definitions;
    private final Map<ValueId, Quant> grids = new HashMap<>();
    /** The least scale of each channel, for the weights that need it. */
    private final Map<ValueId, double[]> least = new HashMap<>();

    BiasRoom(Graph graph) {
        this.graph = graph;
        this.definitions = graph.definitions();
    }

    Graph run() {
        for (Node n : graph.nodes()) {
            Quant q = Grids.of(n, grids);
            if (q != null) {
                grids.put(n.id(), q);
            }
            if (Role.weighted(n.op()) && n.operands().size() > 2) {
                look(n);
            }
        }
        if (least.isEmpty()) {
            return graph;
        }
        List<Node> out = new ArrayList<>();
        for (Node n : graph.nodes()) {
            double[] scales = least.get(n.id());
            if (scales != null && n.op() instanceof QuantOp.FakeQuant f && f.chosen() != null) {
                Quant q = f.chosen().withScheme(widen(f.chosen().scheme(), scales));
                out.add(n.withOp(new QuantOp.FakeQuant(f.spec(), f.rounding(), q)));
            } else {
                out.add(n);
            }
        }
        return graph.withNodes(out);
    }

    private void look(Node n) {
        Quant x = grids.get(n.operand(0));
        Quant w = freeWeights(n.operand(1));
        float[] bias = singles(n.operand(2));
        if (x == null || w == null || bias == null) {
            return;
        }
        double[] needed = new double[bias.length];
        boolean any = false;
        for (int c = 0; c < bias.length; c++) {
            needed[c] = Math.abs(bias[c]) / (x.perTensor().scale() * MAX_BIAS);
            any |= needed[c] > w.scheme().channelScale(c) && Double.isFinite(needed[c]);
        }
        if (any) {
            least.merge(n.operand(1), needed, (a, b) -> {
                double[] both = new double[a.length];
                for (int c = 0; c < a.length; c++) {
                    both[c] = Math.max(a[c], b[c]);
                }
                return both;
            });
        }
    }

    /** The parameters of weights whose scales the source leaves to the compiler, or null. */
    private @Nullable Quant freeWeights(ValueId v) {
        Node n = definitions.get(v);
        if (n == null
                || !(n.op() instanceof QuantOp.FakeQuant f)
                || Constants.behind(n.operand(0), definitions) == null) {
            return null;
        }
        RangeMethod range = f.spec().range();
        return range instanceof RangeMethod.Fixed || range instanceof RangeMethod.Given ? null : f.chosen();
    }

    private float @Nullable [] singles(ValueId v) {
        Node n = definitions.get(v);
        return n != null && n.op() instanceof DataOp.Constant(Tensor.OfFloat f) ? f.values() : null;
    }

    private static Scheme widen(Scheme scheme, double[] least) {
        return switch (scheme) {
            case Scheme.PerTensor t -> {
                float s = t.scale();
                for (double l : least) {
                    s = Math.max(s, (float) l);
                }
                yield new Scheme.PerTensor(s, t.zero());
            }
            case Scheme.PerAxis a -> {
                List<Float> scales = new ArrayList<>();
                for (int c = 0; c < a.scales().size(); c++) {
                    scales.add(Math.max(a.scales().get(c), (float) least[c]));
                }
                yield new Scheme.PerAxis(a.axis(), scales, a.zeros());
            }
            case Scheme.PerGroup g -> {
                List<Float> scales = new ArrayList<>();
                List<Integer> multipliers = new ArrayList<>();
                for (int c = 0; c < g.scales().size(); c++) {
                    float s = g.scales().get(c);
                    float wider = Math.max(s, (float) least[c]);
                    scales.add(wider);
                    for (int k = 0; k < g.groups(); k++) {
                        int m = g.multipliers().get(c * g.groups() + k);
                        multipliers.add(wider > s ? Math.max(1, (int) Math.ceil((double) m * s / wider)) : m);
                    }
                }
                yield new Scheme.PerGroup(g.size(), scales, multipliers);
            }
        };
    }
}

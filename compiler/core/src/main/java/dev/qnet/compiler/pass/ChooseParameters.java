package dev.qnet.compiler.pass;

import dev.qnet.compiler.ir.Graph;
import dev.qnet.compiler.ir.Node;
import dev.qnet.compiler.ir.Quant;
import dev.qnet.compiler.ir.QuantOp;
import dev.qnet.compiler.ir.Rounding;
import dev.qnet.compiler.ir.Scheme;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.ValueId;
import dev.qnet.compiler.quant.Calibration;
import dev.qnet.compiler.quant.Codes;
import dev.qnet.compiler.quant.Parameters;
import dev.qnet.compiler.quant.RangeException;
import dev.qnet.compiler.source.Diagnostics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Decides each fake quantization: from a range or parameters in the source, from calibration, or, behind an operation that
 * stays on its operand's grid, as that. Dynamic ones stay undecided.
 */
public final class ChooseParameters implements Pass {
    public static final String NAME = "choose-parameters";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public List<String> after() {
        return List.of(InsertFakeQuant.NAME);
    }

    @Override
    public Graph run(Graph graph, PassContext context) {
        Spec.Policy policy = graph.policy();
        if (policy == null) {
            return graph;
        }
        return new Choice(graph, policy.rounding(), context.diagnostics(), context.calibration()).run();
    }

    /** Promises that whatever is undecided is dynamic. */
    @Override
    public void check(Graph graph) {
        for (Node n : graph.nodes()) {
            if (n.op() instanceof QuantOp.FakeQuant f
                    && f.chosen() == null
                    && !f.spec().dynamic()) {
                throw new IllegalStateException(n.id() + " is undecided after " + NAME);
            }
        }
    }

    private static final class Choice {
        private final Graph graph;
        private final Rounding rounding;
        private final Diagnostics diagnostics;
        private final Calibration calibration;
        private final Map<ValueId, Node> definitions;
        private final Map<ValueId, Quant> grids = new HashMap<>();
        private final List<Node> missing = new ArrayList<>();

        Choice(Graph graph, Rounding rounding, Diagnostics diagnostics, Calibration calibration) {
            this.graph = graph;
            this.rounding = rounding;
            this.diagnostics = diagnostics;
            this.calibration = calibration;
            this.definitions = graph.definitions();
        }

        Graph run() {
            List<Node> out = new ArrayList<>();
            for (Node n : graph.nodes()) {
                Node m = n;
                if (n.op() instanceof QuantOp.FakeQuant f) {
                    Quant q = f.chosen() != null || f.spec().dynamic() ? f.chosen() : choose(n, f.spec());
                    if (q != null) {
                        grids.put(n.id(), q);
                        m = n.withOp(new QuantOp.FakeQuant(stepped(n, f.spec()), f.rounding(), q));
                    }
                } else if (Role.of(n) == Role.DATA || Role.of(n) == Role.CLAMP) {
                    Quant q = grids.get(n.operand(0));
                    if (q != null) {
                        grids.put(n.id(), q);
                    }
                }
                out.add(m);
            }
            if (!missing.isEmpty()) {
                diagnostics.add(QuantDiagnostics.uncalibrated(graph, missing));
            }
            return graph.withNodes(out);
        }

        /** With the staircase that calibration has for a value; without any where codes are there already, which are to stay. */
        private Spec stepped(Node point, Spec spec) {
            if (keptGrid(point) != null) {
                return spec.range() instanceof RangeMethod.Given g && g.steps() != null
                        ? spec.withRange(new RangeMethod.Given(g.scales(), g.zeros()))
                        : spec;
            }
            boolean own = spec.range() instanceof RangeMethod.Fixed || spec.range() instanceof RangeMethod.Given;
            return !own
                            && calibration.values().get(point.operand(0)) instanceof RangeMethod.Given g
                            && g.steps() != null
                    ? spec.withRange(g)
                    : spec;
        }

        /** The grid that a point's operand stays on, or null if it begins one. */
        private @Nullable Quant keptGrid(Node point) {
            Node def = definitions.get(point.operand(0));
            return def != null && Grids.keeps(def) ? grids.get(def.operand(0)) : null;
        }

        private @Nullable Quant choose(Node point, Spec spec) {
            ValueId x = point.operand(0);
            Node def = definitions.get(x);
            Quant kept = keptGrid(point);
            if (kept != null) {
                return kept;
            }
            RangeMethod known = calibration.values().get(x);
            RangeMethod range = spec.range() instanceof RangeMethod.Fixed || spec.range() instanceof RangeMethod.Given
                    ? spec.range()
                    : known;
            String what = "the value " + QuantDiagnostics.name(x);
            try {
                Quant q = switch (range) {
                    case RangeMethod.Fixed f -> Parameters.choose(f.lo(), f.hi(), spec);
                    case RangeMethod.Given g -> Parameters.given(g, spec, 1, 0);
                    case null -> bounded(def, spec);
                    case RangeMethod.MinMax _,
                            RangeMethod.MovingAverage _,
                            RangeMethod.Percentile _,
                            RangeMethod.Mse _,
                            RangeMethod.Entropy _ -> bounded(def, spec);
                };
                if (q == null) {
                    missing.add(point);
                } else if (known instanceof RangeMethod.Fixed observed) {
                    compare(point, what, observed, spec, q);
                }
                return q;
            } catch (RangeException e) {
                diagnostics.add(QuantDiagnostics.badParameters(point.span(), what, e));
                return null;
            }
        }

        /** What an operation's own bounds give where nothing was observed, or null. */
        private static @Nullable Quant bounded(@Nullable Node def, Spec spec) {
            float[] bounds = def == null ? null : Bounds.of(def.op());
            return bounds == null ? null : Parameters.choose(bounds[0], bounds[1], spec);
        }

        /** Warns where the parameters do not suit what was observed. */
        private void compare(Node point, String what, RangeMethod.Fixed observed, Spec spec, Quant q) {
            if (spec.symmetric() && !spec.storage().signed() && observed.lo() < 0) {
                diagnostics.add(QuantDiagnostics.negativeClipped(point.span(), what, observed.lo(), spec));
            }
            if (q.scheme() instanceof Scheme.PerTensor p && q.storage().bits() >= 4) {
                int lo = Codes.quantize(Math.min(0, observed.lo()), p.scale(), p.zero(), q, rounding);
                int hi = Codes.quantize(Math.max(0, observed.hi()), p.scale(), p.zero(), q, rounding);
                if (observed.hi() > observed.lo() && ((long) hi - lo + 1) * 4 < (long) q.hi() - q.lo() + 1) {
                    diagnostics.add(QuantDiagnostics.unusedCodes(point.span(), what, lo, hi, q));
                }
            }
        }
    }
}

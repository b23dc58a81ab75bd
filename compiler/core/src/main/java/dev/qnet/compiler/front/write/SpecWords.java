package dev.qnet.compiler.front.write;

import dev.qnet.compiler.front.ast.Expr;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import java.util.ArrayList;
import java.util.List;

/** Specs as words of quantization, nothing left to what holds around. */
final class SpecWords {
    private SpecWords() {}

    /** The words of a spec that a scheme begins with; of activations also whether scales are dynamic. */
    static List<Item> of(Spec spec, boolean activations) {
        return of(spec, activations, false);
    }

    /**
     * As {@link #of(Spec, boolean)}.
     *
     * @param explicit whether it is said where nothing is learned
     */
    static List<Item> of(Spec spec, boolean activations, boolean explicit) {
        List<Item> items = new ArrayList<>();
        items.add(Tree.item(spec.storage().toString()));
        items.add(Tree.item(spec.symmetric() ? "symmetric" : "asymmetric"));
        items.add(Tree.item(spec.narrow() ? "narrow" : "full"));
        switch (spec.granularity()) {
            case Spec.Granularity.PerTensor _ -> items.add(Tree.item("per_tensor"));
            case Spec.Granularity.PerChannel c ->
                items.add(
                        c.axis() == 0
                                ? Tree.item("per_channel")
                                : Tree.item("per_channel", Tree.number((long) c.axis())));
            case Spec.Granularity.PerGroup g -> items.add(Tree.item("per_group", Tree.number((long) g.size())));
        }
        if (activations) {
            items.add(Tree.item(spec.dynamic() ? "dynamic" : "static"));
        }
        if (!spec.dynamic()) {
            items.addAll(range(spec.range()));
        }
        if (spec.quantizer() != null) {
            if (spec.quantizer() instanceof Quantizer.Codebook) {
                // It says the storage and the symmetry too.
                items.subList(0, 3).clear();
            }
            items.add(learned(spec.quantizer()));
        } else if (explicit) {
            items.add(Tree.item("ste"));
        }
        return items;
    }

    private static Item learned(Quantizer q) {
        return switch (q) {
            case Quantizer.Affine _, Quantizer.Ternary _, Quantizer.Bipolar _ -> Tree.item("ste");
            case Quantizer.Pact p -> Tree.item("pact", Tree.number(p.alpha()), Tree.number(p.decay()));
            case Quantizer.Lsq _ -> Tree.item("lsq");
            case Quantizer.LsqPlus _ -> Tree.item("lsq_plus");
            case Quantizer.Qil _ -> Tree.item("qil");
            case Quantizer.Qn n ->
                n.levels().isEmpty()
                        ? Tree.item("qn", Tree.range((long) n.from(), (long) n.to()))
                        : Tree.item("qn", Tree.range((long) n.from(), (long) n.to()), Tree.ints(n.levels()));
            case Quantizer.Codebook c ->
                Tree.item("codebook", Tree.number((long) c.entries()), Tree.number(c.commitment()));
        };
    }

    /** How a range is found, or what was measured. */
    static List<Item> range(Spec.RangeMethod range) {
        return switch (range) {
            case Spec.RangeMethod.MinMax _ -> List.of(Tree.item("range", Tree.ref("minmax")));
            case Spec.RangeMethod.MovingAverage m ->
                List.of(Tree.item("range", Tree.expr(Tree.item("moving_average", Tree.number(m.momentum())))));
            case Spec.RangeMethod.Percentile p ->
                List.of(Tree.item("range", Tree.expr(Tree.item("percentile", Tree.number(p.percent())))));
            case Spec.RangeMethod.Mse _ -> List.of(Tree.item("range", Tree.ref("mse")));
            case Spec.RangeMethod.Entropy _ -> List.of(Tree.item("range", Tree.ref("entropy")));
            case Spec.RangeMethod.Fixed f -> List.of(Tree.item("range", Tree.number(f.lo()), Tree.number(f.hi())));
            case Spec.RangeMethod.Given g -> given(g);
        };
    }

    private static List<Item> given(Spec.RangeMethod.Given g) {
        if (g.scales().size() == 1) {
            List<Item> items = new ArrayList<>();
            items.add(Tree.item("scale", Tree.number(g.scales().getFirst())));
            items.add(Tree.item("zero", Tree.number((long) g.zeros().getFirst())));
            Spec.Steps steps = g.steps();
            if (steps != null) {
                List<Expr> limits =
                        steps.thresholds().stream().map(Tree::number).toList();
                items.add(Tree.item("thresholds", Tree.list(limits), Tree.ints(steps.levels())));
            }
            return items;
        }
        return List.of(
                Tree.item(
                        "scale", Tree.list(g.scales().stream().map(Tree::number).toList())),
                Tree.item("zero", Tree.ints(g.zeros())));
    }
}

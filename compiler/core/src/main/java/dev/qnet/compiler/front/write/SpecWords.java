package dev.qnet.compiler.front.write;

import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Spec;
import java.util.ArrayList;
import java.util.List;

/** Specs as words of quantization, nothing left to what holds around. */
final class SpecWords {
    private SpecWords() {}

    /** The words of a spec; of activations also whether scales are dynamic. */
    static List<Item> of(Spec spec, boolean activations) {
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
        return items;
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
            return List.of(Tree.item("scale", Tree.number(g.scales().getFirst())), Tree.item("zero", Tree.number((long)
                    g.zeros().getFirst())));
        }
        return List.of(
                Tree.item(
                        "scale", Tree.list(g.scales().stream().map(Tree::number).toList())),
                Tree.item("zero", Tree.ints(g.zeros())));
    }
}

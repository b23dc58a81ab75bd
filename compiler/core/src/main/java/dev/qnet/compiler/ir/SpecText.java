package dev.qnet.compiler.ir;

import static dev.qnet.compiler.ir.Attr.call;
import static dev.qnet.compiler.ir.Attr.of;

import java.util.ArrayList;
import java.util.List;

/** The text form of {@link Spec}: {@code i8(symmetric, narrow, per_channel(0), minmax)}. */
final class SpecText {
    private SpecText() {}

    static Attr encode(Spec s) {
        List<Attr> args = new ArrayList<>();
        args.add(of(s.symmetric() ? "symmetric" : "asymmetric"));
        if (s.narrow()) {
            args.add(of("narrow"));
        }
        args.add(
                switch (s.granularity()) {
                    case Spec.Granularity.PerTensor t -> of("per_tensor");
                    case Spec.Granularity.PerChannel c -> call("per_channel", of(c.axis()));
                    case Spec.Granularity.PerGroup g -> call("per_group", of(g.size()));
                });
        args.add(range(s.range()));
        if (s.dynamic()) {
            args.add(of("dynamic"));
        }
        if (s.quantizer() != null) {
            args.add(call("by", TrainCodec.encode(s.quantizer())));
        }
        return new Attr.Call(s.storage().toString(), args);
    }

    /** {@code minmax}, {@code percentile(99.9)}, {@code fixed(0.0, 6.0)}, {@code given([0.5], [3])}. */
    private static Attr range(Spec.RangeMethod r) {
        return switch (r) {
            case Spec.RangeMethod.MinMax m -> of("minmax");
            case Spec.RangeMethod.MovingAverage m -> call("moving_average", of(m.momentum()));
            case Spec.RangeMethod.Percentile p -> call("percentile", of(p.percent()));
            case Spec.RangeMethod.Mse m -> of("mse");
            case Spec.RangeMethod.Entropy e -> of("entropy");
            case Spec.RangeMethod.Fixed f -> call("fixed", of(f.lo()), of(f.hi()));
            case Spec.RangeMethod.Given g ->
                g.steps() == null
                        ? call("given", floats(g.scales()), Attr.ofInts(g.zeros()))
                        : call(
                                "given",
                                floats(g.scales()),
                                Attr.ofInts(g.zeros()),
                                floats(g.steps().thresholds()),
                                Attr.ofInts(g.steps().levels()));
        };
    }

    private static Attr floats(List<Float> values) {
        return new Attr.Items(values.stream().map(Attr::of).toList());
    }

    private static List<Float> floats(Attr a) {
        return a.items().stream().map(Attr::asFloat).toList();
    }

    static Spec decode(Attr a) {
        Attr.Call c = a.asCall();
        boolean symmetric = false;
        boolean narrow = false;
        boolean dynamic = false;
        Quantizer quantizer = null;
        Spec.Granularity granularity = new Spec.Granularity.PerTensor();
        Spec.RangeMethod range = new Spec.RangeMethod.MinMax();
        for (Attr arg : c.args()) {
            Attr.Call item = arg.asCall();
            List<Attr> args = item.args();
            switch (item.name()) {
                case "symmetric" -> symmetric = true;
                case "asymmetric" -> symmetric = false;
                case "narrow" -> narrow = true;
                case "dynamic" -> dynamic = true;
                case "by" -> quantizer = TrainCodec.decode(args.getFirst());
                case "per_tensor" -> granularity = new Spec.Granularity.PerTensor();
                case "per_channel" ->
                    granularity =
                            new Spec.Granularity.PerChannel(args.getFirst().asInt());
                case "per_group" ->
                    granularity = new Spec.Granularity.PerGroup(args.getFirst().asInt());
                case "minmax" -> range = new Spec.RangeMethod.MinMax();
                case "moving_average" ->
                    range = new Spec.RangeMethod.MovingAverage(
                            args.getFirst().atom().asDouble());
                case "percentile" ->
                    range = new Spec.RangeMethod.Percentile(
                            args.getFirst().atom().asDouble());
                case "mse" -> range = new Spec.RangeMethod.Mse();
                case "entropy" -> range = new Spec.RangeMethod.Entropy();
                case "fixed" ->
                    range = new Spec.RangeMethod.Fixed(
                            args.get(0).asFloat(), args.get(1).asFloat());
                case "given" ->
                    range = new Spec.RangeMethod.Given(
                            floats(args.get(0)),
                            args.get(1).asInts(),
                            args.size() > 2
                                    ? new Spec.Steps(
                                            floats(args.get(2)), args.get(3).asInts())
                                    : null);
                default -> throw new IllegalArgumentException("a spec has no part '" + item.name() + "'");
            }
        }
        return new Spec(OpAttrs.storage(c.name()), symmetric, narrow, granularity, range, dynamic, quantizer);
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
import dev.qnet.compiler.ir.Tensor;
import dev.qnet.compiler.source.Diagnostic;
import dev.qnet.compiler.source.Span;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads words of quantization, such as {@code i8 symmetric narrow per_channel range(mse)}, on top of a spec that they
 * change. What contradicts itself is reported; what is not said stays as it was.
 */
final class Items {
    /** What the words speak of; not every word makes sense of everything. */
    enum Subject {
        WEIGHTS("weights"),
        ACTIVATIONS("activations"),
        CONSTANT("a constant"),
        CALIBRATION("a calibrated value");

        private final String text;

        Subject(String text) {
            this.text = text;
        }
    }

    /** Of weights where nothing else is said. */
    static final Spec WEIGHTS =
            new Spec(Storage.I8, true, true, new Granularity.PerChannel(0), new RangeMethod.MinMax(), false);
    /** Of activations where nothing else is said. */
    static final Spec ACTIVATIONS =
            new Spec(Storage.U8, false, false, new Granularity.PerTensor(), new RangeMethod.MinMax(), false);
    /** Of a constant of codes before its own words. */
    static final Spec CONSTANT =
            new Spec(Storage.I8, false, false, new Granularity.PerTensor(), new RangeMethod.MinMax(), false);

    private static final Map<String, Storage> STORAGES = new LinkedHashMap<>();

    static {
        EnumSet.complementOf(EnumSet.of(Storage.I32)).forEach(s -> STORAGES.put(s.toString(), s));
    }

    private static final List<String> WORDS = List.of(
            "symmetric",
            "asymmetric",
            "narrow",
            "full",
            "per_tensor",
            "per_channel",
            "per_group",
            "range",
            "scale",
            "zero",
            "thresholds",
            "dynamic",
            "static");
    private static final Map<String, String> LATER = Map.of(
            "vq", "write `codebook(16)`",
            "rvq", "write `codebook(16)`");

    private final Frame frame;
    private final Evaluator evaluator;
    private final Subject subject;
    private Spec spec;
    private @Nullable List<Float> scales;
    private @Nullable List<Integer> zeros;
    private Spec.@Nullable Steps steps;
    private Span stepsSpan = Span.NONE;
    private Span zeroSpan = Span.NONE;
    private Span groupSpan = Span.NONE;
    private final Map<String, Item> said = new LinkedHashMap<>();

    private Items(Frame frame, Evaluator evaluator, Subject subject, Spec base) {
        this.frame = frame;
        this.evaluator = evaluator;
        this.subject = subject;
        this.spec = base;
    }

    /**
     * The base, changed as the words say; null if any of them is wrong, which has been reported.
     *
     * @param frame where expressions in the words are evaluated
     */
    static @Nullable Spec read(
            Session session, Frame frame, Evaluator evaluator, Subject subject, Spec base, List<Item> items) {
        Items reader = new Items(frame, evaluator, subject, base);
        boolean ok = true;
        for (Item item : items) {
            try {
                reader.item(item);
            } catch (Rejected e) {
                session.report(frame, e);
                ok = false;
            }
        }
        if (!ok) {
            return null;
        }
        try {
            return reader.finish(items);
        } catch (Rejected e) {
            session.report(frame, e);
            return null;
        }
    }

    /** Every word, storages first. */
    static List<String> words() {
        return Stream.of(STORAGES.keySet(), WORDS, LearnedWords.WORDS)
                .flatMap(Collection::stream)
                .toList();
    }

    /** A storage by name, or null. */
    static @Nullable Storage storage(String name) {
        return STORAGES.get(name);
    }

    private void item(Item item) {
        String word = item.name().text();
        Storage storage = STORAGES.get(word);
        if (storage != null) {
            once(item, "storage");
            arguments(item, 0, 0);
            spec = withStorage(spec, storage);
            if (spec.quantizer() instanceof Quantizer.Codebook) {
                spec = spec.withQuantizer(null);
            }
            return;
        }
        switch (word) {
            case "symmetric", "asymmetric" -> {
                once(item, "symmetry");
                arguments(item, 0, 0);
                spec = withSymmetric(spec, word.equals("symmetric"));
            }
            case "narrow", "full" -> {
                once(item, "code range");
                arguments(item, 0, 0);
                spec = withNarrow(spec, word.equals("narrow"));
            }
            case "dynamic", "static" -> {
                once(item, "time");
                arguments(item, 0, 0);
                if (subject != Subject.ACTIVATIONS) {
                    throw senseless(item, "only activations can have scales that are computed at run time");
                }
                spec = withDynamic(spec, word.equals("dynamic"));
            }
            case "per_tensor" -> {
                once(item, "granularity");
                arguments(item, 0, 0);
                spec = withGranularity(spec, new Granularity.PerTensor());
            }
            case "per_channel" -> {
                channelled(item);
                List<Value> values = arguments(item, 0, 1);
                int axis = values.isEmpty() ? 0 : integer(item, 0, values.getFirst(), 0, 7, "axis");
                if (axis != 0 && subject == Subject.WEIGHTS) {
                    throw new Rejected(Diagnostic.error(
                                    "axis",
                                    item.span(),
                                    "weights have a scale for each output channel, which is axis 0")
                            .withNote("a sum that runs over axis " + axis + " could not be scaled afterwards")
                            .withFix("write `per_channel`"));
                }
                spec = withGranularity(spec, new Granularity.PerChannel(axis));
            }
            case "per_group" -> {
                channelled(item);
                List<Value> values = arguments(item, 1, 1);
                groupSpan = item.span();
                spec = withGranularity(
                        spec, new Granularity.PerGroup(integer(item, 0, values.getFirst(), 1, 1 << 20, "group size")));
            }
            case "range" -> {
                once(item, "range");
                spec = spec.withRange(range(item));
            }
            case "scale" -> {
                once(item, "range");
                scales = numbers(item, arguments(item, 1, 1).getFirst());
            }
            case "zero" -> {
                once(item, "zero point");
                zeroSpan = item.span();
                zeros = codes(item, arguments(item, 1, 1).getFirst());
            }
            case "thresholds" -> {
                once(item, "thresholds");
                if (subject != Subject.ACTIVATIONS && subject != Subject.CALIBRATION) {
                    throw senseless(item, "what is known before it runs is written as codes");
                }
                List<Value> values = arguments(item, 2, 2);
                stepsSpan = item.span();
                List<Float> limits = new ArrayList<>();
                for (Value v : elements(values.get(0))) {
                    limits.add(number(item, 0, v));
                }
                List<Integer> levels = ints(item, 1, values.get(1), -(1 << 20), 1 << 20, "level");
                try {
                    steps = new Spec.Steps(limits, levels);
                } catch (IllegalArgumentException e) {
                    throw new Rejected(Diagnostic.error("argument-range", item.span(), String.valueOf(e.getMessage()))
                            .withFix("write thresholds([0.5, 1.5], [0, 1, 2])"));
                }
            }
            default -> {
                if (!LearnedWords.WORDS.contains(word)) {
                    throw unknown(item);
                }
                learned(item);
            }
        }
    }

    private void learned(Item item) {
        once(item, "quantizer that is learned");
        Quantizer quantizer = LearnedWords.read(item, subject, evaluator, frame);
        if (quantizer instanceof Quantizer.Codebook) {
            once(item, "storage");
            spec = withNarrow(withSymmetric(withStorage(spec, Storage.I8), true), true);
        }
        spec = spec.withQuantizer(quantizer);
    }

    private Rejected unknown(Item item) {
        String word = item.name().text();
        String instead = LATER.get(word);
        if (instead != null) {
            return new Rejected(Diagnostic.error(
                            "not-available",
                            item.span(),
                            "the quantizer '" + word + "' is not available in this version")
                    .withNote("available are " + String.join(", ", words()))
                    .withFix(instead));
        }
        return new Rejected(Session.suggest(
                Diagnostic.error("unknown-item", item.name().span(), "'" + word + "' is no word of quantization")
                        .withNote("the words are " + String.join(", ", words())),
                word,
                words(),
                null));
    }

    /** Says of one thing one thing only. */
    private void once(Item item, String what) {
        Item before = said.putIfAbsent(what, item);
        if (before != null) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            item.span(),
                            "'" + item.name() + "' contradicts or repeats '" + before.name() + "': both say the "
                                    + what)
                    .withNote(before.span(), "'" + before.name() + "' stands here")
                    .withFix("keep one of them"));
        }
    }

    private void channelled(Item item) {
        once(item, "granularity");
        if (subject == Subject.ACTIVATIONS) {
            throw senseless(
                    item,
                    "activations have one scale a tensor: sums over their channels could not be scaled afterwards");
        }
    }

    private Rejected senseless(Item item, String why) {
        return new Rejected(Diagnostic.error(
                        "item-subject", item.span(), "'" + item.name() + "' makes no sense for " + subject.text)
                .withNote(why)
                .withFix("remove it"));
    }

    private RangeMethod range(Item item) {
        if (subject == Subject.CONSTANT) {
            throw senseless(
                    item, "the codes are given, so their meaning must be: scale(S), and zero(Z) if it is not 0");
        }
        if (item.arguments().size() == 2) {
            List<Value> values = arguments(item, 2, 2);
            float lo = number(item, 0, values.get(0));
            float hi = number(item, 1, values.get(1));
            if (!(lo < hi)) {
                throw new Rejected(Diagnostic.error(
                                "argument-range",
                                item.span(),
                                "a range runs from a lower to a higher number, found " + lo + " to " + hi)
                        .withFix("write range(" + Math.min(lo, hi) + ", " + (lo == hi ? lo + 1 : Math.max(lo, hi))
                                + ")"));
            }
            return new RangeMethod.Fixed(lo, hi);
        }
        if (item.arguments().size() != 1) {
            throw ranges(item);
        }
        Item method = Item.from(item.arguments().getFirst().value()).orElseThrow(() -> ranges(item));
        if (subject == Subject.CALIBRATION) {
            throw new Rejected(Diagnostic.error(
                    "item-subject", method.span(), "calibration says what was measured: range(LO, HI)"));
        }
        return switch (method.name().text()) {
            case "minmax" -> {
                arguments(method, 0, 0);
                yield new RangeMethod.MinMax();
            }
            case "mse" -> {
                arguments(method, 0, 0);
                yield new RangeMethod.Mse();
            }
            case "entropy" -> {
                arguments(method, 0, 0);
                yield new RangeMethod.Entropy();
            }
            case "percentile" -> {
                double p = number(method, 0, arguments(method, 1, 1).getFirst(), 99.99);
                if (!(p > 50 && p <= 100)) {
                    throw new Rejected(Diagnostic.error(
                                    "argument-range",
                                    method.span(),
                                    "a percentile is above 50 and at most 100, found " + p)
                            .withFix("write percentile(99.99)"));
                }
                yield new RangeMethod.Percentile(p);
            }
            case "moving_average" -> {
                List<Value> values = arguments(method, 0, 1);
                double m = values.isEmpty() ? 0.9 : number(method, 0, values.getFirst(), 0.9);
                if (!(m > 0 && m < 1)) {
                    throw new Rejected(Diagnostic.error(
                                    "argument-range", method.span(), "a momentum lies between 0 and 1, found " + m)
                            .withFix("write moving_average(0.9)"));
                }
                yield new RangeMethod.MovingAverage(m);
            }
            default ->
                throw new Rejected(Session.suggest(
                        Diagnostic.error(
                                        "unknown-item",
                                        method.name().span(),
                                        "'" + method.name() + "' is no way to find a range")
                                .withNote("the ways are " + String.join(", ", METHODS)),
                        method.name().text(),
                        List.of("minmax", "moving_average", "percentile", "mse", "entropy"),
                        null));
        };
    }

    private static final List<String> METHODS =
            List.of("minmax", "moving_average(M)", "percentile(P)", "mse", "entropy", "LO, HI");

    private static Rejected ranges(Item item) {
        return new Rejected(
                Diagnostic.error("argument-type", item.span(), "'range' takes a way to find it, or two numbers")
                        .withNote("the ways are " + String.join(", ", METHODS)));
    }

    // ---- the whole

    private Spec finish(List<Item> items) {
        Span at = items.isEmpty()
                ? Span.NONE
                : items.getFirst().span().to(items.getLast().span());
        if (zeros != null && scales == null) {
            throw new Rejected(Diagnostic.error("conflicting-items", zeroSpan, "'zero' without 'scale' means nothing")
                    .withFix("add `scale(S)`"));
        }
        if (steps != null && (scales == null || scales.size() != 1)) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items", stepsSpan, "'thresholds' need the one 'scale' that their codes have")
                    .withFix("add `scale(S)`"));
        }
        if (scales != null) {
            given(scales, at);
        }
        Storage storage = spec.storage();
        if (spec.granularity() instanceof Granularity.PerGroup && !spec.symmetric() && subject != Subject.CONSTANT) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            groupSpan.isNone() ? at : groupSpan,
                            "groups of weights share their channel's zero point, so they must be symmetric")
                    .withFix("write `symmetric per_group(…)`"));
        }
        if ((storage == Storage.BIPOLAR || storage == Storage.TERNARY) && !spec.symmetric()) {
            Item symmetry = said.get("symmetry");
            if (symmetry != null) {
                throw new Rejected(Diagnostic.error(
                                "conflicting-items", symmetry.span(), storage + " codes are symmetric by nature")
                        .withFix("write `symmetric`"));
            }
            spec = withSymmetric(spec, true);
        }
        learnable(at);
        if (spec.dynamic()) {
            if (said.get("range") != null && !(spec.range() instanceof RangeMethod.MinMax)) {
                throw new Rejected(Diagnostic.error(
                                "conflicting-items",
                                at,
                                "a dynamic scale follows each input's smallest and largest value, so it takes no range")
                        .withFix("remove `range` or `dynamic`"));
            }
            spec = spec.withRange(new RangeMethod.MinMax());
        }
        return spec;
    }

    private void given(List<Float> s, Span at) {
        List<Integer> z = zeros == null ? s.stream().map(x -> 0).toList() : zeros;
        if (z.size() != s.size()) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items",
                            zeroSpan,
                            "'zero' gives " + Messages.plural(z.size(), "number") + " and 'scale' gives " + s.size())
                    .withFix("give as many of each"));
        }
        boolean grouped = subject == Subject.CONSTANT && spec.granularity() instanceof Granularity.PerGroup;
        if (s.size() > 1 && !grouped && !(spec.granularity() instanceof Granularity.PerChannel)) {
            throw new Rejected(Diagnostic.error(
                            "conflicting-items", at, s.size() + " scales need one channel each, and this is one tensor")
                    .withFix("write `per_channel`, or one scale"));
        }
        Storage storage = spec.storage();
        for (int zero : z) {
            if (subject != Subject.CALIBRATION && (zero < storage.min() || zero > storage.max())) {
                throw new Rejected(Diagnostic.error(
                                "zero-point-range", zeroSpan, "the zero point " + zero + " is no code of " + storage)
                        .withNote("codes of " + storage + " run from " + storage.min() + " to " + storage.max())
                        .withFix("give a zero point between them"));
            }
            Item symmetry = said.get("symmetry");
            if (zero != 0 && spec.symmetric()) {
                if (symmetry != null) {
                    throw new Rejected(Diagnostic.error(
                                    "conflicting-items",
                                    zeroSpan,
                                    "symmetric quantization has the zero point 0, found " + zero)
                            .withFix("write `asymmetric`, or zero(0)"));
                }
                spec = withSymmetric(spec, false);
            }
        }
        if (steps != null && subject != Subject.CALIBRATION) {
            levels(steps, storage);
        }
        spec = spec.withRange(new RangeMethod.Given(s, z, steps));
    }

    private void levels(Spec.Steps given, Storage storage) {
        if (given.levels().getFirst() < spec.lo() || given.levels().getLast() > spec.hi()) {
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            stepsSpan,
                            "the levels are " + given.levels() + ", and " + storage + " has codes from " + spec.lo()
                                    + " to " + spec.hi())
                    .withFix("give levels between them, or another storage"));
        }
    }

    /** What is learned must have a form of codes: none of these has one together. */
    private void learnable(Span at) {
        Item word = said.get("quantizer that is learned");
        boolean ofItsOwn = spec.storage() == Storage.BIPOLAR || spec.storage() == Storage.TERNARY;
        if (word == null && (ofItsOwn || spec.granularity() instanceof Granularity.PerGroup || spec.dynamic())) {
            // What is said here has no room for what was said around.
            spec = spec.withQuantizer(null);
        }
        if (spec.quantizer() == null) {
            return;
        }
        Span place = word == null ? at : word.span();
        String why = spec.granularity() instanceof Granularity.PerGroup
                ? "groups of weights have no scales that are learned: write `per_channel`"
                : spec.dynamic()
                        ? "a scale that is computed at run time cannot be learned: write `static`"
                        : ofItsOwn
                                ? spec.storage() + " codes have a rule of their own: drop the word, or write `i2`"
                                : null;
        if (why != null) {
            throw new Rejected(Diagnostic.error("conflicting-items", place, why));
        }
        if (spec.quantizer() instanceof Quantizer.Qn n
                && !n.levels().isEmpty()
                && (n.levels().getFirst() < spec.lo() || n.levels().getLast() > spec.hi())) {
            if (word == null && settled(spec.range())) {
                // Nothing is left to be learned of it, and the levels were meant for others.
                spec = spec.withQuantizer(null);
                return;
            }
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            place,
                            "the levels are " + n.levels() + ", and " + spec.storage() + " has codes from " + spec.lo()
                                    + " to " + spec.hi())
                    .withFix("give levels between them, or another storage"));
        }
        if (subject == Subject.WEIGHTS && !spec.symmetric()) {
            throw new Rejected(
                    Diagnostic.error("conflicting-items", place, "weights that are learned have zero point 0")
                            .withFix("write `symmetric`"));
        }
    }

    private static boolean settled(RangeMethod range) {
        return range instanceof RangeMethod.Fixed || range instanceof RangeMethod.Given;
    }

    // ---- arguments

    private List<Value> arguments(Item item, int min, int max) {
        List<Argument> given = item.arguments();
        if (given.size() < min || given.size() > max) {
            throw new Rejected(Diagnostic.error(
                    "argument-type",
                    item.span(),
                    "'" + item.name() + "' takes " + (max == 0 ? "no argument" : Messages.plural(max, "argument"))
                            + (min < max ? " at most" : "") + ", found " + given.size()));
        }
        List<Value> values = new ArrayList<>();
        for (Argument a : given) {
            Value v = evaluator.eval(a.value(), frame);
            if (v instanceof Value.Failed) {
                throw Rejected.silently();
            }
            values.add(v);
        }
        return values;
    }

    private static Rejected type(Item item, int at, String expected, Value found) {
        return new Rejected(Diagnostic.error(
                "argument-type",
                item.arguments().get(at).value().span(),
                "'" + item.name() + "' takes " + expected + ", found " + found.describe()));
    }

    static int integer(Item item, int at, Value v, int min, int max, String what) {
        if (!(v instanceof Value.Int i)) {
            throw type(item, at, "an int", v);
        }
        if (i.value() < min || i.value() > max) {
            throw new Rejected(Diagnostic.error(
                    "argument-range",
                    item.arguments().get(at).value().span(),
                    "the " + what + " of '" + item.name() + "' lies between " + min + " and " + max + ", found "
                            + i.value()));
        }
        return (int) i.value();
    }

    private static double number(Item item, int at, Value v, double like) {
        return switch (v) {
            case Value.Int i -> i.value();
            case Value.Real r -> r.value();
            case Value.Bool _,
                    Value.Text _,
                    Value.Batch _,
                    Value.Range _,
                    Value.ListOf _,
                    Value.Tuple _,
                    Value.Constant _,
                    Value.Computed _,
                    Value.Failed _ -> throw type(item, at, "a number such as " + like, v);
        };
    }

    private static float number(Item item, int at, Value v) {
        return ConstTensors.single(
                number(item, at, v, 1.0), item.arguments().get(at).value().span());
    }

    /** One number, a list of them, or a tensor of one dimension. */
    private static List<Value> elements(Value v) {
        if (v instanceof Value.Constant c
                && c.tensor().value() instanceof Tensor.OfFloat f
                && f.shape().rank() == 1) {
            List<Value> all = new ArrayList<>(f.values().length);
            for (float x : f.values()) {
                all.add(x == Math.rint(x) && Math.abs(x) < 1 << 24 ? new Value.Int((long) x) : new Value.Real(x));
            }
            return all;
        }
        return v instanceof Value.ListOf l ? l.elements() : List.of(v);
    }

    /** The ints of a list. */
    static List<Integer> ints(Item item, int at, Value v, int min, int max, String what) {
        List<Integer> all = new ArrayList<>();
        for (Value e : elements(v)) {
            all.add(integer(item, at, e, min, max, what));
        }
        return all;
    }

    private static List<Float> numbers(Item item, Value v) {
        List<Float> all = new ArrayList<>();
        for (Value e : elements(v)) {
            float s = number(item, 0, e);
            if (!(s > 0) || Float.isInfinite(s)) {
                throw new Rejected(Diagnostic.error(
                        "argument-range",
                        item.arguments().getFirst().value().span(),
                        "a scale is above zero (and not smaller than the smallest f32), found " + s));
            }
            all.add(s);
        }
        if (all.isEmpty()) {
            throw type(item, 0, "one number or more", v);
        }
        return all;
    }

    private static List<Integer> codes(Item item, Value v) {
        List<Integer> all = new ArrayList<>();
        for (Value e : elements(v)) {
            all.add(integer(item, 0, e, -(1 << 20), 1 << 20, "zero point"));
        }
        return all;
    }

    // ---- changed copies

    private static Spec withStorage(Spec s, Storage storage) {
        return new Spec(storage, s.symmetric(), s.narrow(), s.granularity(), s.range(), s.dynamic(), s.quantizer());
    }

    private static Spec withSymmetric(Spec s, boolean symmetric) {
        return new Spec(s.storage(), symmetric, s.narrow(), s.granularity(), s.range(), s.dynamic(), s.quantizer());
    }

    private static Spec withNarrow(Spec s, boolean narrow) {
        return new Spec(s.storage(), s.symmetric(), narrow, s.granularity(), s.range(), s.dynamic(), s.quantizer());
    }

    private static Spec withGranularity(Spec s, Granularity granularity) {
        return new Spec(s.storage(), s.symmetric(), s.narrow(), granularity, s.range(), s.dynamic(), s.quantizer());
    }

    private static Spec withDynamic(Spec s, boolean dynamic) {
        return new Spec(s.storage(), s.symmetric(), s.narrow(), s.granularity(), s.range(), dynamic, s.quantizer());
    }
}

package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.ir.Spec;
import dev.qnet.compiler.ir.Spec.Granularity;
import dev.qnet.compiler.ir.Spec.RangeMethod;
import dev.qnet.compiler.ir.Storage;
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

    // What words say, of each of which only one may.
    static final String STORAGE = "storage";
    static final String SYMMETRY = "symmetry";
    static final String CODES = "code range";
    static final String TIME = "time";
    static final String GRANULARITY = "granularity";
    static final String RANGE = "range";
    static final String ZERO = "zero point";
    static final String THRESHOLDS = "thresholds";
    static final String LEARNED = "quantizer that is learned";

    private final ItemArguments arguments;
    private final Subject subject;
    private Spec spec;
    private @Nullable List<Float> scales;
    private @Nullable List<Integer> zeros;
    private Spec.@Nullable Steps steps;
    private final Map<String, Item> said = new LinkedHashMap<>();

    private Items(ItemArguments arguments, Subject subject, Spec base) {
        this.arguments = arguments;
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
        Items reader = new Items(new ItemArguments(evaluator, frame), subject, base);
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
            Span at = items.isEmpty()
                    ? Span.NONE
                    : items.getFirst().span().to(items.getLast().span());
            return new SpecRules(subject, reader.spec, reader.said, reader.scales, reader.zeros, reader.steps)
                    .finish(at);
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
            once(item, STORAGE);
            arguments.of(item, 0, 0);
            spec = spec.withStorage(storage);
            if (spec.quantizer() instanceof Quantizer.Codebook) {
                spec = spec.withQuantizer(null);
            }
            return;
        }
        switch (word) {
            case "symmetric", "asymmetric" -> {
                once(item, SYMMETRY);
                arguments.of(item, 0, 0);
                spec = spec.withSymmetric(word.equals("symmetric"));
            }
            case "narrow", "full" -> {
                once(item, CODES);
                arguments.of(item, 0, 0);
                spec = spec.withNarrow(word.equals("narrow"));
            }
            case "dynamic", "static" -> {
                once(item, TIME);
                arguments.of(item, 0, 0);
                if (subject != Subject.ACTIVATIONS) {
                    throw senseless(item, subject, "only activations can have scales that are computed at run time");
                }
                spec = spec.withDynamic(word.equals("dynamic"));
            }
            case "per_tensor" -> {
                once(item, GRANULARITY);
                arguments.of(item, 0, 0);
                spec = spec.withGranularity(new Granularity.PerTensor());
            }
            case "per_channel" -> {
                channelled(item);
                List<Value> values = arguments.of(item, 0, 1);
                int axis = values.isEmpty() ? 0 : ItemArguments.integer(item, 0, values.getFirst(), 0, 7, "axis");
                if (axis != 0 && subject == Subject.WEIGHTS) {
                    throw new Rejected(Diagnostic.error(
                                    "axis",
                                    item.span(),
                                    "weights have a scale for each output channel, which is axis 0")
                            .withNote("a sum that runs over axis " + axis + " could not be scaled afterwards")
                            .withFix("write `per_channel`"));
                }
                spec = spec.withGranularity(new Granularity.PerChannel(axis));
            }
            case "per_group" -> {
                channelled(item);
                List<Value> values = arguments.of(item, 1, 1);
                spec = spec.withGranularity(new Granularity.PerGroup(
                        ItemArguments.integer(item, 0, values.getFirst(), 1, 1 << 20, "group size")));
            }
            case "range" -> {
                once(item, RANGE);
                spec = spec.withRange(RangeWords.read(item, subject, arguments));
            }
            case "scale" -> {
                once(item, RANGE);
                scales = ItemArguments.scales(item, arguments.of(item, 1, 1).getFirst());
            }
            case "zero" -> {
                once(item, ZERO);
                zeros = ItemArguments.ints(
                        item, 0, arguments.of(item, 1, 1).getFirst(), -(1 << 20), 1 << 20, "zero point");
            }
            case "thresholds" -> {
                once(item, THRESHOLDS);
                if (subject != Subject.ACTIVATIONS && subject != Subject.CALIBRATION) {
                    throw senseless(item, subject, "what is known before it runs is written as codes");
                }
                List<Value> values = arguments.of(item, 2, 2);
                List<Float> limits = new ArrayList<>();
                for (Value v : ItemArguments.elements(values.get(0))) {
                    limits.add(ItemArguments.single(item, 0, v));
                }
                List<Integer> levels = ItemArguments.ints(item, 1, values.get(1), -(1 << 20), 1 << 20, "level");
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
        once(item, LEARNED);
        Quantizer quantizer = LearnedWords.read(item, subject, arguments.evaluator(), arguments.frame());
        if (quantizer instanceof Quantizer.Codebook) {
            once(item, STORAGE);
            spec = spec.withStorage(Storage.I8).withSymmetric(true).withNarrow(true);
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
        once(item, GRANULARITY);
        if (subject == Subject.ACTIVATIONS) {
            throw senseless(
                    item,
                    subject,
                    "activations have one scale a tensor: sums over their channels could not be scaled afterwards");
        }
    }

    /** Of a word that says nothing of what it is said of. */
    static Rejected senseless(Item item, Subject subject, String why) {
        return new Rejected(Diagnostic.error(
                        "item-subject", item.span(), "'" + item.name() + "' makes no sense for " + subject.text)
                .withNote(why)
                .withFix("remove it"));
    }
}

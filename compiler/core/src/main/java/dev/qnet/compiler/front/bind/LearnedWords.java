package dev.qnet.compiler.front.bind;

import dev.qnet.compiler.front.ast.Argument;
import dev.qnet.compiler.front.ast.Item;
import dev.qnet.compiler.ir.Quantizer;
import dev.qnet.compiler.source.Diagnostic;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The words for how a quantizer is learned: {@code lsq}, {@code pact(alpha: 6.0)}, {@code qn(temperature: 5..50)}. */
final class LearnedWords {
    static final List<String> WORDS = List.of("ste", "pact", "lsq", "lsq_plus", "qil", "qn", "codebook");

    /** The temperatures of the paper's experiments. */
    private static final Quantizer.Qn QN = new Quantizer.Qn(5, 50);

    /** How strongly weights are drawn to their entries. */
    private static final float COMMITMENT = 0;

    private LearnedWords() {}

    /** What a word says is learned, null for {@code ste}. Throws {@link Rejected} for arguments that do not fit. */
    static @Nullable Quantizer read(Item item, Items.Subject subject, Evaluator evaluator, Frame frame) {
        String word = item.name().text();
        if (subject == Items.Subject.CONSTANT || subject == Items.Subject.CALIBRATION) {
            throw rejected(item, "nothing is learned of it", "remove it");
        }
        return switch (word) {
            case "ste" -> {
                arguments(item, evaluator, frame);
                yield null;
            }
            case "lsq" -> {
                arguments(item, evaluator, frame);
                yield new Quantizer.Lsq();
            }
            case "lsq_plus" -> {
                arguments(item, evaluator, frame);
                if (subject == Items.Subject.WEIGHTS) {
                    throw rejected(
                            item,
                            "an offset of weights would cost a sum over the inputs for each output",
                            "write `lsq` for weights");
                }
                yield new Quantizer.LsqPlus();
            }
            case "pact" -> {
                Map<String, Value> given = arguments(item, evaluator, frame, "alpha", "decay");
                yield new Quantizer.Pact(
                        number(item, given, "alpha", 0, 1e30, 0),
                        number(item, given, "decay", 0, 1, Quantizer.Pact.DECAY));
            }
            case "qil" -> {
                arguments(item, evaluator, frame);
                yield new Quantizer.Qil();
            }
            case "qn" -> {
                Map<String, Value> given = arguments(item, evaluator, frame, "temperature", "levels");
                Quantizer.Qn plain = temperature(item, given.get("temperature"));
                yield new Quantizer.Qn(plain.from(), plain.to(), levels(item, given.get("levels")));
            }
            case "codebook" -> {
                Map<String, Value> given = arguments(item, evaluator, frame, "entries", "commitment");
                if (subject != Items.Subject.WEIGHTS) {
                    throw rejected(item, "only weights are looked up in a codebook", "write a storage, such as `u4`");
                }
                int entries = (int) number(item, given, "entries", 2, 256, 16);
                yield new Quantizer.Codebook(entries, number(item, given, "commitment", 0, 1e6, COMMITMENT));
            }
            default -> throw new IllegalArgumentException(word);
        };
    }

    private static List<Integer> levels(Item item, @Nullable Value v) {
        if (v == null) {
            return List.of();
        }
        List<Integer> levels = ItemArguments.ints(item, 0, v, -128, 255, "level");
        for (int i = 0; i < levels.size(); i++) {
            if (levels.size() < 2 || (i > 0 && levels.get(i) <= levels.get(i - 1))) {
                throw new Rejected(Diagnostic.error(
                                "argument-range",
                                item.span(),
                                "levels are two codes or more, ascending, found " + levels)
                        .withFix("write qn(levels: [-4, -2, -1, 0, 1, 2, 4])"));
            }
        }
        return levels;
    }

    private static Rejected rejected(Item item, String why, String fix) {
        return new Rejected(Diagnostic.error(
                        "item-subject", item.span(), "'" + item.name() + "' makes no sense for what it stands at")
                .withNote(why)
                .withFix(fix));
    }

    private static Quantizer.Qn temperature(Item item, @Nullable Value v) {
        if (v == null) {
            return QN;
        }
        if (!(v instanceof Value.Range(long from, long to)) || from < 1 || to < from || to > 10_000) {
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            item.span(),
                            "the temperature of 'qn' rises from 1 or more to at most 10000, found " + v.describe())
                    .withFix("write qn(temperature: 5..50)"));
        }
        return new Quantizer.Qn(from, to);
    }

    /** Arguments by the names that they have, by position or as written. */
    private static Map<String, Value> arguments(Item item, Evaluator evaluator, Frame frame, String... names) {
        Map<String, Value> given = new LinkedHashMap<>();
        int position = 0;
        for (Argument a : item.arguments()) {
            String name = a.name() != null ? a.name().text() : position < names.length ? names[position] : null;
            position++;
            if (name == null || !List.of(names).contains(name) || given.containsKey(name)) {
                throw new Rejected(Diagnostic.error(
                                "argument-type",
                                a.span(),
                                "'" + item.name() + "' takes "
                                        + (names.length == 0 ? "no argument" : String.join(", ", names))
                                        + (name != null && given.containsKey(name) ? ", each once" : ""))
                        .withFix("write " + example(item.name().text())));
            }
            Value v = evaluator.eval(a.value(), frame);
            if (v instanceof Value.Failed) {
                throw Rejected.silently();
            }
            given.put(name, v);
        }
        return given;
    }

    private static String example(String word) {
        return switch (word) {
            case "pact" -> "pact(alpha: 6.0)";
            case "qn" -> "qn(temperature: 5..50)";
            case "codebook" -> "codebook(16)";
            default -> word;
        };
    }

    private static float number(
            Item item, Map<String, Value> given, String name, double least, double most, float otherwise) {
        Value v = given.get(name);
        if (v == null) {
            return otherwise;
        }
        double x = v instanceof Value.Int i ? i.value() : v instanceof Value.Real r ? r.value() : Double.NaN;
        if (!(x >= least && x <= most)) {
            throw new Rejected(Diagnostic.error(
                            "argument-range",
                            item.span(),
                            "'" + name + "' of '" + item.name() + "' is a number from " + text(least) + " to "
                                    + text(most) + ", found " + v.describe())
                    .withFix("write " + example(item.name().text())));
        }
        return (float) x;
    }

    private static String text(double x) {
        return x == Math.rint(x) && Math.abs(x) < 1e6 ? Long.toString((long) x) : Double.toString(x);
    }
}

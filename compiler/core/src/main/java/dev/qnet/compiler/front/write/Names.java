package dev.qnet.compiler.front.write;

import dev.qnet.compiler.ir.ValueId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Names for what is written. Values keep theirs where the language allows it; the variables that stand for them are
 * identifiers made of the same letters.
 */
final class Names {
    private static final Pattern PATH = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z0-9_]+)*");
    private static final Set<String> RESERVED = Set.of(
            "N",
            "qnet",
            "include",
            "scheme",
            "extends",
            "weights",
            "activations",
            "bias",
            "rounding",
            "block",
            "model",
            "quantized",
            "calibration",
            "const",
            "parameters",
            "input",
            "labels",
            "state",
            "next",
            "repeat",
            "in",
            "if",
            "else",
            "return",
            "true",
            "false");
    private static final int MAX = 190;

    private final Map<ValueId, String> paths = new HashMap<>();
    private final Taken taken = new Taken();
    private final Taken constants = new Taken();
    private final Taken variables = new Taken();
    private final Map<String, Integer> counters = new HashMap<>();

    /** Names in use. Remembers how far it counted for each, so that many names alike cost little. */
    private static final class Taken {
        private final Set<String> names = new HashSet<>();
        private final Map<String, Integer> counts = new HashMap<>();

        /** The name, or one close to it that is free, and now taken. */
        String free(String name) {
            String free = name;
            while (!names.add(free)) {
                free = name + "_" + (counts.merge(name, 1, Integer::sum) + 1);
            }
            return free;
        }

        void add(String name) {
            names.add(name);
        }

        boolean contains(String name) {
            return names.contains(name);
        }
    }

    /** The variable of an input; callers go on to use its own name. */
    String input(ValueId id) {
        paths.put(id, id.name());
        taken.add(id.name());
        return variable(id.name());
    }

    /** The name of a state, which is its variable. */
    String state(ValueId id) {
        String name = variable(id.name());
        paths.put(id, name);
        taken.add(name);
        return name;
    }

    /** The name of a value: its own, or one close to it. */
    String path(ValueId id) {
        return paths.computeIfAbsent(id, k -> {
            String own = id.name();
            String name = own.length() <= MAX && PATH.matcher(own).matches() ? own : identifier(own);
            return taken.free(name);
        });
    }

    /** Keeps a name from values to come: a constant of a call will have it. */
    void reserve(String path) {
        taken.add(path);
    }

    /** What a constant is called in the parameters file: it names no value of the source. */
    String constant(ValueId id) {
        String own = id.name();
        return constants.free(own.length() <= MAX && PATH.matcher(own).matches() ? own : identifier(own));
    }

    /** A variable for a value, not used for another. */
    String variable(String name) {
        return variables.free(identifier(name));
    }

    /** Whether a call gives its value that name without saying so: the binder counts calls of each operation. */
    boolean isNext(String operation, String path) {
        int n = counters.getOrDefault(operation, 0) + 1;
        while (taken.contains(operation + "_" + n) && !path.equals(operation + "_" + n)) {
            n++;
        }
        if (!path.equals(operation + "_" + n)) {
            return false;
        }
        counters.put(operation, n);
        return true;
    }

    /** The letters of a name; of several that a converter has joined with semicolons, the first. */
    private static String identifier(String name) {
        int joined = name.indexOf(';');
        String first = joined > 0 ? name.substring(0, joined) : name;
        String cut = first.length() > MAX ? first.substring(0, MAX) : first;
        String letters = cut.replaceAll("[^A-Za-z0-9_]", "_");
        String word = Character.isDigit(letters.charAt(0)) ? "_" + letters : letters;
        return RESERVED.contains(word) ? word + "_" : word;
    }
}
